use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn gathered(redaction: &Redaction, facts: BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    let mut gathering = redaction.gather();
    // The last first: what order they come in is nothing to the record.
    for (name, value) in facts.iter().rev() {
        gathering.put(name, value.into());
    }
    let mut written = Vec::new();
    crate::json::append(&gathering.done(), &mut written).unwrap();
    let read: BTreeMap<String, Value> = serde_json::from_slice(&written).unwrap();
    assert_eq!(written, serde_json::to_vec(&read).unwrap(), "in order, each once, as the library writes it");
    read
}

fn built_in(query: &str) -> String {
    Redaction::default().query(query)
}

#[test]
fn values_of_sensitive_parameters_go_and_the_rest_stays() {
    for (sent, recorded) in [
        ("page=2&sort=name", "page=2&sort=name"),
        ("token=abc", "token=REDACTED"),
        ("a=1&access_token=abc&b=2", "a=1&access_token=REDACTED&b=2"),
        ("X-Amz-Signature=abc&X-Amz-Date=2026", "X-Amz-Signature=REDACTED&X-Amz-Date=2026"),
        ("code=abc&state=def", "code=REDACTED&state=REDACTED"),
        ("user[password]=x", "user[password]=REDACTED"),
        ("%74oken=abc", "%74oken=REDACTED"),
        ("to%256ben=abc", "to%256ben=REDACTED"),
        ("SID=abc&sides=2", "SID=REDACTED&sides=2"),
        ("sig=abc&design=oak", "sig=REDACTED&design=oak"),
        ("token=a;b=c", "token=REDACTED"),
        ("a=b;token=c", "a=b;token=REDACTED"),
        ("token=a=b==", "token=REDACTED"),
        ("token=", "token="),
        ("token", "token"),
        ("=abc", "=abc"),
        ("", ""),
        ("&&a=1&", "&&a=1&"),
    ] {
        assert_eq!(built_in(sent), recorded, "{sent}");
    }
}

#[test]
fn secrets_within_values_are_found() {
    for sent in [
        "next=/callback?token=hunter2",
        "next=%2Fcallback%3Ftoken%3Dhunter2",
        "next=%252Fcallback%253Ftoken%253Dhunter2",
        "filter={%22password%22:%22hunter2%22}",
        "q=a,secret:hunter2",
        "token%3Dhunter2",
        "next=https://user.example/#access_token=hunter2",
    ] {
        let recorded = built_in(sent);
        assert!(!recorded.contains("hunter2") && recorded.contains(REDACTED), "{sent} → {recorded}");
    }
    assert_eq!(
        built_in("next=https://shop.example:8080/a?page=2"),
        "next=https://shop.example:8080/a?page=2"
    );
}

#[test]
fn rules_add_and_keep() {
    let rules = RedactionRules {
        query: vec!["e-mail".to_owned()],
        keep: vec!["country_code".to_owned()],
        ..RedactionRules::default()
    };
    let redaction = Redaction::new(rules).unwrap();
    let sent = "email=a%40b&Country-Code=DE&postcode=12&token=x";
    assert_eq!(redaction.query(sent), "email=REDACTED&Country-Code=DE&postcode=REDACTED&token=REDACTED");
}

#[test]
fn rules_that_make_no_sense_are_refused() {
    let query =
        |name: &str| Redaction::new(RedactionRules { query: vec![name.to_owned()], ..Default::default() });
    assert_eq!(query("--").unwrap_err(), RedactionError::Nameless("--".to_owned()));
    assert!(matches!(query(&"x".repeat(257)).unwrap_err(), RedactionError::TooLong(_)));
    let many = RedactionRules { facts: vec!["a".to_owned(); 1001], ..Default::default() };
    assert_eq!(Redaction::new(many).unwrap_err(), RedactionError::TooMany(1001));
}

#[test]
fn looks_of_a_credential_are_enough() {
    let jwt = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl";
    let key = "pk_0a1b2c3d_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_AbCdE";
    assert_eq!(built_in(&format!("a={jwt}&b=1")), "a=REDACTED&b=1");
    assert_eq!(built_in(&format!("a={key}")), "a=REDACTED");
    assert_eq!(built_in(jwt), "REDACTED");
    assert_eq!(mask::credentials(&format!("x {jwt}, {key}. y {jwt}")), "x REDACTED, REDACTED y REDACTED");
    assert_eq!(mask::credentials(&jwt[..20]), "REDACTED", "cut short it is still one");
    for harmless in ["eyJ", "heyJude", "pk_0a1b2c3d", "pk_0a1b2c3d_", "pk_a_table_of_some_length"] {
        assert_eq!(mask::credentials(harmless), harmless);
    }
}

#[test]
fn headers_with_credentials_go() {
    let redaction =
        Redaction::new(RedactionRules { headers: vec!["x-internal".to_owned()], ..Default::default() })
            .unwrap();
    for name in [
        "Authorization",
        "cookie",
        "Set-Cookie",
        "X-API-Key",
        "X-Auth-Token",
        "x_internal",
        "Proxy-Authorization",
    ] {
        assert_eq!(redaction.header(name, "hunter2"), REDACTED, "{name}");
    }
    assert_eq!(redaction.header("Accept", "*/*"), "*/*");
    assert!(redaction.header("Accept", &"é".repeat(4000)).len() < 1100);
}

