//! Whether the values of a guard mean anything, one by one. What they mean together is the lints' business.

use super::Guard;
use crate::annotations::speakable;
use crate::finding::{Findings, Place};

const CODE: &str = "portcullis::policy::guard_value";

/// Every requirement that can be named, in the order in which guards print it.
const NAMES: [&str; 11] = [
    "role",
    "group",
    "tier",
    "country",
    "not_country",
    "network",
    "device",
    "hours",
    "scope",
    "acr",
    "max_age",
];

pub(super) fn check(guard: &Guard, place: &Place, findings: &mut Findings) {
    let require = &guard.require;
    if guard.name().split('/').any(str::is_empty) {
        findings.error(CODE, place, "an app or route without a name cannot be guarded", "give it a `name`");
    }
    let lists = [
        ("role", &require.role),
        ("group", &require.group),
        ("tier", &require.tier),
        ("network", &require.network),
    ];
    for (name, values) in lists {
        if values.iter().any(String::is_empty) {
            findings.error(CODE, place, format!("`{name}` holds an empty name"), "leave it out");
        }
    }
    for country in require.country.iter().chain(&require.not_country) {
        if country.len() != 2 || !country.bytes().all(|byte| byte.is_ascii_uppercase()) {
            findings.error(
                CODE,
                place,
                format!("`{country}` is no country"),
                "use ISO 3166-1 alpha-2 in upper case: \"US\"",
            );
        }
    }
    // RFC 6749 §3.3: scope-token.
    let token = |value: &str| {
        !value.is_empty() && value.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
    };
    for scope in require.scope.iter().filter(|scope| !token(scope)) {
        findings.error(
            CODE,
            place,
            format!("`{scope}` is no OAuth scope"),
            "one scope each, in printable ASCII without spaces and quotes: [\"orders:write\"]",
        );
    }
    for level in require.acr.iter().filter(|level| !token(level) || level.contains(';')) {
        findings.error(
            CODE,
            place,
            format!("`{level}` is no `acr` value that a challenge can carry"),
            "one value each, in printable ASCII without spaces, quotes and semicolons: [\"mfa\"]",
        );
    }
    hours(guard, place, findings);
    messages(guard, place, findings);
}

fn hours(guard: &Guard, place: &Place, findings: &mut Findings) {
    let Some(hours) = &guard.require.hours else { return };
    if hours.from >= 1_440 || hours.until > 1_440 {
        findings.error(
            CODE,
            place,
            format!("`{}` to `{}` are no minutes of a day", hours.from, hours.until),
            "a day has the minutes 0 to 1440",
        );
    }
    if let Some(day) = hours.weekdays.iter().find(|day| !(1..=7).contains(*day)) {
        findings.error(CODE, place, format!("`{day}` is no weekday"), "1 is Monday and 7 is Sunday");
    }
}

fn messages(guard: &Guard, place: &Place, findings: &mut Findings) {
    let require = &guard.require;
    let required = |name: &str| match name {
        "role" => !require.role.is_empty(),
        "group" => !require.group.is_empty(),
        "tier" => !require.tier.is_empty(),
        "country" => !require.country.is_empty(),
        "not_country" => !require.not_country.is_empty(),
        "network" => !require.network.is_empty(),
        "device" => {
            let needs = &require.device;
            needs.managed || needs.compliant || needs.encrypted || needs.seen_within_days.is_some()
        }
        "hours" => require.hours.is_some(),
        "scope" => !require.scope.is_empty(),
        "acr" => !require.acr.is_empty(),
        _ => require.max_age.is_some(),
    };
    for (name, message) in &guard.messages {
        if !NAMES.contains(&name.as_str()) {
            let nearest =
                NAMES.iter().min_by_key(|known| strsim::damerau_levenshtein(known, name)).unwrap_or(&"");
            findings.error(
                "portcullis::policy::message",
                place,
                format!("`{name}` is no requirement that a message could be for"),
                format!("did you mean `{nearest}`? there are: {}", NAMES.join(", ")),
            );
        } else if !required(name) {
            findings.warning(
                "portcullis::policy::message",
                place,
                format!("there is a message for `{name}`, which `{}` does not require", guard.name()),
                format!("require `{name}` here, or take the message out"),
            );
        } else if let Err(hint) = speakable(message) {
            findings.error(
                "portcullis::policy::message",
                place,
                format!("the message for `{name}` cannot be said"),
                hint,
            );
        }
    }
}
