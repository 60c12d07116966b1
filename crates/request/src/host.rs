//! Host names and authorities. Whether a host is served here is the gate's question.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::ambiguity::quoted_discreet as quoted;

/// A canonical host: lower case, no port, no trailing dot; an IPv6 literal keeps its brackets.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Host(String);

/// Why a text is no host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// Nothing there.
    #[error("the host is empty; write a name such as `shop.example`")]
    Empty,
    /// Longer than a name can be.
    #[error("the host {0} is longer than 253 characters")]
    TooLong(String),
    /// A label of a name is not one.
    #[error("the host {0} is no name: labels are 1 to 63 letters, digits and inner `-`, separated by dots")]
    Label(String),
    /// Ends in a number but is not a whole IPv4 address.
    #[error("the host {0} ends in a number but is no IPv4 address in four decimal parts")]
    Ipv4(String),
    /// In brackets but not an IPv6 address.
    #[error("the host {0} is no IPv6 address in brackets, such as `[2001:db8::1]`")]
    Ipv6(String),
    /// A port where none may be.
    #[error("the host {0} has a port; leave it out")]
    UnexpectedPort(String),
    /// The port is no port.
    #[error("the port of {0} is no number from 1 to 65535 without leading zeros")]
    Port(String),
}

impl Host {
    /// Reads a host without port.
    ///
    /// # Errors
    /// [`HostError`], with what to write instead.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        match Self::parse_authority(text)? {
            (host, None) => Ok(host),
            (_, Some(_)) => Err(HostError::UnexpectedPort(quoted(text))),
        }
    }

    /// Reads `host` or `host:port`, as in a `Host` field (RFC 9110 §7.2): no user information, no white space.
    ///
    /// # Errors
    /// [`HostError`], with what to write instead.
    pub fn parse_authority(text: &str) -> Result<(Self, Option<u16>), HostError> {
        let (host, port) = split_port(text)?;
        let port = port.map(|digits| parse_port(digits, text)).transpose()?;
        Ok((parse_host(host)?, port))
    }

    /// Whether it is an IP address, and no name.
    #[must_use]
    pub fn is_address(&self) -> bool {
        self.0.starts_with('[') || self.0.parse::<Ipv4Addr>().is_ok()
    }

    /// The host as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Host {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::str::FromStr for Host {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        Self::parse(text)
    }
}

fn split_port(text: &str) -> Result<(&str, Option<&str>), HostError> {
    if text.starts_with('[') {
        let end = text.find(']').ok_or_else(|| HostError::Ipv6(quoted(text)))?;
        let (host, rest) = text.split_at(end + 1);
        return match rest.strip_prefix(':') {
            Some(digits) => Ok((host, Some(digits))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err(HostError::Ipv6(quoted(text))),
        };
    }
    if text.parse::<Ipv6Addr>().is_ok() {
        return Err(HostError::Ipv6(quoted(text)));
    }
    Ok(text.split_once(':').map_or((text, None), |(host, digits)| (host, Some(digits))))
}

fn parse_port(digits: &str, whole: &str) -> Result<u16, HostError> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    digits.parse().ok().filter(|_| plain).ok_or_else(|| HostError::Port(quoted(whole)))
}

fn parse_host(text: &str) -> Result<Host, HostError> {
    if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let address: Ipv6Addr = inner.parse().map_err(|_| HostError::Ipv6(quoted(text)))?;
        return Ok(Host(format!("[{address}]")));
    }
    let name = text.strip_suffix('.').unwrap_or(text);
    if name.is_empty() {
        return Err(HostError::Empty);
    }
    if name.len() > LONGEST_NAME {
        return Err(HostError::TooLong(quoted(text)));
    }
    if !name.split('.').all(is_label) {
        return Err(HostError::Label(quoted(text)));
    }
    // `127.1`, `2130706433` and `0x7f.1` are the same address to some resolvers and a name to others (WHATWG URL,
    // "ends in a number"), so only the one spelling with four decimal parts passes.
    let last = name.rsplit('.').next().unwrap_or_default();
    if is_number(last) && name.parse::<Ipv4Addr>().is_err() {
        return Err(HostError::Ipv4(quoted(text)));
    }
    Ok(Host(name.to_ascii_lowercase()))
}

fn is_label(label: &str) -> bool {
    (1..=LONGEST_LABEL).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn is_number(label: &str) -> bool {
    let hexadecimal = label.strip_prefix("0x").or_else(|| label.strip_prefix("0X"));
    hexadecimal.map_or_else(
        || label.bytes().all(|byte| byte.is_ascii_digit()),
        |digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
    )
}

/// RFC 1035 §2.3.4, as text without the final dot.
const LONGEST_NAME: usize = 253;

/// RFC 1035 §2.3.4.
const LONGEST_LABEL: usize = 63;

#[cfg(test)]
mod tests;
