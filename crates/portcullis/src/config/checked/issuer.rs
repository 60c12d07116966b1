//! Token issuers, checked: whom we believe, for whom, and how far.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use portcullis_identity::{ClaimNames, IssuerSettings, KeySource, PrincipalKind};

use super::{Checker, DAY, HOUR, MINUTE, SECOND};
use crate::config::finding::{quoted, suggest};
use crate::config::raw::{RawClaims, RawIssuer, RawKind};
use crate::config::source::{below, element};

/// Signature algorithms there are for issuers. Only asymmetric ones: whoever can check an HMAC can also forge it.
const ALGORITHMS: [&str; 9] =
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];
/// Most issuers; each has its keys fetched and held.
const MOST_ISSUERS: usize = 100;

impl Checker<'_> {
    pub(super) fn issuers(&mut self, raw: &[RawIssuer]) -> Vec<(String, IssuerSettings)> {
        if raw.len() > MOST_ISSUERS {
            let message =
                format!("{} issuers are configured; at most {MOST_ISSUERS} are believed", raw.len());
            self.source.error(
                "issuer",
                "portcullis::config::too_many",
                message,
                "split them among several gates",
            );
        }
        let read = |(index, raw): (usize, &RawIssuer)| {
            let path = element("issuer", index);
            self.issuer(&path, raw).map(|issuer| (path, issuer))
        };
        let issuers = raw.iter().enumerate().filter_map(read).collect();
        self.same_issuers(raw);
        issuers
    }

    fn issuer(&mut self, path: &str, raw: &RawIssuer) -> Option<IssuerSettings> {
        self.not_empty(
            &below(path, "issuer"),
            raw.issuer.as_deref(),
            "it must equal the `iss` of its tokens exactly",
        );
        self.audiences(&below(path, "audiences"), raw.audiences.as_deref().unwrap_or_default());
        self.algorithms(&below(path, "algorithms"), &raw.algorithms);
        if raw.types.is_empty() {
            let message = "no token type is accepted".to_owned();
            let help = "`at+jwt` is usual for access tokens (RFC 9068), `JWT` for others";
            self.source.error(&below(path, "types"), "portcullis::config::empty_list", message, help);
        }
        let keys = self.key_source(path, raw);
        let leeway = self.duration(&below(path, "leeway"), &raw.leeway.0, Duration::ZERO, 5 * MINUTE);
        let refresh = self.duration(&below(path, "refresh"), &raw.refresh.0, SECOND, 7 * DAY);
        let stale_path = below(path, "stale_keys_after");
        let stale_keys_after = self.duration(&stale_path, &raw.stale_keys_after.0, MINUTE, 30 * DAY);
        if let (Some(refresh), Some(stale)) = (refresh, stale_keys_after)
            && stale < refresh
        {
            let message =
                format!("keys would be stale (`{}`) before they are fetched again", raw.stale_keys_after.0);
            let help = format!("write more than `refresh`, which is `{}`", raw.refresh.0);
            self.source.error(&stale_path, "portcullis::config::out_of_range", message, help);
        }
        if let Some(stale) = stale_keys_after
            && stale > 7 * 24 * HOUR
        {
            let message = format!("withdrawn keys may be believed for `{}`", raw.stale_keys_after.0);
            let help = "a day outlasts most outages of a provider";
            self.source.warning(&stale_path, "portcullis::config::long_trust", message, help);
        }
        self.claims(&below(path, "claims"), &raw.claims);
        Some(IssuerSettings {
            issuer: raw.issuer.clone()?,
            audiences: raw.audiences.clone()?,
            algorithms: raw.algorithms.clone(),
            types: raw.types.clone(),
            keys: keys?,
            leeway: leeway?,
            stale_keys_after: stale_keys_after?,
            refresh: refresh?,
            kind: kind(raw.principal),
            id_prefix: raw.id_prefix.clone(),
            claims: claim_names(&raw.claims),
        })
    }

    fn not_empty(&mut self, path: &str, text: Option<&str>, help: &str) {
        if text.is_some_and(|text| text.trim().is_empty()) {
            let message = format!("`{path}` is empty");
            self.source.error(path, "portcullis::config::empty_value", message, help);
        }
    }

    fn audiences(&mut self, path: &str, audiences: &[String]) {
        if self.source.has(path) && audiences.is_empty() {
            let message = "no audience is named".to_owned();
            let help = "name what tokens for this gateway have as `aud`; others' tokens must not open it";
            self.source.error(path, "portcullis::config::empty_list", message, help);
        }
        for (index, audience) in audiences.iter().enumerate() {
            self.not_empty(&element(path, index), Some(audience), "name what tokens have as `aud`");
        }
    }

    fn algorithms(&mut self, path: &str, algorithms: &[String]) {
        if algorithms.is_empty() {
            let message = "no signature algorithm is accepted".to_owned();
            let help = "nearly all providers sign with `ES256` or `RS256`";
            self.source.error(path, "portcullis::config::empty_list", message, help);
        }
        for (index, algorithm) in algorithms.iter().enumerate() {
            if ALGORITHMS.contains(&algorithm.as_str()) {
                continue;
            }
            let upper = algorithm.to_ascii_uppercase();
            let help = if upper == "NONE" {
                "`none` means unsigned: anybody could write such a token".to_owned()
            } else if upper.starts_with("HS") {
                "an HMAC key that verifies tokens can also forge them; have the provider sign with `ES256`"
                    .to_owned()
            } else {
                suggest(algorithm, ALGORITHMS)
            };
            let message = format!("{} is not accepted as a signature algorithm", quoted(algorithm));
            self.source.error(&element(path, index), "portcullis::config::bad_algorithm", message, help);
        }
    }

    fn key_source(&mut self, path: &str, raw: &RawIssuer) -> Option<KeySource> {
        match (&raw.jwks_url, &raw.jwks_file) {
            (Some(url), None) => {
                self.key_url(&below(path, "jwks_url"), url).then(|| KeySource::Url(url.clone()))
            }
            (None, Some(file)) => self.existing_file(&below(path, "jwks_file"), file).map(KeySource::File),
            (Some(_), Some(_)) => {
                let message = "the issuer's keys have two sources".to_owned();
                let help = "keep either `jwks_url` or `jwks_file`";
                self.source.error(&below(path, "jwks_file"), "portcullis::config::key_source", message, help);
                None
            }
            (None, None) => {
                let message = "it is not said where the issuer's keys are".to_owned();
                let help = "write `jwks_url`, which the provider's `/.well-known/openid-configuration` names as \
                            `jwks_uri`, or `jwks_file`";
                // A faulty one has its own finding.
                if !self.source.has(&below(path, "jwks_url")) && !self.source.has(&below(path, "jwks_file")) {
                    self.source.error(path, "portcullis::config::key_source", message, help);
                }
                None
            }
        }
    }

    /// Keys decide who is believed, so they come authenticated: by TLS, or from this machine.
    fn key_url(&mut self, path: &str, url: &str) -> bool {
        let uri: Option<http::Uri> = url.parse().ok();
        let (scheme, authority) =
            uri.as_ref().map_or((None, None), |uri| (uri.scheme_str(), uri.authority()));
        let (message, help) = match (scheme, authority) {
            (Some("https" | "http"), Some(authority)) if authority.as_str().contains('@') => {
                (format!("{} has a user name in it", quoted(url)), "credentials in URLs end up in logs")
            }
            (Some("https"), Some(_)) => return true,
            (Some("http"), Some(authority)) if is_loopback(authority.host()) => return true,
            (Some("http"), Some(_)) => (
                format!(
                    "{} is fetched without TLS, so anybody on the way could replace the keys",
                    quoted(url)
                ),
                "write `https://`",
            ),
            _ => (format!("{} is no URL to fetch keys from", quoted(url)), "write `https://…/jwks.json`"),
        };
        self.source.error(path, "portcullis::config::bad_key_url", message, help);
        false
    }

    fn claims(&mut self, path: &str, claims: &RawClaims) {
        let named = [
            ("id", Some(&claims.id)),
            ("groups", claims.groups.as_ref()),
            ("roles", claims.roles.as_ref()),
            ("tier", claims.tier.as_ref()),
            ("device", claims.device.as_ref()),
            ("scopes", Some(&claims.scopes)),
        ];
        for (key, claim) in named {
            self.not_empty(&below(path, key), claim.map(String::as_str), "name the claim that holds it");
        }
        let attributes = below(path, "attributes");
        for (attribute, claim) in &claims.attributes {
            self.not_empty(&below(&attributes, attribute), Some(claim), "name the claim that holds it");
        }
    }

    fn same_issuers(&mut self, raw: &[RawIssuer]) {
        let mut names: HashMap<&str, usize> = HashMap::new();
        let mut prefixes: HashMap<(bool, &str), &str> = HashMap::new();
        for (index, issuer) in raw.iter().enumerate() {
            let Some(name) = issuer.issuer.as_deref().filter(|name| !name.is_empty()) else { continue };
            let path = element("issuer", index);
            if let Some(first) = names.insert(name, index) {
                let message =
                    format!("the issuer {} is configured twice, first as `issuer[{first}]`", quoted(name));
                let help = "one issuer may have several audiences";
                self.source.error(&below(&path, "issuer"), "portcullis::config::same_issuer", message, help);
                continue;
            }
            let identity = (issuer.principal == RawKind::User, issuer.id_prefix.as_str());
            if let Some(other) = prefixes.insert(identity, name) {
                let message = format!(
                    "{} and {} share their identifiers: either's `alice` is the same",
                    quoted(other),
                    quoted(name)
                );
                let help = "give one of them an `id_prefix`, unless both vouch for the same people";
                self.source.warning(&path, "portcullis::config::shared_identifiers", message, help);
            }
        }
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn kind(raw: RawKind) -> PrincipalKind {
    match raw {
        RawKind::User => PrincipalKind::User,
        RawKind::Service => PrincipalKind::Service,
    }
}

fn claim_names(raw: &RawClaims) -> ClaimNames {
    ClaimNames {
        id: raw.id.clone(),
        groups: raw.groups.clone(),
        roles: raw.roles.clone(),
        tier: raw.tier.clone(),
        device: raw.device.clone(),
        scopes: raw.scopes.clone(),
        attributes: raw.attributes.clone(),
    }
}
