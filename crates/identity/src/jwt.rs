//! Verifying a bearer JWT (RFC 7519, RFC 7515, RFC 8725, RFC 9068): the order of the checks. It knows no network and
//! follows nothing that a token names.
//!
//! INVARIANT: nothing of the payload counts before the signature holds, except the `iss` that picks the keys to try;
//! that one is called `unverified_issuer`. Afterwards it equals the configured issuer exactly.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};

use crate::issuer::Issuer;
use crate::jwks::{KeySet, NoKey, VerifyingKey};
use crate::strict_json::{self, Bounds};
use crate::{Absence, How, Principal, base64url, fault};

mod claims;
mod header;
mod times;

use header::Header;
pub(crate) use header::plain_type;
pub(crate) use times::Window;

/// A token taken apart; nobody has vouched for it yet.
pub(crate) struct UnverifiedToken<'t> {
    header: Header,
    payload: Map<String, Value>,
    signed: &'t str,
    signature: Vec<u8>,
}

/// What a token turned out to say, and for how long it says so.
#[derive(Debug)]
pub(crate) struct Verified {
    pub(crate) principal: Principal,
    pub(crate) window: Window,
}

impl<'t> UnverifiedToken<'t> {
    /// Takes a compact JWS apart: three base64url parts, two of them JSON objects.
    pub(crate) fn read(token: &'t str) -> Result<Self, Absence> {
        let malformed = |why: &str| fault::TOKEN_FORM.because(why);
        let mut parts = token.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(malformed("not three parts; encrypted tokens (five parts) are not accepted"));
        };
        let signed = token.get(..header.len() + 1 + payload.len()).unwrap_or_default();
        let decode = |part, name: &str| {
            base64url::decode(part)
                .ok_or_else(|| malformed(&format!("its {name} is not canonical base64url")))
        };
        let object = |bytes: &[u8], name: &str| {
            strict_json::object(bytes, BOUNDS).map_err(|why| malformed(&format!("its {name}: {why}")))
        };
        let header = Header::read(&object(&decode(header, "header")?, "header")?)?;
        let payload = object(&decode(payload, "payload")?, "payload")?;
        let signature = decode(signature, "signature")?;
        if signature.is_empty() {
            return Err(fault::TOKEN_SIGNATURE.because("it has none"));
        }
        Ok(Self { header, payload, signed, signature })
    }

    /// Who it claims to be from. Good for picking the keys to try, for nothing else.
    pub(crate) fn unverified_issuer(&self) -> Result<&str, Absence> {
        match self.payload.get("iss") {
            Some(Value::String(issuer)) => Ok(issuer),
            Some(_) => Err(fault::TOKEN_ISSUER.because("`iss` is not a text")),
            None => Err(fault::TOKEN_ISSUER.because("it has no `iss`")),
        }
    }

    /// Verifies it by the issuer's keys and settings.
    pub(crate) fn verify(
        &self,
        issuer: &Issuer,
        keys: &KeySet,
        now: SystemTime,
    ) -> Result<Verified, Absence> {
        let now = since_epoch(now)?;
        self.header.check_type(&issuer.types)?;
        let key = self.verifying_key(issuer, keys)?;
        if !key.verify(self.header.algorithm, self.signed.as_bytes(), &self.signature) {
            return Err(fault::TOKEN_SIGNATURE.because(format!("not made by {}", key_name(key))));
        }
        if self.unverified_issuer()? != issuer.settings.issuer {
            return Err(fault::TOKEN_ISSUER.because("not the issuer whose keys were tried"));
        }
        check_audience(&self.payload, &issuer.settings.audiences)?;
        let times = times::read(&self.payload)?;
        let window = times.check(issuer.settings.leeway, now)?;
        let how = How::Token { issuer: issuer.settings.issuer.clone(), key_id: key.id().map(str::to_owned) };
        let principal = claims::principal(&self.payload, &issuer.settings, how, &times)?;
        Ok(Verified { principal, window })
    }

    fn verifying_key<'k>(&self, issuer: &Issuer, keys: &'k KeySet) -> Result<&'k VerifyingKey, Absence> {
        let algorithm = self.header.algorithm;
        if !issuer.algorithms.contains(&algorithm) {
            let detail = format!("`{}` is not in the issuer's list", algorithm.name());
            return Err(fault::TOKEN_ALGORITHM.because(detail));
        }
        let key_id = self.header.key_id.as_deref();
        keys.find(key_id, algorithm).map_err(|why| match why {
            NoKey::UnknownId => {
                issuer.keys.nudge();
                fault::TOKEN_KEY.because(format!("no key has the `kid` {:?}", key_id.unwrap_or_default()))
            }
            NoKey::Undetermined(0) => {
                issuer.keys.nudge();
                fault::TOKEN_KEY.because(format!("no `kid`, and no key is for `{}`", algorithm.name()))
            }
            NoKey::Undetermined(fitting) => fault::TOKEN_KEY
                .because(format!("no `kid`, and {fitting} keys are for `{}`", algorithm.name())),
            NoKey::WrongAlgorithm => {
                let detail =
                    format!("the key {:?} is not for `{}`", key_id.unwrap_or_default(), algorithm.name());
                fault::TOKEN_ALGORITHM.because(detail)
            }
        })
    }
}

/// Time since 1970. A clock before that is certainly wrong, and a wrong clock must not prolong anything.
pub(crate) fn since_epoch(now: SystemTime) -> Result<Duration, Absence> {
    now.duration_since(UNIX_EPOCH).map_err(|_| fault::CLOCK_WRONG.because("the system clock is before 1970"))
}

/// `aud` is one text or an array of texts, one of which is ours (RFC 7519 §4.1.3).
fn check_audience(payload: &Map<String, Value>, accepted: &[String]) -> Result<(), Absence> {
    let named: Vec<&str> = match payload.get("aud") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several
            .iter()
            .map(Value::as_str)
            .collect::<Option<_>>()
            .ok_or_else(|| fault::TOKEN_AUDIENCE.because("`aud` holds something that is not a text"))?,
        Some(_) => return Err(fault::TOKEN_AUDIENCE.because("`aud` is neither a text nor an array of texts")),
        None => return Err(fault::TOKEN_AUDIENCE.because("it has no `aud`")),
    };
    if named.iter().any(|name| accepted.iter().any(|ours| ours == name)) {
        return Ok(());
    }
    let named: Vec<String> = named.iter().take(4).map(|name| name.chars().take(64).collect()).collect();
    Err(fault::TOKEN_AUDIENCE.because(format!("`aud` is {named:?}")))
}

fn key_name(key: &VerifyingKey) -> String {
    match key.id() {
        Some(id) => format!("the key {id:?}"),
        None => "the only key that fits".to_owned(),
    }
}

const BOUNDS: Bounds = Bounds { depth: 8, nodes: 4_096 };

#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod tests;
