//! Reads the PROXY protocol header, version 1 or 2, with which a load balancer says for whom it opened a connection
//! (haproxy.org, proxy-protocol.txt). Whose word counts is decided elsewhere: this is asked only of connections that
//! must begin with one.
//!
//! INVARIANT: exactly the header's bytes are taken from the stream.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use ppp::{v1, v2};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;

/// For whom a connection was opened. IPv4-mapped addresses are unmapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// The caller, as the load balancer saw it.
    pub source: SocketAddr,
    /// What the caller connected to.
    pub destination: SocketAddr,
}

/// Why a connection that must begin with a PROXY protocol header has none that counts. It ends without an answer.
#[derive(Debug, thiserror::Error)]
pub enum ProxyFault {
    /// Something else came.
    #[error(
        "the connection begins with `{0}`, not with a PROXY protocol header; does the load balancer send them?"
    )]
    Absent(String),
    /// It is longer than any that is read.
    #[error("the PROXY protocol header is longer than {0} bytes")]
    TooLong(usize),
    /// It cannot be read.
    #[error("the PROXY protocol header is malformed: {0}")]
    Malformed(String),
    /// It tells of something else than TCP over IP.
    #[error("the PROXY protocol header tells of a connection that is not TCP over IP")]
    OtherTransport,
    /// It did not come in time.
    #[error("no PROXY protocol header came within {0:?}")]
    Late(Duration),
    /// The stream failed or ended.
    #[error("the connection ended within the PROXY protocol header: {0}")]
    Broken(#[from] io::Error),
}

/// Reads the header at the start of `stream` and nothing behind it. `None`: the load balancer speaks for itself (a health
/// check) or does not know for whom.
///
/// # Errors
/// [`ProxyFault`], after which nothing of the stream can be made sense of.
pub async fn read<S: AsyncRead + Unpin>(
    stream: &mut S,
    deadline: Duration,
) -> Result<Option<Source>, ProxyFault> {
    timeout(deadline, read_whole(stream)).await.map_err(|_| ProxyFault::Late(deadline))?
}

async fn read_whole<S: AsyncRead + Unpin>(stream: &mut S) -> Result<Option<Source>, ProxyFault> {
    // Neither kind of header is shorter than the signature of version 2.
    let mut header = vec![0; SIGNATURE.len()];
    stream.read_exact(&mut header).await?;
    if header == SIGNATURE {
        more(stream, &mut header, FIXED - SIGNATURE.len()).await?;
        let length = match header.get(FIXED - LENGTH..) {
            Some([high, low]) => usize::from(u16::from_be_bytes([*high, *low])),
            _ => 0,
        };
        if length > LONGEST_BLOCK {
            return Err(ProxyFault::TooLong(FIXED + LONGEST_BLOCK));
        }
        more(stream, &mut header, length).await?;
    } else if header.starts_with(PREFIX) {
        while !header.ends_with(LINE_END) {
            // The line ends in two bytes, so unless the first of them is there, two more belong to the header.
            let missing = if header.ends_with(b"\r") { 1 } else { 2 };
            if header.len() + missing > LONGEST_LINE {
                return Err(ProxyFault::TooLong(LONGEST_LINE));
            }
            more(stream, &mut header, missing).await?;
        }
    }
    parse_proxy_header(&header)
}

async fn more<S: AsyncRead + Unpin>(
    stream: &mut S,
    header: &mut Vec<u8>,
    count: usize,
) -> Result<(), ProxyFault> {
    let start = header.len();
    header.resize(start + count, 0);
    stream.read_exact(header.get_mut(start..).unwrap_or_default()).await?;
    Ok(())
}

/// Reads one whole header, with nothing behind it. Pure, of any bytes.
///
/// # Errors
/// [`ProxyFault`], except for those of streams.
pub fn parse_proxy_header(header: &[u8]) -> Result<Option<Source>, ProxyFault> {
    if header.starts_with(SIGNATURE) {
        binary(header)
    } else if header.starts_with(PREFIX) {
        text(header)
    } else {
        let start = header.get(..SIGNATURE.len()).unwrap_or(header);
        Err(ProxyFault::Absent(start.escape_ascii().to_string()))
    }
}

