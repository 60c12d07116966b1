//! Our signed word on who the caller is, for origins, and the keys to check it with.
//!
//! INVARIANT: it is given only for callers that were identified and allowed; its audience is the app, so that one origin
//! cannot use it at another.

use std::time::SystemTime;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response};
use portcullis_context::{Fact, Situation};
use portcullis_identity::{Principal, Voucher};
use portcullis_request::CanonicalRequest;

/// Where origins find the keys, below every host of ours.
pub const KEYS: &str = "/.well-known/portcullis/jwks.json";

/// The header that carries it.
pub const HEADER: HeaderName = HeaderName::from_static("x-portcullis-identity");

/// Adds the word on this caller. What cannot be signed is left out and said in the log: an origin that checks it then
/// refuses by itself.
pub(crate) fn vouch(
    voucher: &Voucher,
    caller: &Principal,
    situation: &Situation,
    app: &str,
    now: SystemTime,
    headers: &mut HeaderMap,
) {
    let tier = match &situation.tier {
        Fact::Known(tier) => Some(tier.as_str()),
        Fact::Absent(_) | Fact::Unavailable(_) => None,
    };
    match voucher.vouch(caller, tier, app, now) {
        Ok(token) => {
            headers.insert(HEADER, token);
        }
        Err(fault) => tracing::error!(%fault, "no signed word on the caller for the upstream"),
    }
}

/// The keys, if this request asks for them. They are public.
#[must_use]
pub fn answer(voucher: &Voucher, request: &CanonicalRequest, now: SystemTime) -> Option<Response<Bytes>> {
    let asked = request.method == Method::GET || request.method == Method::HEAD;
    if !asked || request.path.as_str() != KEYS {
        return None;
    }
    let mut response = Response::new(Bytes::from(voucher.jwks(now)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/jwk-set+json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Some(response)
}
