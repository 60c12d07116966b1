//! Headers that no caller may set, and headers that end at each hop. Which values a header may have is not decided here.
//!
//! INVARIANT: names are compared folded, since servers behind us fold them too: `X_Auth_User` and `X.Auth.User` arrive
//! in many applications as `X-Auth-User` (oauth2-proxy CVE-2025-64484, Traefik CVE-2026-39858).

use std::borrow::Cow;

use http::header::{CONNECTION, HeaderMap, HeaderName, HeaderValue};

/// What every header of our own to an origin starts with.
pub const OWN_PREFIX: &str = "x-portcullis-";

/// A name as a careless server reads it: lower case, and `-` for every character that is neither letter nor digit.
#[must_use]
pub fn fold(name: &str) -> String {
    folded(name).into_owned()
}

/// Removes every header that a caller may not set: ours, forwarded fields, target and method overrides, `Proxy-*`.
///
/// `from_trusted`: whether the peer is named as trusted. Its further `X-Forwarded-*` fields (`-Prefix`, `-Port`, …)
/// and its word on the caller's address then stay; what became host, scheme and client of the canonical request goes
/// in any case, because it is set anew from there.
pub fn remove_unsettable(headers: &mut HeaderMap, from_trusted: bool) {
    let unsettable: Vec<HeaderName> =
        headers.keys().filter(|name| is_unsettable(&folded(name.as_str()), from_trusted)).cloned().collect();
    for name in unsettable {
        headers.remove(name);
    }
}

/// Removes what only we say, from an origin's answer: a caller must be able to believe `X-Portcullis-Ref`.
pub fn remove_own(headers: &mut HeaderMap) {
    let own: Vec<HeaderName> =
        headers.keys().filter(|name| folded(name.as_str()).starts_with(OWN_PREFIX)).cloned().collect();
    for name in own {
        headers.remove(name);
    }
}

/// The first of a request's trailers that would say who the caller is or how it came, or bring a credential. No honest
/// client sends one, and an origin that merges trailers into the headers would believe it.
#[must_use]
pub fn naming_caller(trailers: &HeaderMap) -> Option<&HeaderName> {
    trailers.keys().find(|name| {
        let folded = folded(name.as_str());
        is_unsettable(&folded, false) || CREDENTIALS.contains(&&*folded)
    })
}

/// Removes from a request's trailers all but those known to be mere trailers (checksums, gRPC's own): where an origin
/// merges them into the headers, any other might count as a credential or an identity, by whatever name the
/// configuration or the origin knows it.
pub fn remove_unsettable_trailers(trailers: &mut HeaderMap) {
    let unsettable: Vec<HeaderName> = trailers
        .keys()
        .filter(|name| {
            let folded = folded(name.as_str());
            folded != name.as_str() || !TRAILERS.iter().any(|known| folded.starts_with(known))
        })
        .cloned()
        .collect();
    for name in unsettable {
        trailers.remove(name);
    }
}

/// Removes the fields that concern one connection only: those that `Connection` names and those of RFC 9110 §7.6.1.
///
/// Called before headers of our own are added, so that a caller cannot have ours removed by naming them in
/// `Connection` (Traefik CVE-2021-32813).
pub fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
}

/// Whether any `Connection` field asks for `option`, compared without case (RFC 9110 §7.6.1).
#[must_use]
pub fn connection_has(headers: &HeaderMap, option: &str) -> bool {
    let options = |value: &HeaderValue| {
        value
            .as_bytes()
            .split(|byte| *byte == b',')
            .any(|each| each.trim_ascii().eq_ignore_ascii_case(option.as_bytes()))
    };
    headers.get_all(CONNECTION).iter().any(options)
}

fn folded(name: &str) -> Cow<'_, str> {
    if name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-') {
        return Cow::Borrowed(name);
    }
    let fold = |character: char| match character {
        'a'..='z' | '0'..='9' => character,
        'A'..='Z' => character.to_ascii_lowercase(),
        _ => '-',
    };
    Cow::Owned(name.chars().map(fold).collect())
}

fn is_unsettable(folded: &str, from_trusted: bool) -> bool {
    // Most names need no more than a look at their first letter.
    if !folded.as_bytes().first().is_some_and(|first| FIRST_LETTERS.contains(first)) {
        return false;
    }
    folded.starts_with(OWN_PREFIX)
        || folded.starts_with("proxy-")
        || ALWAYS.contains(&folded)
        || (!from_trusted
            && (FROM_TRUSTED_ONLY.contains(&folded)
                || PREFIXES_FROM_TRUSTED_ONLY.iter().any(|prefix| folded.starts_with(prefix))))
}

/// What the names below begin with, and [`OWN_PREFIX`].
const FIRST_LETTERS: [u8; 7] = *b"xpcfrst";

/// How other gateways and servers tell origins who the caller is or how it came. An application that moved here from
/// behind one of them still believes these.
const PREFIXES_FROM_TRUSTED_ONLY: [&str; 18] = [
    "x-forwarded-",
    "remote-",
    "x-remote-",
    "x-webauth-",
    "x-auth-request-",
    "x-auth-user",
    "x-auth-email",
    "x-auth-groups",
    "x-authentik-",
    "x-pomerium-",
    "x-ssl-",
    "ssl-client-",
    "x-client-cert",
    "x-envoy-",
    "x-amzn-oidc-",
    "x-goog-",
    "x-ms-client-principal",
    "cf-access-",
];

/// From nobody.
const ALWAYS: [&str; 14] = [
    // Said anew from the canonical request.
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
    // Another target than the one that was decided.
    "x-original-uri",
    "x-original-url",
    "x-rewrite-url",
    "x-original-method",
    // Another method than the one that was decided.
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    // CGI programs read it as `HTTP_PROXY` and send their own requests there.
    "proxy",
    // The host of some frameworks, before `Host`.
    "x-host",
];

/// Whose word on the caller's address, or on how the caller reached us, some origins take.
const FROM_TRUSTED_ONLY: [&str; 13] = [
    "x-forwarded",
    "x-forward-for",
    "x-original-forwarded-for",
    "x-original-host",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-remote-addr",
    "x-remote-ip",
    "client-ip",
    "x-azure-clientip",
    "true-client-ip",
    "cf-connecting-ip",
    "fastly-client-ip",
];

/// Credentials that have a place in the head.
const CREDENTIALS: [&str; 2] = ["authorization", "cookie"];

/// What the names of trailers that travel on begin with.
const TRAILERS: [&str; 7] =
    ["grpc-", "content-digest", "repr-digest", "digest", "content-md5", "x-amz-checksum-", "x-checksum"];

/// RFC 9110 §7.6.1, with those that only proxies of old know. `Trailer` is not among them (§6.6.2): trailers travel on,
/// and it announces them.
static HOP_BY_HOP: [HeaderName; 8] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    http::header::PROXY_AUTHENTICATE,
    http::header::PROXY_AUTHORIZATION,
    http::header::TE,
    http::header::TRANSFER_ENCODING,
    http::header::UPGRADE,
];

#[cfg(test)]
mod tests;
