//! Field by field, and what servers read differently.

use proptest::prelude::*;

use super::*;

fn field(change: impl FnOnce(&mut FormField)) -> FormField {
    let mut field = FormField::default();
    change(&mut field);
    field
}

fn rules(fields: &[(&str, FormField)], further: bool) -> FormRules {
    let fields = fields.iter().map(|(name, field)| ((*name).to_owned(), field.clone())).collect();
    FormRules::new(FormSettings { fields, further }).unwrap()
}

fn told(rules: &FormRules, body: &str) -> Vec<(String, String)> {
    match rules.check(body.as_bytes()) {
        Ok(()) => Vec::new(),
        Err(PayloadFault::Invalid(faults)) => {
            faults.into_iter().map(|fault| (fault.pointer, fault.message)).collect()
        }
        Err(other) => panic!("{other}"),
    }
}

fn passes(field: FormField, value: &str) -> bool {
    let body = form_urlencoded::Serializer::new(String::new()).append_pair("a", value).finish();
    told(&rules(&[("a", field)], false), &body).is_empty()
}

#[test]
fn a_form_as_it_should_be() {
    let rules = rules(
        &[
            ("email", field(|field| (field.required, field.kind) = (true, FormKind::Email))),
            ("tag", field(|field| field.repeated = true)),
            ("näme", FormField::default()),
        ],
        false,
    );
    assert_eq!(told(&rules, "email=a%40example.com&tag=1&tag=2&n%C3%A4me=J%C3%B6rg+B"), []);
    assert_eq!(told(&rules, "email=a@example.com&&"), []);
}

#[test]
fn each_fault_has_its_field() {
    let rules = rules(
        &[
            ("a/b~c", field(|field| field.required = true)),
            ("one", FormField::default()),
            ("short", field(|field| field.max_length = 2)),
            ("colour", field(|field| field.one_of = vec!["red".into(), "green".into()])),
            ("code", field(|field| field.pattern = Some("[a-z]+".into()))),
        ],
        false,
    );
    let expected = [
        ("/a~1b~0c", "is required"),
        ("/code", "must match `[a-z]+`"),
        ("/colour", "must be one of red, green"),
        ("/one", "must be there only once"),
        ("/other", "is not a field of this form"),
        ("/short", "must be at most 2 characters long"),
    ];
    let faults = told(&rules, "short=%C3%A9%C3%A9x&one=1&one=1&one=2&colour=blue&other=1&other=2&code=a1");
    let faults: Vec<_> =
        faults.iter().map(|(pointer, message)| (pointer.as_str(), message.as_str())).collect();
    assert_eq!(faults, expected);
}

#[test]
fn further_fields_pass_only_where_allowed() {
    assert_eq!(told(&rules(&[], true), "x=%00&x=2"), []);
    assert_eq!(told(&rules(&[], false), "x=1").len(), 1);
    assert_eq!(told(&rules(&[], false), ""), []);
}

#[test]
fn kinds() {
    let cases = [
        (FormKind::Text, ["", "a\tb\r\nc", "é"].as_slice(), ["a\0", "\u{1b}[31m", "\u{85}"].as_slice()),
        (
            FormKind::Integer,
            &["0", "-7", "9223372036854775807"],
            &["", "+1", "1.0", " 1", "9223372036854775808", "٣"],
        ),
        (
            FormKind::Number,
            &["0", "-1.5", "1e3"],
            &["", "NaN", "inf", "+1", ".5", "1.", "01", " 1", "1\n", "1e400", "\"1\""],
        ),
        (FormKind::Boolean, &["true", "false", "on"], &["", "True", "1", "yes", "on "]),
        (
            FormKind::Email,
            &["a@b", "first.last+tag@mail.example.com"],
            &["", "a", "@b", "a@", "a@b@c", "a b@c", "a@-b", "a@b.", "a@b\n", "a@bücher.example", "<a@b>"],
        ),
    ];
    for (kind, good, bad) in cases {
        for value in good {
            assert!(passes(field(|field| field.kind = kind), value), "{kind:?} {value:?}");
        }
        for value in bad {
            assert!(!passes(field(|field| field.kind = kind), value), "{kind:?} {value:?}");
        }
    }
}

