//! What the admin listener answers.
//!
//! INVARIANT: everything but `/healthz` and `/readyz` needs the admin token, which is compared in constant time and
//! never printed; a `Host` that is neither loopback, the address itself nor configured is refused, so that a web page
//! cannot reach the listener by rebinding a name to it.

use std::net::IpAddr;
use std::path::PathBuf;

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use http::request::Parts;
use http::{Method, Response, StatusCode, header};
use portcullis_record::{read, why};
use portcullis_request::{Host, Reference};
use serde::Serialize;
use subtle::ConstantTimeEq;

use crate::answer::{self, Kind};

/// The operator's secret: its SHA-256, so that there is nothing to print, and nothing but the whole to compare.
pub struct AdminToken([u8; 32]);

impl AdminToken {
    /// Takes the secret.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        Self(hash(secret))
    }

    /// Whether a request carries it as its only bearer token.
    fn is_in(&self, headers: &http::HeaderMap) -> bool {
        let mut sent = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(only), None) = (sent.next(), sent.next()) else { return false };
        let Some((scheme, token)) = only.to_str().ok().and_then(|value| value.split_once(' ')) else {
            return false;
        };
        scheme.eq_ignore_ascii_case("bearer") && bool::from(hash(token.as_bytes()).ct_eq(&self.0))
    }
}

fn hash(secret: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, secret).as_ref());
    hash
}

/// Whether the gate can decide, and what it decides with.
#[derive(Debug, Clone, Serialize)]
pub struct Readiness {
    /// Whether every source that requests need is usable.
    pub ready: bool,
    /// The snapshot in force.
    pub snapshot: String,
    /// Why the last change of files was not taken up, if it was not.
    pub last_reload_fault: Option<String>,
    /// Each issuer's keys.
    pub issuers: Vec<IssuerReadiness>,
    /// Why the decision log does not take records, if it does not.
    pub log_fault: Option<String>,
    /// Records that could not be written, where the log fails open.
    pub records_missed: u64,
}

/// One issuer's keys.
#[derive(Debug, Clone, Serialize)]
pub struct IssuerReadiness {
    /// Its `iss`.
    pub issuer: String,
    /// Whether tokens of it can be checked.
    pub usable: bool,
    /// For people: how many keys, how old, what went wrong.
    pub detail: String,
}

/// Says where a policy is written, by its id: `policies/shop.cedar:12`.
pub type WrittenAt = dyn Fn(&str) -> Option<String> + Send + Sync;

/// Everything the admin listener needs to know.
pub struct Admin {
    /// The operator's secret.
    pub token: AdminToken,
    /// Hosts it may be addressed by besides loopback names and its own address.
    pub hosts: Vec<Host>,
    /// Where the decision log is.
    pub log_folder: PathBuf,
    /// The state of the moment.
    pub readiness: Box<dyn Fn() -> Readiness + Send + Sync>,
    /// Where a policy is written, by id.
    pub written_at: Box<WrittenAt>,
}

impl Admin {
    /// Answers one request by its head, come in at the address `local`; bodies mean nothing here. Reads the log from
    /// disk: call it where that may block.
    #[must_use]
    pub fn answer(&self, head: &Parts, local: IpAddr) -> Response<Bytes> {
        if !self.addressed_by(head, local) {
            return answer::problem(StatusCode::MISDIRECTED_REQUEST, "this listener does not have that host");
        }
        let path = head.uri.path();
        match path {
            "/healthz" | "/readyz" => {}
            _ if !self.token.is_in(&head.headers) => return answer::challenge(),
            _ => {}
        }
        let Some(route) = Route::of(path) else {
            return answer::problem(StatusCode::NOT_FOUND, "there is nothing here");
        };
        if head.method != Method::GET && head.method != Method::HEAD {
            return answer::only_get();
        }
        match route {
            Route::Health => answer::text(StatusCode::OK, "alive\n"),
            Route::Ready => {
                let readiness = (self.readiness)();
                let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
                answer::json(status, &readiness)
            }
            Route::Decision { reference, why } => self.decision(head, reference, why),
        }
    }

    /// Whether answering this request reads the log, which may be long. A stranger's never does.
    pub(crate) fn searches(&self, head: &Parts) -> bool {
        matches!(Route::of(head.uri.path()), Some(Route::Decision { .. })) && self.token.is_in(&head.headers)
    }

    fn decision(&self, head: &Parts, reference: &str, with_why: bool) -> Response<Bytes> {
        let parsed: Reference = match reference.parse() {
            Ok(parsed) => parsed,
            Err(fault) => return answer::problem(StatusCode::BAD_REQUEST, &fault.to_string()),
        };
        match read::find(&self.log_folder, parsed) {
            Ok(None) => answer::problem(StatusCode::NOT_FOUND, "no decision has this reference"),
            Ok(Some(remembered)) if !with_why => {
                let whole =
                    serde_json::json!({ "decision": remembered.entry, "outcome": remembered.outcome });
                answer::json(StatusCode::OK, &whole)
            }
            Ok(Some(remembered)) => match Kind::asked(&head.headers) {
                Kind::Text => answer::text(StatusCode::OK, &why::tell(&remembered, &self.written_at)),
                Kind::Json => answer::json(StatusCode::OK, &why::to_json(&remembered, &self.written_at)),
            },
            Err(fault) => {
                tracing::error!(%fault, "the decision log cannot be read");
                answer::problem(StatusCode::SERVICE_UNAVAILABLE, "the decision log cannot be read")
            }
        }
    }

    /// An address is never rebound: only names are. So our own address is as good as a loopback name.
    fn addressed_by(&self, head: &Parts, local: IpAddr) -> bool {
        let mut hosts = head.headers.get_all(header::HOST).iter();
        let (Some(only), None) = (hosts.next(), hosts.next()) else { return false };
        let Some((host, _port)) = only.to_str().ok().and_then(|host| Host::parse_authority(host).ok()) else {
            return false;
        };
        let name = host.as_str();
        let literal = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
        let address = literal.parse::<IpAddr>().ok().map(|address| address.to_canonical());
        address.is_some_and(|address| address.is_loopback() || address == local.to_canonical())
            || name == "localhost"
            || self.hosts.contains(&host)
    }
}

enum Route<'a> {
    Health,
    Ready,
    Decision { reference: &'a str, why: bool },
}

impl<'a> Route<'a> {
    fn of(path: &'a str) -> Option<Self> {
        match path {
            "/healthz" => Some(Self::Health),
            "/readyz" => Some(Self::Ready),
            _ => {
                let rest = path.strip_prefix("/decisions/")?;
                let (reference, why) = match rest.strip_suffix("/why") {
                    Some(reference) => (reference, true),
                    None => (rest, false),
                };
                (!reference.is_empty() && !reference.contains('/'))
                    .then_some(Self::Decision { reference, why })
            }
        }
    }
}

#[cfg(test)]
mod tests;
