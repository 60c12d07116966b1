//! Held against the JSON library read without our strictness, and one by one what that would let through.

use proptest::prelude::*;

use super::*;
use crate::settings::DEFAULT_DEPTH;

fn read_text(text: &str) -> Result<Value, PayloadFault> {
    read(text.as_bytes(), DEFAULT_DEPTH, Keep::Values).map(|document| document.value)
}

fn detail(body: &[u8]) -> (String, usize, usize) {
    match read(body, DEFAULT_DEPTH, Keep::Values) {
        Err(PayloadFault::Malformed { detail, line, column }) => (detail, line, column),
        other => panic!("{other:?}"),
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::btree_map("[a-d\"é]{0,3}", inner, 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

fn count(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(count).sum::<usize>(),
        Value::Object(members) => 1 + members.values().map(count).sum::<usize>(),
        _ => 1,
    }
}

proptest! {
    #[test]
    fn what_the_library_writes_is_read_as_it_was(value in any_json(), pretty: bool, most in 0_usize..8) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
        let text = text.unwrap();
        let document = read(text.as_bytes(), DEFAULT_DEPTH, Keep::Values).unwrap();
        prop_assert_eq!(document.values, count(&value));
        prop_assert_eq!(&document.value, &serde_json::from_str::<Value>(&text).unwrap());
        let within = read(text.as_bytes(), most, Keep::Values);
        if depth(&value) <= most {
            prop_assert!(within.is_ok());
        } else {
            prop_assert_eq!(within.unwrap_err(), PayloadFault::TooDeep { limit: most });
        }
    }

    /// Texts with a byte changed, left out or put in: valid ones and such as nearly are.
    #[test]
    fn it_agrees_with_the_library_on_what_is_json(
        value in any_json(),
        place: prop::sample::Index,
        byte in prop_oneof![prop::sample::select(b"{}[]\",:0-e.\\ \n".as_slice()), any::<u8>()],
        change in 0..3,
    ) {
        let mut text = serde_json::to_vec(&value).unwrap();
        let place = place.index(text.len());
        match change {
            0 => text[place] = byte,
            1 => text.insert(place, byte),
            _ => drop(text.remove(place)),
        }
        let ours = read(&text, DEFAULT_DEPTH, Keep::Values).map(|document| document.value);
        match (serde_json::from_slice::<Value>(&text), ours) {
            (Ok(theirs), Ok(ours)) => prop_assert_eq!(theirs, ours),
            (Ok(_), Err(PayloadFault::Malformed { detail, .. })) => prop_assert!(detail.contains("comes twice")),
            (Err(_), Err(PayloadFault::Malformed { .. })) => {}
            (theirs, ours) => prop_assert!(false, "{theirs:?} but {ours:?}"),
        }
    }

    #[test]
    fn keeping_nothing_refuses_the_same(bytes in prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        prop::collection::vec(prop::sample::select(b"{}[]\",:01ae\\ ".as_slice()), 0..24),
        any_json().prop_map(|value| serde_json::to_vec(&value).unwrap()),
    ]) {
        let kept = read(&bytes, 3, Keep::Values);
        let not_kept = read(&bytes, 3, Keep::Nothing);
        prop_assert_eq!(kept.as_ref().err(), not_kept.as_ref().err());
        prop_assert_eq!(kept.map(|it| it.values).ok(), not_kept.map(|it| it.values).ok());
    }
}

