//! The `Forwarded` field of RFC 7239, as text. What its addresses mean is decided in `address`.

use crate::Ambiguity;
use crate::address::MOST_HOPS;
use crate::ambiguity::quoted;

/// What one hop wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Element {
    /// `for`
    pub(crate) client: Option<String>,
    /// `proto`
    pub(crate) scheme: Option<String>,
    /// `host`
    pub(crate) host: Option<String>,
}

/// Reads the elements in order (RFC 7239 §4). Anything but its grammar is refused: a quote that does not end would hide
/// what later hops wrote.
pub(crate) fn parse(field: &str) -> Result<Vec<Element>, Ambiguity> {
    let fault =
        || Ambiguity::new("ambiguous_forwarding", format!("`Forwarded` {} is malformed", quoted(field)));
    let mut elements = vec![Element::default()];
    let mut rest = field.trim_start();
    loop {
        let (name, value, tail) = pair(rest).ok_or_else(fault)?;
        let element = elements.last_mut().ok_or_else(fault)?;
        let part = match name.to_ascii_lowercase().as_str() {
            "for" => Some(&mut element.client),
            "proto" => Some(&mut element.scheme),
            "host" => Some(&mut element.host),
            _ => None,
        };
        if let Some(part) = part
            && part.replace(value).is_some()
        {
            return Err(fault());
        }
        let tail = tail.trim_start();
        match tail.as_bytes().first() {
            None => return Ok(elements),
            Some(b';') => {}
            Some(b',') if elements.len() < MOST_HOPS => elements.push(Element::default()),
            Some(_) => return Err(fault()),
        }
        rest = tail.get(1..).unwrap_or_default().trim_start();
    }
}

/// `token "=" ( token / quoted-string )`, and what follows it.
fn pair(text: &str) -> Option<(&str, String, &str)> {
    let (name, rest) = text.split_once('=')?;
    if name.is_empty() || !name.bytes().all(is_token) {
        return None;
    }
    let Some(quoted) = rest.strip_prefix('"') else {
        let end = rest.find([';', ',', ' ', '\t']).unwrap_or(rest.len());
        let (value, tail) = rest.split_at_checked(end)?;
        // Addresses with a port belong in quotes; many proxies leave them out, and nothing is unclear without.
        let plain = |byte| is_token(byte) || b":[]".contains(&byte);
        return (!value.is_empty() && value.bytes().all(plain)).then(|| (name, value.to_owned(), tail));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((name, value, quoted.get(at + 1..)?)),
            '\\' => value.push(characters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests;
