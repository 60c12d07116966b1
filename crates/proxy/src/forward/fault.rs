//! Why there is no answer of the origin, or none that may be passed on, and what the caller is told about it: 502 where
//! the origin failed, 504 where it took too long, 4xx where the caller's own body was at fault (promise 1: never 403).

use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use portcullis_gate::{OriginRefusals, OutcomeWriter};
use portcullis_measure::OriginOutcome;
use portcullis_payload::PayloadFault;
use portcullis_response::{Fault as PayloadDetail, Taken};

use crate::caller::{CallerFault, Progress};
use crate::origins::{ConnectFault, find, told};

/// Why there is no answer of the origin.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("{0}")]
    Caller(CallerFault),
    #[error("{0}")]
    Payload(PayloadFault),
    #[error("no memory was free for the caller's body within {0:?}")]
    NoBuffer(Duration),
    #[error("the caller's body could not be checked")]
    Unchecked,
    #[error("the caller asked for a tunnel that is not offered")]
    NoTunnel,
    #[error("the origin gave no place within {0:?}: too many requests are under way there")]
    Full(Duration),
    #[error("the origin could not be reached: {0}")]
    Unreachable(#[from] ConnectFault),
    #[error("the origin did not answer within {0:?}")]
    NotAnsweredInTime(Duration),
    #[error("the request took longer than it may")]
    TooLong,
    #[error("the origin's answer is broken: {0}")]
    Broken(String),
    #[error("the origin ended the connection before its answer: {0}")]
    Terminated(String),
    #[error("the permit is for another request")]
    ForeignPermit,
}

impl Fault {
    /// What became of a request that was on its way.
    pub(super) fn of(error: &hyper::Error, progress: &Progress) -> Self {
        if let Some(fault) = progress.fault() {
            return Self::Caller(fault.clone());
        }
        let said = told(error);
        let broken_off = find::<std::io::Error>(error).is_some_and(|cause| {
            use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
            matches!(cause.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
        });
        let over = error.is_incomplete_message() || error.is_canceled() || error.is_closed();
        if over || broken_off || went_away(&said) { Self::Terminated(said) } else { Self::Broken(said) }
    }

    /// Whether a request that ended so may have failed for a reason that another try does not meet.
    pub(super) fn may_pass(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Terminated(_))
    }

    /// What a try that ended so is counted as.
    pub(super) fn counted(&self) -> OriginOutcome {
        match self {
            Self::Unreachable(ConnectFault::TimedOut(_))
            | Self::Full(_)
            | Self::NotAnsweredInTime(_)
            | Self::TooLong => OriginOutcome::Timeout,
            Self::Unreachable(_) => OriginOutcome::ConnectFailed,
            _ => OriginOutcome::Broken,
        }
    }

    /// The public code where the body was refused for what it is.
    pub(super) fn payload_code(&self) -> Option<&'static str> {
        match self {
            Self::Payload(fault) => Some(fault.code()),
            Self::Caller(CallerFault::TooLarge(_)) => Some("payload_too_large"),
            _ => None,
        }
    }

    /// The answer, and what of it goes into the outcome.
    pub(super) fn say(&self, refuse: &OriginRefusals, outcome: &mut OutcomeWriter) -> Response<Bytes> {
        let response = match self {
            Self::Caller(fault) => caller(fault, refuse),
            Self::Payload(fault) => payload(fault, refuse),
            Self::NoBuffer(_) => refuse.unavailable("overloaded"),
            Self::Unchecked => refuse.unavailable("cannot_decide"),
            // RFC 9220 §3.
            Self::NoTunnel => refuse.unreadable("tunnel_not_offered", StatusCode::NOT_IMPLEMENTED),
            Self::Full(_) => refuse.gateway_timeout("connection_timeout"),
            Self::NotAnsweredInTime(_) | Self::TooLong => refuse.gateway_timeout("http_response_timeout"),
            Self::Unreachable(fault) => unreachable(fault, refuse),
            Self::Broken(_) => refuse.bad_gateway("http_protocol_error"),
            Self::Terminated(_) => refuse.bad_gateway("http_response_incomplete"),
            Self::ForeignPermit => {
                // Cannot happen while the gate hands out permits with their requests; if it does, nothing is forwarded.
                tracing::error!("a permit was about to be used for another request");
                refuse.bad_gateway("bad_gateway")
            }
        };
        outcome.status(response.status().as_u16());
        outcome.fault(self.to_string());
        response
    }
}

/// An origin over HTTP/2 that shuts down, or that took a request back unseen (RFC 9113 §6.8, §8.7). Only the wording
/// tells it: were that to change, such a request would be answered 502 instead of tried again.
fn went_away(said: &str) -> bool {
    said.contains("received: not a result of an error") || said.contains("received: refused stream")
}

/// RFC 9209 §2.3.
fn unreachable(fault: &ConnectFault, refuse: &OriginRefusals) -> Response<Bytes> {
    match fault {
        ConnectFault::Dns(_) => refuse.bad_gateway("dns_error"),
        ConnectFault::Refused(_) => refuse.bad_gateway("connection_refused"),
        ConnectFault::TimedOut(_) => refuse.gateway_timeout("connection_timeout"),
        ConnectFault::Unreachable(_) => refuse.bad_gateway("destination_unavailable"),
        ConnectFault::Certificate(_) => refuse.bad_gateway("tls_certificate_error"),
        ConnectFault::Tls(_) => refuse.bad_gateway("tls_protocol_error"),
        ConnectFault::Protocol(_) => refuse.bad_gateway("http_protocol_error"),
    }
}

/// RFC 9110 §15.5.1, §15.5.9 and §15.5.14.
fn caller(fault: &CallerFault, refuse: &OriginRefusals) -> Response<Bytes> {
    match fault {
        CallerFault::Broken(_) | CallerFault::NamingTrailer(_) => {
            refuse.unreadable("broken_body", StatusCode::BAD_REQUEST)
        }
        CallerFault::Stalled(_) => refuse.unreadable("body_timeout", StatusCode::REQUEST_TIMEOUT),
        CallerFault::TooLarge(_) => {
            refuse.payload("payload_too_large", StatusCode::PAYLOAD_TOO_LARGE, Vec::new())
        }
    }
}

fn payload(fault: &PayloadFault, refuse: &OriginRefusals) -> Response<Bytes> {
    let details = match fault {
        PayloadFault::Invalid(faults) => faults
            .iter()
            .map(|fault| PayloadDetail { pointer: fault.pointer.clone(), message: fault.message.clone() })
            .collect(),
        // What would be taken instead says it all (RFC 9110 §15.5.16, §12.5.3).
        PayloadFault::Unsupported { accepted, .. } => {
            return refuse.unsupported(Taken::Types(accepted.clone()));
        }
        PayloadFault::Encoded { .. } => return refuse.unsupported(Taken::Uncoded),
        // The code says it all.
        PayloadFault::TooLarge { .. } => Vec::new(),
        other => vec![PayloadDetail { pointer: String::new(), message: other.to_string() }],
    };
    let status = StatusCode::from_u16(fault.status()).unwrap_or(StatusCode::BAD_REQUEST);
    refuse.payload(fault.code(), status, details)
}
