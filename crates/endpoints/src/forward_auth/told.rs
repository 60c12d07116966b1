//! From what a proxy tells of the request it holds to the head of that request.
//!
//! INVARIANT: of each of method, target, host, scheme and address something is told, and all that is told of it agrees.
//! A proxy that was set up to say only some of it is refused every request, so that no caller can say the rest in its
//! place (oauth2-proxy CVE-2026-40575). The target is taken as it stands: a URL parser would read an authority into
//! `//admin` and cut off what follows a `#` (opa-envoy-plugin CVE-2026-26205, Envoy CVE-2021-32779).

use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;
use http::uri::{PathAndQuery, Uri};
use http::{Method, Request, StatusCode};
use portcullis_gate::Unreadable;

use super::Contract;

/// The head of the request that the asking proxy holds.
///
/// Its forwarded address and scheme stay, for the gate to read as those of a peer that this door trusts. All else that
/// concerns the asking, not the request, is gone.
pub(crate) fn request(contract: Contract, headers: &HeaderMap) -> Result<Parts, Box<Unreadable>> {
    let fault = |fault: Fault| Box::new(fault.unreadable(contract, headers));
    let method = agreed(headers, contract.methods(), "method").map_err(fault)?;
    let target = agreed(headers, contract.targets(), "target").map_err(fault)?;
    let host = agreed(headers, &[X_FORWARDED_HOST], "host").map_err(fault)?;
    let scheme = agreed(headers, &[X_FORWARDED_PROTO], "scheme").map_err(fault)?;
    let addresses = addresses(contract, headers).map_err(fault)?;
    nothing_overrides(contract, headers).map_err(fault)?;

    let mut parts = Request::new(()).into_parts().0;
    parts.method = read_method(method).map_err(fault)?;
    parts.uri = read_target(target).map_err(fault)?;
    parts.headers = of_the_caller(headers);
    parts.headers.insert(header::HOST, host.clone());
    parts.headers.insert(X_FORWARDED_PROTO, scheme.clone());
    for address in addresses {
        parts.headers.append(X_FORWARDED_FOR, address.clone());
    }
    Ok(parts)
}

impl Contract {
    fn methods(self) -> &'static [&'static str] {
        match self {
            Self::Nginx => &[X_ORIGINAL_METHOD, X_FORWARDED_METHOD],
            Self::Caddy | Self::Traefik => &[X_FORWARDED_METHOD],
        }
    }

    fn targets(self) -> &'static [&'static str] {
        match self {
            Self::Nginx => &[X_ORIGINAL_URI, X_FORWARDED_URI],
            Self::Caddy | Self::Traefik => &[X_FORWARDED_URI],
        }
    }
}

/// Why there is no request in what was told.
struct Fault {
    code: &'static str,
    detail: String,
}

impl Fault {
    fn forwarding(detail: String) -> Self {
        Self { code: "ambiguous_forwarding", detail }
    }

    fn unreadable(self, contract: Contract, headers: &HeaderMap) -> Unreadable {
        let shown = |names: &[&str]| names.iter().find_map(|name| headers.get(*name)).map(escaped);
        Unreadable {
            code: self.code,
            status: StatusCode::BAD_REQUEST,
            detail: self.detail,
            method: shown(contract.methods()),
            target: shown(contract.targets()),
            host: shown(&[X_FORWARDED_HOST]),
        }
    }
}

/// The one value told under any of these names.
fn agreed<'h>(
    headers: &'h HeaderMap,
    names: &'static [&'static str],
    what: &str,
) -> Result<&'h HeaderValue, Fault> {
    let mut values = names.iter().flat_map(|name| headers.get_all(*name));
    let Some(first) = values.next().filter(|value| !value.is_empty()) else {
        let [name, ..] = names else { return Err(Fault::forwarding(format!("no {what} is told"))) };
        return Err(Fault::forwarding(format!("the asking proxy tells no {what}: `{name}` is missing")));
    };
    if values.any(|value| value != first) {
        let detail =
            format!("the asking proxy tells several values of the {what}; one may be the caller's own");
        return Err(Fault::forwarding(detail));
    }
    Ok(first)
}

/// Refuses what an application may take for another target, host or method than the ones that are told. At the proxy's own
/// door these are removed; here nothing can be, and the asking proxy would forward them beside the leave that was given
/// for another request.
fn nothing_overrides(contract: Contract, headers: &HeaderMap) -> Result<(), Fault> {
    let told = |name: &str| contract.methods().contains(&name) || contract.targets().contains(&name);
    match OVERRIDES.iter().find(|(name, _)| headers.contains_key(*name) && !told(name)) {
        None => Ok(()),
        Some((name, code)) => {
            let detail = format!(
                "`{name}` names another request to some applications; have the asking proxy remove it"
            );
            Err(Fault { code, detail })
        }
    }
}

