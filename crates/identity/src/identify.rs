//! From credentials to a principal, or to the reason why there is none. Everything it needs is in memory; keys are
//! fetched and API keys re-read beside it.
//!
//! INVARIANT: a principal comes only out of a credential that holds now; whatever cannot be checked is `Unavailable`,
//! never believed and never called invalid.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName};

use crate::credential::{self, Credential};
use crate::fault::{self, CredentialFault};
use crate::issuer::{Issuer, IssuerError, IssuerSettings, KeySource};
use crate::jwt::{self, UnverifiedToken};
use crate::refresh;
use crate::token_cache::{Entry, TokenCache};
use crate::{ApiKeys, Principal};

/// Why there is no principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Absence {
    /// No credential was sent, or only of a scheme that is not ours: 401 with a challenge and no error code.
    NoCredential,
    /// The credential is not in the form of one (two of them, an empty one, too long …): 400 `invalid_request`.
    Malformed(CredentialFault),
    /// A credential that does not hold (expired, bad signature, wrong audience, revoked …): 401 `invalid_token`.
    Invalid(CredentialFault),
    /// It cannot be checked now (no usable keys): 503.
    Unavailable(CredentialFault),
}

/// Says who asks.
pub struct Identifier {
    issuers: Vec<Arc<Issuer>>,
    api_keys: Option<ApiKeys>,
    api_key_header: HeaderName,
    verified: TokenCache,
}

/// How the keys of one issuer are, for readiness and status pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerStatus {
    /// The issuer.
    pub issuer: String,
    /// Where its keys come from.
    pub source: KeySource,
    /// Whether its tokens can be verified now.
    pub state: KeysState,
    /// How many usable keys it has.
    pub keys: usize,
    /// When they were last fetched.
    pub fetched: Option<SystemTime>,
    /// Keys in the last good document that are not used, each with the reason.
    pub set_aside: Vec<String>,
    /// Failed refreshes since.
    pub failures: u32,
    /// Why the last one failed.
    pub last_error: Option<String>,
}

/// Whether an issuer's tokens can be verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeysState {
    /// Yes.
    Usable,
    /// The last refresh is longer ago than `stale_keys_after`.
    Stale,
    /// They were never fetched.
    Missing,
}

impl Identifier {
    /// Checks the settings and reads the key files; fetches nothing, so issuers with a URL are `Unavailable` until
    /// [`refresh`](Self::refresh) or [`refresh_loop`](Self::refresh_loop) fetched their keys. API keys are accepted
    /// in `X-API-Key` if there are any.
    pub fn new(issuers: Vec<IssuerSettings>, api_keys: Option<ApiKeys>) -> Result<Self, IssuerError> {
        if issuers.len() > MOST_ISSUERS {
            return Err(IssuerError::TooMany(issuers.len()));
        }
        let mut checked: Vec<Arc<Issuer>> = Vec::with_capacity(issuers.len());
        for settings in issuers {
            if checked.iter().any(|other| other.settings.issuer == settings.issuer) {
                return Err(IssuerError::Twice(settings.issuer));
            }
            let issuer = Issuer::new(settings)?;
            refresh::read_file_now(&issuer)?;
            checked.push(Arc::new(issuer));
        }
        Ok(Self {
            issuers: checked,
            api_keys,
            api_key_header: HeaderName::from_static("x-api-key"),
            verified: TokenCache::new(USUAL_CACHE),
        })
    }

    /// Accepts API keys in this field instead.
    #[must_use]
    pub fn with_api_key_header(mut self, name: HeaderName) -> Self {
        self.api_key_header = name;
        self
    }

    /// Remembers so many verified tokens instead of 10,000; 0 verifies each anew.
    #[must_use]
    pub fn with_token_cache(mut self, tokens: usize) -> Self {
        self.verified = TokenCache::new(tokens);
        self
    }

    /// Takes over the keys that `previous` fetched for issuers whose name and key address are the same, so that a
    /// reload never loses keys. The two share them from then on.
    #[must_use]
    pub fn adopt(mut self, previous: &Self) -> Self {
        for issuer in &mut self.issuers {
            let fetched = matches!(issuer.settings.keys, KeySource::Url(_));
            let same = previous.issuers.iter().find(|before| {
                before.settings.issuer == issuer.settings.issuer
                    && before.settings.keys == issuer.settings.keys
            });
            // A key file was just read anew, and with success.
            if let (true, Some(before)) = (fetched, same) {
                *issuer = Arc::new(Issuer {
                    settings: issuer.settings.clone(),
                    algorithms: issuer.algorithms.clone(),
                    types: issuer.types.clone(),
                    keys: Arc::clone(&before.keys),
                });
            }
        }
        self
    }

