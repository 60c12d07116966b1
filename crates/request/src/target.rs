//! Which resource a head asks for: the form of its target, host, scheme, and whether the connection is for that host.
//! What trusted peers say about these is read in `address`; the path in `path`.

use http::header::HOST;
use http::request::Parts;
use http::{Method, Version};

use crate::ambiguity::{quoted, quoted_discreet};
use crate::{Ambiguity, Connection, Host, Scheme};

/// RFC 9112 §3.2: origin-form and absolute-form are requests for a resource here, and so is what HTTP/2 puts together
/// from `:scheme`, `:authority` and `:path` (RFC 9113 §8.3.1). Authority-form asks for a tunnel, and asterisk-form is
/// about no path at all, so no route and no policy could speak of it: both are refused (Envoy CVE-2026-73547 was a
/// request without a path, grpc-go CVE-2026-33186 one whose path had no first slash).
pub(crate) fn form(head: &Parts) -> Result<(), Ambiguity> {
    // `path()` shows `/` where a target has a query and no path; this shows what was written.
    let written = head.uri.path_and_query().map_or("", http::uri::PathAndQuery::as_str);
    let fault = if head.method == Method::CONNECT {
        "`CONNECT` asks for a tunnel, and this is no forward proxy"
    } else if written.is_empty() {
        "the target is an authority without a path"
    } else if written == "*" {
        "`*` names no path that could be decided on"
    } else if !written.starts_with('/') {
        "the path does not start with `/`"
    } else {
        return Ok(());
    };
    Err(Ambiguity::new("ambiguous_target", fault))
}

/// Host and port. In HTTP/1.x from the one `Host` field, which an absolute-form target must repeat (RFC 9112 §3.2.2 lets
/// the target win; two authorities in one request are two readings, so here they must agree). In HTTP/2 from
/// `:authority`, which a `Host` field must repeat (RFC 9113 §8.3.1), or from that field alone.
pub(crate) fn authority(head: &Parts) -> Result<(Host, Option<u16>), Ambiguity> {
    let field = head.headers.get(HOST).map(|value| value.as_bytes());
    let target = head.uri.authority().map(http::uri::Authority::as_str);
    let said = match (field, target) {
        (Some(field), _) => field,
        (None, Some(target)) if head.version == Version::HTTP_2 => target.as_bytes(),
        (None, Some(_)) => return Err(Ambiguity::new("missing_host", "the request has no `Host` field")),
        (None, None) => return Err(Ambiguity::new("missing_host", "the request names no host")),
    };
    let parsed = parse_authority(said)?;
    if let Some(target) = target
        && (target.contains('@') || parse_authority(target.as_bytes())? != parsed)
    {
        let detail = format!(
            "the target names {} and the `Host` field {}",
            quoted_discreet(target),
            quoted_discreet(field.unwrap_or_default())
        );
        return Err(Ambiguity::new("ambiguous_target", detail));
    }
    Ok(parsed)
}

pub(crate) fn parse_authority(bytes: &[u8]) -> Result<(Host, Option<u16>), Ambiguity> {
    let invalid = |why: String| Ambiguity::new("invalid_host", why);
    let text =
        str::from_utf8(bytes).map_err(|_| invalid(format!("{} is no host", quoted_discreet(bytes))))?;
    Host::parse_authority(text).map_err(|fault| invalid(fault.to_string()))
}

/// A scheme that the target names is that of the connection, or the one that a trusted peer says the caller used
/// (RFC 9110 §7.4: who serves `https` for what came in plain text serves it to everybody on the way).
pub(crate) fn scheme(head: &Parts, of_connection: Scheme, of_caller: Scheme) -> Result<(), Ambiguity> {
    match head.uri.scheme_str() {
        Some(written) if written != of_connection.as_str() && written != of_caller.as_str() => {
            let detail =
                format!("the target says {} on a connection for `{}`", quoted(written), of_caller.as_str());
            Err(Ambiguity::new("misdirected", detail))
        }
        _ => Ok(()),
    }
}

/// The host asked for is the one that the TLS handshake was for (RFC 9110 §7.4; nginx CVE-2025-23419: what was checked
/// in the handshake was checked for its name, and counted for every other).
///
/// A handshake without a name (RFC 6066 §3) is for an address, since a name is sent by every client that has one: it is
/// let through where the host is an address, and from trusted peers. Those name any host in their forwarded fields as
/// it is, and some proxies send no name to what is behind them unless told to. One that does send a name must mean it.
pub(crate) fn server_name(from: &Connection, host: &Host, from_trusted: bool) -> Result<(), Ambiguity> {
    let Some(tls) = &from.tls else { return Ok(()) };
    let detail = match &tls.server_name {
        Some(name) if name == host => return Ok(()),
        Some(name) => format!("the request is for `{host}` on a connection that was made for `{name}`"),
        None if from_trusted || host.is_address() => return Ok(()),
        None => format!("the request is for `{host}` on a connection that was made for no name"),
    };
    Err(Ambiguity::new("misdirected", detail))
}
