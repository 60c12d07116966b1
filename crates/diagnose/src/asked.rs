//! What was asked: the request that somebody reports as refused, with everything that decides how it is sent. It sends
//! nothing itself.

pub mod curl;
mod fold;
pub mod har;
pub mod saved;
pub mod url;

use std::net::IpAddr;

pub use fold::fold_curl;
pub use url::{Scheme, Url, UrlError};

/// Which HTTP to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Version {
    /// HTTP/2 where the server agrees to it during the handshake of TLS, else HTTP/1.1.
    #[default]
    Any,
    /// HTTP/1.1 only.
    One,
    /// HTTP/2; over TLS only.
    Two,
}

/// Which addresses of a name to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Family {
    /// Whatever the resolver says first.
    #[default]
    Any,
    /// IPv4.
    Four,
    /// IPv6.
    Six,
}

/// `--resolve HOST:PORT:ADDRESS`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolve {
    /// Name; `*` for all.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Where it is.
    pub addresses: Vec<IpAddr>,
}

/// A proxy on the caller's side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForwardProxy {
    /// Where it listens.
    pub url: Url,
    /// `user:password` for it.
    pub user: Option<String>,
    /// Where the setting came from: `-x`, `http_proxy`.
    pub said_by: String,
}

/// One request as reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Method, as spelled.
    pub method: String,
    /// Where to.
    pub url: Url,
    /// In the order they were given, names as spelled.
    pub headers: Vec<(String, String)>,
    /// Headers that must not be sent although clients send them by themselves (`-H 'Accept:'`).
    pub left_out: Vec<String>,
    /// What is sent along.
    pub body: Option<Vec<u8>>,
    /// Go on when the certificate cannot be verified.
    pub insecure: bool,
    /// Addresses given by hand.
    pub resolve: Vec<Resolve>,
    /// `--connect-to`-like addresses are folded into `resolve`; this is the proxy.
    pub proxy: Option<ForwardProxy>,
    /// Which HTTP.
    pub version: Version,
    /// Which addresses.
    pub family: Family,
    /// Whether the caller's client follows redirects.
    pub follow: bool,
}

impl Asked {
    /// A plain `GET`.
    #[must_use]
    pub fn get(url: Url) -> Self {
        Self {
            method: "GET".to_owned(),
            url,
            headers: Vec::new(),
            left_out: Vec::new(),
            body: None,
            insecure: false,
            resolve: Vec::new(),
            proxy: None,
            version: Version::Any,
            family: Family::Any,
            follow: false,
        }
    }

    /// The first value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Sets a header, in its place where it has one.
    pub fn set_header(&mut self, name: &str, value: &str) {
        self.left_out.retain(|left| !left.eq_ignore_ascii_case(name));
        match self.headers.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            Some((_, old)) => value.clone_into(old),
            None => self.headers.push((name.to_owned(), value.to_owned())),
        }
    }

    /// Takes a header out, and keeps clients from adding it.
    pub fn remove_header(&mut self, name: &str) {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
    }

    /// The host the request means: what `Host` says, else that of the URL. Without port, in lower case.
    #[must_use]
    pub fn meant_host(&self) -> String {
        let Some(host) = self.header("host") else { return self.url.host.clone() };
        match Url::parse(&format!("http://{host}/")) {
            Ok((url, _)) => url.host,
            Err(_) => host.to_ascii_lowercase(),
        }
    }

    /// Whether sending it again may change something: every method that RFC 9110 §9.2.1 does not call safe.
    #[must_use]
    pub fn is_unsafe(&self) -> bool {
        !matches!(self.method.as_str(), "GET" | "HEAD" | "OPTIONS" | "TRACE")
    }
}

/// Whether a header carries a credential, so that its value is never shown.
#[must_use]
pub fn is_secret_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    matches!(name.as_str(), "authorization" | "proxy-authorization" | "cookie" | "set-cookie")
        || [
            "token",
            "secret",
            "api-key",
            "apikey",
            "api_key",
            "password",
            "session",
            "signature",
            "x-auth",
            "csrf",
            "xsrf",
        ]
        .iter()
        .any(|part| name.contains(part))
        || name == "x-amz-security-token"
        || name.ends_with("-key") && !name.starts_with("sec-websocket")
}
