//! Which server and which location govern a request: nginx's own order, not the order in the file.

use std::net::IpAddr;

use super::grammar::Directive;
use crate::condition::Truth;
use crate::hop::Hop;
use crate::pattern::{self, Pattern};

/// The levels of configuration that hold for a request, the outermost first.
pub(crate) type Levels<'a> = Vec<&'a [Directive]>;

/// The innermost level that says something about `name`, and what it says first.
pub(crate) fn inherited<'a>(levels: &[&'a [Directive]], name: &str) -> Option<&'a Directive> {
    levels.iter().rev().find_map(|level| level.iter().find(|directive| directive.name == name))
}

/// All that the innermost level with any of these names says, in order.
pub(crate) fn inherited_all<'a>(levels: &[&'a [Directive]], names: &[&str]) -> Vec<&'a Directive> {
    let said = |level: &&'a [Directive]| -> Option<Vec<&'a Directive>> {
        let found: Vec<_> =
            level.iter().filter(|directive| names.contains(&directive.name.as_str())).collect();
        (!found.is_empty()).then_some(found)
    };
    levels.iter().rev().find_map(said).unwrap_or_default()
}

/// Whether a flag is on.
pub(crate) fn is_on(levels: &[&[Directive]], name: &str) -> bool {
    inherited(levels, name).is_some_and(|directive| directive.arg(0) == "on")
}

/// One `listen`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listen {
    /// `None` for every address.
    pub(crate) address: Option<String>,
    pub(crate) port: u16,
    pub(crate) socket: Option<String>,
    pub(crate) default: bool,
}

/// The server that was chosen, and how.
#[derive(Debug, Clone)]
pub(crate) struct Chosen<'a> {
    pub(crate) server: &'a Directive,
    /// Whether one of its names is the one that was asked for.
    pub(crate) named: bool,
    /// Whether it was made the default explicitly, or has a name that matches nothing.
    pub(crate) catch_all: bool,
    /// Other servers at the same address.
    pub(crate) siblings: usize,
    /// Whether it has a name that somebody could ask for.
    pub(crate) has_name: bool,
    /// All other servers of the configuration.
    pub(crate) others: usize,
    /// Whether it listens where the request was sent.
    pub(crate) certain: bool,
}

/// What a server listens to.
pub(crate) fn listens(server: &Directive) -> Vec<Listen> {
    let found: Vec<Listen> =
        server.children().iter().filter(|directive| directive.name == "listen").filter_map(listen).collect();
    if found.is_empty() {
        vec![Listen { address: None, port: 80, socket: None, default: false }]
    } else {
        found
    }
}

fn listen(directive: &Directive) -> Option<Listen> {
    let text = directive.arg(0);
    let default = directive.args.iter().skip(1).any(|arg| arg == "default_server" || arg == "default");
    if let Some(socket) = text.strip_prefix("unix:") {
        return Some(Listen { address: None, port: 0, socket: Some(socket.to_owned()), default });
    }
    if let Ok(port) = text.parse() {
        return Some(Listen { address: None, port, socket: None, default });
    }
    let (address, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, after) = rest.split_once(']')?;
            (address, after.strip_prefix(':').unwrap_or("80"))
        }
        None => text.split_once(':').unwrap_or((text, "80")),
    };
    let any = matches!(address, "*" | "0.0.0.0" | "::" | "");
    Some(Listen {
        address: (!any).then(|| address.to_owned()),
        port: port.parse().ok()?,
        socket: None,
        default,
    })
}

/// Chooses the server for a request, as nginx does: by address and port, then by name.
pub(crate) fn server<'a>(servers: &[&'a Directive], hop: &Hop) -> Option<Chosen<'a>> {
    let (at, certain) = listening(servers, hop);
    let host = hop.host();
    let siblings = at.len().saturating_sub(1);
    let by_name = best_name(&at, &host);
    let chosen = match by_name {
        Some(server) => server,
        None => at.iter().find(|(_, default)| *default).or(at.first()).map(|(server, _)| *server)?,
    };
    let names: Vec<&String> = names(chosen).collect();
    let nobody = |name: &&String| {
        name.is_empty() || name.as_str() == "_" || !name.contains(['.', '~']) && !name.contains("localhost")
    };
    let explicit = at.iter().any(|(server, default)| *default && std::ptr::eq(*server, chosen));
    Some(Chosen {
        server: chosen,
        named: by_name.is_some(),
        catch_all: by_name.is_none() && (explicit || !names.is_empty() && names.iter().all(nobody)),
        has_name: !names.iter().all(nobody),
        others: servers.len().saturating_sub(1),
        siblings,
        certain,
    })
}

