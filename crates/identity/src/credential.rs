//! Finding the one credential in the header fields. It checks the form (RFC 9110 §11.4, RFC 6750 §2.1), not whether
//! the credential holds.
//!
//! Rules: two `Authorization` fields, two API key fields, or a bearer token together with an API key are
//! `Malformed`, because two readers could pick different ones. A scheme that is not ours (`Basic`, `Digest`,
//! `Negotiate`, …) is no credential to us: RFC 6750 §3.1 counts an unsupported method as lacking authentication
//! information, so the answer is the plain challenge, and a public route may still pass it to its origin.

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::Absence;
use crate::fault;

/// What was sent, not yet believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Credential<'h> {
    Bearer(&'h str),
    ApiKey(&'h str),
}

/// Reads the credential; `api_key` is the field that carries API keys, if they are accepted.
pub(crate) fn read<'h>(
    headers: &'h HeaderMap,
    api_key: Option<&HeaderName>,
) -> Result<Credential<'h>, Absence> {
    let bearer = match single(headers, &AUTHORIZATION)? {
        Some(value) => bearer(value)?,
        None => None,
    };
    let key = match api_key {
        Some(name) => single(headers, name)?,
        None => None,
    };
    match (bearer, key) {
        (None, None) => Err(Absence::NoCredential),
        (Some(token), None) => Ok(Credential::Bearer(token)),
        (None, Some(key)) => Ok(Credential::ApiKey(text(key)?)),
        (Some(_), Some(_)) => Err(fault::CREDENTIALS_REPEATED.because("a bearer token and an API key")),
    }
}

fn single<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h HeaderValue>, Absence> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(fault::CREDENTIALS_REPEATED.because(format!("two `{name}` fields"))),
    }
}

/// The token, if the scheme is `Bearer`.
fn bearer(value: &HeaderValue) -> Result<Option<&str>, Absence> {
    let value = text(value)?;
    let (scheme, rest) = value.split_at(value.find(' ').unwrap_or(value.len()));
    if scheme.is_empty() || !scheme.bytes().all(is_token_byte) {
        return Err(fault::CREDENTIALS_FORM.because("`Authorization` does not begin with a scheme"));
    }
    if !scheme.eq_ignore_ascii_case("Bearer") {
        return Ok(None);
    }
    // 1*SP may separate the two (RFC 9110 §11.4); anything behind the token is not part of it.
    let token = rest.trim_start_matches(' ');
    let unpadded = token.trim_end_matches('=');
    // To the end, whatever is found: without an early way out, the compiler has sixteen bytes looked at at a time.
    let spelled = unpadded.bytes().fold(true, |spelled, byte| spelled & is_token68_byte(byte));
    if unpadded.is_empty() || !spelled {
        return Err(fault::CREDENTIALS_FORM.because("what follows `Bearer` is not exactly one token"));
    }
    Ok(Some(token))
}

fn text(value: &HeaderValue) -> Result<&str, Absence> {
    if value.len() > LONGEST {
        return Err(
            fault::CREDENTIALS_LENGTH.because(format!("{} bytes; {LONGEST} are accepted", value.len()))
        );
    }
    match value.to_str() {
        Ok("") => Err(fault::CREDENTIALS_FORM.because("empty")),
        Ok(text) => Ok(text),
        Err(_) => Err(fault::CREDENTIALS_FORM.because("has bytes that are not printable ASCII")),
    }
}

/// `tchar` (RFC 9110 §5.6.2).
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// `b64token` without its padding (RFC 6750 §2.1).
fn is_token68_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() | matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/')
}

/// Scheme included. Large enough for tokens with hundreds of groups, small enough that hashing one costs nothing.
const LONGEST: usize = 16 * 1024;

#[cfg(test)]
mod tests;