#[test]
fn a_pattern_holds_for_the_whole_value() {
    let pattern = |pattern: &str| field(|field| field.pattern = Some(pattern.to_owned()));
    assert!(passes(pattern("a|b"), "b"));
    for value in ["ab", "xa", "bx", "a\n", "\na", "a\nb"] {
        assert!(!passes(pattern("a|b"), value), "{value:?}");
        assert!(!passes(pattern("(?m)^a$|^b$"), value), "{value:?}");
    }
}

#[test]
fn rules_that_could_never_hold_are_refused() {
    let refuse = |field: FormField| {
        let fields = [("f".to_owned(), field)].into();
        FormRules::new(FormSettings { fields, further: false }).err().unwrap()
    };
    for pattern in ["(", "a)|(b", "(?=a)", "(?x)a # c"] {
        let fault = refuse(field(|field| field.pattern = Some(pattern.to_owned())));
        assert!(matches!(fault, PayloadRulesError::Pattern { ref field, .. } if field == "f"), "{pattern}");
    }
    let fault =
        refuse(field(|field| (field.kind, field.one_of) = (FormKind::Integer, vec!["1".into(), "x".into()])));
    let expected = "field `f` could never be `x`: it must be a whole number; change one of them";
    assert_eq!(fault.to_string(), expected);
}

#[test]
fn what_servers_read_differently_is_malformed() {
    let cases: [(&[u8], usize); 9] = [
        (b"a=%", 3),
        (b"a=1&b=%4", 7),
        (b"a=%zz", 3),
        (b"a=%u0041", 3),
        (b"a=1;b=2", 4),
        (b"a=%ff", 3),
        (b"a=%41%c3&%a9=1", 6),
        (b"a=\xff", 3),
        (b"%ed%a0%80=1", 1),
    ];
    for (body, place) in cases {
        let fault = rules(&[], true).check(body).unwrap_err();
        let PayloadFault::Malformed { line, column, .. } = fault else { panic!("{fault}") };
        assert_eq!((line, column), (1, place), "{body:?}");
    }
}

#[test]
fn the_number_of_fields_is_bounded() {
    let rules = rules(&[("a", field(|field| field.repeated = true))], false);
    let body = |count: usize| vec!["a=1"; count].join("&");
    assert_eq!(told(&rules, &body(MOST_FORM_FIELDS)), []);
    let faults = told(&rules, &body(MOST_FORM_FIELDS + 1));
    assert_eq!(faults, [(String::new(), "must have at most 256 fields".to_owned())]);
}

#[test]
fn at_most_ten_faults_and_no_value_in_them() {
    let body: Vec<_> = (0..30).map(|number| format!("f{number:02}%1b=secret")).collect();
    let faults = told(&rules(&[], false), &body.join("&"));
    assert_eq!(faults.len(), MOST_FAULTS);
    assert_eq!(faults[0].0, "/f00\\u{1b}");
    assert!(faults.iter().all(|(_, message)| !message.contains("secret")));
}

proptest! {
    #[test]
    fn any_fields_are_read_as_they_were_written(fields in prop::collection::vec((".{0,8}", ".{0,8}"), 0..20)) {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
        let fields: Vec<(Cow<'_, str>, Cow<'_, str>)> =
            fields.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        prop_assert_eq!(read(body.as_bytes()).unwrap(), fields);
    }

    #[test]
    fn any_bytes_are_read_or_refused(body in prop_oneof![
        prop::collection::vec(any::<u8>(), 0..60),
        prop::collection::vec(prop::sample::select(b"a=&%+;04cf\xc3".as_slice()), 0..40),
    ]) {
        if let Ok(fields) = read(&body) {
            // What was read is text that nothing had to be replaced in.
            let lossy = fields.iter().any(|(name, value)| name.contains('\u{fffd}') || value.contains('\u{fffd}'));
            let sent = percent_decode(&body).decode_utf8().is_ok_and(|text| text.contains('\u{fffd}'));
            prop_assert!(!lossy || sent);
        }
    }
}
