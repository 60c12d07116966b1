//! Headers of the PROXY protocol, version 1 and 2, with whatever follows them on the connection.
//!
//! Holds for every input: what is told is what a plain reader of the same bytes finds; from a stream exactly the header is
//! taken, and read the same; a header with something behind it is none.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use portcullis_proxy::wire::parse_proxy_header;
use portcullis_proxy::wire::proxy_protocol::{ProxyFault, Source, read};

/// What must hold.
pub fn check(input: &[u8]) {
    let whole = told(input);
    if let Ok(source) = whole {
        assert_eq!(source, plainly(input), "{}", input.escape_ascii());
        for more in [&b"x"[..], b"\n", b"\r\n", b"\0"] {
            let longer = [input, more].concat();
            assert!(parse_proxy_header(&longer).is_err(), "{} is a header", longer.escape_ascii());
        }
    }
    let mut stream = input;
    let streamed = RUNTIME.with(|runtime| runtime.block_on(read(&mut stream, Duration::from_secs(60))));
    let taken = &input[..input.len() - stream.len()];
    match streamed {
        Ok(source) => assert_eq!(told(taken), Ok(source), "{} was taken", taken.escape_ascii()),
        Err(ProxyFault::Broken(_)) => assert!(whole.is_err(), "a whole header breaks off"),
        Err(fault) => fit_for_a_log(&fault),
    }
    if let Ok(source) = whole {
        assert_eq!((taken, told(taken)), (input, Ok(source)), "a whole header is not taken whole");
    }
}

fn told(header: &[u8]) -> Result<Option<Source>, ()> {
    parse_proxy_header(header).map_err(|fault| fit_for_a_log(&fault))
}

fn fit_for_a_log(fault: &ProxyFault) {
    let told = fault.to_string();
    assert!(!told.contains(char::is_control) && told.len() < 1_000, "{told:?} is not fit for a log");
}

/// The same header, which was accepted, by the letter of the protocol.
fn plainly(header: &[u8]) -> Option<Source> {
    let Some(fixed) = header.strip_prefix(b"\r\n\r\n\0\r\nQUIT\n") else {
        let line = std::str::from_utf8(header).expect("a line of text");
        return text(line.strip_suffix("\r\n").expect("a line end"));
    };
    let (command, family) = (fixed[0], fixed[1]);
    assert_eq!(command >> 4, 2, "version {}", command >> 4);
    let block = &fixed[4..];
    assert_eq!(usize::from(u16::from_be_bytes([fixed[2], fixed[3]])), block.len());
    if command & 0xF == 0 {
        return None;
    }
    assert_eq!(command & 0xF, 1, "an unknown command");
    let port = |at: usize| u16::from_be_bytes([block[at], block[at + 1]]);
    let four =
        |at: usize| IpAddr::from(Ipv4Addr::from(<[u8; 4]>::try_from(&block[at..at + 4]).expect("four")));
    let six =
        |at: usize| IpAddr::from(Ipv6Addr::from(<[u8; 16]>::try_from(&block[at..at + 16]).expect("sixteen")));
    match family {
        0x11 => Some(source(four(0), port(8), four(4), port(10))),
        0x21 => Some(source(six(0), port(32), six(16), port(34))),
        _ => {
            assert_eq!(family >> 4, 0, "family {family:#x} says nothing");
            None
        }
    }
}

fn text(line: &str) -> Option<Source> {
    assert!(line.len() <= 105 && line.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
    let words: Vec<&str> = line.split(' ').collect();
    if words.get(1) == Some(&"UNKNOWN") {
        return None;
    }
    let ["PROXY", kind, from, to, from_port, to_port] = words[..] else { panic!("{line:?}") };
    let address = |text: &str| match kind {
        "TCP4" => IpAddr::from(text.parse::<Ipv4Addr>().expect("an IPv4 address")),
        "TCP6" => IpAddr::from(text.parse::<Ipv6Addr>().expect("an IPv6 address")),
        other => panic!("the kind {other}"),
    };
    let port = |text: &str| {
        assert!(text.bytes().all(|byte| byte.is_ascii_digit()), "the port {text}");
        text.parse().expect("a port")
    };
    Some(source(address(from), port(from_port), address(to), port(to_port)))
}

fn source(from: IpAddr, from_port: u16, to: IpAddr, to_port: u16) -> Source {
    Source {
        source: SocketAddr::new(from.to_canonical(), from_port),
        destination: SocketAddr::new(to.to_canonical(), to_port),
    }
}

thread_local! {
    static RUNTIME: tokio::runtime::Runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
}
