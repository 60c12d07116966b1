//! The request as one server on its way sees it, with what servers derive from it: path, arguments, cookies, host.

use std::net::{IpAddr, Ipv4Addr};

use base64::Engine;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;

use crate::asked::Asked;

/// The request before one server.
#[derive(Debug, Clone)]
pub(crate) struct Hop {
    pub(crate) method: String,
    pub(crate) scheme: String,
    /// Where it was sent to: a name or an address.
    pub(crate) address: String,
    pub(crate) port: u16,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    /// Whom the server sees at the other end of the connection.
    pub(crate) client: Option<IpAddr>,
    pub(crate) at: Option<Timestamp>,
    /// How many servers it has passed.
    pub(crate) depth: u8,
    /// Header fields that were guessed, not given.
    pub(crate) guessed: Vec<String>,
}

impl Hop {
    /// The request as the outermost server sees it.
    pub(crate) fn first(asked: &Asked) -> Hop {
        let mut headers: Vec<(String, String)> =
            asked.headers.iter().filter(|(_, value)| !value.is_empty()).cloned().collect();
        let given = |name: &str| asked.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
        let mut guessed = Vec::new();
        let host = match (asked.scheme.as_str(), asked.port) {
            ("http", 80) | ("https", 443) => asked.host.clone(),
            (_, port) => format!("{}:{port}", asked.host),
        };
        for (name, value) in [("Host", host.as_str()), ("User-Agent", "curl/8.5.0"), ("Accept", "*/*")] {
            if !given(name) {
                headers.push((name.to_owned(), value.to_owned()));
                if name != "Host" {
                    guessed.push(name.to_owned());
                }
            }
        }
        let target = if asked.target.is_empty() { "/".to_owned() } else { asked.target.clone() };
        Hop {
            method: asked.method.to_ascii_uppercase(),
            scheme: asked.scheme.to_ascii_lowercase(),
            address: asked.host.trim_matches(['[', ']']).to_owned(),
            port: asked.port,
            target,
            headers,
            client: asked.client.or_else(|| loopback(&asked.host)),
            at: asked.at,
            depth: 0,
            guessed,
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn set_header(&mut self, name: &str, value: &str) {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        if !value.is_empty() {
            self.headers.push((name.to_owned(), value.to_owned()));
        }
    }

    /// The host that is asked for: lower case, without port and trailing dot.
    pub(crate) fn host(&self) -> String {
        let host = self.header("Host").unwrap_or("");
        let bare = match host.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or(rest),
            None => host.split(':').next().unwrap_or(host),
        };
        bare.trim_end_matches('.').to_ascii_lowercase()
    }

    /// The path as sent, without the query.
    pub(crate) fn raw_path(&self) -> &str {
        let target = match self.target.split_once("://") {
            Some((scheme, rest)) if !scheme.contains('/') => {
                rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")
            }
            _ => &self.target,
        };
        target.split(['?', '#']).next().unwrap_or(target)
    }

    /// The query as sent, without the question mark.
    pub(crate) fn query(&self) -> &str {
        self.target.split('#').next().and_then(|target| target.split_once('?')).map_or("", |(_, query)| query)
    }

    /// The path decoded and made canonical: no `.`, `..` or doubled slashes.
    pub(crate) fn path(&self) -> String {
        canonical(&decoded(self.raw_path()))
    }

    pub(crate) fn argument(&self, name: &str) -> Option<&str> {
        self.query()
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.header("Cookie")?
            .split(';')
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// User and password of basic authentication.
    pub(crate) fn basic(&self) -> Option<(String, String)> {
        let (scheme, value) = self.header("Authorization")?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let bytes = base64::engine::general_purpose::STANDARD.decode(value.trim()).ok()?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        text.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
    }

    /// The request as it arrives at the next server. The client is then the proxy itself, known where that server is
    /// on the same machine.
    pub(crate) fn onward(&self, address: &str, port: u16) -> Hop {
        let mut next = self.clone();
        let forwarded = match (self.header("X-Forwarded-For"), self.client) {
            (Some(before), Some(client)) => format!("{before}, {client}"),
            (None, Some(client)) => client.to_string(),
            (Some(before), None) => before.to_owned(),
            (None, None) => String::new(),
        };
        next.set_header("X-Forwarded-For", &forwarded);
        next.address = address.trim_matches(['[', ']']).to_owned();
        next.port = port;
        next.client = loopback(address);
        next.depth = self.depth.saturating_add(1);
        next
    }
}

/// The address that a connection to this machine itself comes from.
pub(crate) fn loopback(host: &str) -> Option<IpAddr> {
    let bare = host.trim_matches(['[', ']']);
    if bare.eq_ignore_ascii_case("localhost") || bare.to_ascii_lowercase().ends_with(".localhost") {
        return Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    bare.parse::<IpAddr>().ok().filter(IpAddr::is_loopback)
}

/// Whether an address that a server listens at is the one that was asked for. A name could be any: it cannot be looked up
/// here.
pub(crate) fn same_place(own: &str, address: &str) -> bool {
    let bare = own.trim_matches(['[', ']']);
    let name = address.parse::<IpAddr>().is_err() && loopback(address).is_none();
    matches!(bare, "" | "*" | "0.0.0.0" | "::")
        || bare == address
        || name
        || loopback(bare).is_some() && loopback(address).is_some()
}

/// Percent-decoding; bytes that are not UTF-8 are replaced.
pub(crate) fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// A path without `.`, `..` and doubled slashes.
pub(crate) fn canonical(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            part => kept.push(part),
        }
    }
    let mut out = format!("/{}", kept.join("/"));
    let directory = path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..");
    if directory && out.len() > 1 {
        out.push('/');
    }
    out
}
