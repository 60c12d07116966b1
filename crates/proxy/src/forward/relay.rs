//! The origin's answer on its way to the caller: passed on, replaced by a page of ours, or the beginning of a tunnel.
//!
//! INVARIANT: what only we say (`Proxy-Status`, our own fields) is never an origin's; an answer of ours has the origin's
//! status only where the origin gave it.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_LENGTH, RETRY_AFTER, TRANSFER_ENCODING, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use http_body::Body;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use portcullis_gate::{OriginRefusals, OriginTarget, OutcomeWriter};
use portcullis_request::headers;
use tokio::time::timeout;

use super::attempt::Answered;
use super::fault::Fault;
use crate::Limits;
use crate::answer::{Sent, ours};
use crate::body::{AnswerBody, OriginBody, Patience};
use crate::origins::{Lease, told};
use crate::serve::Door;
use crate::upgrade::{Reply, Tunnel, Wish};

/// What an answer needs beside the origin's.
pub(super) struct Relay<'a> {
    pub(super) target: &'a OriginTarget,
    pub(super) refuse: OriginRefusals,
    pub(super) outcome: OutcomeWriter,
    pub(super) method: Method,
    pub(super) patience: Patience,
    pub(super) limits: &'a Limits,
    /// Said whoever answers: where the caller's limits stand.
    pub(super) told: HeaderMap,
}

impl Relay<'_> {
    /// Makes the origin's answer ours to send.
    pub(super) async fn pass_on(mut self, answered: Answered, wish: Wish, door: &Door) -> Sent {
        let Answered { mut response, lease, asked, unread } = answered;
        let reply = match wish.asked(asked, false) {
            Some(asked) => asked.reply(&response),
            None => Reply::Declined,
        };
        let on_upgrade = response.extensions_mut().remove::<OnUpgrade>();
        let plain = wish.is_extended_connect() && response.status().is_success();
        let accepted = match reply {
            Reply::Wrong(how) => Err(Fault::Broken(how.to_owned())),
            Reply::Declined if plain => {
                // To this caller any 2xx would mean that the tunnel is there.
                Err(Fault::Broken(format!("{} to a wish to leave HTTP", response.status())))
            }
            Reply::Granted => accept_fields(response.headers_mut()),
            Reply::Declined => accept(&mut response),
        };
        if let Err(fault) = accepted {
            wish.decline();
            return self.refuse(&fault, unread);
        }
        self.outcome.origin_status(response.status().as_u16());
        if reply == Reply::Granted {
            return self.open(response, on_upgrade, lease, wish, door);
        }
        wish.decline();
        if self.target.renders_404 && response.status() == StatusCode::NOT_FOUND {
            drain(response.into_body(), lease, self.limits);
            self.outcome.intercepted();
            return self.say(Self::not_found, StatusCode::NOT_FOUND, unread);
        }
        if response.status().as_u16() >= 400 && self.target.intercept.holds(response.status()) {
            return self.instead(response, lease, unread);
        }
        self.relay(response, lease, unread).await
    }

    /// Says that there is no answer of the origin.
    pub(super) fn refuse(mut self, fault: &Fault, unread: bool) -> Sent {
        let mut response = fault.say(&self.refuse, &mut self.outcome);
        response.headers_mut().extend(self.told);
        ours(response, unread, &self.method, self.outcome)
    }

    fn not_found(refuse: &OriginRefusals) -> Response<Bytes> {
        refuse.not_found()
    }

    fn say(
        mut self,
        page: impl FnOnce(&OriginRefusals) -> Response<Bytes>,
        status: StatusCode,
        unread: bool,
    ) -> Sent {
        let mut response = page(&self.refuse);
        self.outcome.status(status.as_u16());
        response.headers_mut().extend(self.told);
        ours(response, unread, &self.method, self.outcome)
    }

    /// A page of ours with the origin's status. What clients act on stays.
    fn instead(mut self, response: Response<Incoming>, lease: Lease, unread: bool) -> Sent {
        let status = response.status();
        let (parts, incoming) = response.into_parts();
        drain(incoming, lease, self.limits);
        self.outcome.intercepted();
        let kept = match status {
            StatusCode::UNAUTHORIZED => Some(WWW_AUTHENTICATE),
            StatusCode::METHOD_NOT_ALLOWED => Some(ALLOW),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Some(RETRY_AFTER),
            _ => None,
        };
        let page = |refuse: &OriginRefusals| {
            let mut page = refuse.instead(status);
            let fields = page.headers_mut();
            if let Some(name) = kept {
                for value in parts.headers.get_all(&name) {
                    fields.append(name.clone(), value.clone());
                }
            }
            page
        };
        self.say(page, status, unread)
    }

    /// The answer as ours: status, fields and body. Version and reason phrase are the connection's own matter; an origin
    /// that speaks HTTP/1.0 must not make the caller's connection do so.
    async fn relay(mut self, response: Response<Incoming>, lease: Lease, unread: bool) -> Sent {
        let (parts, incoming) = response.into_parts();
        let body = match OriginBody::begin(incoming, lease).await {
            Ok(body) => body,
            Err(fault) => return self.refuse(&Fault::Broken(told(&fault)), unread),
        };
        self.outcome.status(parts.status.as_u16());
        let body = AnswerBody::origin(body, self.outcome, self.patience);
        let mut relayed = Response::new(body);
        *relayed.status_mut() = parts.status;
        let mut fields = parts.headers;
        if parts.status.is_client_error() || parts.status.is_server_error() {
            received(&mut fields, parts.status);
        }
        fields.extend(self.told);
        *relayed.headers_mut() = fields;
        relayed
    }

    /// The beginning of a tunnel.
    fn open(
        mut self,
        response: Response<Incoming>,
        on_upgrade: Option<OnUpgrade>,
        lease: Lease,
        wish: Wish,
        door: &Door,
    ) -> Sent {
        let mut fields = response.into_parts().0.headers;
        fields.remove(CONTENT_LENGTH);
        let (Some(origin), Some((asked, granted))) = (on_upgrade, wish.grant()) else {
            return self.refuse(&Fault::Broken("a tunnel that cannot be opened".to_owned()), false);
        };
        let mut sent = Response::new(AnswerBody::none());
        *sent.status_mut() = asked.tell(&mut fields);
        fields.extend(self.told);
        *sent.headers_mut() = fields;
        self.outcome.status(sent.status().as_u16());
        let (outcome, pause) = (self.outcome, self.patience.pause);
        let metrics = Arc::clone(door.gate.metrics());
        let (ending, alive) = (door.ending.clone(), door.alive.clone());
        tokio::spawn(Tunnel { granted, origin, lease, outcome, metrics, pause, ending, alive }.run());
        sent
    }
}

