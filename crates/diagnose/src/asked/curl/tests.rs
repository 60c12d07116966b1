use proptest::prelude::*;

use super::*;

fn asked(text: &str) -> Asked {
    parse_pasted(text).unwrap().asked
}

#[test]
fn what_people_type() {
    let asked = asked(
        "curl -sSvXPUT -H'X-A: b' -d a=b -d c=d -u ann:pw -k --resolve a.test:443:127.0.0.1,[::1] https://a.test/x | jq .",
    );
    assert_eq!((asked.method.as_str(), asked.header("x-a"), asked.insecure), ("PUT", Some("b"), true));
    assert_eq!(asked.body.as_deref(), Some(b"a=b&c=d".as_slice()));
    assert_eq!(asked.header("authorization"), Some("Basic YW5uOnB3"));
    assert_eq!(asked.resolve[0].addresses.len(), 2);
}

#[test]
fn what_browsers_copy() {
    let bash = "curl 'https://a.test/api?x=1' \\\n  -H 'accept: */*' \\\n  -b 'sid=1; t=2' \\\n  --data-raw $'{\"q\":\"it\\'s \\u0041\"}' \\\n  --compressed";
    let from_bash = asked(bash);
    assert_eq!((from_bash.method.as_str(), from_bash.header("cookie")), ("POST", Some("sid=1; t=2")));
    assert_eq!(from_bash.body.as_deref(), Some(br#"{"q":"it's A"}"#.as_slice()));
    let windows = asked(
        "curl ^\"https://a.test/^\" ^\r\n  -H ^\"accept: */*^\" ^\r\n  -H ^\"referer: https://b.test/^\"",
    );
    assert_eq!((windows.url.host.as_str(), windows.header("referer")), ("a.test", Some("https://b.test/")));
}

#[test]
fn what_is_left_out() {
    let asked = asked("curl -A '' -H 'Accept:' -H 'X-Empty;' http://a.test/");
    assert_eq!(asked.left_out, ["User-Agent", "Accept"]);
    assert_eq!(asked.header("x-empty"), Some(""));
}

#[test]
fn data_in_the_address() {
    assert_eq!(
        asked("curl -G -d q=a --data-urlencode 'r=b c' http://a.test/?p").url.target(),
        "/?p&q=a&r=b%20c"
    );
    assert_eq!(asked("curl --json '{}' a.test").header("content-type"), Some("application/json"));
    assert_eq!(asked("curl -F a=b a.test").method, "POST");
}

#[test]
fn what_cannot_be_followed() {
    assert_eq!(parse_pasted("curl -H"), Err(CurlError::NoValue("-H".to_owned())));
    assert_eq!(parse_pasted("curl -s"), Err(CurlError::NoUrl));
    assert_eq!(parse_pasted("curl 'a"), Err(CurlError::Quotes));
    assert!(matches!(parse_pasted("curl -H x a.test"), Err(CurlError::Header(_))));
    assert!(matches!(parse_pasted("curl -d @/nonexistent a.test"), Err(CurlError::File { .. })));
    assert_eq!(parse_pasted("curl --brand-new a.test").unwrap().ignored, ["--brand-new"]);
}

proptest! {
    #[test]
    fn any_command_is_read_or_refused(text in "[ -~\n]{0,200}") {
        // Reading files is not what is tested.
        prop_assume!(!text.contains('@') && !text.contains("-b") && !text.contains("--cookie"));
        drop(parse_pasted(&text));
    }

    #[test]
    fn any_words_are_read_or_refused(words in proptest::collection::vec("(-[a-zA-Z]{1,3}|--[a-z-]{1,12}|[ -?A-~]{0,12})", 0..12)) {
        prop_assume!(!words.iter().any(|word| word.contains('@') || word.starts_with("-b") || word.contains("cookie") || word.contains('b')));
        drop(parse(&words));
    }
}
