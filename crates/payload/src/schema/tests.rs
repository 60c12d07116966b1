//! What senders are told, and which schemas are refused.

use serde_json::json;

use super::*;
use crate::json::{Keep, read};

fn faults(schema: &Value, value: &Value) -> Vec<(String, String)> {
    let schema = Schema::compile(schema).unwrap();
    let document = read(value.to_string().as_bytes(), 64, Keep::Values).unwrap();
    schema.faults(&document).into_iter().map(|fault| (fault.pointer, fault.message)).collect()
}

fn one(schema: Value, value: Value) -> (String, String) {
    let mut faults = faults(&schema, &value);
    assert_eq!(faults.len(), 1, "{faults:?}");
    faults.remove(0)
}

fn refused(schema: &Value) -> (String, String, &'static str) {
    match Schema::compile(schema) {
        Err(PayloadRulesError::Schema { pointer, detail, hint }) => (pointer, detail, hint),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("compiled: {schema}"),
    }
}

#[test]
fn each_keyword_says_what_it_expects() {
    let cases = [
        (json!({"type": "string"}), json!(1), "must be of type string"),
        (json!({"type": ["string", "null"]}), json!(1), "must be of type null or string"),
        (json!({"required": ["a"]}), json!({}), "must have `a`"),
        (json!({"additionalProperties": false}), json!({"x": 1}), "must not have further members"),
        (
            json!({"properties": {"a": true}, "additionalProperties": false}),
            json!({"x": 1}),
            "must not have `x`",
        ),
        (json!({"unevaluatedProperties": false}), json!({"x": 1}), "must not have `x`"),
        (json!({"maxProperties": 0}), json!({"x": 1}), "must have at most 0 members"),
        (json!({"minProperties": 1}), json!({}), "must have at least 1 members"),
        (
            json!({"propertyNames": {"maxLength": 1}}),
            json!({"xy": 1}),
            "has a member whose name must be at most 1 characters long",
        ),
        (json!({"enum": ["a", 2]}), json!("b"), "must be one of [\"a\",2]"),
        (json!({"const": null}), json!("b"), "must be null"),
        (json!({"minimum": 1}), json!(0), "must be at least 1"),
        (json!({"maximum": 1.5}), json!(2), "must be at most 1.5"),
        (json!({"exclusiveMinimum": 1}), json!(1), "must be greater than 1"),
        (json!({"exclusiveMaximum": 1}), json!(1), "must be less than 1"),
        (json!({"multipleOf": 5}), json!(7), "must be a multiple of 5"),
        (json!({"minLength": 2}), json!("é"), "must be at least 2 characters long"),
        (json!({"maxLength": 1}), json!("ab"), "must be at most 1 characters long"),
        (json!({"pattern": "^a+$"}), json!("b"), "must match `^a+$`"),
        (json!({"format": "email"}), json!("b"), "must be of the format `email`"),
        (json!({"format": "date-time"}), json!("2024-13-01T00:00:00Z"), "must be of the format `date-time`"),
        (json!({"minItems": 1}), json!([]), "must have at least 1 items"),
        (json!({"maxItems": 1}), json!([1, 2]), "must have at most 1 items"),
        (json!({"uniqueItems": true}), json!([1, 1.0]), "must not have an item twice"),
        (
            json!({"contains": {"type": "string"}}),
            json!([1]),
            "must contain the items that the schema asks for",
        ),
        (json!({"unevaluatedItems": false}), json!([1]), "must not have further items"),
        (
            json!({"anyOf": [{"type": "string"}, {"type": "null"}]}),
            json!(1),
            "must match one of the alternatives",
        ),
        (
            json!({"oneOf": [{"type": "string"}, {"type": "null"}]}),
            json!(1),
            "must match one of the alternatives",
        ),
        (
            json!({"oneOf": [{"minimum": 0}, {"minimum": 1}]}),
            json!(1),
            "must match only one of the alternatives",
        ),
        (json!({"not": {"type": "integer"}}), json!(1), "must not be of this form"),
        (json!(false), json!(1), "must not be there"),
    ];
    for (schema, value, expected) in cases {
        assert_eq!(one(schema.clone(), value), (String::new(), expected.to_owned()), "{schema}");
    }
}

#[test]
fn the_place_is_a_json_pointer() {
    let schema = json!({"properties": {"items": {"items": {"properties": {"a/b~c": {"type": "string"}}}}}});
    let value = json!({"items": [{}, {"a/b~c": 1}]});
    assert_eq!(one(schema, value).0, "/items/1/a~1b~0c");
}

#[test]
fn at_most_ten_faults_in_an_order_that_does_not_change() {
    let schema = json!({
        "additionalProperties": {"type": "string", "minimum": 100},
        "required": ["z"],
        "maxProperties": 3
    });
    let value: Value = (b'a'..=b'y')
        .map(|name| (char::from(name).to_string(), json!(1)))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let first = faults(&schema, &value);
    let pointers: Vec<_> = first.iter().map(|(pointer, _)| pointer.as_str()).collect();
    assert_eq!(pointers, ["", "", "/a", "/a", "/b", "/b", "/c", "/c", "/d", "/d"]);
    for _ in 0..20 {
        assert_eq!(faults(&schema, &value), first);
    }
}

