use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};

use proptest::prelude::*;
use tokio::runtime::{Builder, Runtime};

use super::*;
use crate::wire::{Head, HeadFault, Upgrade, chunked, head};

mod library;

/// A caller that sends these pieces, one for each read, and then ends or waits.
struct Script {
    pieces: VecDeque<Vec<u8>>,
    ends: bool,
}

impl AsyncRead for Script {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let ends = self.ends;
        match self.pieces.front_mut() {
            Some(piece) => {
                let length = piece.len().min(into.remaining());
                into.put_slice(&piece.drain(..length).collect::<Vec<_>>());
                if piece.is_empty() {
                    self.pieces.pop_front();
                }
                Poll::Ready(Ok(()))
            }
            None if ends => Poll::Ready(Ok(())),
            None => Poll::Pending,
        }
    }
}

/// How the reading stopped.
#[derive(Debug, PartialEq, Eq)]
enum Stop {
    End,
    Waiting,
    Fault(BodyFault),
    Full,
}

/// One connection, read by hand.
struct Reading {
    strict: Strict<Script>,
    heads: Heads,
    woken: Arc<Woken>,
    runtime: Runtime,
}

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Both times are longer than what the HTTP library waits by default (30 s), so that a limit of its own would show.
const LIMITS: HeadLimits =
    HeadLimits { head_bytes: 8192, head_time: Duration::from_secs(40), idle_time: Duration::from_secs(60) };

impl Reading {
    fn of(pieces: Vec<Vec<u8>>, ends: bool) -> Self {
        let pieces = pieces.into_iter().filter(|piece| !piece.is_empty()).collect();
        let (strict, heads) = Strict::new(Script { pieces, ends }, LIMITS);
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        Self { strict, heads, woken: Arc::default(), runtime }
    }

    /// Reads into a buffer of `room` bytes as long as there is something.
    fn on(&mut self, room: usize) -> (Vec<u8>, Stop) {
        let _entered = self.runtime.enter();
        let waker = Waker::from(Arc::clone(&self.woken));
        let mut context = Context::from_waker(&waker);
        let mut all = Vec::new();
        loop {
            let mut space = vec![0; room];
            let mut into = ReadBuf::new(&mut space);
            match Pin::new(&mut self.strict).poll_read(&mut context, &mut into) {
                Poll::Ready(Ok(())) if into.filled().is_empty() => return (all, Stop::End),
                Poll::Ready(Ok(())) => all.extend_from_slice(into.filled()),
                Poll::Ready(Err(fault)) => {
                    assert_eq!(fault.kind(), io::ErrorKind::InvalidData);
                    let inner = fault.into_inner().unwrap();
                    return (all, Stop::Fault(*inner.downcast_ref::<BodyFault>().unwrap()));
                }
                Poll::Pending => return (all, Stop::Waiting),
            }
            if all.len() > 1_000_000 {
                return (all, Stop::Full);
            }
        }
    }

    fn later(&self, time: Duration) {
        self.runtime.block_on(tokio::time::advance(time));
    }

    /// The fault of the first head that has one, among so many heads.
    fn fault(&self, among: usize) -> Option<HeadFault> {
        (0..among).find_map(|_| self.heads.next().fault)
    }
}

/// `bytes` whole, cut in two at every place, and in pieces of one byte.
fn splits(bytes: &[u8]) -> impl Iterator<Item = Vec<Vec<u8>>> {
    let cut = (0..=bytes.len()).map(|at| vec![bytes[..at].to_vec(), bytes[at..].to_vec()]);
    cut.chain([bytes.iter().map(|byte| vec![*byte]).collect()])
}