#[test]
fn a_name_twice_is_refused_at_every_depth_and_however_it_is_written() {
    let duplicates = [
        r#"{"a":1,"a":1}"#,
        r#"{"a":1,"b":2,"a":null}"#,
        r#"{"a":1,"\u0061":2}"#,
        r#"[{"x":{"a":1,"a":2}}]"#,
        r#"{"":1,"":2}"#,
    ];
    for text in duplicates {
        assert!(detail(text.as_bytes()).0.ends_with("comes twice in one object"), "{text}");
    }
    assert!(read_text(r#"{"a":{"a":1},"A":{"a":2},"á":[{"a":1},{"a":2}]}"#).is_ok());
}

#[test]
fn a_name_twice_is_told_escaped_and_cut() {
    let name = format!("{}\\u001b", "x".repeat(70));
    let (detail, line, column) = detail(format!("{{\n\"{name}\":1,\"{name}\":2}}").as_bytes());
    assert_eq!(detail, format!("member name `{}…` comes twice in one object", "x".repeat(64)));
    assert_eq!((line, column > 70), (2, true));
}

#[test]
fn depth_is_counted_before_anything_deeper_is_built() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let text = |depth: usize| format!("{}0{}", open.repeat(depth), close.repeat(depth));
        assert!(read_text(&text(DEFAULT_DEPTH)).is_ok());
        let too_deep = Err(PayloadFault::TooDeep { limit: DEFAULT_DEPTH });
        assert_eq!(read_text(&text(DEFAULT_DEPTH + 1)), too_deep);
        // A bomb: not closed either, which is not looked for.
        assert_eq!(read_text(&open.repeat(1_000_000)), too_deep);
    }
}

#[test]
fn the_greatest_depth_that_may_be_configured_is_ours_to_refuse() {
    let text = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth)).into_bytes();
    let deepest = crate::settings::DEEPEST;
    assert!(read(&text(deepest), deepest, Keep::Values).is_ok());
    let fault = read(&text(deepest + 1), deepest, Keep::Values).unwrap_err();
    assert_eq!(fault, PayloadFault::TooDeep { limit: deepest });
}

#[test]
fn only_one_text_in_utf_8() {
    let not = [
        "",
        " \n",
        "{}{}",
        "{} x",
        "null,",
        "\u{feff}{}",
        "{'a':1}",
        "{a:1}",
        "[1,]",
        "{\"a\":1,}",
        "[1 2]",
        "01",
        "+1",
        ".5",
        "1.",
        "0x1",
        "NaN",
        "Infinity",
        "-Infinity",
        "1e400",
        "-1e400",
        "nul",
        "\"a",
        "\"\t\"",
        "\"\0\"",
        "\"\\x\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\u0061\"",
        "// c\n1",
        "/* c */1",
        "\u{a0}1",
        "undefined",
    ];
    for text in not {
        let fault = read_text(text).unwrap_err();
        assert_eq!(fault.status(), 400, "{text:?}");
    }
    let not: [&[u8]; 4] = [b"\"\xff\"", b"\xff\xfe{\0}\0", b"{\0}\0", b"\"\xed\xa0\x80\""];
    for bytes in not {
        assert_eq!(read(bytes, DEFAULT_DEPTH, Keep::Nothing).unwrap_err().status(), 400, "{bytes:?}");
    }
    for text in
        ["0", "-0", "1e308", "1e-400", "\"\\ud83d\\ude00\"", " {\"a\" : [ ] }\r\n\t", "18446744073709551616"]
    {
        assert!(read_text(text).is_ok(), "{text}");
    }
}

#[test]
fn the_place_of_a_fault_is_told_and_nothing_of_the_body() {
    assert_eq!(detail(b"{\n  \"a\": secret\n}"), ("expected value".to_owned(), 2, 8));
    assert_eq!(detail(b"[1"), ("EOF while parsing a list".to_owned(), 1, 2));
    assert_eq!(detail(b"{}\n\nsecret"), ("trailing characters".to_owned(), 3, 1));
    assert_eq!(detail(b"[\n\"abc\xff\"]"), ("not UTF-8".to_owned(), 2, 5));
    assert_eq!(detail(b"\xff"), ("not UTF-8".to_owned(), 1, 1));
    assert_eq!(detail("\u{feff}1".as_bytes()).1, 1);
    assert_eq!(detail(b"[1e999]").0, "number out of range");
}

#[test]
fn a_large_text_is_read() {
    let text = format!("[{}0]", "0,".repeat(1_000_000));
    assert_eq!(read(text.as_bytes(), 1, Keep::Nothing).unwrap().values, 1_000_002);
    let members: Vec<_> = (0..100_000).map(|number| format!("\"{number}\":{number}")).collect();
    let text = format!("{{{}}}", members.join(","));
    assert_eq!(read(text.as_bytes(), 1, Keep::Values).unwrap().value.as_object().unwrap().len(), 100_000);
}