/// Tells an origin's refusal from ours (RFC 9209 §2.1.4).
fn received(fields: &mut HeaderMap, status: StatusCode) {
    if let Ok(value) = HeaderValue::try_from(format!("portcullis; received-status={}", status.as_u16())) {
        fields.insert(PROXY_STATUS, value);
    }
}

/// Makes the origin's head ours to send, or refuses it.
fn accept(response: &mut Response<Incoming>) -> Result<(), Fault> {
    // No upgrade was asked for, so this is no answer; and what follows it must reach nobody (Pingora CVE-2026-2833).
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return Err(Fault::Broken("101 although nothing asked for an upgrade".to_owned()));
    }
    accept_fields(response.headers_mut())
}

fn accept_fields(fields: &mut HeaderMap) -> Result<(), Fault> {
    let mut codings = fields.get_all(TRANSFER_ENCODING).iter();
    if let Some(coding) = codings.next() {
        if codings.next().is_some() || !coding.as_bytes().eq_ignore_ascii_case(b"chunked") {
            return Err(Fault::Broken("a `Transfer-Encoding` other than exactly `chunked`".to_owned()));
        }
        // Both were sent; the length was not what ended the body (RFC 9112 §6.3).
        fields.remove(CONTENT_LENGTH);
    }
    headers::remove_hop_by_hop(fields);
    // Ours alone to say (RFC 9209 §2): an origin is no proxy on this way.
    fields.remove(&PROXY_STATUS);
    headers::remove_own(fields);
    Ok(())
}

/// Reads a small body that nobody gets, beside the answer, so that the connection may serve again. A larger one ends it.
fn drain(mut incoming: Incoming, lease: Lease, limits: &Limits) {
    if incoming.is_end_stream() {
        lease.keep();
        return;
    }
    let small = incoming.size_hint().upper().is_some_and(|upper| upper <= limits.unread_bytes);
    if small {
        let time = limits.unread_time;
        tokio::spawn(async move {
            let read = async {
                while let Some(frame) = incoming.frame().await {
                    if frame.is_err() {
                        return false;
                    }
                }
                true
            };
            if timeout(time, read).await.unwrap_or(false) {
                lease.keep();
            }
        });
    }
}

const PROXY_STATUS: HeaderName = HeaderName::from_static("proxy-status");
