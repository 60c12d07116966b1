//! One token issuer: its settings as checked configuration hands them over, and the checks that make it one we can
//! believe. Its keys live in `keys`, and are fetched by `refresh`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;

use crate::PrincipalKind;
use crate::algorithm::Algorithm;
use crate::jwks::JwksError;
use crate::jwt::plain_type;
use crate::keys::IssuerKeys;

/// Where an issuer's public keys come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// A JWKS document by `https://` URL (`http://` only to a loopback address).
    Url(String),
    /// A JWKS file.
    File(PathBuf),
}

/// Which claim holds what. A name with dots is one claim name if present as such, else a path into objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimNames {
    /// The principal's identifier: `sub`.
    pub id: String,
    /// Groups: array of strings or one string.
    pub groups: Option<String>,
    /// Roles, likewise.
    pub roles: Option<String>,
    /// The plan.
    pub tier: Option<String>,
    /// The device's identifier.
    pub device: Option<String>,
    /// Scopes: a space-separated string or an array (`scope`).
    pub scopes: String,
    /// Further principal attributes: attribute → claim.
    pub attributes: std::collections::BTreeMap<String, String>,
}

/// One issuer that is believed, for whom and how far.
#[derive(Debug, Clone)]
pub struct IssuerSettings {
    /// Exact `iss`.
    pub issuer: String,
    /// Acceptable `aud` values, at least one.
    pub audiences: Vec<String>,
    /// JOSE names of the signature algorithms accepted: `RS256` … `EdDSA`; never `none`, never HMAC.
    pub algorithms: Vec<String>,
    /// Acceptable `typ` header values (compared without `application/` and case); a missing `typ` only if `""` is
    /// among them.
    pub types: Vec<String>,
    /// Where its keys come from.
    pub keys: KeySource,
    /// Clock skew allowed on `exp`, `nbf`, `iat`.
    pub leeway: Duration,
    /// Longest time keys are used without a successful refresh; afterwards its tokens are `Unavailable`.
    pub stale_keys_after: Duration,
    /// How often keys are refreshed when nothing goes wrong.
    pub refresh: Duration,
    /// What its subjects are.
    pub kind: PrincipalKind,
    /// Put before the identifier, so that two issuers' `alice` are two principals. Empty for none.
    pub id_prefix: String,
    /// Which claim holds what.
    pub claims: ClaimNames,
}