fn check(sent: &[u8], ends: bool, handed: &[u8], stop: &Stop, fault: Option<(&str, u16)>) {
    let mut first: Option<Option<HeadFault>> = None;
    for pieces in splits(sent) {
        for room in [8192, 1] {
            let mut reading = Reading::of(pieces.clone(), ends);
            let (read, stopped) = reading.on(room);
            let shown = format!("{} in {} pieces", sent.escape_ascii(), pieces.len());
            assert_eq!(read.escape_ascii().to_string(), handed.escape_ascii().to_string(), "{shown}");
            assert_eq!(&stopped, stop, "{shown}");
            let found = reading.fault(5);
            assert_eq!(found.as_ref().map(|found| (found.code, found.status.as_u16())), fault, "{shown}");
            let first = first.get_or_insert_with(|| found.clone());
            // What is told of it stands before the fault, so it does not depend on what was read beyond.
            let early = |fault: &Option<HeadFault>| fault.clone().map(|fault| (fault.detail, fault.method));
            assert_eq!(early(&found), early(first), "{shown}");
        }
    }
}

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn every_bad_head_is_replaced_however_it_is_cut() {
    for (sent, code) in head::tests::BAD {
        let status = if *code == "unsupported_version" { 505 } else { 400 };
        check(sent, false, STAND_IN, &Stop::Waiting, Some((code, status)));
        check(sent, true, STAND_IN, &Stop::Waiting, Some((code, status)));
    }
}

#[test]
fn good_heads_pass_byte_for_byte_however_they_are_cut() {
    for (sent, body, upgrade) in head::tests::GOOD {
        let handed = sent.strip_prefix(b"\r\n").unwrap_or(sent);
        check(sent, false, handed, &Stop::Waiting, None);
        if *body == Framing::None && !upgrade {
            check(&sent.repeat(3), true, &handed.repeat(3), &Stop::End, None);
        }
    }
}

#[test]
fn what_follows_a_bad_head_is_never_read() {
    let bad = b"GET /#secret HTTP/1.1\r\nHost: a\r\n\r\n".as_slice();
    let sent = [GET, bad, b"GET /third HTTP/1.1\r\nHost: a\r\n\r\n"].concat();
    check(&sent, true, &[GET, STAND_IN].concat(), &Stop::Waiting, Some(("ambiguous_target", 400)));

    let reading = Reading::of(vec![sent], true);
    let mut reading = reading;
    reading.on(8192);
    assert_eq!(reading.heads.next().fault, None);
    let fault = reading.heads.next().fault.unwrap();
    assert_eq!(
        (fault.method.as_deref(), fault.target.as_deref(), fault.host.as_deref()),
        (Some("GET"), Some("/#secret"), Some("a"))
    );
    assert!(reading.heads.next().fault.is_none());
    assert_eq!(reading.on(8192), (Vec::new(), Stop::Waiting));
}

#[test]
fn bodies_of_a_length_are_followed() {
    let post = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n\r\nG\0#".as_slice();
    // The last byte of the body, then the next head.
    let sent = [post, b"!", GET].concat();
    check(&sent, true, &sent, &Stop::End, None);
    check(post, true, post, &Stop::End, None);
    let bad = [post, b"!", b"GET / HTTP/1.1\n".as_slice()].concat();
    let handed = [post, b"!", STAND_IN].concat();
    check(&bad, false, &handed, &Stop::Waiting, Some(("malformed_request", 400)));
}

#[test]
fn chunked_bodies_are_followed() {
    let head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".as_slice();
    for body in chunked::tests::GOOD {
        let sent = [head, body, GET, head, body, GET].concat();
        check(&sent, true, &sent, &Stop::End, None);
        let cut = &sent[..head.len() + body.len() - 1];
        check(cut, true, cut, &Stop::End, None);
    }
}

/// Threats.md 5: nothing at or behind a fault is handed over, and the read fails for good.
#[test]
fn broken_chunks_fail_the_read_threats_md_5() {
    let head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".as_slice();
    for (body, good, fault) in chunked::tests::BAD {
        let sent = [head, body, GET].concat();
        check(&sent, true, &[head, &body[..*good]].concat(), &Stop::Fault(*fault), None);
        let mut reading = Reading::of(vec![sent], true);
        reading.on(8192);
        assert_eq!(reading.on(8192), (Vec::new(), Stop::Fault(*fault)));
    }
}

