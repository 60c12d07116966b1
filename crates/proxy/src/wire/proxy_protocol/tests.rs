use proptest::prelude::*;
use tokio::io::{AsyncWriteExt, duplex};

use super::*;

const DEADLINE: Duration = Duration::from_secs(5);

fn source(source: &str, destination: &str) -> Option<Source> {
    Some(Source { source: source.parse().unwrap(), destination: destination.parse().unwrap() })
}

fn version_2(command: u8, family: u8, block: &[u8]) -> Vec<u8> {
    let length = u16::try_from(block.len()).unwrap().to_be_bytes();
    [SIGNATURE, &[command, family], &length, block].concat()
}

const IPV4: &[u8] = &[192, 0, 2, 1, 198, 51, 100, 2, 0x30, 0x39, 1, 187];

fn ipv6(source: &str, destination: &str) -> Vec<u8> {
    let octets = |text: &str| text.parse::<std::net::Ipv6Addr>().unwrap().octets();
    [octets(source).as_slice(), &octets(destination), &[0x30, 0x39, 1, 187]].concat()
}

fn good() -> Vec<(Vec<u8>, Option<Source>)> {
    let text = |line: &str| format!("{line}\r\n").into_bytes();
    let four = source("192.0.2.1:12345", "198.51.100.2:443");
    let six = source("[2001:db8::1]:12345", "[2001:db8::2]:443");
    let longest = format!("PROXY UNKNOWN {}", "x".repeat(LONGEST_LINE - "PROXY UNKNOWN \r\n".len()));
    vec![
        (text("PROXY TCP4 192.0.2.1 198.51.100.2 12345 443"), four),
        (text("PROXY TCP6 2001:db8::1 2001:DB8::2 12345 443"), six),
        (text("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:198.51.100.2 12345 443"), four),
        (text("PROXY UNKNOWN"), None),
        (text("PROXY UNKNOWN ffff:: ffff:: 1 2"), None),
        (text(&longest), None),
        (version_2(0x21, 0x11, IPV4), four),
        (version_2(0x21, 0x21, &ipv6("2001:db8::1", "2001:db8::2")), six),
        (version_2(0x21, 0x21, &ipv6("::ffff:192.0.2.1", "::ffff:198.51.100.2")), four),
        (version_2(0x20, 0x00, b""), None),
        (version_2(0x20, 0x11, IPV4), None),
        (version_2(0x20, 0xff, b"anything"), None),
        (version_2(0x21, 0x00, b"anything"), None),
        (version_2(0x21, 0x11, &[IPV4, &[0; LONGEST_BLOCK - 12]].concat()), four),
    ]
}

#[tokio::test]
async fn headers_are_read_to_their_last_byte_and_no_further() {
    for (header, expected) in good() {
        for piece in [1, 7, 16, 8192] {
            let (mut caller, mut ours) = duplex(piece);
            let sent = [header.as_slice(), b"\r\n\0GET /"].concat();
            let sending = tokio::spawn(async move { caller.write_all(&sent).await.unwrap() });
            assert_eq!(read(&mut ours, DEADLINE).await.unwrap(), expected, "{}", header.escape_ascii());
            let mut rest = Vec::new();
            ours.read_to_end(&mut rest).await.unwrap();
            sending.await.unwrap();
            assert_eq!(rest, b"\r\n\0GET /", "{}", header.escape_ascii());
        }
        assert_eq!(parse_proxy_header(&header).unwrap(), expected);
    }
}