    /// Says who sent these headers, without touching network or disk.
    pub fn identify(&self, headers: &HeaderMap, now: SystemTime) -> Result<Arc<Principal>, Absence> {
        match credential::read(headers, self.api_key_header())? {
            Credential::Bearer(token) => self.bearer(token, now),
            Credential::ApiKey(key) => match &self.api_keys {
                Some(keys) => keys.identify(key, now),
                None => Err(Absence::NoCredential),
            },
        }
    }

    /// The field that carries API keys, if they are accepted. Like `Authorization`, it is not for origins or records.
    pub fn api_key_header(&self) -> Option<&HeaderName> {
        self.api_keys.as_ref().map(|_| &self.api_key_header)
    }

    /// The API keys, if they are accepted: to reload them, or to hand them to the next identifier.
    pub fn api_keys(&self) -> Option<&ApiKeys> {
        self.api_keys.as_ref()
    }

    /// How the keys of each issuer are, in the order of configuration.
    pub fn keys_status(&self) -> Vec<IssuerStatus> {
        self.issuers.iter().map(|issuer| status(issuer, SystemTime::now())).collect()
    }

    pub(crate) fn issuers(&self) -> &[Arc<Issuer>] {
        &self.issuers
    }

    #[cfg(test)]
    pub(crate) fn cached(&self) -> usize {
        self.verified.len()
    }

    fn bearer(&self, token: &str, now: SystemTime) -> Result<Arc<Principal>, Absence> {
        let print = self.verified.print(token);
        if let Some((print, entry)) = print.and_then(|print| Some((print, self.verified.get(print)?))) {
            if let Some(principal) = self.still_holds(&entry, now)? {
                return Ok(principal);
            }
            self.verified.remove(print);
        }
        let unverified = UnverifiedToken::read(token)?;
        let claimed = unverified.unverified_issuer()?;
        let found = self.issuers.iter().enumerate().find(|(_, issuer)| issuer.settings.issuer == claimed);
        let Some((place, issuer)) = found else {
            let claimed: String = claimed.chars().take(200).collect();
            return Err(fault::TOKEN_ISSUER.because(format!("`iss` is {claimed:?}, which is not configured")));
        };
        issuer.keys.with_usable(issuer.settings.stale_keys_after, now, |keys| {
            let verified = unverified.verify(issuer, &keys.set, now)?;
            let principal = Arc::new(verified.principal);
            if let Some(print) = print {
                let entry = Entry {
                    principal: Arc::clone(&principal),
                    window: verified.window,
                    issuer: place,
                    generation: keys.generation,
                };
                self.verified.insert(print, entry, token.len());
            }
            Ok(principal)
        })
    }

    /// The principal of a token verified earlier, if verifying it again would say the same.
    fn still_holds(&self, entry: &Entry, now: SystemTime) -> Result<Option<Arc<Principal>>, Absence> {
        let since: Duration = jwt::since_epoch(now)?;
        let Some(issuer) = self.issuers.get(entry.issuer) else { return Ok(None) };
        issuer.keys.with_usable(issuer.settings.stale_keys_after, now, |keys| {
            let holds = keys.generation == entry.generation && entry.window.contains(since);
            Ok(holds.then(|| Arc::clone(&entry.principal)))
        })
    }
}

fn status(issuer: &Issuer, now: SystemTime) -> IssuerStatus {
    let health = issuer.keys.health();
    let loaded = issuer.keys.current();
    IssuerStatus {
        issuer: issuer.settings.issuer.clone(),
        source: issuer.settings.keys.clone(),
        state: match issuer.keys.age(now) {
            None => KeysState::Missing,
            Some(age) if age > issuer.settings.stale_keys_after => KeysState::Stale,
            Some(_) => KeysState::Usable,
        },
        keys: loaded.as_ref().map_or(0, |loaded| loaded.set.len()),
        fetched: loaded.as_ref().map(|loaded| loaded.confirmed_at),
        set_aside: loaded.map(|loaded| loaded.set.set_aside().to_vec()).unwrap_or_default(),
        failures: health.failures,
        last_error: health.last_error,
    }
}

const MOST_ISSUERS: usize = 100;
/// At about a kilobyte each, ten megabytes when full.
const USUAL_CACHE: usize = 10_000;

#[cfg(test)]
mod tests;