/// Every line of addresses. nginx can tell the caller's address in `X-Real-IP` too, or alone: then it must be the one
/// that nginx put at the right end of the list, or a list would be the caller's word.
fn addresses(contract: Contract, headers: &HeaderMap) -> Result<Vec<&HeaderValue>, Fault> {
    let listed: Vec<_> = headers.get_all(X_FORWARDED_FOR).iter().collect();
    let single = match contract {
        Contract::Nginx if headers.contains_key(X_REAL_IP) => Some(agreed(headers, &[X_REAL_IP], "address")?),
        _ => None,
    };
    match (listed.last(), single) {
        (None, None) => {
            let detail = format!("the asking proxy tells no address: `{X_FORWARDED_FOR}` is missing");
            Err(Fault::forwarding(detail))
        }
        (None, Some(single)) => Ok(vec![single]),
        (Some(last), Some(single)) if right_end(last) != single.as_bytes().trim_ascii() => {
            let detail = format!("`{X_REAL_IP}` is not the last address of `{X_FORWARDED_FOR}`");
            Err(Fault::forwarding(detail))
        }
        (Some(_), _) => Ok(listed),
    }
}

fn right_end(list: &HeaderValue) -> &[u8] {
    list.as_bytes().rsplit(|byte| *byte == b',').next().unwrap_or_default().trim_ascii()
}

fn read_method(value: &HeaderValue) -> Result<Method, Fault> {
    Method::from_bytes(value.as_bytes())
        .map_err(|_| Fault::forwarding(format!("`{}` is no method", escaped(value))))
}

/// Origin-form and nothing else (RFC 9112 §3.2.1), of the characters that may stand in a request line.
fn read_target(value: &HeaderValue) -> Result<Uri, Fault> {
    let bytes = value.as_bytes();
    let fault = |detail: String| Fault { code: "ambiguous_target", detail };
    if bytes.first() != Some(&b'/') {
        return Err(fault(format!("the target `{}` does not start with `/`", escaped(value))));
    }
    if let Some(at) = bytes.iter().position(|byte| !byte.is_ascii_graphic() || *byte == b'#') {
        return Err(fault(format!("the target has a byte that must be percent-encoded, at {at}")));
    }
    PathAndQuery::try_from(bytes)
        .map(Uri::from)
        .map_err(|unfit| fault(format!("the target `{}` is none: {unfit}", escaped(value))))
}

/// The caller's own headers: without what the proxy says of the request, and without what ends at its connection to us.
///
/// What the caller lists in `Connection` stays: were it removed, a caller could have its credential overlooked here that
/// the origin then gets (Traefik CVE-2021-32813).
fn of_the_caller(headers: &HeaderMap) -> HeaderMap {
    let mut kept = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let text = name.as_str();
        let of_the_proxy = PREFIXES.iter().any(|prefix| text.starts_with(prefix));
        if !of_the_proxy && !OF_THE_ASKING.contains(&text) {
            kept.append(name, value.clone());
        }
    }
    kept
}

/// As a record may hold it: one line of ASCII, of bounded length.
fn escaped(value: &HeaderValue) -> String {
    value.as_bytes().escape_ascii().take(LONGEST_SHOWN).map(char::from).collect()
}

const X_FORWARDED_FOR: &str = "x-forwarded-for";
const X_FORWARDED_HOST: &str = "x-forwarded-host";
const X_FORWARDED_METHOD: &str = "x-forwarded-method";
const X_FORWARDED_PROTO: &str = "x-forwarded-proto";
const X_FORWARDED_URI: &str = "x-forwarded-uri";
const X_ORIGINAL_METHOD: &str = "x-original-method";
const X_ORIGINAL_URI: &str = "x-original-uri";
const X_REAL_IP: &str = "x-real-ip";

/// What the asking proxy says of the request.
const PREFIXES: [&str; 2] = ["x-forwarded-", "x-original-"];

/// What some applications believe before the request line or `Host`, and why it is refused. Other spellings of these names
/// (`X_HTTP_Method`) have characters that no request may have.
const OVERRIDES: [(&str, &str); 9] = [
    (X_ORIGINAL_URI, "ambiguous_target"),
    ("x-original-url", "ambiguous_target"),
    ("x-rewrite-url", "ambiguous_target"),
    ("x-host", "ambiguous_target"),
    ("proxy", "ambiguous_target"),
    (X_ORIGINAL_METHOD, "method_override"),
    ("x-http-method", "method_override"),
    ("x-http-method-override", "method_override"),
    ("x-method-override", "method_override"),
];

/// What concerns the asking: where it goes, how its connection is kept, where its body ends. `Forwarded` is no part of
/// any of these contracts, so it is the caller's own and would be believed.
const OF_THE_ASKING: [&str; 11] = [
    "host",
    "forwarded",
    "x-real-ip",
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "content-length",
];

/// Bytes; the record cuts it to as much.
const LONGEST_SHOWN: usize = 512;

#[cfg(test)]
mod tests;
