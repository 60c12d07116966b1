//! The field `tracestate` (Trace Context §3.3): what other systems keep of a trace. Passed on as a whole or not at all.

use http::HeaderMap;

/// The caller's members joined, if all are valid; `None` without any. Beyond [`LONGEST`] characters, first members longer
/// than [`LONG_MEMBER`] are left out, then the last ones (§3.3.1.5).
pub(super) fn read(headers: &HeaderMap) -> Option<Box<str>> {
    let mut members: Vec<&str> = Vec::new();
    for field in headers.get_all(TRACESTATE) {
        let text = std::str::from_utf8(field.as_bytes()).ok()?;
        for member in text.split(',').map(|member| member.trim_matches([' ', '\t'])) {
            // An empty member is allowed and means nothing.
            if member.is_empty() {
                continue;
            }
            let (key, value) = member.split_once('=')?;
            let known =
                members.iter().filter_map(|member| member.split_once('=')).any(|(known, _)| known == key);
            if known || members.len() >= MOST_MEMBERS || !is_key(key) || !is_value(value) {
                return None;
            }
            members.push(member);
        }
    }
    let length = |members: &[&str]| members.iter().map(|member| member.len() + 1).sum::<usize>();
    if length(&members) > LONGEST + 1 {
        members.retain(|member| member.len() <= LONG_MEMBER);
    }
    while length(&members) > LONGEST + 1 {
        members.pop();
    }
    if members.is_empty() { None } else { Some(members.join(",").into_boxed_str()) }
}

/// `vendor`, or `tenant@vendor`.
fn is_key(key: &str) -> bool {
    let letters = |text: &str, longest: usize| {
        (1..=longest).contains(&text.len())
            && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/'))
    };
    let begins_with_letter = |text: &str| text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    let begins_with_letter_or_digit = |text: &str| {
        text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    match key.split_once('@') {
        Some((tenant, vendor)) => {
            letters(tenant, 241)
                && begins_with_letter_or_digit(tenant)
                && letters(vendor, 14)
                && begins_with_letter(vendor)
        }
        None => letters(key, 256) && begins_with_letter(key),
    }
}

fn is_value(value: &str) -> bool {
    (1..=256).contains(&value.len())
        && value.bytes().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b',' | b'='))
}

pub(super) const TRACESTATE: &str = "tracestate";

/// §3.3.1.1.
const MOST_MEMBERS: usize = 32;

/// What everybody must be able to pass on, and no more than that.
const LONGEST: usize = 512;

const LONG_MEMBER: usize = 128;
