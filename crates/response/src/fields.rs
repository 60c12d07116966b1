//! The header fields of a refusal, apart from the challenge and from what gRPC adds.
//!
//! INVARIANT: `Cache-Control: no-store` on every refusal, and on one that must not be told apart (hidden, no route)
//! nothing that depends on the decision.

use std::time::Duration;

use http::header::{
    ACCEPT, ACCEPT_ENCODING, ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, CACHE_CONTROL, LINK, ORIGIN, REFERRER_POLICY, RETRY_AFTER, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::accept::Form;
use crate::{Asked, Branding, Refusal, Taken};

/// The reference of the decision, on all refusals but those that must not be told apart.
pub(crate) const X_PORTCULLIS_REF: HeaderName = HeaderName::from_static("x-portcullis-ref");

const PROXY_STATUS: HeaderName = HeaderName::from_static("proxy-status");

/// What every answer of ours has, whatever it says.
pub(crate) fn common(form: Form, asked: &Asked<'_>, branding: &Branding) -> HeaderMap {
    let mut fields = HeaderMap::with_capacity(16);
    fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    fields.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    fields.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    fields.insert(VARY, HeaderValue::from_static(vary(form, branding)));
    cross_origin(&mut fields, asked, branding);
    fields
}

/// The request's fields that were looked at, never `*`.
fn vary(form: Form, branding: &Branding) -> &'static str {
    match (form, branding.cors_origins.is_empty()) {
        (Form::Grpc, true) => "Accept-Language, Content-Type",
        (Form::Grpc, false) => "Accept-Language, Content-Type, Origin",
        (_, true) => "Accept, Accept-Language, Content-Type, Sec-Fetch-Mode",
        (_, false) => "Accept, Accept-Language, Content-Type, Sec-Fetch-Mode, Origin",
    }
}

/// Without these a script sees "network error" where it was refused (Fetch standard, "CORS check"). `null` is no
/// origin: every sandboxed document has it.
fn cross_origin(fields: &mut HeaderMap, asked: &Asked<'_>, branding: &Branding) {
    let Some(origin) = asked.headers.get(ORIGIN) else { return };
    let listed = |one: &String| one.as_bytes() == origin.as_bytes() && one != "null";
    if asked.headers.get_all(ORIGIN).iter().count() == 1 && branding.cors_origins.iter().any(listed) {
        fields.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        fields.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        fields.insert(
            ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("WWW-Authenticate, X-Portcullis-Ref, Retry-After"),
        );
    }
}

/// What this refusal says in fields of its own.
pub(crate) fn particular(fields: &mut HeaderMap, refusal: &Refusal, proxy_status: bool) {
    if proxy_status {
        fields.extend(proxy_status_of(refusal).map(|value| (PROXY_STATUS, value)));
    }
    match refusal {
        Refusal::Unsupported(_, Taken::Types(types)) => {
            fields.extend(HeaderValue::try_from(types.join(", ")).ok().map(|value| (ACCEPT, value)));
        }
        Refusal::Unsupported(_, Taken::Uncoded) => {
            fields.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        _ => {}
    }
    if let Some(wait) = wait(refusal) {
        fields.insert(RETRY_AFTER, HeaderValue::from(seconds(wait)));
    }
    let blocked_by = match refusal {
        Refusal::Legal(_, blocked_by) => blocked_by.as_deref().and_then(absolute),
        _ => None,
    };
    link(fields, blocked_by, "blocked-by");
    link(fields, refusal.said().and_then(|said| said.help.as_deref()).and_then(absolute), "help");
}

fn link(fields: &mut HeaderMap, target: Option<&str>, relation: &str) {
    if let Some(Ok(value)) =
        target.map(|target| HeaderValue::try_from(format!("<{target}>; rel=\"{relation}\"")))
    {
        fields.append(LINK, value);
    }
}

/// How long to wait before asking again.
pub(crate) fn wait(refusal: &Refusal) -> Option<Duration> {
    match refusal {
        Refusal::TooMany(_, wait) | Refusal::Unavailable(_, wait) => Some(*wait),
        _ => None,
    }
}

/// Whole seconds, rounded up: who comes back too early is refused again. Never 0, which means "at once".
fn seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1)
}

