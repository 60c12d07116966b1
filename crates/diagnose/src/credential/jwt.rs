//! A JWT as its holder may read it: times, audience, issuer, scopes, roles. The signature is not checked (we have no
//! keys and need none): nothing is decided by what it says, only explained.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// What of a token matters for a refusal. Never the token itself, never its subject.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Token {
    /// `exp`, in seconds since 1970.
    pub expires: Option<i64>,
    /// `nbf`.
    pub not_before: Option<i64>,
    /// `iat`.
    pub issued: Option<i64>,
    /// `aud`.
    pub audience: Vec<String>,
    /// `iss`.
    pub issuer: Option<String>,
    /// `scope`, `scp`, `scopes`.
    pub scopes: Vec<String>,
    /// `roles`, `role`, `groups`, also in Keycloak's place.
    pub roles: Vec<String>,
}

/// What is read of a token: longer ones are none.
const LONGEST: usize = 64 * 1024;
/// How many values of a list are read.
const MOST: usize = 64;

impl Token {
    /// Reads a token; none where it is no JWT.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() > LONGEST {
            return None;
        }
        let mut parts = text.split('.');
        let (head, claims) = (parts.next()?, parts.next()?);
        parts.next()?;
        let decode = |part: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?;
            serde_json::from_slice::<Value>(&bytes).ok()
        };
        decode(head)?.get("alg")?;
        let claims = decode(claims)?;
        let number = |name: &str| {
            let value = claims.get(name)?;
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a time beyond i64 is as far away as its limit"
            )]
            value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64))
        };
        let mut roles = list(claims.get("roles"));
        roles.extend(list(claims.get("role")));
        roles.extend(list(claims.get("groups")));
        roles.extend(list(claims.get("permissions")));
        roles.extend(list(claims.pointer("/realm_access/roles")));
        let mut scopes = list(claims.get("scope"));
        scopes.extend(list(claims.get("scp")));
        scopes.extend(list(claims.get("scopes")));
        Some(Self {
            expires: number("exp"),
            not_before: number("nbf"),
            issued: number("iat"),
            audience: list(claims.get("aud")),
            issuer: claims.get("iss").and_then(Value::as_str).map(str::to_owned),
            scopes,
            roles,
        })
    }

    /// Whether it is past its time, or before it.
    #[must_use]
    pub fn out_of_time(&self, now: i64) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
            || self.not_before.is_some_and(|from| from > now + 60)
    }

    /// Whether audience or issuer name a place that the host is not: another domain, or another environment of it.
    #[must_use]
    pub fn is_for_elsewhere(&self, host: &str) -> bool {
        let places: Vec<_> = self.audience.iter().collect();
        if places.is_empty() {
            return self
                .issuer
                .as_deref()
                .is_some_and(|issuer| environment(issuer).is_some_and(|e| !host.contains(e)));
        }
        let fits = |place: &&String| {
            let place = place.to_ascii_lowercase();
            let name = place.split("://").last().unwrap_or_default();
            let name = name.split(['/', ':']).next().unwrap_or_default();
            host.eq_ignore_ascii_case(name)
                || domain(host) == domain(name) && environment(name) == environment(host)
        };
        !places.iter().any(fits)
    }
}

/// The last two labels, or the whole where there are fewer: near enough to tell sites apart.
fn domain(host: &str) -> &str {
    match host.rmatch_indices('.').nth(1) {
        Some((at, _)) => host.get(at + 1..).unwrap_or(host),
        None => host,
    }
}

fn environment(text: &str) -> Option<&'static str> {
    let text = text.to_ascii_lowercase();
    ["staging", "sandbox", "preprod", "test", "dev", "qa", "uat", "demo"]
        .into_iter()
        .find(|name| text.split(['.', '-', '/', ':', '_']).any(|part| part == *name))
}

fn list(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => {
            text.split([' ', ',']).filter(|part| !part.is_empty()).take(MOST).map(str::to_owned).collect()
        }
        Some(Value::Array(values)) => {
            values.iter().filter_map(Value::as_str).take(MOST).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token(claims: &str) -> Token {
        let head = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#);
        Token::read(&format!("{head}.{}.sig", URL_SAFE_NO_PAD.encode(claims))).unwrap()
    }

    #[test]
    fn times() {
        assert!(token(r#"{"exp":10}"#).out_of_time(11));
        assert!(!token(r#"{"exp":10.5}"#).out_of_time(9));
        assert!(token(r#"{"nbf":1000}"#).out_of_time(10));
        assert!(!token("{}").out_of_time(10));
    }

    #[test]
    fn places() {
        assert!(token(r#"{"aud":"https://api.other.test"}"#).is_for_elsewhere("api.mine.test"));
        assert!(!token(r#"{"aud":["x","https://mine.test/"]}"#).is_for_elsewhere("api.mine.test"));
        assert!(token(r#"{"aud":"https://api.staging.mine.test"}"#).is_for_elsewhere("api.mine.test"));
        assert!(token(r#"{"iss":"https://staging.idp.test"}"#).is_for_elsewhere("api.mine.test"));
        assert!(!token("{}").is_for_elsewhere("api.mine.test"));
    }

    #[test]
    fn rights() {
        let token = token(r#"{"scope":"a b","scp":["c"],"realm_access":{"roles":["r"]}}"#);
        assert_eq!((token.scopes.join(" "), token.roles.join(" ")), ("a b c".to_owned(), "r".to_owned()));
    }

    proptest! {
        #[test]
        fn anything_is_read_or_is_no_token(text in ".{0,300}") {
            drop(Token::read(&text));
        }
    }
}