#[test]
fn a_caller_that_leaves_within_a_head_is_answered_and_one_between_heads_is_not() {
    check(b"", true, b"", &Stop::End, None);
    check(b"\r\n", true, b"", &Stop::End, None);
    for sent in [b"G".as_slice(), b"\r", b"GET / HTTP/1.1\r\nHost: a\r\n", b"\r\nGET"] {
        check(sent, true, STAND_IN, &Stop::Waiting, Some(("malformed_request", 400)));
        check(sent, false, b"", &Stop::Waiting, None);
    }
}

fn sized(bytes: usize, empty_line: bool) -> Vec<u8> {
    let start = if empty_line { "\r\n" } else { "" };
    let rest = bytes - start.len() - "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n".len();
    format!("{start}GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(rest)).into_bytes()
}

#[test]
fn a_head_has_a_bound_in_bytes() {
    let one_piece = |sent: Vec<u8>| {
        let mut reading = Reading::of(vec![sent], false);
        let (handed, _) = reading.on(8192);
        (handed, reading.fault(1).map(|fault| (fault.code, fault.status.as_u16())))
    };
    for empty_line in [false, true] {
        let largest = sized(LIMITS.head_bytes, empty_line);
        let handed = largest[if empty_line { 2 } else { 0 }..].to_vec();
        assert_eq!(one_piece(largest), (handed, None));
        let larger = sized(LIMITS.head_bytes + 1, empty_line);
        let refused = (STAND_IN.to_vec(), Some(("head_too_large", 431)));
        assert_eq!(one_piece(larger.clone()), refused);
        // Without its end as well.
        assert_eq!(one_piece(larger[..LIMITS.head_bytes].to_vec()), refused);
        for at in [1, 4095, 4096, 8190, 8191, 8192] {
            let mut reading = Reading::of(vec![larger[..at].to_vec(), larger[at..].to_vec()], false);
            assert_eq!(reading.on(8192).0, STAND_IN);
        }
    }
    let target = format!("GET /{}", "x".repeat(LIMITS.head_bytes)).into_bytes();
    assert_eq!(one_piece(target), (STAND_IN.to_vec(), Some(("target_too_long", 414))));
}

#[test]
fn memory_for_a_head_is_given_back() {
    let (mut strict, _heads) = Strict::new(
        Script { pieces: VecDeque::from([sized(60_000, false), GET.to_vec()]), ends: false },
        HeadLimits { head_bytes: 65_536, ..LIMITS },
    );
    let reading = Reading::of(Vec::new(), false);
    let _entered = reading.runtime.enter();
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..20 {
        let mut space = vec![0; 65_536];
        let mut into = ReadBuf::new(&mut space);
        if Pin::new(&mut strict).poll_read(&mut context, &mut into).is_pending() {
            break;
        }
    }
    assert_eq!(strict.buffer.capacity(), 0);
}

#[test]
fn a_late_head_is_408_from_its_first_byte_on() {
    for start in [b"G".as_slice(), b"\r", b"\r\nGET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: a\r\n\r"] {
        let mut reading = Reading::of(vec![start.to_vec()], false);
        assert_eq!(reading.on(8192), (Vec::new(), Stop::Waiting));
        reading.later(LIMITS.head_time - Duration::from_secs(1));
        // A byte now and then does not help.
        reading.strict.stream.pieces.push_back(vec![if start.ends_with(b"\r") { b'\n' } else { b'E' }]);
        if start.ends_with(b"\r\n\r") {
            assert_eq!(reading.on(8192).0, [start, b"\n"].concat());
            continue;
        }
        let (handed, stop) = reading.on(8192);
        assert_eq!((handed.as_slice(), stop), (b"".as_slice(), Stop::Waiting));
        reading.later(Duration::from_secs(2));
        let expected = if start == b"\r" { b"".as_slice() } else { STAND_IN };
        assert_eq!(reading.on(8192).0, expected, "{}", start.escape_ascii());
        let fault = reading.fault(1).map(|fault| (fault.code, fault.status.as_u16()));
        assert_eq!(fault, (start != b"\r").then_some(("head_timeout", 408)));
    }
}

#[test]
fn an_idle_connection_just_ends() {
    for before in [b"".as_slice(), b"\r\n", GET] {
        let mut reading = Reading::of(vec![before.to_vec()], false);
        let stopped = reading.on(8192).1;
        assert_eq!(stopped, Stop::Waiting);
        reading.later(LIMITS.idle_time - Duration::from_secs(1));
        assert_eq!(reading.on(8192), (Vec::new(), Stop::Waiting));
        reading.later(Duration::from_secs(2));
        assert_eq!(reading.on(8192), (Vec::new(), Stop::End));
        assert!(reading.fault(2).is_none());
    }
}

#[test]
fn each_head_has_its_own_time() {
    let mut reading = Reading::of(Vec::new(), false);
    for _ in 0..5 {
        reading.strict.stream.pieces.push_back(GET[..5].to_vec());
        assert_eq!(reading.on(8192), (Vec::new(), Stop::Waiting));
        reading.later(LIMITS.head_time - Duration::from_secs(1));
        reading.strict.stream.pieces.push_back(GET[5..].to_vec());
        assert_eq!(reading.on(8192), (GET.to_vec(), Stop::Waiting));
    }
}

const UPGRADE: &[u8] = b"GET /chat HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";

fn held(pieces: Vec<Vec<u8>>) -> (Reading, Upgrade) {
    let mut reading = Reading::of(pieces, false);
    let (handed, stop) = reading.on(8192);
    assert_eq!((handed.as_slice(), stop), (UPGRADE, Stop::Waiting));
    let Head { fault, upgrade } = reading.heads.next();
    assert_eq!(fault, None);
    (reading, upgrade.unwrap())
}

/// Threats.md 2: what follows a wish to upgrade reaches nobody before it is granted.
#[test]
fn bytes_behind_an_upgrade_are_held_back_threats_md_2() {
    let frames = b"\x81\x05hello\0\nGET /admin HTTP/1.1\r\n\r\n".as_slice();
    for pieces in splits(&[UPGRADE, frames].concat()) {
        let (mut reading, upgrade) = held(pieces);
        assert_eq!(reading.on(8192), (Vec::new(), Stop::Waiting));
        let before = reading.woken.0.load(Ordering::Relaxed);
        upgrade.go_on_raw();
        assert_eq!(reading.woken.0.load(Ordering::Relaxed), before + 1, "the reader is woken");
        assert_eq!(reading.on(8192), (frames.to_vec(), Stop::Waiting));
        reading.strict.stream.pieces.push_back(b"\r\n\r\n\0".to_vec());
        reading.strict.stream.ends = true;
        assert_eq!(reading.on(8192), (b"\r\n\r\n\0".to_vec(), Stop::End));
    }
}

#[test]
fn bytes_behind_a_refused_upgrade_are_the_next_request_threats_md_2() {
    for pieces in splits(&[UPGRADE, GET, b"GET /#b HTTP/1.1\r\nHost: a\r\n\r\n"].concat()) {
        let (mut reading, upgrade) = held(pieces);
        upgrade.go_on_http();
        assert_eq!(reading.on(8192), ([GET, STAND_IN].concat(), Stop::Waiting));
        assert_eq!(reading.heads.next().fault, None);
        assert_eq!(reading.heads.next().fault.unwrap().code, "ambiguous_target");
    }
}

#[test]
fn bytes_behind_an_undecided_upgrade_are_read_by_nobody_threats_md_2() {
    let (mut reading, upgrade) = held(vec![[UPGRADE, GET].concat()]);
    drop(upgrade);
    assert_eq!(reading.woken.0.load(Ordering::Relaxed), 1);
    assert_eq!(reading.on(8192), (Vec::new(), Stop::End));
}

#[test]
fn an_upgrade_with_a_body_is_held_behind_the_body() {
    let head = b"POST / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nContent-Length: 3\r\n\r\nabc".as_slice();
    let chunked =
        b"POST / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n";
    for message in [head, chunked] {
        let mut reading = Reading::of(vec![[message, b"\x81\x00"].concat()], false);
        // Decided before the body was read: the body is read to its end nevertheless.
        let _entered = reading.runtime.enter();
        let mut space = [0; 20];
        let mut into = ReadBuf::new(&mut space);
        let mut context = Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut reading.strict).poll_read(&mut context, &mut into).is_ready());
        let start = into.filled().to_vec();
        drop(_entered);
        reading.heads.next().upgrade.unwrap().go_on_raw();
        let (rest, stop) = reading.on(8192);
        assert_eq!(([start, rest].concat(), stop), ([message, b"\x81\x00"].concat(), Stop::Waiting));
    }
}

