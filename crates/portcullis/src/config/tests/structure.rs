//! The form: keys, types, choices, ranges, what is required, and TOML itself.

use super::{APP, Folder, app, finds, sound};

#[test]
fn unknown_keys_suggest_the_nearest() {
    finds(
        &format!("[server]\nlisen = \"127.0.0.1:1\"\n{APP}"),
        &[("unknown_key", "lisen", "did you mean `listen`?")],
    );
    finds(&format!("[serverr]\n{APP}"), &[("unknown_key", "serverr", "did you mean `server`?")]);
    finds(&app("require = { contry = [\"US\"] }"), &[("unknown_key", "contry", "did you mean `country`?")]);
    finds(&format!("[time]\nfavourite = 1\n{APP}"), &[("unknown_key", "favourite", "known are `zone`")]);
    finds(&app("[[app.rout]]\n"), &[("unknown_key", "rout", "did you mean `route`?")]);
}

#[test]
fn a_misspelt_required_key_is_one_mistake() {
    finds(
        "[[app]]\nname = \"shop\"\nhosts = [\"shop.test\"]\nupstrem = \"http://127.0.0.1:1\"\n",
        &[("unknown_key", "upstrem", "`upstream`")],
    );
}

#[test]
fn missing_keys_say_what_they_are() {
    finds(
        "[[app]]\nname = \"shop\"\n",
        &[
            ("missing_key", "[[app]]", "Hosts it answers to"),
            ("missing_key", "[[app]]", "Where its requests go"),
        ],
    );
    finds(&format!("[admin]\n{APP}"), &[("missing_key", "[admin]", "token")]);
}

#[test]
fn wrong_types_say_what_to_write() {
    finds(&format!("[server]\nlisten = 8080\n{APP}"), &[("wrong_type", "8080", "write it in quotes")]);
    finds(
        &app("require = { country = \"US\" }"),
        &[("wrong_type", "\"US\"", "is a string, not an array | write it in brackets")],
    );
    finds(&app("preserve_host = \"yes\""), &[("wrong_type", "\"yes\"", "without quotes")]);
    finds(
        &format!("[server]\nmax_connections = \"many\"\n{APP}"),
        &[("wrong_type", "\"many\"", "number without quotes")],
    );
    finds(&app("require = \"US\""), &[("wrong_type", "\"US\"", "write a table")]);
    finds(&format!("time = 1979-05-27\n{APP}"), &[("wrong_type", "1979-05-27", "not a table")]);
    finds("app = [1]\n", &[("wrong_type", "1", "`app[0]` is an integer, not a table")]);
}

#[test]
fn choices_and_ranges_are_named() {
    finds(&app("shape = \"simpel\""), &[("unknown_value", "\"simpel\"", "did you mean `simple`?")]);
    finds(
        &app("access = \"all\""),
        &[("unknown_value", "\"all\"", "write `policies` or `identified` or `anyone`")],
    );
    finds(
        &format!("[server]\nmax_connections = 0\n{APP}"),
        &[("out_of_range", "0", "a number from 1 to 1000000")],
    );
    finds(
        &app("require = { device = { seen_within_days = 0 } }"),
        &[("out_of_range", "0", "from 1 to 3650")],
    );
    finds(
        &app(&format!("contact = \"{}\"", "x".repeat(5000))),
        &[("too_long", &format!("\"{}\"", "x".repeat(5000)), "4096")],
    );
}

#[test]
fn what_is_no_toml_is_found_more_than_once() {
    finds(
        "a = \nb = ]\n[ok]\n",
        &[("syntax", "", "string values must be quoted"), ("syntax", "", "missing array opening")],
    );
}

#[test]
fn everything_is_found_at_once_and_in_order() {
    finds(
        "[server]\nlisen = 1\nlisten = \"nowhere\"\n[time]\nzone = \"Mars\"\n[[app]]\nname = \"a b\"\nhosts = []\nupstream = \"ftp://x\"\n",
        &[
            ("unknown_key", "lisen", ""),
            ("bad_address", "\"nowhere\"", ""),
            ("unknown_time_zone", "\"Mars\"", ""),
            ("bad_name", "\"a b\"", ""),
            ("empty_list", "[]", ""),
            ("bad_upstream", "\"ftp://x\"", ""),
        ],
    );
}

#[test]
fn what_is_named_is_known_although_something_is_wrong() {
    let folder = Folder::new();
    let loaded = folder.load(&app("shape = 1"));
    assert!(loaded.config.is_none());
    let named = loaded.named.unwrap();
    assert_eq!(named.data, folder.0.path().join("data"));
    assert_eq!(named.policies, Some(folder.0.path().join("policies")));
    assert_eq!(named.guards.len(), 2);
}

#[test]
fn quoted_keys_have_places_of_their_own() {
    let text = app("[app.messages]\n\"coun.try\" = \"x\"\n");
    finds(&text, &[("unknown_key", "\"coun.try\"", "did you mean `country`?")]);
    sound(APP);
}
