//! Where Apache sends a request on to: proxies, balancers, PHP by a handler.

use std::path::PathBuf;

use super::grammar::Directive;
use super::steps::Way;
use crate::accessed::Accessed;
use crate::condition::Truth;
use crate::hop::Hop;
use crate::report::Clue;
use crate::site::{Next, Role};

/// Where the request goes from here.
pub(crate) fn next(levels: &[&[Directive]], way: &Way, hop: &Hop, accessed: &Accessed) -> Vec<Next> {
    if way.certainly_refused() {
        return Vec::new();
    }
    if let Some((handler, file)) = &way.script {
        return vec![php(handler, file, hop)];
    }
    let Some((address, _)) = &way.proxied else { return Vec::new() };
    let preserve = levels
        .iter()
        .rev()
        .flat_map(|level| level.iter())
        .find(|directive| directive.name == "proxypreservehost")
        .is_some_and(|directive| directive.arg(0).eq_ignore_ascii_case("on"));
    let members = members(levels, address);
    members
        .into_iter()
        .filter_map(|member| {
            let (scheme, rest) = member.split_once("://")?;
            if scheme == "fcgi" || scheme == "unix" {
                return Some(php(&format!("proxy:{member}"), std::path::Path::new(hop.raw_path()), hop));
            }
            let (authority, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
            let usual = if scheme == "https" { 443 } else { 80 };
            let (host, port) = authority
                .rsplit_once(':')
                .map_or((authority, usual), |(host, port)| (host, port.parse().unwrap_or(usual)));
            let mut next = hop.onward(host, port);
            next.scheme = scheme.to_owned();
            next.target =
                if hop.query().is_empty() { path.to_owned() } else { format!("{path}?{}", hop.query()) };
            if !preserve {
                next.set_header("Host", authority);
            }
            let refused = match accessed.refused.as_ref() {
                Some(line) if !line.upstream.is_empty() => Truth::from(line.upstream.contains(authority)),
                _ => Truth::Unknown,
            };
            Some(Next { label: authority.to_owned(), hop: next, socket: None, role: Role::Origin, refused })
        })
        .collect()
}

/// The members of a balancer with the rest of the path, or the one address.
fn members(levels: &[&[Directive]], address: &str) -> Vec<String> {
    let Some(rest) = address.strip_prefix("balancer://") else { return vec![address.to_owned()] };
    let (name, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let wanted = format!("balancer://{name}");
    let sections = levels
        .iter()
        .flat_map(|level| level.iter())
        .filter(|directive| directive.name == "proxy" && directive.arg(0).trim_end_matches('/') == wanted);
    sections
        .flat_map(|section| section.children())
        .filter(|directive| directive.name == "balancermember")
        .map(|directive| format!("{}{path}", directive.arg(0).trim_end_matches('/')))
        .take(32)
        .collect()
}

fn php(handler: &str, file: &std::path::Path, hop: &Hop) -> Next {
    let address = handler.trim_start_matches("proxy:");
    let socket =
        address.strip_prefix("unix:").map(|rest| PathBuf::from(rest.split('|').next().unwrap_or(rest)));
    let authority = address.rsplit("://").next().unwrap_or(address).split('/').next().unwrap_or("");
    let (host, port) = authority
        .rsplit_once(':')
        .map_or((authority, 9000), |(host, port)| (host, port.parse().unwrap_or(9000)));
    let mut next = hop.onward(host, port);
    next.set_header("x-script-filename", &file.display().to_string());
    Next { label: authority.to_owned(), hop: next, socket, role: Role::Php, refused: Truth::Unknown }
}

/// One member of a balancer refuses, others do not.
pub(crate) fn balance(way: &Way, accessed: &Accessed, hop: &Hop) -> Vec<Clue> {
    match &way.proxied {
        Some((_, place)) => accessed.one_of_many(place.clone(), hop).into_iter().collect(),
        None => Vec::new(),
    }
}