/// `Proxy-Status` (RFC 9209). Where the origin said it, the status that was received (§2.1.4) and no error of ours. None
/// on a 404 of ours: it would tell it from the app's own.
fn proxy_status_of(refusal: &Refusal) -> Option<HeaderValue> {
    match refusal {
        Refusal::OriginSaid(status) => {
            HeaderValue::try_from(format!("portcullis; received-status={}", status.as_u16())).ok()
        }
        _ => proxy_error(refusal).map(HeaderValue::from_static),
    }
}

/// RFC 9209 §2.3.
fn proxy_error(refusal: &Refusal) -> Option<&'static str> {
    match refusal {
        Refusal::Hidden | Refusal::NoRoute | Refusal::OriginSaid(_) => None,
        Refusal::Unauthenticated(..)
        | Refusal::Forbidden(_)
        | Refusal::InsufficientScope(..)
        | Refusal::Legal(..)
        | Refusal::TooMany(..) => Some("portcullis; error=http_request_denied"),
        // §2.3.16 is for statuses that blame the caller; 501 and 505 only say what is not served here (§2.3.29).
        Refusal::Unreadable(_, status) if status.is_server_error() => {
            Some("portcullis; error=proxy_internal_response")
        }
        Refusal::Ambiguous(_)
        | Refusal::Unreadable(..)
        | Refusal::Payload(..)
        | Refusal::Unsupported(..)
        | Refusal::MalformedCredential(_)
        | Refusal::Misdirected(_) => Some("portcullis; error=http_request_error"),
        Refusal::Unavailable(..) => Some("portcullis; error=proxy_internal_error"),
        Refusal::OriginFailed(said) => Some(match said.code.as_str() {
            "dns_timeout" => "portcullis; error=dns_timeout",
            "dns_error" => "portcullis; error=dns_error",
            "destination_not_found" => "portcullis; error=destination_not_found",
            "connection_refused" => "portcullis; error=connection_refused",
            "connection_terminated" => "portcullis; error=connection_terminated",
            "connection_timeout" => "portcullis; error=connection_timeout",
            "tls_protocol_error" => "portcullis; error=tls_protocol_error",
            "tls_certificate_error" => "portcullis; error=tls_certificate_error",
            "http_protocol_error" => "portcullis; error=http_protocol_error",
            "http_response_incomplete" => "portcullis; error=http_response_incomplete",
            "http_upgrade_failed" => "portcullis; error=http_upgrade_failed",
            _ => "portcullis; error=destination_unavailable",
        }),
        Refusal::OriginTimeout(said) => Some(match said.code.as_str() {
            "dns_timeout" => "portcullis; error=dns_timeout",
            "connection_timeout" => "portcullis; error=connection_timeout",
            "connection_read_timeout" => "portcullis; error=connection_read_timeout",
            "connection_write_timeout" => "portcullis; error=connection_write_timeout",
            _ => "portcullis; error=http_response_timeout",
        }),
    }
}

/// A target that may stand in a `Link` field and in an `href`: absolute, of a scheme that only leads somewhere
/// (`javascript:` does not), and of the characters that RFC 3986 §2 allows, so that it ends where it seems to end.
pub(crate) fn absolute(target: &str) -> Option<&str> {
    let scheme = ["https://", "http://", "mailto:", "tel:", "urn:"];
    let known = scheme
        .iter()
        .any(|scheme| target.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
    let spelled =
        target.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte));
    (known && spelled && target.len() <= LONGEST_TARGET).then_some(target)
}

/// Bytes of a link, as much as every browser takes.
const LONGEST_TARGET: usize = 2048;

#[cfg(test)]
mod tests;
