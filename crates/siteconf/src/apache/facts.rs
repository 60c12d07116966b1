//! What Apache knows of a request: its variables, and the environment that `SetEnvIf` and its kin make of it, each with
//! the header it was made from.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use super::grammar::Directive;
use crate::condition::Truth;
use crate::hop::Hop;
use crate::nginx::access::within;
use crate::pattern;

/// The facts of one request.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) hop: Hop,
    pub(crate) path: String,
    pub(crate) file: PathBuf,
    pub(crate) root: PathBuf,
    pub(crate) server_name: String,
    pub(crate) client: Option<IpAddr>,
    /// Environment variables: value, and what each was made from.
    pub(crate) environment: BTreeMap<String, (String, Origin)>,
    /// What variables would have been made from that are not set now.
    pub(crate) possible: BTreeMap<String, Origin>,
    /// `RewriteMap` by name: where it is kept, `txt:/etc/agents.map`.
    pub(crate) maps: BTreeMap<String, String>,
}

/// What a value or a condition is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    Other,
    Path,
    Address,
    Secure,
    Header,
    Method,
    Referer,
    UserAgent,
}

impl Facts {
    pub(crate) fn new(hop: &Hop) -> Facts {
        Facts {
            hop: hop.clone(),
            path: hop.path(),
            file: PathBuf::new(),
            root: PathBuf::new(),
            server_name: hop.host(),
            client: hop.client,
            environment: BTreeMap::new(),
            possible: BTreeMap::new(),
            maps: BTreeMap::new(),
        }
    }

