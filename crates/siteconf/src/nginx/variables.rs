//! What nginx's variables come to for a request, and where each value comes from: the origin of a value is what tells a
//! block by address from a block by User-Agent.

use std::collections::{BTreeMap, BTreeSet};

use super::choose::{Levels, inherited};
use super::grammar::Directive;
use super::{geo, signed};
use crate::hop::Hop;

/// Variables within variables.
const MOST_DEPTH: u8 = 16;

/// What a value was made from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    Address,
    UserAgent,
    Referer,
    Method,
    SecureLink,
    ClientCertificate,
    Host,
    Path,
    Query,
    Cookie(String),
    Header(String),
    Authorization,
    /// The name in the TLS handshake.
    ServerName,
    Scheme,
    /// Which HTTP is spoken.
    Version,
    /// What an upstream or a module that cannot be seen here decides.
    Elsewhere,
}

/// A value, if it can be known, with its sources.
#[derive(Debug, Clone, Default)]
pub(crate) struct Value {
    pub(crate) text: Option<String>,
    pub(crate) sources: BTreeSet<Source>,
}

impl Value {
    pub(crate) fn known(text: impl Into<String>) -> Value {
        Value { text: Some(text.into()), sources: BTreeSet::new() }
    }

    pub(crate) fn from(text: impl Into<String>, source: Source) -> Value {
        Value { text: Some(text.into()), sources: BTreeSet::from([source]) }
    }

    pub(crate) fn unknown(source: Source) -> Value {
        Value { text: None, sources: BTreeSet::from([source]) }
    }

    /// Whether nginx takes it for false.
    pub(crate) fn is_false(&self) -> Option<bool> {
        self.text.as_ref().map(|text| text.is_empty() || text == "0")
    }
}

/// The variables of one request.
pub(crate) struct Variables<'a, 'h> {
    pub(crate) hop: &'h Hop,
    pub(crate) levels: Levels<'a>,
    /// `http` level: maps, geo blocks.
    pub(crate) http: &'a [Directive],
    /// As rewritten.
    pub(crate) uri: String,
    pub(crate) args: String,
    pub(crate) set: BTreeMap<String, Value>,
    pub(crate) captures: Vec<(Option<String>, String)>,
    pub(crate) server_name: String,
}

impl Variables<'_, '_> {
    /// A text with variables.
    pub(crate) fn expand(&self, text: &str) -> Value {
        self.expand_at(text, 0)
    }

