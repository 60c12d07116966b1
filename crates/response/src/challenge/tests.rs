use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};

use super::of;
use crate::{Challenge, Refusal, Said};

fn said() -> Said {
    Said { code: "c".to_owned(), message: None, help: None }
}

fn text(refusal: &Refusal, description: &str) -> String {
    of(refusal, "shop", description).unwrap().to_str().unwrap().to_owned()
}

#[test]
fn each_refusal_has_the_challenge_of_its_standard() {
    let step_up = |acr_values: &[&str], max_age| {
        let acr_values = acr_values.iter().map(|value| (*value).to_owned()).collect();
        Refusal::Unauthenticated(said(), Challenge::StepUp { acr_values, max_age })
    };
    let invalid = Challenge::InvalidToken { description: "The access token expired".to_owned() };
    let cases = [
        (Refusal::Unauthenticated(said(), Challenge::Credentials), "", r#"Bearer realm="shop""#),
        (
            Refusal::Unauthenticated(said(), invalid),
            "",
            r#"Bearer realm="shop", error="invalid_token", error_description="The access token expired""#,
        ),
        (
            step_up(&["mfa", "phr"], Some(900)),
            "Once more",
            r#"Bearer realm="shop", error="insufficient_user_authentication", error_description="Once more", acr_values="mfa phr", max_age="900""#,
        ),
        (
            step_up(&[], Some(0)),
            "",
            r#"Bearer realm="shop", error="insufficient_user_authentication", max_age="0""#,
        ),
        (
            Refusal::MalformedCredential(said()),
            "Two tokens",
            r#"Bearer realm="shop", error="invalid_request", error_description="Two tokens""#,
        ),
        (
            Refusal::InsufficientScope(said(), "orders:write  orders:read".to_owned()),
            "",
            r#"Bearer realm="shop", error="insufficient_scope", scope="orders:write orders:read""#,
        ),
    ];
    for (refusal, description, expected) in cases {
        assert_eq!(text(&refusal, description), expected);
    }
    assert_eq!(of(&Refusal::Forbidden(said()), "shop", ""), None);
}

#[test]
fn texts_are_made_to_fit() {
    let malformed = Refusal::MalformedCredential(said());
    assert!(
        text(&malformed, "“Größe” \\ \"x\"\r\nSet-Cookie: a")
            .ends_with(r#"error_description="'Gr??e' ? 'x'??Set-Cookie: a""#)
    );
    let realm = of(&malformed, "a \"b\\ ü", "").unwrap();
    assert!(realm.to_str().unwrap().starts_with(r#"Bearer realm="a \"b\\ ?", error"#));
}

#[test]
fn a_token_that_cannot_be_spelled_is_left_out() {
    let scope = "a b\"c d\\e ü ok\r\nX:y".to_owned();
    assert!(text(&Refusal::InsufficientScope(said(), scope), "").ends_with(r#"scope="a ok X:y""#));
    let long = vec!["x".repeat(600); 5].join(" ");
    assert!(text(&Refusal::InsufficientScope(said(), long), "").len() < 800);
}

/// Reads a challenge strictly by RFC 9110 §11.2, §5.6.4.
fn read(challenge: &str) -> Option<Vec<(String, String)>> {
    let mut rest = challenge.strip_prefix("Bearer ")?;
    let mut parameters = Vec::new();
    loop {
        let (name, after) = rest.split_once("=\"")?;
        let (mut value, mut escaped, mut end) = (String::new(), false, None);
        for (at, character) in after.char_indices() {
            match character {
                _ if escaped => {
                    value.push(character);
                    escaped = false;
                }
                '\\' => escaped = true,
                '"' => {
                    end = Some(at + 1);
                    break;
                }
                _ => value.push(character),
            }
        }
        parameters.push((name.to_owned(), value));
        rest = after.get(end?..)?;
        if rest.is_empty() {
            return Some(parameters);
        }
        rest = rest.strip_prefix(", ")?;
    }
}

proptest! {
    #[test]
    fn whatever_comes_in_it_is_one_well_formed_challenge(
        realm in any::<String>(),
        description in any::<String>(),
        scope in any::<String>(),
        acr_values in prop::collection::vec(any::<String>(), 0..4),
    ) {
        let refusals = [
            Refusal::InsufficientScope(said(), scope),
            Refusal::MalformedCredential(said()),
            Refusal::Unauthenticated(said(), Challenge::InvalidToken { description: description.clone() }),
            Refusal::Unauthenticated(said(), Challenge::StepUp { acr_values, max_age: Some(1) }),
        ];
        for refusal in &refusals {
            let challenge = of(refusal, &realm, &description).unwrap();
            prop_assert!(challenge.as_bytes().iter().all(|byte| (b' '..=b'~').contains(byte)));
            let parameters = read(challenge.to_str().unwrap()).unwrap();
            let names: Vec<&str> = parameters.iter().map(|(name, _)| &**name).collect();
            let known = ["realm", "error", "error_description", "scope", "acr_values", "max_age"];
            prop_assert!(names.iter().all(|name| known.contains(name)), "{names:?}");
            prop_assert_eq!(names.iter().filter(|name| **name == "error").count(), 1);
        }
    }
}
