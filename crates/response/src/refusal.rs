//! A verdict, or a fault, turned into what is said to the caller.

use std::time::Duration;

use http::StatusCode;

/// What a refusal says: the public code, the author's sentence, and where to get help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Stable machine code: `region_restricted`.
    pub code: String,
    /// The sentence written for callers; `None`: the catalogue's own for this code, in the caller's language.
    pub message: Option<String>,
    /// Where to read or ask more.
    pub help: Option<String>,
}

/// What a 401 asks for (RFC 9110 §11.6.1, RFC 6750 §3, RFC 9470 §3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Challenge {
    /// No credential came: a challenge without error code.
    Credentials,
    /// One came and does not hold: `error="invalid_token"`.
    InvalidToken {
        /// `error_description`.
        description: String,
    },
    /// It holds, but is too weak or too old: `error="insufficient_user_authentication"`.
    StepUp {
        /// `acr_values`.
        acr_values: Vec<String>,
        /// `max_age`, seconds.
        max_age: Option<u32>,
    },
}

/// What is wrong with one part of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where: a JSON pointer (RFC 6901), for forms `/field`.
    pub pointer: String,
    /// What is expected there, for the caller.
    pub message: String,
}

/// Which bodies a route takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// Those of these media types, said in `Accept`.
    Types(Vec<String>),
    /// Those without a content coding such as `gzip`, said in `Accept-Encoding`.
    Uncoded,
}

/// Every way in which we say no. One variant, one row of the standards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// 400: not one unambiguous request.
    Ambiguous(Said),
    /// 408, 414, 431, 501 or 505: a head that was not read to its end, or not of HTTP as it is read here.
    Unreadable(Said, StatusCode),
    /// 400 with `error="invalid_request"`: malformed credentials (RFC 6750 §3.1).
    MalformedCredential(Said),
    /// 401 with a challenge.
    Unauthenticated(Said, Challenge),
    /// 403.
    Forbidden(Said),
    /// 403 with `error="insufficient_scope"`.
    InsufficientScope(Said, String),
    /// 404 indistinguishable from the app's own; says nothing at all.
    Hidden,
    /// 404 for a host or path nothing is configured for.
    NoRoute,
    /// 421: this connection is not for that host.
    Misdirected(Said),
    /// 400, 413, 415 or 422: the body is not what the route takes. Never 403: it says nothing about the caller.
    Payload(Said, StatusCode, Vec<Fault>),
    /// 415 that says what is taken instead (RFC 9110 §15.5.16).
    Unsupported(Said, Taken),
    /// 429.
    TooMany(Said, Duration),
    /// The origin's own status with a page of ours: what it said itself stays inside.
    OriginSaid(StatusCode),
    /// 451 with `Link: <…>; rel="blocked-by"` (RFC 7725).
    Legal(Said, Option<String>),
    /// 502: the origin failed.
    OriginFailed(Said),
    /// 504: the origin did not answer in time.
    OriginTimeout(Said),
    /// 503: nobody can decide now; never a 403.
    Unavailable(Said, Duration),
}

impl Refusal {
    /// The status it is answered with. The one place that maps them.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Unreadable(_, status) | Self::Payload(_, status, _) | Self::OriginSaid(status) => *status,
            Self::Ambiguous(_) | Self::MalformedCredential(_) => StatusCode::BAD_REQUEST,
            Self::Unauthenticated(..) => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) | Self::InsufficientScope(..) => StatusCode::FORBIDDEN,
            Self::Hidden | Self::NoRoute => StatusCode::NOT_FOUND,
            Self::Misdirected(_) => StatusCode::MISDIRECTED_REQUEST,
            Self::Unsupported(..) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooMany(..) => StatusCode::TOO_MANY_REQUESTS,
            Self::Legal(..) => StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS,
            Self::OriginFailed(_) => StatusCode::BAD_GATEWAY,
            Self::OriginTimeout(_) => StatusCode::GATEWAY_TIMEOUT,
            Self::Unavailable(..) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The code for the record: what was said; `hidden` or `not_found` where nothing was; `origin_forbidden` (403),
    /// `origin_not_found` (404) or `origin_error` where the origin said it.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Hidden => "hidden",
            Self::NoRoute => "not_found",
            Self::OriginSaid(StatusCode::FORBIDDEN) => "origin_forbidden",
            Self::OriginSaid(StatusCode::NOT_FOUND) => "origin_not_found",
            Self::OriginSaid(_) => "origin_error",
            _ => self.said().map_or("", |said| &said.code),
        }
    }

    /// The code for the caller: a hidden route has that of one that does not exist.
    pub(crate) fn public_code(&self) -> &str {
        if self.is_silent() { "not_found" } else { self.code() }
    }

    /// Whether nothing may tell this answer from another: neither code nor reference nor field.
    pub(crate) fn is_silent(&self) -> bool {
        matches!(self, Self::Hidden | Self::NoRoute)
    }

    /// What is wrong with which part of the body.
    pub(crate) fn faults(&self) -> &[Fault] {
        match self {
            Self::Payload(_, _, faults) => faults,
            _ => &[],
        }
    }

    /// What it says; `None` for those that say nothing.
    #[must_use]
    pub fn said(&self) -> Option<&Said> {
        match self {
            Self::Ambiguous(said)
            | Self::Unreadable(said, _)
            | Self::Payload(said, ..)
            | Self::Unsupported(said, _)
            | Self::MalformedCredential(said)
            | Self::Unauthenticated(said, _)
            | Self::Forbidden(said)
            | Self::InsufficientScope(said, _)
            | Self::Misdirected(said)
            | Self::TooMany(said, _)
            | Self::Legal(said, _)
            | Self::OriginFailed(said)
            | Self::OriginTimeout(said)
            | Self::Unavailable(said, _) => Some(said),
            Self::Hidden | Self::NoRoute | Self::OriginSaid(_) => None,
        }
    }
}