#[test]
fn facts_are_redacted_by_path_claim_and_looks() {
    let rules = RedactionRules {
        claims: vec!["e_mail".to_owned()],
        facts: vec!["context.geo".to_owned(), "principal.name".to_owned()],
        headers: vec!["x-internal".to_owned()],
        ..Default::default()
    };
    let facts = BTreeMap::from([
        ("context.request.headers.x-internal".to_owned(), json!("hunter2")),
        ("context.request.headers.x-signature".to_owned(), json!("hunter2")),
        ("context.request.headers.x-tenant".to_owned(), json!("acme")),
        ("context.geo.city".to_owned(), json!("Berlin")),
        ("context.geography".to_owned(), json!("kept")),
        ("principal.email".to_owned(), json!("a@b.example")),
        ("principal.name".to_owned(), json!("Alice")),
        ("principal.names".to_owned(), json!(["kept"])),
        ("principal.api_token".to_owned(), json!("hunter2")),
        ("principal.profile".to_owned(), json!({"password": "hunter2", "tier": "gold"})),
        ("context.auth.method".to_owned(), json!("token")),
        ("principal.note".to_owned(), json!(["eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln"])),
    ]);
    let recorded = json!(gathered(&Redaction::new(rules).unwrap(), facts));
    let expected = json!({
        "context.request.headers.x-internal": "REDACTED",
        "context.request.headers.x-signature": "REDACTED",
        "context.request.headers.x-tenant": "acme",
        "context.geo.city": "REDACTED",
        "context.geography": "kept",
        "principal.email": "REDACTED",
        "principal.name": "REDACTED",
        "principal.names": ["kept"],
        "principal.api_token": "REDACTED",
        "principal.profile": {"password": "REDACTED", "tier": "gold"},
        "context.auth.method": "token",
        "principal.note": ["REDACTED"],
    });
    assert_eq!(recorded, expected);
}

#[test]
fn everything_is_bounded() {
    assert!(built_in(&"a=bcd&".repeat(10_000)).len() < 2100);
    let many = (0..2000).map(|number| (format!("fact{number:04}"), json!("x".repeat(50)))).collect();
    let recorded = gathered(&Redaction::default(), many);
    assert_eq!(recorded.len(), 257);
    assert_eq!(recorded["…"], json!(2000 - 256));
    let large =
        (0..200).map(|number| (format!("fact{number}"), json!(vec!["x".repeat(5000); 100]))).collect();
    let recorded = gathered(&Redaction::default(), large);
    assert!(serde_json::to_string(&recorded).unwrap().len() < 40 * 1024);
    let mut deep = json!("bottom");
    for _ in 0..100 {
        deep = json!({ "a": deep });
    }
    let recorded = gathered(&Redaction::default(), BTreeMap::from([("deep".to_owned(), deep)]));
    assert!(recorded["deep"].to_string().len() < 100);
}

/// One character in any spelling a server might read it from.
fn spelt(character: char) -> impl Strategy<Value = String> {
    let upper = character.to_ascii_uppercase();
    let byte = u32::from(character);
    prop_oneof![
        Just(character.to_string()),
        Just(upper.to_string()),
        Just(format!("%{byte:02x}")),
        Just(format!("%{byte:02X}")),
        Just(format!("%25{byte:02x}")),
        Just(format!("_{character}")),
        Just(format!("%5f{character}")),
    ]
}

fn sensitive_name() -> impl Strategy<Value = String> {
    let words =
        ["token", "code", "apikey", "secret", "password", "session", "signature", "auth", "sid", "pwd"];
    prop::sample::select(words.to_vec()).prop_flat_map(|word| {
        word.chars().map(spelt).collect::<Vec<_>>().prop_map(|characters| characters.concat())
    })
}

proptest! {
    #[test]
    fn a_planted_secret_never_comes_out(
        before in "[ -~é]{0,40}",
        separator in prop::sample::select(vec!["&", ";", "&a=b;", "?x=1&"]),
        name in sensitive_name(),
        padding in "[!-%'-:<-~]{0,8}",
        after in "(&[ -~]{0,20})?",
    ) {
        let secret = "Zq9XwPlanted7";
        let query = format!("{before}{separator}{name}={padding}{secret}{after}");
        let recorded = built_in(&query);
        prop_assert!(!recorded.contains(secret), "{query:?} → {recorded:?}");
    }

    #[test]
    fn a_planted_secret_within_a_value_never_comes_out(
        name in sensitive_name(),
        encoded in any::<bool>(),
        around in "[a-z/?]{0,10}",
    ) {
        let secret = "Zq9XwPlanted7";
        let inner = format!("/{around}?{name}={secret}");
        let value = if encoded { inner.replace('%', "%25").replace('=', "%3D").replace('?', "%3F") } else { inner };
        let recorded = built_in(&format!("next={value}&page=2"));
        prop_assert!(!recorded.contains(secret), "{value:?} → {recorded:?}");
    }

    #[test]
    fn any_text_is_bounded_and_harmless_in_a_log(query in "\\PC{0,300}", control in "[\\x00-\\x1f\\x7f]{0,5}") {
        let recorded = built_in(&format!("{query}{control}"));
        prop_assert!(recorded.len() < 16 * 1024);
        prop_assert!(!recorded.chars().any(char::is_control));
    }

    #[test]
    fn masking_keeps_json_json(texts in prop::collection::vec("\\PC{0,20}(eyJ[A-Za-z0-9._-]{0,40})?[\"\\\\]{0,2}", 0..5)) {
        let line = serde_json::to_string(&texts).unwrap();
        let masked = mask::credentials(&line);
        let read: Vec<String> = serde_json::from_str(&masked).unwrap();
        prop_assert_eq!(read.len(), texts.len());
    }
}
