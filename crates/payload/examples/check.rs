//! What checking a body costs: `cargo run --release -p portcullis-payload --example check`. Prints nanoseconds for bodies
//! as people send them, and milliseconds for the dearest ones that the default limits let in. A measurement, not a test.

#![allow(clippy::print_stdout, reason = "its output is the measurement")]

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use portcullis_payload::settings::DEFAULT_CHECKED_SIZE;
use portcullis_payload::{FormField, FormKind, FormSettings, JsonSettings, PayloadRules, PayloadSettings};
use serde_json::{Value, json};

const JSON: Option<&[u8]> = Some(b"application/json");
const FORM: Option<&[u8]> = Some(b"application/x-www-form-urlencoded");

fn main() -> Result<(), Box<dyn Error>> {
    let (order, schema) = (order().to_string(), order_schema());
    println!("an order of {} bytes:", order.len());
    let strict = rules(Some(schema))?;
    measure("  head", 1_000_000, || black_box(strict.head("POST", JSON, None, Some(2048), true)).is_ok());
    measure("  check, syntax only", 100_000, {
        let syntax = rules(None)?;
        let order = order.clone();
        move || syntax.check(JSON, black_box(order.as_bytes())).is_ok()
    });
    measure("  check, with schema", 100_000, || strict.check(JSON, black_box(order.as_bytes())).is_ok());
    let wrong = order.replace("\"quantity\":2", "\"quantity\":\"2\"");
    measure("  check, ten faults found", 20_000, || strict.check(JSON, black_box(wrong.as_bytes())).is_err());

    let form = form_rules()?;
    measure("a form of six fields", 100_000, || {
        let body = b"name=J%C3%B6rg+B&email=j%40example.com&age=42&colour=red&newsletter=on&note=a+b+c";
        form.check(FORM, black_box(body)).is_ok()
    });

    println!("the dearest of {DEFAULT_CHECKED_SIZE} bytes:");
    let limit = usize::try_from(DEFAULT_CHECKED_SIZE)?;
    let zeros = format!("[{}0]", "0,".repeat(limit / 2 - 2));
    let alike = format!("[{}[]]", "[],".repeat(limit / 3 - 2));
    let names = (0_u32..).scan(2, |size, name| {
        let member = format!("\"{name:x}\":0,");
        *size += member.len();
        (*size < limit - 8).then_some(member)
    });
    let names = format!("{{{}\"z\":0}}", names.collect::<String>());
    let cases = [
        ("  items, syntax only", None, &zeros),
        ("  items, valid", Some(json!({"items": {"type": "integer"}})), &zeros),
        ("  items, all wrong", Some(json!({"items": {"type": "string"}})), &zeros),
        ("  items, two alternatives wrong", Some(alternatives()), &zeros),
        ("  items to be unique", Some(json!({"uniqueItems": true})), &alike),
        ("  members, syntax only", None, &names),
        (
            "  members, all unexpected",
            Some(json!({"properties": {"a": true}, "additionalProperties": false})),
            &names,
        ),
    ];
    for (what, schema, body) in cases {
        let rules = rules(schema)?;
        measure(what, 3, || {
            black_box(rules.check(JSON, body.as_bytes())).ok();
            true
        });
    }
    let most_detailed = format!("[{}0]", "0,".repeat(9_998));
    let rules = rules(Some(alternatives()))?;
    measure("  9,999 items told one by one", 3, || rules.check(JSON, most_detailed.as_bytes()).is_err());
    Ok(())
}

fn measure(what: &str, rounds: u32, mut as_expected: impl FnMut() -> bool) {
    let start = Instant::now();
    let all = (0..rounds).all(|_| as_expected());
    let nanos = start.elapsed().as_nanos() / u128::from(rounds);
    println!("{what:40} {nanos:>12} ns{}", if all { "" } else { "  NOT AS EXPECTED" });
}

fn rules(schema: Option<Value>) -> Result<PayloadRules, Box<dyn Error>> {
    let json = Some(JsonSettings { schema, ..JsonSettings::default() });
    Ok(PayloadRules::new(PayloadSettings { json, ..PayloadSettings::default() })?)
}

fn form_rules() -> Result<PayloadRules, Box<dyn Error>> {
    let kind = |kind| FormField { kind, ..FormField::default() };
    let colour = FormField { one_of: vec!["red".into(), "green".into()], ..FormField::default() };
    let fields = [
        ("name", FormField { required: true, ..FormField::default() }),
        ("email", kind(FormKind::Email)),
        ("age", kind(FormKind::Integer)),
        ("colour", colour),
        ("newsletter", kind(FormKind::Boolean)),
        ("note", FormField { pattern: Some("[a-z ]*".into()), ..FormField::default() }),
    ];
    let fields = fields.into_iter().map(|(name, field)| (name.to_owned(), field)).collect();
    let form = Some(FormSettings { fields, further: false });
    Ok(PayloadRules::new(PayloadSettings { form, ..PayloadSettings::default() })?)
}

fn order() -> Value {
    let line = |number: u32| {
        json!({"sku": format!("SKU-{number:06}"), "title": "A thing of some use", "quantity": 2, "price": 19.95,
               "options": {"colour": "red", "gift": false}})
    };
    json!({"customer": {"name": "Jörg B", "email": "j@example.com"}, "lines": (0..17).map(line).collect::<Vec<_>>(),
           "note": "ring twice"})
}

fn order_schema() -> Value {
    json!({
        "type": "object", "additionalProperties": false, "required": ["customer", "lines"],
        "properties": {
            "customer": {"type": "object", "required": ["name", "email"], "properties": {
                "name": {"type": "string", "maxLength": 100}, "email": {"type": "string", "format": "email"}}},
            "lines": {"type": "array", "minItems": 1, "maxItems": 100, "items": {"$ref": "#/$defs/line"}},
            "note": {"type": "string", "maxLength": 1000}
        },
        "$defs": {"line": {"type": "object", "additionalProperties": false, "required": ["sku", "quantity", "price"],
            "properties": {
                "sku": {"type": "string", "pattern": "^SKU-[0-9]{6}$"}, "title": {"type": "string"},
                "quantity": {"type": "integer", "minimum": 1}, "price": {"type": "number", "minimum": 0},
                "options": {"type": "object"}}}}
    })
}

fn alternatives() -> Value {
    json!({"anyOf": [{"items": {"type": "string"}}, {"items": {"type": "object"}}]})
}