#[test]
fn connect_is_held_too_and_refused_by_the_gate_threats_md_16() {
    let connect = b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n".as_slice();
    let mut reading = Reading::of(vec![[connect, b"\x16\x03\x01"].concat()], false);
    assert_eq!(reading.on(8192), (connect.to_vec(), Stop::Waiting));
    assert!(reading.heads.next().upgrade.is_some());
}

/// A valid request with its body.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let token = "[A-Za-z0-9!#$%&'*+.^_`|~-]{1,12}";
    let field = (token, "[ -~\t]{0,30}").prop_filter("a field of its own", |(name, _)| {
        !["host", "content-length", "transfer-encoding", "upgrade"]
            .contains(&name.to_ascii_lowercase().as_str())
    });
    let fields = proptest::collection::vec(field, 0..6);
    let body = proptest::collection::vec(any::<u8>(), 0..200);
    let target = "/[a-zA-Z0-9/._~%!$&'()*+,;=:@-]{0,20}(\\?[a-z=&?/]{0,10})?";
    ("[A-Z]{1,8}", target, fields, body, 0..3_usize, 1..40_usize).prop_filter_map(
        "CONNECT has a target of its own",
        |(method, target, fields, body, kind, piece)| {
            if method == "CONNECT" {
                return None;
            }
            let mut all = format!("{method} {target} HTTP/1.1\r\nhost: a\r\n").into_bytes();
            for (name, value) in fields {
                all.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
            }
            match kind {
                0 => all.extend_from_slice(b"\r\n"),
                1 => {
                    all.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
                    all.extend_from_slice(&body);
                }
                _ => {
                    all.extend_from_slice(b"transfer-encoding: chunked\r\n\r\n");
                    for chunk in body.chunks(piece) {
                        all.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                        all.extend_from_slice(chunk);
                        all.extend_from_slice(b"\r\n");
                    }
                    all.extend_from_slice(b"0\r\nx: y\r\n\r\n");
                }
            }
            Some(all)
        },
    )
}

