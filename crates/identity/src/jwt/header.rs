//! The JOSE header (RFC 7515 §4): what it may say, and what makes a token unacceptable.
//!
//! A header is written by whoever sent the token, before anybody verified anything. So it may pick among the
//! issuer's keys (`kid`) and the issuer's algorithms (`alg`), and nothing more. Members that bring or name a key
//! (`jwk`, `jku`, `x5u`) are refused instead of ignored: an honest issuer has no reason to send them, and a token
//! that has them is an attempt. `x5c`, `x5t` and unknown members are ignored, as RFC 7515 §4 asks: some issuers send
//! them, and here they have no effect.

use serde_json::{Map, Value};

use crate::algorithm::Algorithm;
use crate::{Absence, fault, text};

/// A header that passed.
pub(super) struct Header {
    pub(super) algorithm: Algorithm,
    pub(super) key_id: Option<String>,
    kind: Option<String>,
}

impl Header {
    /// Checks everything that does not depend on the issuer.
    pub(super) fn read(members: &Map<String, Value>) -> Result<Self, Absence> {
        for (name, why) in REFUSED {
            if members.contains_key(*name) {
                return Err(fault::TOKEN_HEADER.because(format!("`{name}`: {why}")));
            }
        }
        let wrong = |name: &str| fault::TOKEN_HEADER.because(format!("`{name}` is not a short text"));
        let short = |name: &str| match members.get(name) {
            None => Ok(None),
            Some(Value::String(value)) if text::is_plain(value, LONGEST) => Ok(Some(value.clone())),
            Some(_) => Err(wrong(name)),
        };
        let named = short("alg")?.ok_or_else(|| fault::TOKEN_HEADER.because("it has no `alg`"))?;
        let algorithm = Algorithm::named(&named).ok_or_else(|| {
            fault::TOKEN_ALGORITHM.because(format!("{named:?} is not a supported signature"))
        })?;
        Ok(Self { algorithm, key_id: short("kid")?, kind: short("typ")? })
    }

    /// Whether `typ` is one of these (RFC 8725 §3.11): without `application/`, case ignored (RFC 7515 §4.1.9). An
    /// empty text among them admits tokens without `typ`.
    pub(super) fn check_type(&self, accepted: &[String]) -> Result<(), Absence> {
        let kind = self.kind.as_deref().map(plain_type).unwrap_or_default();
        if accepted.contains(&kind) {
            return Ok(());
        }
        Err(fault::TOKEN_TYPE.because(match &self.kind {
            Some(kind) => format!("`typ` is {kind:?}"),
            None => "it has no `typ`".to_owned(),
        }))
    }
}

/// A media type as it is compared.
pub(crate) fn plain_type(kind: &str) -> String {
    let lower = kind.to_ascii_lowercase();
    lower.strip_prefix("application/").map_or_else(|| lower.clone(), str::to_owned)
}

const REFUSED: &[(&str, &str)] = &[
    ("crit", "demands an extension, and none is supported"),
    ("b64", "an unencoded payload is not a JWT (RFC 7797 §7)"),
    ("zip", "compression is for encrypted tokens, and a way to make a small token large"),
    ("jwk", "a token cannot bring the key that vouches for it"),
    ("jku", "a token cannot name where its keys are; nothing it names is fetched"),
    ("x5u", "a token cannot name where its certificate is; nothing it names is fetched"),
    ("cty", "a token inside a token is not accepted"),
];

const LONGEST: usize = 256;
