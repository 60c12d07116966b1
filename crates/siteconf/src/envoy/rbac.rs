//! Envoy's RBAC: policies of permissions and principals, to three-valued truth; matchers of texts and headers.

use std::net::IpAddr;

use serde_json::Value;

use super::{get, list, text};
use crate::condition::Truth;
use crate::hop::Hop;
use crate::pattern;

/// Rules within rules.
const MOST_DEPTH: u8 = 24;

/// Whether the rules refuse the request, and the policy that did so, if one did.
pub(crate) fn refuses(rules: &Value, hop: &Hop) -> (Truth, Option<String>) {
    let deny = text(get(rules, &["action"])).eq_ignore_ascii_case("deny");
    if text(get(rules, &["action"])).eq_ignore_ascii_case("log") {
        return (Truth::No, None);
    }
    let mut matched = Truth::No;
    let mut first = None;
    for (name, policy) in get(rules, &["policies"]).as_object().into_iter().flatten() {
        let permitted = any(get(policy, &["permissions"]), hop);
        let principal = any(get(policy, &["principals"]), hop);
        let condition = if policy.get("condition").is_some() { Truth::Unknown } else { Truth::Yes };
        let one = permitted.and(principal).and(condition);
        if one != Truth::No && first.is_none() {
            first = Some(name.clone());
        }
        matched = matched.or(one);
    }
    if deny { (matched, first) } else { (!matched, None) }
}

fn any(rules: &Value, hop: &Hop) -> Truth {
    list(rules).iter().map(|rule| one(rule, hop, 0)).fold(Truth::No, Truth::or)
}

/// One permission or principal; the two share most of their forms.
fn one(rule: &Value, hop: &Hop, depth: u8) -> Truth {
    if depth > MOST_DEPTH {
        return Truth::Unknown;
    }
    let Some((kind, value)) = rule.as_object().and_then(|members| members.iter().next()) else {
        return Truth::Unknown;
    };
    match kind.as_str() {
        "any" => Truth::from(value.as_bool().unwrap_or(true)),
        "header" => header(value, hop),
        "url_path" => string(get(value, &["path"]), hop.raw_path()),
        "destination_port" => Truth::from(value.as_u64() == Some(u64::from(hop.port))),
        "not_rule" | "not_id" => !one(value, hop, depth + 1),
        "and_rules" | "and_ids" => {
            inner(value).iter().map(|rule| one(rule, hop, depth + 1)).fold(Truth::Yes, Truth::and)
        }
        "or_rules" | "or_ids" => {
            inner(value).iter().map(|rule| one(rule, hop, depth + 1)).fold(Truth::No, Truth::or)
        }
        "direct_remote_ip" | "remote_ip" | "source_ip" => network(value, hop.client),
        // No client certificate is known to have been shown.
        "authenticated" => Truth::from(hop.scheme == "https").and(Truth::Unknown),
        _ => Truth::Unknown,
    }
}

fn inner(value: &Value) -> &[Value] {
    let rules = list(get(value, &["rules"]));
    if rules.is_empty() { list(get(value, &["ids"])) } else { rules }
}

fn network(value: &Value, client: Option<IpAddr>) -> Truth {
    let Some(client) = client else { return Truth::Unknown };
    let length = get(value, &["prefix_len"])
        .as_u64()
        .or_else(|| get(value, &["prefix_len", "value"]).as_u64())
        .unwrap_or(0);
    let net = format!("{}/{length}", text(get(value, &["address_prefix"])));
    Truth::from(crate::nginx::access::within(&net, client))
}

/// A matcher of a header; names that begin with a colon are the request's own.
pub(crate) fn header(matcher: &Value, hop: &Hop) -> Truth {
    let name = text(get(matcher, &["name"]));
    let value = match name.to_ascii_lowercase().as_str() {
        ":path" => Some(hop.target.clone()),
        ":method" => Some(hop.method.clone()),
        ":authority" | "host" => hop.header("Host").map(str::to_owned),
        ":scheme" => Some(hop.scheme.clone()),
        name => hop.header(name).map(str::to_owned),
    };
    let truth = if let Some(present) = matcher.get("present_match") {
        Truth::from(value.is_some() == present.as_bool().unwrap_or(true))
    } else {
        match value {
            None => Truth::No,
            Some(value) => of_value(matcher, &value),
        }
    };
    if get(matcher, &["invert_match"]).as_bool() == Some(true) { !truth } else { truth }
}

fn of_value(matcher: &Value, value: &str) -> Truth {
    if let Some(inner) = matcher.get("string_match") {
        return string(inner, value);
    }
    let of = |name: &str| matcher.get(name).and_then(Value::as_str);
    if let Some(exact) = of("exact_match") {
        Truth::from(value == exact)
    } else if let Some(prefix) = of("prefix_match") {
        Truth::from(value.starts_with(prefix))
    } else if let Some(suffix) = of("suffix_match") {
        Truth::from(value.ends_with(suffix))
    } else if let Some(part) = of("contains_match") {
        Truth::from(value.contains(part))
    } else if let Some(regex) = get(matcher, &["safe_regex_match", "regex"]).as_str() {
        pattern::matches(&format!("^(?:{regex})$"), false, value)
    } else {
        // Only a name: it must be there.
        Truth::Yes
    }
}

/// A matcher of a text.
pub(crate) fn string(matcher: &Value, value: &str) -> Truth {
    let folded = get(matcher, &["ignore_case"]).as_bool() == Some(true);
    let fold = |text: &str| if folded { text.to_lowercase() } else { text.to_owned() };
    let of = |name: &str| matcher.get(name).and_then(Value::as_str).map(fold);
    let value = fold(value);
    if let Some(exact) = of("exact") {
        Truth::from(value == exact)
    } else if let Some(prefix) = of("prefix") {
        Truth::from(value.starts_with(&prefix))
    } else if let Some(suffix) = of("suffix") {
        Truth::from(value.ends_with(&suffix))
    } else if let Some(part) = of("contains") {
        Truth::from(value.contains(&part))
    } else if let Some(regex) = get(matcher, &["safe_regex", "regex"]).as_str() {
        pattern::matches(&format!("^(?:{regex})$"), folded, &value)
    } else {
        Truth::Unknown
    }
}