    /// A variable as `mod_rewrite` and expressions name it. `None` if it cannot be known.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        let hop = &self.hop;
        let upper = name.to_ascii_uppercase();
        if let Some(header) = upper.strip_prefix("HTTP:") {
            return Some(hop.header(header).unwrap_or("").to_owned());
        }
        if let Some(variable) =
            name.get(..4).filter(|start| start.eq_ignore_ascii_case("ENV:")).and_then(|_| name.get(4..))
        {
            return Some(self.environment.get(variable).map(|(value, _)| value.clone()).unwrap_or_default());
        }
        Some(match upper.as_str() {
            "HTTP_USER_AGENT" => hop.header("User-Agent").unwrap_or("").to_owned(),
            "HTTP_REFERER" => hop.header("Referer").unwrap_or("").to_owned(),
            "HTTP_HOST" => hop.header("Host").unwrap_or("").to_owned(),
            "HTTP_COOKIE" => hop.header("Cookie").unwrap_or("").to_owned(),
            "HTTP_ACCEPT" => hop.header("Accept").unwrap_or("").to_owned(),
            "HTTP_FORWARDED" => hop.header("Forwarded").unwrap_or("").to_owned(),
            "REQUEST_URI" | "PATH_INFO" => self.path.clone(),
            "REQUEST_METHOD" => hop.method.clone(),
            "QUERY_STRING" => hop.query().to_owned(),
            "THE_REQUEST" => format!("{} {} HTTP/1.1", hop.method, hop.target),
            "REMOTE_ADDR" | "REMOTE_HOST" | "CONN_REMOTE_ADDR" => {
                return self.client.map(|client| client.to_string());
            }
            "HTTPS" => if hop.scheme == "https" { "on" } else { "off" }.to_owned(),
            "REQUEST_SCHEME" => hop.scheme.clone(),
            "REQUEST_FILENAME" | "SCRIPT_FILENAME" => self.file.display().to_string(),
            "DOCUMENT_ROOT" | "CONTEXT_DOCUMENT_ROOT" => self.root.display().to_string(),
            "SERVER_NAME" => self.server_name.clone(),
            "SERVER_PORT" => hop.port.to_string(),
            "SERVER_PROTOCOL" => "HTTP/1.1".to_owned(),
            "REMOTE_USER" => hop.basic().map(|(user, _)| user).unwrap_or_default(),
            "AUTH_TYPE" | "IS_SUBREQ" | "SSL_CLIENT_VERIFY" if upper == "IS_SUBREQ" => "false".to_owned(),
            "SSL_CLIENT_VERIFY" => "NONE".to_owned(),
            "CONTENT_TYPE" => hop.header("Content-Type").unwrap_or("").to_owned(),
            name if name.starts_with("SSL_CLIENT") => String::new(),
            name if name.starts_with("TIME") || name.starts_with("SSL_") => return None,
            _ => {
                return self
                    .environment
                    .get(name)
                    .map(|(value, _)| value.clone())
                    .or_else(|| Some(String::new()));
            }
        })
    }

    /// What a text with variables is about, the most telling first.
    pub(crate) fn origin(text: &str) -> Origin {
        let upper = text.to_ascii_uppercase();
        let has = |words: &[&str]| words.iter().any(|word| upper.contains(word));
        if has(&["USER_AGENT", "USER-AGENT"]) {
            Origin::UserAgent
        } else if has(&["REFERER"]) {
            Origin::Referer
        } else if has(&["REQUEST_METHOD"]) {
            Origin::Method
        } else if has(&["SSL_CLIENT", "HTTPS", "SSL:", "REQUEST_SCHEME"]) {
            Origin::Secure
        } else if has(&["REMOTE_ADDR", "REMOTE_HOST", "CONN_REMOTE", "GEOIP", "COUNTRY", "IPMATCH", "-R "]) {
            Origin::Address
        } else if has(&["HTTP:", "HTTP_", "REQ(", "COOKIE"]) {
            Origin::Header
        } else if has(&["REQUEST_URI", "QUERY_STRING", "THE_REQUEST", "FILENAME"]) {
            Origin::Path
        } else {
            Origin::Other
        }
    }

    /// `SetEnvIf`, `BrowserMatch`, `SetEnv` in the order they stand.
    pub(crate) fn set_environment(&mut self, directives: &[&Directive]) {
        for directive in directives {
            let (attribute, pattern, names, ignore_case) =
                match (directive.name.as_str(), directive.args.as_slice()) {
                    ("setenvif", [attribute, pattern, names @ ..]) => {
                        (attribute.as_str(), pattern, names, false)
                    }
                    ("setenvifnocase", [attribute, pattern, names @ ..]) => {
                        (attribute.as_str(), pattern, names, true)
                    }
                    ("browsermatch", [pattern, names @ ..]) => ("User-Agent", pattern, names, false),
                    ("browsermatchnocase", [pattern, names @ ..]) => ("User-Agent", pattern, names, true),
                    ("setenv", [name, value @ ..]) => {
                        let value = value.first().cloned().unwrap_or_default();
                        self.environment.insert(name.clone(), (value, Origin::Other));
                        continue;
                    }
                    ("setenvifexpr", [expression, names @ ..]) => {
                        if super::expression::holds(expression, self) == Truth::Yes {
                            let origin = Facts::origin(expression);
                            self.learn(names, origin);
                        }
                        continue;
                    }
                    _ => continue,
                };
            let (value, origin) = self.attribute(attribute);
            for name in names {
                let bare = name.trim_start_matches('!').split('=').next().unwrap_or(name);
                self.possible.insert(bare.to_owned(), origin);
            }
            let Some(value) = value else { continue };
            if pattern::matches(pattern, ignore_case, &value) == Truth::Yes {
                self.learn(names, origin);
            }
        }
    }

    fn learn(&mut self, names: &[String], origin: Origin) {
        for name in names {
            if let Some(name) = name.strip_prefix('!') {
                self.environment.remove(name);
                continue;
            }
            let (name, value) = name.split_once('=').unwrap_or((name, "1"));
            self.environment.insert(name.to_owned(), (value.to_owned(), origin));
        }
    }

    fn attribute(&self, name: &str) -> (Option<String>, Origin) {
        match name.to_ascii_lowercase().as_str() {
            "remote_addr" | "remote_host" => (self.client.map(|client| client.to_string()), Origin::Address),
            "server_addr" => (Some(self.hop.address.clone()), Origin::Other),
            "request_method" => (Some(self.hop.method.clone()), Origin::Method),
            "request_uri" => (Some(self.path.clone()), Origin::Path),
            "request_protocol" => (Some("HTTP/1.1".to_owned()), Origin::Other),
            "user-agent" => (Some(self.hop.header("User-Agent").unwrap_or("").to_owned()), Origin::UserAgent),
            "referer" => (Some(self.hop.header("Referer").unwrap_or("").to_owned()), Origin::Referer),
            lower => match (self.hop.header(lower), self.environment.get(name)) {
                (Some(value), _) => (Some(value.to_owned()), Origin::Header),
                (None, Some((value, origin))) => (Some(value.clone()), *origin),
                (None, None) => (Some(String::new()), Origin::Header),
            },
        }
    }

    /// `mod_remoteip`: the address that a trusted proxy passes on.
    pub(crate) fn remote_ip(&mut self, directives: &[&Directive]) {
        let Some(header) = directives.iter().find(|directive| directive.name == "remoteipheader") else {
            return;
        };
        let trusted = |address: IpAddr| {
            let mut any = false;
            let found = directives
                .iter()
                .filter(|directive| {
                    matches!(directive.name.as_str(), "remoteipinternalproxy" | "remoteiptrustedproxy")
                })
                .inspect(|_| any = true)
                .flat_map(|directive| directive.args.iter())
                .any(|net| within(net, address) == Some(true));
            found || !any
        };
        let Some(list) = self.hop.header(header.arg(0)).map(str::to_owned) else { return };
        for part in list.rsplit(',') {
            if !self.client.is_some_and(trusted) {
                return;
            }
            let Ok(next) = part.trim().parse() else { return };
            self.client = Some(next);
        }
    }
}
