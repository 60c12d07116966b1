//! By the head, by the body, and the two together.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::settings::{FormField, FormSettings, JsonSettings};

const FORM: &[u8] = b"application/x-www-form-urlencoded";
const JSON: &[u8] = b"application/json";

fn with_schema(schema: serde_json::Value) -> PayloadSettings {
    let json = JsonSettings { schema: Some(schema), ..JsonSettings::default() };
    PayloadSettings { json: Some(json), ..PayloadSettings::default() }
}

fn with_form(required: bool) -> PayloadSettings {
    let fields = [("a".to_owned(), FormField { required, ..FormField::default() })].into();
    let form = FormSettings { fields, further: false };
    PayloadSettings { form: Some(form), ..PayloadSettings::default() }
}

fn accepting(types: &[&str]) -> PayloadSettings {
    let content_types = types.iter().map(|name| (*name).to_owned()).collect();
    PayloadSettings { content_types, ..PayloadSettings::default() }
}

fn rules(settings: PayloadSettings) -> PayloadRules {
    PayloadRules::new(settings).unwrap()
}

fn status<T>(outcome: Result<T, PayloadFault>) -> u16 {
    outcome.map_or_else(|fault| fault.status(), |_| 200)
}

fn post(rules: &PayloadRules, content_type: &[u8], length: Option<u64>) -> Result<Wanted, PayloadFault> {
    rules.head("POST", Some(content_type), None, length, true)
}

#[test]
fn without_rules_nothing_is_asked() {
    let rules = rules(PayloadSettings::default());
    assert_eq!(rules.head("POST", None, Some(b"gzip"), Some(u64::MAX), true), Ok(Wanted::Nothing));
    assert_eq!(rules.head("POST", None, None, None, false), Ok(Wanted::Nothing));
    assert_eq!(rules.check(Some(b"\xff"), b"\xff"), Ok(()));
}

#[test]
fn the_size_is_bounded_by_the_head_where_it_tells() {
    let sized = rules(PayloadSettings { max_size: Some(10), ..PayloadSettings::default() });
    assert_eq!(sized.head("PUT", None, None, Some(10), true), Ok(Wanted::Limited(10)));
    assert_eq!(sized.head("PUT", None, None, None, true), Ok(Wanted::Limited(10)));
    assert_eq!(sized.head("PUT", None, None, Some(11), true), Err(PayloadFault::TooLarge { limit: 10 }));
    assert_eq!(sized.check(None, &[0; 10]), Ok(()));
    assert_eq!(status(sized.check(None, &[0; 11])), 413);

    let checked = rules(with_schema(json!({})));
    assert_eq!(post(&checked, JSON, None), Ok(Wanted::Whole(DEFAULT_CHECKED_SIZE)));
    assert_eq!(status(post(&checked, JSON, Some(DEFAULT_CHECKED_SIZE + 1))), 413);
    assert_eq!(status(checked.check(Some(JSON), &vec![b' '; 1024 * 1024 + 1])), 413);
}

#[test]
fn types_are_taken_as_listed() {
    let rules = rules(accepting(&["image/*", "text/plain"]));
    assert_eq!(post(&rules, b"image/png", None), Ok(Wanted::Nothing));
    assert_eq!(post(&rules, b"text/plain;charset=latin1", None), Ok(Wanted::Nothing));
    let fault = post(&rules, b"application/json\x1b", None).unwrap_err();
    let accepted = vec!["image/*".to_owned(), "text/plain".to_owned()];
    assert_eq!(fault, PayloadFault::Unsupported { sent: Some("application/json\\u{1b}".into()), accepted });
    assert_eq!((fault.status(), fault.code()), (415, "unsupported_media_type"));
    let none = rules.head("POST", None, None, None, true).unwrap_err();
    assert!(matches!(none, PayloadFault::Unsupported { sent: None, .. }));
    assert_eq!(rules.head("POST", None, None, None, false), Ok(Wanted::Nothing), "no body, no type");
    assert_eq!(status(rules.check(None, b"x")), 415, "asked again with the body");
}

