//! What the admin listener answers.
//!
//! INVARIANT: everything but `/healthz` and `/readyz` (and `/metrics`, where configured so) needs the admin token; a `Host`
//! that is neither loopback, the address itself nor configured is refused, so that a web page cannot reach the listener
//! by rebinding a name to it.

use std::net::IpAddr;
use std::path::PathBuf;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Response, StatusCode, header};
use portcullis_record::why::{self, Beside};
use portcullis_record::{Remembered, read};
use portcullis_request::{Host, Reference};
use serde::Serialize;

use crate::answer::{self, Kind};
use crate::{DatabaseReadiness, Operations, ReloadReport};

pub use token::AdminToken;

mod token;

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
    /// Why the shadow policies that are wanted are not asked; requests do not need them.
    pub shadow_fault: Option<String>,
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

/// Says what whoever has the policies knows beside a record.
pub type Explain = dyn Fn(&Remembered) -> Beside + Send + Sync;

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
    /// What is known beside a record.
    pub explain: Box<Explain>,
}

impl Admin {
    /// Answers one request by its head, come in at the address `local`; bodies mean nothing here. Reads the log from
    /// disk: call it where that may block.
    #[must_use]
    pub fn answer(&self, head: &Parts, local: IpAddr) -> Response<Bytes> {
        match self.examine(head, local, None) {
            Ok(route) => self.read(route, head, None),
            Err(refused) => *refused,
        }
    }

    /// What is asked for, if whoever asks may have it.
    pub(crate) fn examine<'h>(
        &self,
        head: &'h Parts,
        local: IpAddr,
        operations: Option<&Operations>,
    ) -> Result<Route<'h>, Box<Response<Bytes>>> {
        if !self.addressed_by(head, local) {
            return Err(Box::new(answer::problem(
                StatusCode::MISDIRECTED_REQUEST,
                "this listener does not have that host; ask it by its address or as `localhost`",
            )));
        }
        let route = Route::of(head.uri.path(), operations.is_some());
        let open = match route {
            Some(Route::Health | Route::Ready) => true,
            Some(Route::Metrics) => operations.is_some_and(|operations| operations.metrics_without_token),
            _ => false,
        };
        if !open && !self.token.is_in(&head.headers) {
            return Err(Box::new(answer::challenge()));
        }
        let route = route.ok_or_else(|| {
            Box::new(answer::problem(StatusCode::NOT_FOUND, &format!("there is nothing here; {PATHS}")))
        })?;
        match (&route, &head.method) {
            (Route::Reload, &Method::POST) => Ok(route),
            (Route::Reload, _) => Err(Box::new(answer::only("POST"))),
            (_, &Method::GET | &Method::HEAD) => Ok(route),
            _ => Err(Box::new(answer::only("GET, HEAD"))),
        }
    }

    /// Answers what only looks.
    pub(crate) fn read(
        &self,
        route: Route<'_>,
        head: &Parts,
        operations: Option<&Operations>,
    ) -> Response<Bytes> {
        match (route, operations) {
            (Route::Health, _) => answer::text(StatusCode::OK, "alive\n"),
            (Route::Ready, _) => self.ready(operations),
            (Route::Decision { reference, why }, _) => self.decision(head, reference, why),
            (Route::Metrics, Some(operations)) => answer::metrics((operations.metrics)()),
            (Route::Status, Some(operations)) => answer::json(StatusCode::OK, &(operations.status)()),
            // Never asked for here: a reload waits, and the others are no routes without operations.
            (Route::Reload | Route::Metrics | Route::Status, _) => ReloadReport::Busy.answer(),
        }
    }

    fn ready(&self, operations: Option<&Operations>) -> Response<Bytes> {
        let readiness = (self.readiness)();
        let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        let databases = operations.map(|operations| (operations.databases)());
        answer::json(status, &Ready { readiness, databases })
    }

    fn decision(&self, head: &Parts, reference: &str, with_why: bool) -> Response<Bytes> {
        let parsed: Reference = match reference.parse() {
            Ok(parsed) => parsed,
            Err(fault) => return answer::problem(StatusCode::BAD_REQUEST, &fault.to_string()),
        };
        match read::find(&self.log_folder, parsed) {
            Ok(None) => answer::problem(
                StatusCode::NOT_FOUND,
                "no decision in the log has this reference; older ones may have been moved away with their files",
            ),
            Ok(Some(remembered)) if !with_why => {
                let whole =
                    serde_json::json!({ "decision": remembered.entry, "outcome": remembered.outcome });
                answer::json(StatusCode::OK, &whole)
            }
            Ok(Some(remembered)) => match Kind::asked(&head.headers) {
                Kind::Text => {
                    answer::text(StatusCode::OK, &why::tell(&remembered, &(self.explain)(&remembered)))
                }
                Kind::Json => {
                    answer::json(StatusCode::OK, &why::to_json(&remembered, &(self.explain)(&remembered)))
                }
            },
            Err(fault) => {
                tracing::error!(%fault, "the decision log cannot be read");
                answer::problem(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "the decision log cannot be read; our own log says why",
                )
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

/// What `/readyz` says.
#[derive(Serialize)]
struct Ready {
    #[serde(flatten)]
    readiness: Readiness,
    #[serde(skip_serializing_if = "Option::is_none")]
    databases: Option<Vec<DatabaseReadiness>>,
}

/// What may be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    Health,
    Ready,
    Metrics,
    Status,
    Reload,
    Decision { reference: &'a str, why: bool },
}

impl<'a> Route<'a> {
    fn of(path: &'a str, operations: bool) -> Option<Self> {
        match path {
            "/healthz" => Some(Self::Health),
            "/readyz" => Some(Self::Ready),
            "/metrics" if operations => Some(Self::Metrics),
            "/status" if operations => Some(Self::Status),
            "/reload" if operations => Some(Self::Reload),
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

/// For whoever asked for another.
const PATHS: &str =
    "ask for `/healthz`, `/readyz`, `/status`, `/metrics`, `/decisions/REF` or `/decisions/REF/why`";

#[cfg(test)]
mod tests;