    pub(crate) fn expand_at(&self, text: &str, depth: u8) -> Value {
        let mut out = Some(String::new());
        let mut all = BTreeSet::new();
        let mut telling = BTreeSet::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            let (literal, after) = rest.split_at(at);
            if let Some(out) = out.as_mut() {
                out.push_str(literal);
            }
            let after = after.get(1..).unwrap_or("");
            let (name, left) = variable_name(after);
            if name.is_empty() {
                if let Some(out) = out.as_mut() {
                    out.push('$');
                }
                rest = after;
                continue;
            }
            rest = left;
            let value = self.value_at(name, depth + 1);
            // In a text of several flags, the ones that are set are what a later comparison reacts to.
            if value.is_false() != Some(true) {
                telling.extend(value.sources.iter().cloned());
            }
            all.extend(value.sources);
            match (out.as_mut(), value.text) {
                (Some(out), Some(text)) => out.push_str(&text),
                (_, None) => out = None,
                (None, _) => {}
            }
        }
        if let Some(out) = out.as_mut() {
            out.push_str(rest);
        }
        Value { text: out, sources: if telling.is_empty() { all } else { telling } }
    }

    /// A variable by its name, without the dollar sign.
    pub(crate) fn value_at(&self, name: &str, depth: u8) -> Value {
        if depth > MOST_DEPTH {
            return Value::unknown(Source::Elsewhere);
        }
        if let Some(value) = self.captured(name).or_else(|| self.set.get(name).cloned()) {
            return value;
        }
        if let Some(block) = self.defined(name) {
            return match block.name.as_str() {
                "map" => geo::map(self, block, depth),
                "geo" => geo::geo(self, block, depth),
                "geoip2" => geo::geoip2(self, block, name),
                _ => Value::unknown(Source::Elsewhere),
            };
        }
        self.builtin(name)
    }

    fn captured(&self, name: &str) -> Option<Value> {
        let found = match name.parse::<usize>() {
            Ok(number) => Some(self.captures.get(number).map_or("", |(_, text)| text)),
            Err(_) => self
                .captures
                .iter()
                .find(|(known, _)| known.as_deref() == Some(name))
                .map(|(_, text)| text.as_str()),
        };
        found.map(|text| Value::from(text, Source::Path))
    }

    /// The block that defines a variable.
    fn defined(&self, name: &str) -> Option<&Directive> {
        self.http.iter().find(|directive| match directive.name.as_str() {
            "map" | "split_clients" => directive.arg(1).strip_prefix('$') == Some(name),
            "geo" => directive.args.last().and_then(|arg| arg.strip_prefix('$')) == Some(name),
            "geoip2" => directive.children().iter().any(|inner| inner.name.strip_prefix('$') == Some(name)),
            _ => false,
        })
    }

    fn builtin(&self, name: &str) -> Value {
        let hop = self.hop;
        if let Some(argument) = name.strip_prefix("arg_") {
            let pairs = self.args.split('&').filter_map(|pair| pair.split_once('='));
            let found = pairs.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(argument));
            return Value::from(found.map_or("", |(_, value)| value), Source::Query);
        }
        if let Some(cookie) = name.strip_prefix("cookie_") {
            return Value::from(hop.cookie(cookie).unwrap_or(""), Source::Cookie(cookie.to_owned()));
        }
        if let Some(field) = name.strip_prefix("http_") {
            return self.header(field);
        }
        if let Some(value) = self.of_address(name).or_else(|| self.of_path(name)) {
            return value;
        }
        match name {
            "host" => Value::from(hop.host(), Source::Host),
            "server_name" => Value::known(self.server_name.as_str()),
            "server_port" => Value::known(hop.port.to_string()),
            "request_method" => Value::from(hop.method.as_str(), Source::Method),
            "ssl_server_name" => {
                let name = if hop.address.parse::<std::net::IpAddr>().is_ok() { "" } else { &hop.address };
                Value::from(name, Source::ServerName)
            }
            "scheme" => Value::from(hop.scheme.as_str(), Source::Scheme),
            "https" => Value::from(if hop.scheme == "https" { "on" } else { "" }, Source::Scheme),
            "server_protocol" => Value::from("HTTP/1.1", Source::Version),
            "remote_user" => {
                Value::from(hop.basic().map(|(user, _)| user).unwrap_or_default(), Source::Authorization)
            }
            "content_type" => {
                Value::from(hop.header("Content-Type").unwrap_or(""), Source::Header("Content-Type".into()))
            }
            "content_length" => Value::from(
                hop.header("Content-Length").unwrap_or(""),
                Source::Header("Content-Length".into()),
            ),
            "request" => Value::from(format!("{} {} HTTP/1.1", hop.method, hop.target), Source::Query),
            "invalid_referer" => signed::invalid_referer(self),
            "secure_link" => signed::secure_link(self),
            "secure_link_expires" => Value::from(signed::expires(self), Source::SecureLink),
            // No certificate is known to have been shown.
            "ssl_client_verify" => {
                Value::from(if hop.scheme == "https" { "NONE" } else { "" }, Source::ClientCertificate)
            }
            name if name.starts_with("ssl_client_") => Value::from("", Source::ClientCertificate),
            name if name.starts_with("geoip") => Value::unknown(Source::Address),
            "request_completion" | "limit_rate" | "empty" => Value::known(""),
            _ => Value::unknown(Source::Elsewhere),
        }
    }

    fn of_address(&self, name: &str) -> Option<Value> {
        let shown = |address: Option<std::net::IpAddr>| match address {
            Some(address) => Value::from(address.to_string(), Source::Address),
            None => Value::unknown(Source::Address),
        };
        match name {
            "remote_addr" | "binary_remote_addr" => Some(shown(super::access::client(self))),
            "realip_remote_addr" => Some(shown(self.hop.client)),
            "server_addr" => Some(Value::known(self.hop.address.as_str())),
            "proxy_add_x_forwarded_for" => {
                let before =
                    self.hop.header("X-Forwarded-For").map(|known| format!("{known}, ")).unwrap_or_default();
                let client = super::access::client(self)?;
                Some(Value::from(format!("{before}{client}"), Source::Address))
            }
            _ => None,
        }
    }

    fn of_path(&self, name: &str) -> Option<Value> {
        let value = match name {
            "args" | "query_string" => Value::from(self.args.as_str(), Source::Query),
            "is_args" => Value::from(if self.args.is_empty() { "" } else { "?" }, Source::Query),
            "uri" | "document_uri" => Value::from(self.uri.as_str(), Source::Path),
            "fastcgi_script_name" | "fastcgi_path_info" => Value::from(self.uri.as_str(), Source::Path),
            "request_uri" => {
                let query = !self.hop.query().is_empty();
                Value::from(self.hop.target.as_str(), if query { Source::Query } else { Source::Path })
            }
            "document_root" | "realpath_root" => {
                let root = inherited(&self.levels, "alias").or_else(|| inherited(&self.levels, "root"));
                self.expand(root.map_or("html", |directive| directive.arg(0)))
            }
            "request_filename" => {
                Value::from(super::content::mapped(self, &self.uri).display().to_string(), Source::Path)
            }
            _ => return None,
        };
        Some(value)
    }

    fn header(&self, field: &str) -> Value {
        let name = field.replace('_', "-");
        let text = self.hop.header(&name).unwrap_or("").to_owned();
        let source = match field {
            "user_agent" => Source::UserAgent,
            "referer" => Source::Referer,
            "host" => Source::Host,
            "cookie" => Source::Cookie(String::new()),
            "authorization" => Source::Authorization,
            "x_forwarded_for" | "x_real_ip" | "cf_ipcountry" | "cf_connecting_ip" => Source::Address,
            _ => Source::Header(name),
        };
        // Two kinds of facts for one header: an address that a proxy passes on is the client's only if there is one.
        if source == Source::Address && text.is_empty() {
            return Value {
                text: Some(text),
                sources: BTreeSet::from([Source::Header(field.replace('_', "-"))]),
            };
        }
        Value::from(text, source)
    }
}

/// The name at the start of a text that followed a dollar sign, and what comes after it.
fn variable_name(text: &str) -> (&str, &str) {
    if let Some(rest) = text.strip_prefix('{') {
        return rest.split_once('}').unwrap_or((rest, ""));
    }
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    text.split_at(end)
}