fn cut(bytes: &[u8], piece: usize) -> Vec<Vec<u8>> {
    bytes.chunks(piece).map(<[u8]>::to_vec).collect()
}

proptest! {
    #[test]
    fn valid_requests_come_out_as_they_went_in(
        messages in proptest::collection::vec(message(), 1..5),
        piece in 1..300_usize,
        room in 1..300_usize,
    ) {
        let sent = messages.concat();
        let mut reading = Reading::of(cut(&sent, piece), true);
        prop_assert_eq!(reading.on(room), (sent, Stop::End));
        prop_assert_eq!(reading.fault(messages.len()), None);
    }

    /// What comes out depends on the bytes, never on the pieces.
    #[test]
    fn a_damaged_request_is_read_alike_in_all_pieces(
        messages in proptest::collection::vec(message(), 1..4),
        at in any::<usize>(),
        with in any::<u8>(),
        piece in 1..100_usize,
        room in 1..100_usize,
    ) {
        let mut sent = messages.concat();
        let at = at % sent.len();
        sent[at] = with;
        let mut whole = Reading::of(vec![sent.clone()], true);
        let mut parts = Reading::of(cut(&sent, piece), true);
        prop_assert_eq!(whole.on(8192), parts.on(room));
        let code = |reading: &Reading| reading.fault(9).map(|fault| (fault.code, fault.detail));
        prop_assert_eq!(code(&whole), code(&parts));
    }

    #[test]
    fn any_bytes_are_read_without_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        piece in 1..50_usize,
    ) {
        let mut reading = Reading::of(cut(&bytes, piece), true);
        let (_, stop) = reading.on(64);
        prop_assert_ne!(stop, Stop::Full);
    }
}
