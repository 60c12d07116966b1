use super::*;

/// Every fault of a chunked body, with the bytes before it that are good. Threats.md 5.
pub(in crate::wire) const BAD: &[(&[u8], usize, BodyFault)] = &[
    (b"\r\n", 0, BodyFault::Size(b'\r')),
    (b"x\r\n", 0, BodyFault::Size(b'x')),
    (b" 1\r\na\r\n0\r\n\r\n", 0, BodyFault::Size(b' ')),
    (b"1 \r\na\r\n0\r\n\r\n", 1, BodyFault::Size(b' ')),
    (b"+1\r\na\r\n0\r\n\r\n", 0, BodyFault::Size(b'+')),
    (b"-1\r\na\r\n0\r\n\r\n", 0, BodyFault::Size(b'-')),
    (b"0x1\r\na\r\n0\r\n\r\n", 1, BodyFault::Size(b'x')),
    (b"1_0\r\n", 1, BodyFault::Size(b'_')),
    (b"1\0\r\na\r\n0\r\n\r\n", 1, BodyFault::Size(0)),
    (b"00000000000000001\r\n", 16, BodyFault::LongSize),
    (b"1;a=b\r\na\r\n0\r\n\r\n", 1, BodyFault::Extension),
    (b"1;\na\r\n0\r\n\r\n", 1, BodyFault::Extension),
    (b"1\r\na\r\n0;a\r\n\r\n", 7, BodyFault::Extension),
    (b"1\na\r\n0\r\n\r\n", 1, BodyFault::LineEnd(b'\n')),
    (b"1\r\r\na", 2, BodyFault::LineEnd(b'\r')),
    (b"1\ra\r\n0\r\n\r\n", 2, BodyFault::LineEnd(b'a')),
    (b"1\r\na\n0\r\n\r\n", 4, BodyFault::LineEnd(b'\n')),
    (b"1\r\nab\r\n0\r\n\r\n", 4, BodyFault::LineEnd(b'b')),
    (b"1\r\na0\r\n\r\n", 4, BodyFault::LineEnd(b'0')),
    (b"1\r\na\r0\r\n\r\n", 5, BodyFault::LineEnd(b'0')),
    (b"2\r\na\r\n0\r\n\r\n", 5, BodyFault::LineEnd(b'\n')),
    (b"0\n\r\n", 1, BodyFault::LineEnd(b'\n')),
    (b"0\r\n\n", 3, BodyFault::LineEnd(b'\n')),
    (b"0\r\n\rX", 4, BodyFault::LineEnd(b'X')),
    (b"0\r\nX: a\n\r\n", 7, BodyFault::LineEnd(b'\n')),
    (b"0\r\nX: a\rY: b\r\n\r\n", 8, BodyFault::LineEnd(b'Y')),
    (b"0\r\n X: a\r\n\r\n", 3, BodyFault::TrailerName(b' ')),
    (b"0\r\nX: a\r\n b\r\n\r\n", 9, BodyFault::TrailerName(b' ')),
    (b"0\r\nX : a\r\n\r\n", 4, BodyFault::TrailerName(b' ')),
    (b"0\r\n: a\r\n\r\n", 3, BodyFault::TrailerName(b':')),
    (b"0\r\nX\r\n\r\n", 4, BodyFault::TrailerName(b'\r')),
    (b"0\r\nX: a\0\r\n\r\n", 7, BodyFault::TrailerValue(0)),
    (b"0\r\nX: a\x7f\r\n\r\n", 7, BodyFault::TrailerValue(0x7f)),
];

/// Bodies that end where these bytes end.
pub(in crate::wire) const GOOD: &[&[u8]] = &[
    b"0\r\n\r\n",
    b"0000000000000000\r\n\r\n",
    b"1\r\na\r\n0\r\n\r\n",
    b"0000000000000001\r\na\r\n0\r\n\r\n",
    b"a\r\n0\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n",
    b"A\r\n1234567890\r\n3\r\n\r\n\n\r\n0\r\nx: y\r\nGrpc-Status:0\r\nempty:\r\nz:\t\xff \r\n\r\n",
];

fn read(body: &[u8], pieces: usize) -> (usize, Result<bool, BodyFault>) {
    let mut chunks = Chunks::default();
    let mut good = 0;
    for piece in body.chunks(pieces) {
        let (more, outcome) = chunks.advance(piece);
        good += more;
        if outcome != Ok(false) {
            return (good, outcome);
        }
    }
    (good, Ok(false))
}

#[test]
fn every_fault_is_found_where_it_stands() {
    for (body, good, fault) in BAD {
        for pieces in 1..=body.len() {
            assert_eq!(read(body, pieces), (*good, Err(*fault)), "{} by {pieces}", body.escape_ascii());
        }
    }
}

#[test]
fn good_bodies_end_where_they_end() {
    for body in GOOD {
        let followed = [body, b"GET / HTTP/1.1\r\n".as_slice()].concat();
        for pieces in 1..=followed.len() {
            assert_eq!(read(&followed, pieces), (body.len(), Ok(true)), "{}", body.escape_ascii());
        }
        for end in 0..body.len() {
            assert_eq!(read(&body[..end], usize::MAX), (end, Ok(false)), "{}", body.escape_ascii());
        }
    }
}

#[test]
fn the_largest_size_is_no_overflow() {
    let (good, outcome) = read(b"ffffffffffffffff\r\nabc", 5);
    assert_eq!((good, outcome), (21, Ok(false)));
}

#[test]
fn trailers_have_bounds() {
    let fields = |count: usize| format!("0\r\n{}\r\n", "a:b\r\n".repeat(count));
    assert_eq!(read(fields(MOST_FIELDS).as_bytes(), 7).1, Ok(true));
    assert_eq!(read(fields(MOST_FIELDS + 1).as_bytes(), 7).1, Err(BodyFault::LongTrailers));

    let section = |bytes: usize| format!("0\r\na:{}\r\n\r\n", "b".repeat(bytes - "a:\r\n\r\n".len()));
    assert_eq!(read(section(TRAILER_BYTES - 1).as_bytes(), 1000).1, Ok(true));
    assert_eq!(read(section(TRAILER_BYTES).as_bytes(), 1000).1, Err(BodyFault::LongTrailers));
}