#[tokio::test]
async fn what_is_no_header_ends_the_connection() {
    let text = |line: &str| line.as_bytes().to_vec();
    for bad in [
        text("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        text("proxy TCP4 192.0.2.1 198.51.100.2 1 2\r\n"),
        text("PROXY\tTCP4 192.0.2.1 198.51.100.2 1 2\r\n"),
        text("PROXY  TCP4 192.0.2.1 198.51.100.2 1 2\r\n"),
        text("PROXY TCP5 192.0.2.1 198.51.100.2 1 2\r\n"),
        text("PROXY TCP4 192.0.2.1 198.51.100.2 1 2\n\r\n"),
        text("PROXY TCP4 192.0.2.1 198.51.100.2 1 2\r\r\n"),
        text("PROXY TCP4 192.0.2.1 198.51.100.2 1 2 \r\n"),
        text("PROXY TCP4 192.0.2.1 198.51.100.2 1 2 3\r\n"),
        text("PROXY TCP4 192.0.2.1 198.51.100.2 1\r\n"),
        text("PROXY TCP4 192.0.2.1 198.51.100.2 +1 2\r\n"),
        text("PROXY TCP4 192.0.2.1 198.51.100.2 01 2\r\n"),
        text("PROXY TCP4 192.0.2.1 198.51.100.2 1 65536\r\n"),
        text("PROXY TCP4 192.0.2.256 198.51.100.2 1 2\r\n"),
        text("PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n"),
        text("PROXY TCP6 192.0.2.1 198.51.100.2 1 2\r\n"),
        text("PROXY UNKNOWN\0\r\n"),
        format!("PROXY UNKNOWN {}\r\n", "x".repeat(LONGEST_LINE)).into_bytes(),
        format!("PROXY TCP4 {}", "1".repeat(500)).into_bytes(),
        version_2(0x11, 0x11, IPV4),
        version_2(0x22, 0x11, IPV4),
        version_2(0x21, 0x41, IPV4),
        version_2(0x21, 0x13, IPV4),
        // Datagrams, and sockets of one machine.
        version_2(0x21, 0x12, IPV4),
        version_2(0x21, 0x10, IPV4),
        version_2(0x21, 0x31, &[b'a'; 216]),
        version_2(0x21, 0x11, &IPV4[..11]),
        version_2(0x21, 0x21, IPV4),
        version_2(0x21, 0x11, &[0; LONGEST_BLOCK + 1]),
        version_2(0x20, 0x00, &[0; LONGEST_BLOCK + 1]),
        SIGNATURE.to_vec(),
        version_2(0x21, 0x11, IPV4)[..20].to_vec(),
        text("PROXY"),
        Vec::new(),
    ] {
        let mut stream = bad.as_slice();
        assert!(read(&mut stream, DEADLINE).await.is_err(), "{}", bad.escape_ascii());
        assert!(parse_proxy_header(&bad).is_err(), "{}", bad.escape_ascii());
    }
}

#[tokio::test(start_paused = true)]
async fn a_header_that_does_not_come_is_not_waited_for() {
    let (mut caller, mut ours) = duplex(64);
    caller.write_all(b"PROXY TCP4 192.0.2.1 ").await.unwrap();
    assert!(matches!(read(&mut ours, DEADLINE).await, Err(ProxyFault::Late(DEADLINE))));
}

proptest! {
    /// threats.md 15: whatever stands in the type-length-values, it changes nothing and breaks nothing.
    #[test]
    fn type_length_values_are_never_read(values in proptest::collection::vec(any::<u8>(), 0..1000)) {
        let header = version_2(0x21, 0x11, &[IPV4, &values].concat());
        prop_assert_eq!(
            parse_proxy_header(&header).unwrap(),
            source("192.0.2.1:12345", "198.51.100.2:443")
        );
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for start in [b"".as_slice(), SIGNATURE, PREFIX, b"PROXY TCP4 ", b"PROXY UNKNOWN"] {
            let all = [start, &bytes].concat();
            if let Ok(found) = parse_proxy_header(&all) {
                prop_assert!(found.is_none() || start != b"");
            }
        }
    }

    /// The stream and the pure function agree.
    #[test]
    fn a_damaged_header_is_read_alike_from_a_stream(which in 0..14_usize, at in any::<usize>(), with in any::<u8>()) {
        let mut header = good().swap_remove(which).0;
        let at = at % header.len();
        header[at] = with;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let mut stream = header.as_slice();
        let from_stream = runtime.block_on(read(&mut stream, DEADLINE));
        if stream.is_empty() {
            prop_assert_eq!(from_stream.ok(), parse_proxy_header(&header).ok());
        }
    }
}