/// Why settings make no issuer.
#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    /// No name.
    #[error("an issuer has an empty name; it must equal the `iss` of its tokens exactly")]
    Unnamed,
    /// The same `iss` twice.
    #[error("the issuer `{0}` is configured twice; give it several audiences instead")]
    Twice(String),
    /// More than 100.
    #[error("{0} issuers are configured; at most 100 are believed")]
    TooMany(usize),
    /// No audience: tokens for anybody would be accepted.
    #[error("the issuer `{0}` has no audience; name what its tokens for this gateway have as `aud`")]
    NoAudience(String),
    /// No algorithm, or one that is not supported.
    #[error("the issuer `{issuer}` has the algorithm `{algorithm}`; supported are {}", supported())]
    Algorithm {
        /// Which issuer.
        issuer: String,
        /// What was named; empty if nothing was.
        algorithm: String,
    },
    /// No acceptable `typ`.
    #[error(
        "the issuer `{0}` accepts no token type; `at+jwt` is usual for access tokens (RFC 9068), `JWT` for others"
    )]
    NoType(String),
    /// A claim name is empty.
    #[error("the issuer `{0}` maps a claim without a name")]
    NoClaim(String),
    /// A period that makes no sense.
    #[error("the issuer `{issuer}` has a bad `{setting}`: {why}")]
    Period {
        /// Which issuer.
        issuer: String,
        /// Which setting.
        setting: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Keys from an address that cannot be trusted.
    #[error("the issuer `{issuer}` has its keys at `{url}`: {why}")]
    Url {
        /// Which issuer.
        issuer: String,
        /// Which address.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Its key file is unreadable.
    #[error("the key file `{path}` of the issuer `{issuer}` cannot be read: {fault}")]
    KeyFile {
        /// Which issuer.
        issuer: String,
        /// Which file.
        path: String,
        /// What the system said.
        fault: std::io::Error,
    },
    /// Its key file is no usable key set.
    #[error("the key file `{path}` of the issuer `{issuer}`: {fault}")]
    KeySet {
        /// Which issuer.
        issuer: String,
        /// Which file.
        path: String,
        /// What is wrong with it.
        fault: JwksError,
    },
}

/// An issuer whose settings were checked.
pub(crate) struct Issuer {
    pub(crate) settings: IssuerSettings,
    pub(crate) algorithms: Vec<Algorithm>,
    /// As [`plain_type`] writes them.
    pub(crate) types: Vec<String>,
    pub(crate) keys: Arc<IssuerKeys>,
}

impl Issuer {
    /// Checks the settings. It has no keys yet.
    pub(crate) fn new(settings: IssuerSettings) -> Result<Self, IssuerError> {
        let name = || settings.issuer.clone();
        if settings.issuer.is_empty() {
            return Err(IssuerError::Unnamed);
        }
        if settings.audiences.is_empty() || settings.audiences.iter().any(String::is_empty) {
            return Err(IssuerError::NoAudience(name()));
        }
        if settings.types.is_empty() {
            return Err(IssuerError::NoType(name()));
        }
        let unsupported =
            |algorithm: &str| IssuerError::Algorithm { issuer: name(), algorithm: algorithm.to_owned() };
        let algorithms: Vec<_> = settings
            .algorithms
            .iter()
            .map(|algorithm| Algorithm::named(algorithm).ok_or_else(|| unsupported(algorithm)))
            .collect::<Result<_, _>>()?;
        if algorithms.is_empty() {
            return Err(unsupported(""));
        }
        let claims = &settings.claims;
        let optional = [&claims.groups, &claims.roles, &claims.tier, &claims.device].into_iter().flatten();
        if optional
            .chain([&claims.id, &claims.scopes])
            .chain(claims.attributes.values())
            .any(String::is_empty)
        {
            return Err(IssuerError::NoClaim(name()));
        }
        check_periods(&settings)?;
        if let KeySource::Url(url) = &settings.keys {
            check_url(url).map_err(|why| IssuerError::Url { issuer: name(), url: url.clone(), why })?;
        }
        let types = settings.types.iter().map(|kind| plain_type(kind)).collect();
        Ok(Self { algorithms, types, keys: Arc::default(), settings })
    }
}

fn check_periods(settings: &IssuerSettings) -> Result<(), IssuerError> {
    let bad = |setting, why| Err(IssuerError::Period { issuer: settings.issuer.clone(), setting, why });
    if settings.leeway > MOST_LEEWAY {
        return bad("leeway", "more than ten minutes; synchronise the clocks instead");
    }
    if settings.refresh < LEAST_REFRESH {
        return bad("refresh", "less than a second would burden the issuer");
    }
    if settings.stale_keys_after < settings.refresh {
        return bad(
            "stale_keys_after",
            "shorter than `refresh`, so keys would be stale before they are refreshed",
        );
    }
    Ok(())
}

/// Keys decide who is believed, so they come authenticated: by TLS, or from this machine.
fn check_url(url: &str) -> Result<(), &'static str> {
    let parsed: Uri = url.parse().map_err(|_| "not a URL")?;
    let (Some(scheme), Some(authority)) = (parsed.scheme_str(), parsed.authority()) else {
        return Err("not an absolute URL; it begins with `https://`");
    };
    if authority.as_str().contains('@') {
        return Err("user names and passwords in URLs end up in logs");
    }
    match scheme {
        "https" => Ok(()),
        "http" if is_loopback(authority.host()) => Ok(()),
        "http" => Err("keys fetched without TLS can be replaced on the way; use `https://`"),
        _ => Err("only `https://` is fetched"),
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

fn supported() -> String {
    Algorithm::ALL.map(|algorithm| format!("`{}`", algorithm.name())).join(", ")
}

const MOST_LEEWAY: Duration = Duration::from_secs(600);
const LEAST_REFRESH: Duration = Duration::from_secs(1);
