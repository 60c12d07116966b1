use proptest::prelude::{Strategy, any, prop, prop_oneof, proptest};
use serde_json::{Map, Value, json};

use super::{Bounds, object};

const SMALL: Bounds = Bounds { depth: 4, nodes: 20 };

fn fault(text: &str) -> String {
    object(text.as_bytes(), SMALL).unwrap_err()
}

#[test]
fn an_object_is_read() {
    let read = object(br#" {"a":1,"b":[true,null,-2.5],"c":{"d":"e\u0041"}} "#, SMALL).unwrap();
    assert_eq!(Value::Object(read), json!({"a": 1, "b": [true, null, -2.5], "c": {"d": "eA"}}));
}

#[test]
fn duplicates_are_refused_at_any_depth_and_under_any_spelling() {
    assert_eq!(fault(r#"{"iss":1,"iss":1}"#), "the member \"iss\" occurs twice");
    assert_eq!(fault(r#"{"iss":1,"\u0069ss":1}"#), "the member \"iss\" occurs twice");
    assert_eq!(fault(r#"{"a":[{"b":1,"b":2}]}"#), "the member \"b\" occurs twice");
    assert!(object(br#"{"a":{"b":1},"b":{"b":1}}"#, SMALL).is_ok());
}

#[test]
fn bounds_hold_on_both_sides() {
    assert!(object(br#"{"a":[[[1]]]}"#, SMALL).is_ok());
    assert_eq!(fault(r#"{"a":[[[[1]]]]}"#), "too deep");
    let array = |count: usize| format!("{{\"a\":[{}]}}", vec!["1"; count].join(","));
    assert!(object(array(19).as_bytes(), SMALL).is_ok());
    assert_eq!(fault(&array(20)), "too many values");
    assert_eq!(fault(&"[".repeat(100_000)), "too deep");
    assert_eq!(fault(&r#"{"a":"#.repeat(100_000)), "too deep");
}

#[test]
fn what_is_not_one_json_object_in_utf_8_is_refused() {
    assert_eq!(fault("\u{feff}{}"), "starts with a byte order mark");
    assert_eq!(object(b"{\"a\":\"\xff\"}", SMALL).unwrap_err(), "not UTF-8");
    assert_eq!(fault("{} {}"), "has something behind its end");
    assert_eq!(fault("[]"), "not a JSON object");
    assert_eq!(fault("null"), "not a JSON object");
    for broken in [
        "",
        " ",
        "{",
        "{}}",
        "{'a':1}",
        "{a:1}",
        r#"{"a":1,}"#,
        r#"{"a":01}"#,
        r#"{"a":+1}"#,
        r#"{"a":1e999}"#,
        r#"{"a":NaN}"#,
        r#"{"a":"\ud800"}"#,
        "{\"a\":\"\u{0}\"}",
        "{\"a\":1\u{0}}",
        "{}\u{0}",
        "// x\n{}",
    ] {
        assert!(object(broken.as_bytes(), SMALL).is_err(), "{broken:?}");
    }
}

#[test]
fn a_fault_quotes_no_values() {
    let fault = fault(r#"{"a": "topsecret", "b": tops3cret}"#);
    assert_eq!(fault, "not JSON at line 1, column 26");
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        proptest::prelude::Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        "\\PC*".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            prop::collection::vec((".*", inner), 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

proptest! {
    /// Whatever has no duplicates and fits is read as the library reads it.
    #[test]
    fn agrees_with_the_library(value in any_value()) {
        let text = json!({ "it": value }).to_string();
        let read = object(text.as_bytes(), Bounds { depth: 8, nodes: 1_000 }).unwrap();
        assert_eq!(Value::Object(read), serde_json::from_str::<Value>(&text).unwrap());
    }

    #[test]
    fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(read) = object(&bytes, SMALL) {
            assert_eq!(Value::Object(read), serde_json::from_slice::<Value>(&bytes).unwrap());
        }
    }
}
