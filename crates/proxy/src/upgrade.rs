//! Leaving HTTP: a caller's wish for a tunnel (WebSocket and the like), how it is put to an origin, and whether the origin
//! granted it. The tunnel itself is in `tunnel`.
//!
//! INVARIANT: nothing of a tunnel reaches an origin before it granted exactly what was asked (Pingora CVE-2026-2833, Envoy
//! CVE-2026-73548). What speaks HTTP again inside is never tunnelled: those requests would be decided by nobody.

mod tunnel;
mod websocket;

use http::header::{
    CONNECTION, HeaderMap, HeaderValue, InvalidHeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::request::Parts;
use http::{Method, Response, StatusCode, Version};
use hyper::ext::Protocol;
use hyper::upgrade::OnUpgrade;
use portcullis_request::headers;

use crate::wire;

pub(crate) use tunnel::Tunnel;

/// What a request says about leaving HTTP.
#[must_use = "a caller whose wish is neither granted nor declined is not read any more"]
pub(crate) struct Wish {
    /// What the caller sends after the head, held back.
    held: Option<wire::Upgrade>,
    caller: Option<OnUpgrade>,
    asked: Option<Asked>,
    /// Whether it is an extended `CONNECT`, to which any 2xx would mean that the tunnel is there.
    extended_connect: bool,
}

/// What is asked of the origin.
#[derive(Debug)]
pub(crate) struct Asked {
    protocol: String,
    /// For WebSocket: the caller's, or ours where the caller needs none.
    key: Option<HeaderValue>,
    by: Version,
}

/// The caller's side of a tunnel that was granted.
pub(crate) struct Granted {
    pub(crate) held: Option<wire::Upgrade>,
    pub(crate) caller: OnUpgrade,
}

/// Makes an extended `CONNECT` (RFC 8441 §4) the `GET` that it stands for, so that policies see one WebSocket and not two
/// kinds. To be called before anything is decided. `None`: it is none.
pub(crate) fn as_asked(head: &mut Parts) -> Option<Protocol> {
    if head.version != Version::HTTP_2 || head.method != Method::CONNECT {
        return None;
    }
    let protocol = head.extensions.remove::<Protocol>()?;
    head.method = Method::GET;
    Some(protocol)
}

impl Wish {
    /// What this head says. `held`: what the caller's connection holds back for it.
    pub(crate) fn of(head: &mut Parts, held: Option<wire::Upgrade>) -> Self {
        let extended = as_asked(head);
        let caller = head.extensions.remove::<OnUpgrade>();
        let protocol = match &extended {
            Some(protocol) => Some(protocol.as_str().to_owned()),
            None if held.is_some() => single_token(&head.headers),
            None => None,
        };
        let asked = protocol.filter(|protocol| is_tunnel(protocol)).and_then(|protocol| {
            let key = if !protocol.eq_ignore_ascii_case(websocket::NAME) {
                None
            } else if extended.is_some() {
                Some(websocket::key()?)
            } else {
                head.headers.get(SEC_WEBSOCKET_KEY).cloned()
            };
            Some(Asked { protocol, key, by: head.version })
        });
        Self { held, caller, asked, extended_connect: extended.is_some() }
    }

    /// What may be asked of an origin. A request with a body asks for nothing: where the body ends, the origin's reading
    /// of the tunnel would begin.
    pub(crate) fn asked(&self, allowed: bool, has_body: bool) -> Option<&Asked> {
        self.asked.as_ref().filter(|_| allowed && !has_body && self.caller.is_some())
    }

    /// Whether only a tunnel, or a refusal, can answer it.
    pub(crate) fn is_extended_connect(&self) -> bool {
        self.extended_connect
    }

    /// Not granted: the caller's connection goes on as HTTP.
    pub(crate) fn decline(self) {
        if let Some(held) = self.held {
            held.go_on_http();
        }
    }

    /// Granted by the origin.
    pub(crate) fn grant(self) -> Option<(Asked, Granted)> {
        Some((self.asked?, Granted { held: self.held, caller: self.caller? }))
    }
}

/// What an origin made of a wish.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Granted,
    /// A plain answer.
    Declined,
    /// It says that it granted it, and did not grant this.
    Wrong(&'static str),
}

impl Asked {
    pub(crate) fn protocol(&self) -> &str {
        &self.protocol
    }

    /// What belongs to it on HTTP/1.1, apart from `Connection` and `Upgrade`.
    pub(crate) fn ask_http1(&self, headers: &mut HeaderMap) -> Result<(), InvalidHeaderValue> {
        if self.by == Version::HTTP_2
            && let Some(key) = &self.key
        {
            headers.insert(SEC_WEBSOCKET_KEY, key.clone());
            headers.entry(SEC_WEBSOCKET_VERSION).or_insert(HeaderValue::from_static(websocket::VERSION));
        }
        Ok(())
    }

    /// RFC 8441 §5: the key and its proof are not used.
    pub(crate) fn ask_http2(&self, headers: &mut HeaderMap) {
        headers.remove(SEC_WEBSOCKET_KEY);
    }

    /// Whether the origin granted exactly this. To be asked before hop-by-hop fields are removed.
    pub(crate) fn reply<B>(&self, response: &Response<B>) -> Reply {
        let fields = response.headers();
        if response.version() == Version::HTTP_2 {
            return if response.status() == StatusCode::OK { Reply::Granted } else { Reply::Declined };
        }
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Reply::Declined;
        }
        let named = single_token(fields);
        if !named.is_some_and(|protocol| protocol.eq_ignore_ascii_case(&self.protocol)) {
            return Reply::Wrong("101 to another protocol than was asked for");
        }
        let proof = fields.get(SEC_WEBSOCKET_ACCEPT).map(HeaderValue::as_bytes);
        match self.key.as_ref().map(websocket::accept) {
            Some(accept) if proof != Some(accept.as_bytes()) => {
                Reply::Wrong("101 whose `Sec-WebSocket-Accept` does not belong to the key")
            }
            _ => Reply::Granted,
        }
    }

    /// Makes an origin's answer, whose hop-by-hop fields are gone, the one that this caller understands. Returns its status.
    pub(crate) fn tell(&self, headers: &mut HeaderMap) -> StatusCode {
        if self.by == Version::HTTP_2 {
            headers.remove(SEC_WEBSOCKET_ACCEPT);
            return StatusCode::OK;
        }
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        if let Ok(protocol) = HeaderValue::from_str(&self.protocol) {
            headers.insert(UPGRADE, protocol);
        }
        if let Some(accept) = self.key.as_ref().map(websocket::accept)
            && let Ok(accept) = HeaderValue::try_from(accept)
        {
            headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
        }
        StatusCode::SWITCHING_PROTOCOLS
    }
}

/// The one protocol that a head names (RFC 9110 §7.8), if it names one.
fn single_token(fields: &HeaderMap) -> Option<String> {
    let mut named = fields.get_all(UPGRADE).iter();
    let (Some(one), None) = (named.next(), named.next()) else { return None };
    let one = one.to_str().ok()?.trim();
    (headers::connection_has(fields, "upgrade") && !one.is_empty() && !one.contains(','))
        .then(|| one.to_owned())
}

/// Not `h2c`, `HTTP/2.0`, `TLS/1.2` and their like: what follows them is HTTP, one way or the other.
fn is_tunnel(protocol: &str) -> bool {
    let (name, _) = protocol.split_once('/').unwrap_or((protocol, ""));
    let http = ["http", "https", "tls", "ssl", "h2", "h2c", "h3"];
    !http.iter().any(|http| name.eq_ignore_ascii_case(http))
        && protocol.len() <= LONGEST_PROTOCOL
        && protocol.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~/".contains(&byte))
}

/// Bytes of a protocol's name. The longest registered one has 15.
const LONGEST_PROTOCOL: usize = 64;

#[cfg(test)]
mod tests;
