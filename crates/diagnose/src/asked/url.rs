//! The address of a request, kept as it was written: the path goes to the server byte for byte, because `/a/../b` and
//! `/b` are refused by different rules. What would break the request line is percent-encoded, nothing else.

use std::fmt;

use thiserror::Error;

/// `http` or `https`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// In clear.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// As written in a URL.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port without which a URL means this scheme.
    #[must_use]
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// Where to, and what there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    /// How.
    pub scheme: Scheme,
    /// Name or address; an IPv6 address without brackets. In lower case.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Path with `/` in front, as sent.
    pub path: String,
    /// What stands behind `?`, as sent.
    pub query: Option<String>,
}

/// Why a text is no address we can ask.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UrlError {
    /// Nothing between scheme and path.
    #[error("`{0}` names no host")]
    NoHost(String),
    /// Not `http` or `https`.
    #[error("`{0}` is neither http nor https")]
    Scheme(String),
    /// No number from 1 to 65535.
    #[error("`{0}` is no port")]
    Port(String),
    /// A character that no host name has.
    #[error("`{0}` is no host name")]
    Host(String),
    /// Longer than any server reads.
    #[error("the address is {0} bytes long; servers read at most some thousands")]
    TooLong(usize),
}

const LONGEST: usize = 64 * 1024;

impl Url {
    /// Reads an address as curl does: `http` where no scheme is given, the fragment left out. User and password, if any,
    /// come back beside it.
    ///
    /// # Errors
    ///
    /// Says what of it is no address.
    pub fn parse(text: &str) -> Result<(Self, Option<String>), UrlError> {
        let text = text.trim();
        if text.len() > LONGEST {
            return Err(UrlError::TooLong(text.len()));
        }
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (Scheme::Http, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (Scheme::Https, rest),
            Some((scheme, _)) if scheme.chars().all(|c| c.is_ascii_alphanumeric()) => {
                return Err(UrlError::Scheme(scheme.to_owned()));
            }
            _ => (Scheme::Http, text),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        let (user, authority) = match authority.rsplit_once('@') {
            Some((user, authority)) => (Some(user.to_owned()), authority),
            None => (None, authority),
        };
        let (host, port) = split_port(authority, scheme)?;
        if host.is_empty() {
            return Err(UrlError::NoHost(text.to_owned()));
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%');
        if !host.chars().all(plain) {
            return Err(UrlError::Host(host));
        }
        let rest = rest.split('#').next().unwrap_or_default();
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(sendable(query))),
            None => (rest, None),
        };
        let path = if path.is_empty() { "/".to_owned() } else { sendable(path) };
        Ok((Self { scheme, host, port, path, query }, user))
    }

    /// Path and query, as they stand in a request line.
    #[must_use]
    pub fn target(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }

    /// What `Host` says: the port only where it is not the scheme's own.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = self.bracketed();
        if self.port == self.scheme.default_port() { host } else { format!("{host}:{}", self.port) }
    }

    /// Host and port, always both, as `CONNECT` wants them.
    #[must_use]
    pub fn host_and_port(&self) -> String {
        format!("{}:{}", self.bracketed(), self.port)
    }

    /// Resolves a `Location`.
    #[must_use]
    pub fn join(&self, location: &str) -> Option<Self> {
        let location = location.trim();
        if location.contains("://") {
            return Self::parse(location).ok().map(|(url, _)| url);
        }
        if let Some(rest) = location.strip_prefix("//") {
            return Self::parse(&format!("{}://{rest}", self.scheme.as_str())).ok().map(|(url, _)| url);
        }
        let absolute = if location.starts_with('/') {
            location.to_owned()
        } else if location.starts_with('?') {
            format!("{}{location}", self.path)
        } else {
            format!("{}{location}", self.folder())
        };
        let (path, query) = match absolute.split('#').next().unwrap_or_default().split_once('?') {
            Some((path, query)) => (sendable(path), Some(sendable(query))),
            None => (sendable(absolute.split('#').next().unwrap_or_default()), None),
        };
        Some(Self { path, query, ..self.clone() })
    }

    /// The path up to and with its last slash.
    #[must_use]
    pub fn folder(&self) -> &str {
        match self.path.rfind('/') {
            Some(at) => self.path.get(..=at).unwrap_or("/"),
            None => "/",
        }
    }

    /// What stands behind the last slash; empty for a folder.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// The suffix of the name, with its dot.
    #[must_use]
    pub fn suffix(&self) -> Option<&str> {
        let name = self.name();
        let at = name.rfind('.').filter(|at| *at > 0)?;
        name.get(at..).filter(|suffix| suffix.len() > 1)
    }

    /// The arguments of the query, as sent.
    pub fn arguments(&self) -> impl Iterator<Item = &str> {
        self.query.iter().flat_map(|query| query.split('&')).filter(|argument| !argument.is_empty())
    }

    fn bracketed(&self) -> String {
        if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://{}{}", self.scheme.as_str(), self.authority(), self.target())
    }
}