#[test]
fn json_is_taken_under_its_names_and_in_utf_8_only() {
    let rules = rules(with_schema(json!({"type": "object"})));
    for taken in ["application/json", "application/problem+json", "Application/JSON; charset=UTF-8"] {
        assert_eq!(status(post(&rules, taken.as_bytes(), None)), 200, "{taken}");
        assert_eq!(status(rules.check(Some(taken.as_bytes()), b"[]")), 422, "{taken}");
    }
    for refused in [
        "text/json",
        "text/plain",
        "application/json;charset=utf-16",
        "application/json;charset=latin1",
        "application/json;charset=utf-8;charset=utf-7",
        "application/json, text/plain",
        "application/jsonp",
    ] {
        assert_eq!(status(post(&rules, refused.as_bytes(), None)), 415, "{refused}");
    }
}

#[test]
fn what_is_encoded_cannot_be_checked() {
    let checked = rules(with_schema(json!({})));
    let head = |encoding: &[u8]| checked.head("POST", Some(JSON), Some(encoding), None, true);
    for encoding in ["gzip", "br", "identity, gzip", "identity, identity", "x"] {
        let fault = head(encoding.as_bytes()).unwrap_err();
        assert_eq!(fault, PayloadFault::Encoded { sent: encoding.to_owned() });
        assert_eq!(fault.status(), 415);
    }
    for encoding in ["identity", " Identity ", ""] {
        assert_eq!(status(head(encoding.as_bytes())), 200);
    }
    let unchecked = rules(accepting(&["application/json"]));
    assert_eq!(unchecked.head("POST", Some(JSON), Some(b"gzip"), None, true), Ok(Wanted::Nothing));
}

#[test]
fn a_body_that_was_promised_must_be_there() {
    let promised = [with_schema(json!({})), with_form(true)];
    for settings in promised {
        let checked = rules(settings.clone());
        for method in ["POST", "PUT", "PATCH"] {
            let fault = checked.head(method, None, None, None, false).unwrap_err();
            assert_eq!(fault.status(), 422);
            assert_eq!(
                status(checked.head(method, Some(JSON), None, Some(0), true)),
                422,
                "an empty one is none"
            );
        }
        for method in ["GET", "HEAD", "DELETE", "OPTIONS"] {
            assert_eq!(checked.head(method, None, None, None, false), Ok(Wanted::Nothing));
        }
        let optional = rules(PayloadSettings { required: Some(false), ..settings });
        assert_eq!(optional.head("POST", None, None, None, false), Ok(Wanted::Nothing));
    }
    let not_promised = [
        with_form(false),
        PayloadSettings { json: Some(JsonSettings::default()), ..PayloadSettings::default() },
        accepting(&["text/plain"]),
    ];
    for settings in not_promised {
        assert_eq!(rules(settings.clone()).head("POST", None, None, None, false), Ok(Wanted::Nothing));
        let required = rules(PayloadSettings { required: Some(true), ..settings });
        assert_eq!(status(required.head("POST", None, None, None, false)), 422);
    }
}

#[test]
fn an_empty_body_that_was_announced_is_not_json() {
    assert_eq!(status(rules(with_schema(json!({}))).check(Some(JSON), b"")), 400);
    assert_eq!(status(rules(with_form(true)).check(Some(FORM), b"")), 422);
}

#[test]
fn syntax_is_400_and_content_422() {
    let rules = rules(with_schema(json!({"required": ["a"]})));
    let cases: [(&[u8], u16, &str); 5] = [
        (b"{", 400, "malformed_payload"),
        (b"{\"a\":1,\"a\":1}", 400, "malformed_payload"),
        (b"{}", 422, "invalid_payload"),
        (&[b'['; 65], 400, "payload_too_deep"),
        (b"{\"a\":1} ", 200, ""),
    ];
    for (body, expected, code) in cases {
        let outcome = rules.check(Some(JSON), body);
        assert_eq!(outcome.as_ref().err().map_or("", PayloadFault::code), code);
        assert_eq!(status(outcome), expected);
    }
}

