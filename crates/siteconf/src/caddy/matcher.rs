//! Caddy's matchers, to three-valued truth, and whether an address takes part in them.

use std::net::IpAddr;

use super::file::Segment;
use crate::condition::Truth;
use crate::hop::Hop;
use crate::nginx::access::within;
use crate::pattern;

/// Whether a matcher holds, and whether it asks for the client's address.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Matched {
    pub(crate) truth: Truth,
    pub(crate) by_address: bool,
}

const ALL: Matched = Matched { truth: Truth::Yes, by_address: false };

/// The matcher of a directive, if its first word is one; and how many words it takes.
pub(crate) fn of(segment: &Segment, named: &[Segment], hop: &Hop, path: &str) -> (Matched, usize) {
    let word = segment.word(1);
    if word == "*" {
        return (ALL, 1);
    }
    if word.starts_with('/') && segment.word(0) != "root" || word.starts_with('/') && segment.words.len() > 2
    {
        return (Matched { truth: Truth::from(path_fits(word, path)), by_address: false }, 1);
    }
    if word.starts_with('@') {
        return match named.iter().find(|own| own.word(0) == word) {
            Some(own) => (definition(own, hop, path), 1),
            None => (Matched { truth: Truth::Unknown, by_address: false }, 1),
        };
    }
    (ALL, 0)
}

/// `@name kind values` or a block of them, all of which must hold.
fn definition(own: &Segment, hop: &Hop, path: &str) -> Matched {
    let mut matched = ALL;
    if own.words.len() > 1 {
        matched = both(matched, kind(own.word(1), own.words.get(2..).unwrap_or(&[]), &[], hop, path, 0));
    }
    for inner in &own.block {
        matched = both(
            matched,
            kind(inner.word(0), inner.words.get(1..).unwrap_or(&[]), &inner.block, hop, path, 0),
        );
    }
    matched
}

fn both(one: Matched, other: Matched) -> Matched {
    Matched { truth: one.truth.and(other.truth), by_address: one.by_address || other.by_address }
}

fn kind(name: &str, values: &[String], block: &[Segment], hop: &Hop, path: &str, depth: u8) -> Matched {
    let any =
        |test: &dyn Fn(&str) -> Truth| values.iter().map(|value| test(value)).fold(Truth::No, Truth::or);
    let truth = match name {
        "path" => any(&|mask| Truth::from(path_fits(mask, path))),
        "path_regexp" => values.last().map_or(Truth::Unknown, |regex| pattern::matches(regex, false, path)),
        "method" => any(&|method| Truth::from(method.eq_ignore_ascii_case(&hop.method))),
        "host" => any(&|host| Truth::from(host_fits(host, &hop.host()))),
        "protocol" => any(&|protocol| Truth::from(protocol.eq_ignore_ascii_case(&hop.scheme))),
        "remote_ip" | "client_ip" => {
            let truth = any(&|net| address_fits(net, hop.client));
            return Matched { truth, by_address: true };
        }
        "header" => header(values, hop),
        "header_regexp" => match values {
            [.., name, regex] => pattern::matches(regex, false, hop.header(name).unwrap_or("")),
            _ => Truth::Unknown,
        },
        "query" => any(&|pair| {
            let (name, wanted) = pair.split_once('=').unwrap_or((pair, "*"));
            match hop.argument(name) {
                Some(value) => Truth::from(wanted == "*" || wanted == value),
                None => Truth::No,
            }
        }),
        "not" if depth < 8 => {
            let mut matched = ALL;
            if let Some((inner, rest)) = values.split_first() {
                matched = both(matched, kind(inner, rest, block, hop, path, depth + 1));
            } else {
                for inner in block {
                    matched = both(
                        matched,
                        kind(
                            inner.word(0),
                            inner.words.get(1..).unwrap_or(&[]),
                            &inner.block,
                            hop,
                            path,
                            depth + 1,
                        ),
                    );
                }
            }
            return Matched { truth: !matched.truth, by_address: matched.by_address };
        }
        "expression" => {
            let text = values.join(" ");
            return Matched {
                truth: Truth::Unknown,
                by_address: text.contains("remote_ip")
                    || text.contains("client_ip")
                    || text.contains("remote.host"),
            };
        }
        _ => Truth::Unknown,
    };
    Matched { truth, by_address: false }
}

fn address_fits(net: &str, client: Option<IpAddr>) -> Truth {
    let Some(client) = client else { return Truth::Unknown };
    if net == "private_ranges" {
        let private = match client {
            IpAddr::V4(four) => four.is_private() || four.is_loopback(),
            IpAddr::V6(six) => six.is_loopback() || six.is_unique_local(),
        };
        return Truth::from(private);
    }
    Truth::from(within(net, client))
}

fn header(values: &[String], hop: &Hop) -> Truth {
    let Some((name, wanted)) = values.split_first() else { return Truth::Unknown };
    if let Some(name) = name.strip_prefix('!') {
        return Truth::from(hop.header(name).is_none());
    }
    let Some(value) = hop.header(name) else { return Truth::No };
    let fits = |wanted: &String| match (wanted.strip_prefix('*'), wanted.strip_suffix('*')) {
        (Some(inner), Some(_)) => value.contains(inner.trim_end_matches('*')),
        (Some(end), None) => value.ends_with(end),
        (None, Some(start)) => value.starts_with(start),
        (None, None) => value == wanted,
    };
    Truth::from(wanted.is_empty() || wanted.iter().any(fits))
}

fn host_fits(mask: &str, host: &str) -> bool {
    mask.eq_ignore_ascii_case(host) || mask.strip_prefix('*').is_some_and(|suffix| host.ends_with(suffix))
}

/// Caddy's paths: exact, `/x/*`, `*.php`, `*/x/*`; case does not matter.
pub(crate) fn path_fits(mask: &str, path: &str) -> bool {
    let (mask, path) = (mask.to_lowercase(), path.to_lowercase());
    match (mask.strip_prefix('*'), mask.strip_suffix('*')) {
        (Some(_), Some(_)) if mask.len() > 1 => path.contains(mask.trim_matches('*')),
        (Some(_), Some(_)) => true,
        (Some(end), None) => path.ends_with(end),
        (None, Some(start)) if !start.contains('*') => path.starts_with(start),
        _ if mask.contains('*') => pattern::glob_matches(&mask, &path, false),
        _ => mask == path,
    }
}