fn split_port(authority: &str, scheme: Scheme) -> Result<(String, u16), UrlError> {
    let port = |text: &str| match text.parse::<u16>() {
        Ok(port) if port > 0 => Ok(port),
        _ if text.is_empty() => Ok(scheme.default_port()),
        _ => Err(UrlError::Port(text.to_owned())),
    };
    if let Some(rest) = authority.strip_prefix('[') {
        let Some((host, rest)) = rest.split_once(']') else {
            return Err(UrlError::Host(authority.to_owned()));
        };
        if host.parse::<std::net::Ipv6Addr>().is_err() {
            return Err(UrlError::Host(host.to_owned()));
        }
        return Ok((host.to_ascii_lowercase(), port(rest.strip_prefix(':').unwrap_or_default())?));
    }
    match authority.split_once(':') {
        Some((host, text)) => Ok((host.to_ascii_lowercase(), port(text)?)),
        None => Ok((authority.to_ascii_lowercase(), scheme.default_port())),
    }
}

/// Encodes what would end the request line or the header block early, and what no server reads: blanks, control
/// characters and bytes that are not ASCII.
fn sendable(text: &str) -> String {
    let mut sent = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_graphic() {
            sent.push(char::from(byte));
        } else {
            sent.push_str(&format!("%{byte:02X}"));
        }
    }
    sent
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap().0
    }

    #[test]
    fn the_path_is_kept_as_written() {
        assert_eq!(url("http://a.test/x/../%2e/y?q='&#top").target(), "/x/../%2e/y?q='&");
        assert_eq!(url("a.test").to_string(), "http://a.test/");
        assert_eq!(url("https://[::1]:8443/é x").to_string(), "https://[::1]:8443/%C3%A9%20x");
    }

    #[test]
    fn user_and_password_stand_apart() {
        let (url, user) = Url::parse("http://ann:p%40w@a.test:81/").unwrap();
        assert_eq!((url.authority().as_str(), user.as_deref()), ("a.test:81", Some("ann:p%40w")));
    }

    #[test]
    fn what_is_no_address_is_said() {
        assert!(matches!(Url::parse("ftp://a.test/"), Err(UrlError::Scheme(_))));
        assert!(matches!(Url::parse("http:///x"), Err(UrlError::NoHost(_))));
        assert!(matches!(Url::parse("http://a:99999/"), Err(UrlError::Port(_))));
        assert!(matches!(Url::parse("http://a b/"), Err(UrlError::Host(_))));
        assert!(matches!(Url::parse("http://[::zz]/"), Err(UrlError::Host(_))));
    }

    #[test]
    fn locations_are_resolved() {
        let base = url("https://a.test/x/y?z=1");
        assert_eq!(base.join("w").unwrap().to_string(), "https://a.test/x/w");
        assert_eq!(base.join("/w?b").unwrap().to_string(), "https://a.test/w?b");
        assert_eq!(base.join("//b.test/").unwrap().to_string(), "https://b.test/");
        assert_eq!(base.join("?q").unwrap().to_string(), "https://a.test/x/y?q");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,200}") {
            if let Ok((url, _)) = Url::parse(&text) {
                let sent = url.target();
                prop_assert!(sent.starts_with('/') && sent.bytes().all(|byte| byte.is_ascii_graphic()));
            }
        }
    }
}