#[test]
fn multipart_is_not_let_past_rules_for_forms() {
    let multipart = b"multipart/form-data; boundary=x";
    assert_eq!(status(post(&rules(with_form(false)), multipart, None)), 415);
    let any = PayloadSettings { content_types: vec!["*/*".into()], ..with_form(false) };
    let any = rules(any);
    assert_eq!(status(post(&any, multipart, None)), 415);
    assert_eq!(status(any.check(Some(multipart), b"--x--")), 415);
    assert_eq!(post(&any, b"text/plain", None), Ok(Wanted::Nothing));
    let named = PayloadSettings {
        content_types: vec!["multipart/form-data".into(), "*/*".into()],
        ..with_form(false)
    };
    assert_eq!(PayloadRules::new(named).err(), Some(PayloadRulesError::Multipart));
    assert_eq!(post(&rules(accepting(&["multipart/form-data"])), multipart, None), Ok(Wanted::Nothing));
}

#[test]
fn one_route_may_take_both() {
    let both =
        rules(PayloadSettings { form: with_form(true).form, ..with_schema(json!({"type": "object"})) });
    assert_eq!(status(both.check(Some(FORM), b"a=1")), 200);
    assert_eq!(status(both.check(Some(FORM), b"{}")), 422, "a field of a strange name");
    assert_eq!(status(both.check(Some(JSON), b"{}")), 200);
    assert_eq!(status(both.check(Some(JSON), b"a=1")), 400);
}

#[test]
fn rules_that_would_never_be_used_are_refused() {
    let json = PayloadSettings { content_types: vec!["text/plain".into()], ..with_schema(json!({})) };
    let fault = PayloadRules::new(json).err().unwrap();
    assert_eq!(
        fault.to_string(),
        "the rules for JSON would never be used; add `application/json` to the content types, or remove them"
    );
    let form = PayloadSettings { content_types: vec!["application/*+json".into()], ..with_form(false) };
    assert!(matches!(PayloadRules::new(form), Err(PayloadRulesError::NeverRead { kind: "forms", .. })));
    for max_depth in [0, DEEPEST + 1] {
        let json = Some(JsonSettings { max_depth, schema: None });
        let settings = PayloadSettings { json, ..PayloadSettings::default() };
        assert_eq!(PayloadRules::new(settings).err(), Some(PayloadRulesError::Depth { given: max_depth }));
    }
}

#[test]
fn rules_are_shared_between_threads() {
    let rules = Arc::new(rules(with_schema(json!({"type": "object"}))));
    let shared = Arc::clone(&rules);
    let there = std::thread::spawn(move || status(shared.check(Some(JSON), b"[]"))).join().unwrap();
    assert_eq!(there, status(rules.check(Some(JSON), b"[]")));
}

proptest! {
    /// Whatever is sent: an answer, and only with these statuses; and the body is never let past where the head is not.
    #[test]
    fn anything_is_answered(
        content_type in prop_oneof![
            Just(None),
            prop::collection::vec(any::<u8>(), 0..40).prop_map(Some),
            prop::sample::select(vec![JSON, FORM]).prop_map(|known| Some(known.to_vec())),
        ],
        body in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let rules = rules(PayloadSettings { form: with_form(true).form, ..with_schema(json!({"type": "object"})) });
        let head = status(rules.head("POST", content_type.as_deref(), None, None, true));
        let check = rules.check(content_type.as_deref(), &body);
        if let Err(fault) = &check {
            prop_assert!(fault.to_string().chars().count() < 4_000);
        }
        let check = status(check);
        prop_assert!([200, 400, 413, 415, 422].contains(&check));
        prop_assert!(head == 200 || check == head);
    }
}
