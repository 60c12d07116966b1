//! `map`, `geo` and `geoip2`: variables made from others.

use std::net::IpAddr;

use super::grammar::Directive;
use super::variables::{Source, Value, Variables};
use crate::pattern::Pattern;

/// A `map`: exact texts first, then host masks, then patterns in order, then the default.
pub(crate) fn map(variables: &Variables<'_, '_>, block: &Directive, depth: u8) -> Value {
    let input = variables.expand_at(block.arg(0), depth + 1);
    let Some(text) = input.text.clone() else {
        return Value { text: None, sources: input.sources };
    };
    let chosen = choose(block, &text);
    let mut value = match chosen {
        // A capture of the pattern may stand in the value; its text does not matter to a decision made by the pattern.
        Some(entry) if entry.arg(0).starts_with('$') && entry.arg(0).len() > 1 => {
            variables.expand_at(entry.arg(0), depth + 1)
        }
        Some(entry) => Value::known(entry.arg(0)),
        None => Value::known(""),
    };
    value.sources.extend(input.sources);
    value
}

/// The entry of a `map` that a text selects.
pub(crate) fn choose<'d>(block: &'d Directive, text: &str) -> Option<&'d Directive> {
    let entries =
        || block.children().iter().filter(|entry| !matches!(entry.name.as_str(), "hostnames" | "volatile"));
    let hostnames = block.children().iter().any(|entry| entry.name == "hostnames");
    let lower = text.to_ascii_lowercase();
    let plain = |entry: &&Directive| {
        let key = entry.name.strip_prefix('\\').unwrap_or(&entry.name);
        entry.name != "default" && !key.starts_with('~') && key.eq_ignore_ascii_case(text)
    };
    let masked = |entry: &&Directive| {
        let key = entry.name.to_ascii_lowercase();
        if let Some(suffix) = key.strip_prefix("*.") {
            lower.ends_with(&format!(".{suffix}"))
        } else if let Some(suffix) = key.strip_prefix('.') {
            lower == suffix || lower.ends_with(&key)
        } else if let Some(prefix) = key.strip_suffix(".*") {
            lower.starts_with(&format!("{prefix}."))
        } else {
            false
        }
    };
    let matched = |entry: &&Directive| {
        let Some(pattern) = entry.name.strip_prefix('~') else { return false };
        let (pattern, ignore_case) =
            pattern.strip_prefix('*').map_or((pattern, false), |pattern| (pattern, true));
        Pattern::new(pattern, ignore_case).is_some_and(|pattern| pattern.captures(text).is_some())
    };
    entries()
        .find(plain)
        .or_else(|| hostnames.then(|| entries().find(masked)).flatten())
        .or_else(|| entries().find(matched))
        .or_else(|| entries().find(|entry| entry.name == "default"))
}

/// A `geo`: the narrowest network that holds the address, or the range.
pub(crate) fn geo(variables: &Variables<'_, '_>, block: &Directive, depth: u8) -> Value {
    let input = match block.args.as_slice() {
        [source, _] => variables.value_at(source.trim_start_matches('$'), depth + 1),
        _ => variables.value_at("remote_addr", depth + 1),
    };
    let mut sources = input.sources.clone();
    sources.insert(Source::Address);
    // Behind a proxy that `geo` itself trusts, the forwarded address counts.
    let mut address: Option<IpAddr> = input.text.and_then(|text| text.parse().ok());
    let proxies: Vec<&str> =
        block.children().iter().filter(|e| e.name == "proxy").map(|e| e.arg(0)).collect();
    if let Some(peer) = address
        && proxies.iter().any(|proxy| super::access::within(proxy, peer) == Some(true))
        && let Some(last) = variables.hop.header("X-Forwarded-For").and_then(|list| list.rsplit(',').next())
        && let Ok(forwarded) = last.trim().parse()
    {
        address = Some(forwarded);
    }
    let Some(address) = address else {
        return Value { text: None, sources };
    };
    let entry = geo_entry(block, address);
    Value { text: Some(entry.map_or("", |entry| entry.arg(0)).to_owned()), sources }
}

/// The entry of a `geo` block that an address selects.
pub(crate) fn geo_entry(block: &Directive, address: IpAddr) -> Option<&Directive> {
    let mut best: Option<(u8, &Directive)> = None;
    for entry in block.children() {
        if let Some((first, last)) = entry.name.split_once('-')
            && let (Ok(first), Ok(last)) = (first.parse::<IpAddr>(), last.parse::<IpAddr>())
        {
            if (first..=last).contains(&address) {
                best = Some((129, entry));
            }
            continue;
        }
        let Some(net) = super::access::network(&entry.name) else { continue };
        if net.contains(&address) && best.is_none_or(|(length, _)| net.prefix_len() >= length) {
            best = Some((net.prefix_len(), entry));
        }
    }
    best.map(|(_, entry)| entry).or_else(|| block.children().iter().find(|entry| entry.name == "default"))
}

/// A `geoip2` lookup: addresses of private networks are in no database, so the default holds for them.
pub(crate) fn geoip2(variables: &Variables<'_, '_>, block: &Directive, name: &str) -> Value {
    let entry = block.children().iter().find(|inner| inner.name.strip_prefix('$') == Some(name));
    let default =
        entry.and_then(|entry| entry.args.iter().find_map(|arg| arg.strip_prefix("default="))).unwrap_or("");
    let private = match super::access::client(variables) {
        Some(IpAddr::V4(address)) => address.is_loopback() || address.is_private() || address.is_link_local(),
        Some(IpAddr::V6(address)) => address.is_loopback() || address.is_unique_local(),
        None => false,
    };
    if private { Value::from(default, Source::Address) } else { Value::unknown(Source::Address) }
}
