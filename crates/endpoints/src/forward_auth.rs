//! The door for proxies that ask before they forward: nginx `auth_request`, Caddy `forward_auth`, Traefik `ForwardAuth`.
//!
//! A proxy tells of the request it holds (`told`), the gate decides as at every door, and the answer takes the form
//! that this proxy understands (`say`). Nothing is forwarded from here, and no sign-in is made here.
//!
//! INVARIANT: below `/auth` a status of success is said in one place only, for [`Asked::Allowed`]; whatever is missing,
//! malformed or refused has another (Authelia GHSA-68wm-pfjf-wqp6, authentik CVE-2026-25748).

mod kept;
mod say;
mod serve;
mod strangers;
mod told;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::request::Parts;
use http::{Response, StatusCode};
use portcullis_gate::{Asked, Gate};
use portcullis_record::Door;
use portcullis_request::{Connection, Reference, TrustedPeers};

use crate::answer;
use kept::Kept;
use strangers::Strangers;

pub use serve::serve_forward_auth;

/// The door's state.
pub struct ForwardAuth {
    gate: Arc<Gate>,
    peers: TrustedPeers,
    kept: Kept,
    strangers: Strangers,
}

/// What the asking proxy understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contract {
    /// 2xx, 401 and 403 only; bodies are lost and fetched from `/deny`.
    Nginx,
    /// 2xx allows, all else is passed on; it can be told to fetch from `/deny` what has a status of success.
    Caddy,
    /// 2xx allows, all else is passed on, and it can do nothing more.
    Traefik,
}

impl ForwardAuth {
    /// A door to `gate` for the proxies in `peers`; without any, nobody is answered.
    #[must_use]
    pub fn new(gate: Arc<Gate>, peers: TrustedPeers) -> Self {
        Self { gate, peers, kept: Kept::default(), strangers: Strangers::default() }
    }

    /// Answers one request of the proxy at `peer`, by its head; bodies mean nothing here.
    pub async fn answer(&self, head: &Parts, peer: SocketAddr) -> Response<Bytes> {
        if !self.names(peer) {
            self.strangers.log(peer, Instant::now());
            return answer::refusal(
                StatusCode::FORBIDDEN,
                "peer_not_named",
                "this address may not ask here; name it in `forward_auth.peers`",
            );
        }
        match head.uri.path() {
            "/auth/nginx" => self.decide(Contract::Nginx, head, peer).await,
            "/auth/caddy" => self.decide(Contract::Caddy, head, peer).await,
            "/auth/traefik" => self.decide(Contract::Traefik, head, peer).await,
            "/deny" => self.deny(head.uri.query()),
            _ => answer::refusal(
                StatusCode::NOT_FOUND,
                "not_found",
                "ask at `/auth/nginx`, `/auth/caddy` or `/auth/traefik`",
            ),
        }
    }

    /// Whether this address may ask.
    pub(crate) fn names(&self, peer: SocketAddr) -> bool {
        self.peers.contains(peer.ip())
    }

    async fn decide(&self, contract: Contract, head: &Parts, peer: SocketAddr) -> Response<Bytes> {
        let from = Connection::plain(peer);
        let asked = match told::request(contract, &head.headers) {
            Ok(request) => self.gate.ask(&request, &from, Door::ForwardAuth, &self.peers).await,
            Err(unreadable) => {
                Asked::Denied(self.gate.deny_unreadable(&unreadable, &from, Door::ForwardAuth).await)
            }
        };
        match asked {
            Asked::Allowed(allowance) => {
                let answer = say::allowed(contract, allowance.own_headers);
                // What the caller gets is known to the asking proxy alone; ours is what we told that proxy.
                let mut outcome = allowance.outcome;
                outcome.status(answer.status().as_u16());
                outcome.finish();
                answer
            }
            Asked::Denied(denial) => {
                let mut outcome = denial.outcome;
                outcome.add_bytes(u64::try_from(denial.response.body().len()).unwrap_or(u64::MAX));
                let said = say::denied(contract, denial.response, denial.reference);
                if let Some(whole) = said.fetched {
                    self.kept.keep(denial.reference, whole, Instant::now());
                }
                outcome.finish();
                said.answer
            }
        }
    }

    /// The whole answer to a request that was denied a moment ago, once.
    fn deny(&self, query: Option<&str>) -> Response<Bytes> {
        let written = query.and_then(|query| query.strip_prefix("ref="));
        let reference = written.and_then(|written| written.parse::<Reference>().ok());
        match reference.map(|reference| (reference, self.kept.take(reference, Instant::now()))) {
            Some((_, Some(whole))) => whole,
            Some((reference, None)) => say::forgotten(Some(reference)),
            None => say::forgotten(None),
        }
    }
}