#[test]
fn no_value_is_repeated() {
    let secret = "hunter2".repeat(100);
    let strict = json!({
        "properties": {"p": {"maxLength": 3, "pattern": "^x$", "enum": ["x"], "const": "x", "format": "email", "type": "integer"}},
        "not": {"required": ["p"]}
    });
    let told = faults(&strict, &json!({ "p": secret }));
    assert_eq!(told.len(), 7);
    assert!(told.iter().all(|(_, message)| !message.contains("hunter2")), "{told:?}");
}

#[test]
fn unexpected_names_are_told_cut_and_escaped() {
    let value = json!({"a\u{1b}": 1, "b".repeat(100): 1, "c": 1, "d": 1, "e": 1});
    let (_, message) = one(json!({"properties": {"z": true}, "additionalProperties": false}), value);
    assert_eq!(message, format!("must not have `a\\u{{1b}}`, `{}…`, `c` and 2 more", "b".repeat(20)));
}

#[test]
fn a_pointer_of_a_long_name_is_cut() {
    let value = json!({"n".repeat(10_000): 1});
    let (pointer, _) = one(json!({"additionalProperties": {"type": "null"}}), value);
    assert_eq!(pointer.chars().count(), 257);
}

#[test]
fn of_very_many_values_it_is_said_that_not_where() {
    let many = Value::from(vec![1; MOST_DETAILED]);
    let (pointer, message) = one(json!({"items": {"type": "string"}}), many.clone());
    assert_eq!((pointer.as_str(), message.starts_with("does not match the schema")), ("", true));
    assert_eq!(faults(&json!({"items": {"type": "integer"}}), &many), []);
    let fewer = Value::from(vec![1; MOST_DETAILED - 1]);
    assert_eq!(faults(&json!({"items": {"type": "string"}}), &fewer).len(), MOST_FAULTS);
}

#[test]
fn nothing_is_fetched() {
    let outward = [
        "https://example.com/a.json",
        "http://localhost/a",
        "file:///etc/passwd",
        "other.json",
        "#/$defs/none",
    ];
    for target in outward {
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$defs": {"a": {}},
            "properties": {"b": {"$ref": "#/$defs/a"}, "c": {"allOf": [{"$ref": target}]}}
        });
        let (pointer, _, hint) = refused(&schema);
        assert_eq!(pointer, "/properties/c/allOf/0/$ref", "{target}");
        assert!(hint.contains("nothing is fetched"));
    }
    let (pointer, ..) = refused(&json!({"$schema": "https://example.com/own"}));
    assert_eq!(pointer, "/$schema");
}

#[test]
fn references_within_the_schema_are_followed() {
    let schema = json!({
        "$id": "https://example.com/order",
        "$defs": {"price": {"$id": "price", "minimum": 0}, "name": {"$anchor": "name", "type": "string"}},
        "properties": {"price": {"$ref": "price"}, "name": {"$ref": "#name"}, "next": {"$ref": "#"}}
    });
    assert_eq!(one(schema.clone(), json!({"next": {"price": -1}})).0, "/next/price");
    assert_eq!(one(schema, json!({"name": 1})).0, "/name");
}

#[test]
fn a_reference_to_itself_ends() {
    let circles = [
        json!({"$ref": "#"}),
        json!({"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/b"}]}, "b": {"$ref": "#/$defs/a"}}}),
    ];
    for schema in circles {
        assert!(faults(&schema, &json!({"a": [1]})).len() <= 1);
    }
}

#[test]
fn a_wrong_schema_says_where() {
    let cases = [
        (json!({"properties": {"a": {"type": "strin"}}}), "/properties/a/type"),
        (json!({"properties": {"a": {"minLength": -1}}}), "/properties/a/minLength"),
        (json!({"properties": {"a": {"format": "emial"}}}), "/properties/a/format"),
        (json!({"required": "a"}), "/required"),
        (json!(7), ""),
    ];
    for (schema, expected) in cases {
        assert_eq!(refused(&schema).0, expected, "{schema}");
    }
}

#[test]
fn patterns_take_linear_time_or_are_refused() {
    for pattern in ["(?=a)b", "(a)\\1", "(", "(?<!a)b"] {
        let (pointer, _, hint) = refused(&json!({"properties": {"a": {"pattern": pattern}}}));
        assert_eq!(pointer, "/properties/a/pattern", "{pattern}");
        assert!(hint.contains("look-around"));
    }
    // Exponential for a matcher that backtracks: with 100,000 letters it would not end.
    let schema = json!({"pattern": "^(a|a)*$"});
    assert_eq!(faults(&schema, &json!(format!("{}b", "a".repeat(100_000)))).len(), 1);
}