/// What the library says, on one line: one of its texts has a line end in it.
fn malformed(fault: impl ToString) -> ProxyFault {
    let mut said = String::new();
    for character in fault.to_string().chars() {
        if character.is_control() {
            said.extend(character.escape_default());
        } else {
            said.push(character);
        }
    }
    ProxyFault::Malformed(said)
}

fn text(header: &[u8]) -> Result<Option<Source>, ProxyFault> {
    if header.len() > LONGEST_LINE {
        return Err(ProxyFault::TooLong(LONGEST_LINE));
    }
    let line = header.strip_suffix(LINE_END).unwrap_or_default();
    if line.iter().any(|byte| !byte.is_ascii_graphic() && *byte != b' ') || line.is_empty() {
        return Err(malformed(format!("`{}` is not one line of text", header.escape_ascii())));
    }
    let parsed = v1::Header::try_from(header).map_err(malformed)?;
    // Which the number parser of the standard library takes for a sign.
    if parsed.addresses != v1::Addresses::Unknown && line.contains(&b'+') {
        return Err(malformed("a port has a sign"));
    }
    Ok(match parsed.addresses {
        v1::Addresses::Unknown => None,
        v1::Addresses::Tcp4(ip) => Some(Source::new(
            (ip.source_address, ip.source_port).into(),
            (ip.destination_address, ip.destination_port).into(),
        )),
        v1::Addresses::Tcp6(ip) => Some(Source::new(
            (ip.source_address, ip.source_port).into(),
            (ip.destination_address, ip.destination_port).into(),
        )),
    })
}

/// The type-length-values behind the addresses are bounded with the rest and not looked at: nothing here needs them, and
/// what is not read cannot be misread (Envoy CVE-2024-23324).
fn binary(header: &[u8]) -> Result<Option<Source>, ProxyFault> {
    let Some((fixed, block)) = header.split_at_checked(FIXED) else {
        return Err(malformed("it ends within its first 16 bytes"));
    };
    let declared = match fixed.get(FIXED - LENGTH..) {
        Some([high, low]) => usize::from(u16::from_be_bytes([*high, *low])),
        _ => 0,
    };
    if declared > LONGEST_BLOCK {
        return Err(ProxyFault::TooLong(FIXED + LONGEST_BLOCK));
    }
    if declared != block.len() {
        return Err(malformed(format!("it has {} bytes and declares {declared}", block.len())));
    }
    // A connection of the load balancer's own: the rest, family included, must be passed over (§2.2).
    if fixed.get(SIGNATURE.len()) == Some(&VERSION_2_LOCAL) {
        return Ok(None);
    }
    let parsed = v2::Header::try_from(header).map_err(malformed)?;
    match (parsed.protocol, parsed.addresses) {
        (_, v2::Addresses::Unspecified) => Ok(None),
        (v2::Protocol::Stream, v2::Addresses::IPv4(ip)) => Ok(Some(Source::new(
            (ip.source_address, ip.source_port).into(),
            (ip.destination_address, ip.destination_port).into(),
        ))),
        (v2::Protocol::Stream, v2::Addresses::IPv6(ip)) => Ok(Some(Source::new(
            (ip.source_address, ip.source_port).into(),
            (ip.destination_address, ip.destination_port).into(),
        ))),
        _ => Err(ProxyFault::OtherTransport),
    }
}

impl Source {
    fn new(source: SocketAddr, destination: SocketAddr) -> Self {
        let canonical = |address: SocketAddr| SocketAddr::new(address.ip().to_canonical(), address.port());
        Self { source: canonical(source), destination: canonical(destination) }
    }
}

/// Version 2, §2.2.
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Version 1, §2.1.
const PREFIX: &[u8] = b"PROXY ";

const LINE_END: &[u8] = b"\r\n";

/// The longest line of version 1, as §2.1 computes it.
const LONGEST_LINE: usize = 107;

/// The part of a version 2 header that always stands, and the bytes of the length at its end.
const FIXED: usize = 16;
const LENGTH: usize = 2;

const VERSION_2_LOCAL: u8 = 0x20;

/// Most bytes behind the fixed part. Addresses take 36, and cloud load balancers add some hundred bytes of
/// type-length-values; a certificate's subject is the longest in use.
const LONGEST_BLOCK: usize = 4096;

#[cfg(test)]
mod tests;