/// The servers at the address and port, each with whether it is their default.
fn listening<'a>(servers: &[&'a Directive], hop: &Hop) -> (Vec<(&'a Directive, bool)>, bool) {
    let wanted: Option<IpAddr> = crate::hop::loopback(&hop.address).or_else(|| hop.address.parse().ok());
    let mut exact = Vec::new();
    let mut any = Vec::new();
    for server in servers {
        for listen in listens(server) {
            if listen.port != hop.port || listen.socket.is_some() {
                continue;
            }
            let entry = (*server, listen.default);
            match &listen.address {
                Some(address) if address == &hop.address => exact.push(entry),
                Some(address) if address.parse::<IpAddr>().ok() == wanted && wanted.is_some() => {
                    exact.push(entry)
                }
                // A name in `listen`, or in the URL: it cannot be looked up here, so it may be this one.
                Some(address) if wanted.is_none() || address.parse::<IpAddr>().is_err() => any.push(entry),
                Some(_) => {}
                None => any.push(entry),
            }
        }
    }
    if !exact.is_empty() {
        return (exact, true);
    }
    if !any.is_empty() {
        return (any, true);
    }
    (servers.iter().map(|server| (*server, false)).collect(), false)
}

fn names(server: &Directive) -> impl Iterator<Item = &String> {
    server
        .children()
        .iter()
        .filter(|directive| directive.name == "server_name")
        .flat_map(|directive| &directive.args)
}

/// Exact name, then the longest wildcard in front, then behind, then the first pattern.
fn best_name<'a>(at: &[(&'a Directive, bool)], host: &str) -> Option<&'a Directive> {
    let mut best: Option<(usize, usize, &'a Directive)> = None;
    let mut offer = |rank: usize, length: usize, server: &'a Directive| {
        if best.is_none_or(|(r, l, _)| (rank, length) > (r, l)) {
            best = Some((rank, length, server));
        }
    };
    for (server, _) in at {
        let mut any_name = false;
        for name in names(server) {
            any_name = true;
            let name = name.to_ascii_lowercase();
            if name == host {
                offer(4, 0, server);
            } else if let Some(suffix) = name.strip_prefix('.') {
                if host == suffix {
                    offer(4, 0, server);
                } else if host.ends_with(&name) {
                    offer(3, name.len(), server);
                }
            } else if let Some(suffix) = name.strip_prefix('*') {
                if host.ends_with(suffix) && host.len() > suffix.len() {
                    offer(3, name.len(), server);
                }
            } else if let Some(prefix) = name.strip_suffix('*') {
                if host.starts_with(prefix) && host.len() > prefix.len() {
                    offer(2, name.len(), server);
                }
            } else if let Some(regex) = name.strip_prefix('~')
                && pattern::matches(regex, true, host) == Truth::Yes
            {
                offer(1, 0, server);
            }
        }
        if !any_name && host.is_empty() {
            offer(4, 0, server);
        }
    }
    best.map(|(_, _, server)| server)
}

/// What a server's name captures of the host, if it is a pattern: `~^(?<site>.+)\.example\.test$`.
pub(crate) fn name_captures(server: &Directive, host: &str) -> Vec<(Option<String>, String)> {
    let patterns = names(server).filter_map(|name| name.strip_prefix('~'));
    patterns
        .filter_map(|regex| Pattern::new(regex, true))
        .find_map(|pattern| pattern.captures(host))
        .unwrap_or_default()
}

/// The location that was chosen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Located<'a> {
    /// The locations, outermost first.
    pub(crate) path: Vec<&'a Directive>,
    /// What the last one's pattern captured.
    pub(crate) captures: Vec<(Option<String>, String)>,
}

impl<'a> Located<'a> {
    pub(crate) fn innermost(&self) -> Option<&'a Directive> {
        self.path.last().copied()
    }
}

/// Modifier and pattern of a location.
pub(crate) fn modifier(location: &Directive) -> (&str, &str) {
    match location.args.as_slice() {
        [pattern] => ["=", "^~", "~*", "~"]
            .iter()
            .find_map(|modifier| pattern.strip_prefix(modifier).map(|rest| (*modifier, rest)))
            .unwrap_or(("", pattern)),
        [modifier, pattern, ..] => (modifier, pattern),
        [] => ("", ""),
    }
}

/// Chooses the location: exact, longest prefix, patterns in order unless the prefix forbids them; then within it.
pub(crate) fn location<'a>(level: &'a [Directive], uri: &str) -> Located<'a> {
    find(level, uri, 0).1
}

/// What a search at one level came to. `Final` ends the search at the levels above, too.
#[derive(PartialEq)]
enum Found {
    Nothing,
    Prefix,
    Final,
}

fn find<'a>(level: &'a [Directive], uri: &str, depth: usize) -> (Found, Located<'a>) {
    if depth > 16 {
        return (Found::Nothing, Located::default());
    }
    let locations = || level.iter().filter(|directive| directive.name == "location");
    let mut prefix: Option<&'a Directive> = None;
    for location in locations() {
        let (kind, text) = modifier(location);
        match kind {
            "=" if text == uri => {
                return (Found::Final, Located { path: vec![location], captures: Vec::new() });
            }
            "" | "^~"
                if !text.starts_with('@')
                    && uri.starts_with(text)
                    && prefix.is_none_or(|known| modifier(known).1.len() < text.len()) =>
            {
                prefix = Some(location);
            }
            _ => {}
        }
    }
    let mut found = (Found::Nothing, Located::default());
    if let Some(location) = prefix {
        let (inner, mut located) = find(location.children(), uri, depth + 1);
        located.path.insert(0, location);
        if inner == Found::Final {
            return (Found::Final, located);
        }
        found = (Found::Prefix, located);
    }
    if prefix.is_some_and(|location| modifier(location).0 == "^~") {
        return found;
    }
    for location in locations() {
        let (kind, text) = modifier(location);
        if kind != "~" && kind != "~*" {
            continue;
        }
        let Some(captures) = Pattern::new(text, kind == "~*").and_then(|pattern| pattern.captures(uri))
        else {
            continue;
        };
        let (_, mut located) = find(location.children(), uri, depth + 1);
        located.path.insert(0, location);
        if located.captures.is_empty() {
            located.captures = captures;
        }
        return (Found::Final, located);
    }
    found
}

/// The location of this name, `@app`.
pub(crate) fn named<'a>(level: &'a [Directive], name: &str) -> Option<&'a Directive> {
    level.iter().find(|directive| directive.name == "location" && directive.arg(0) == name)
}
