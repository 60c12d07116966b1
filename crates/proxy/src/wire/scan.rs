//! Finds the end of a head, byte by byte, and faults that need no more than the bytes so far: how lines end, control
//! bytes, and the shape of the request line. What fields mean is examined in `head`, once all are there.
//!
//! INVARIANT: the result follows from the bytes alone, never from the pieces in which they came.

use super::head::{Found, shown_discreet};

/// How far a head was looked at.
#[derive(Debug, Clone, Default)]
pub(super) struct Scan {
    /// Where the head begins: behind a tolerated empty line.
    start: usize,
    /// Everything before was looked at.
    at: usize,
    /// Where the current line begins.
    line: usize,
    /// Whether the request line was seen.
    in_fields: bool,
}

impl Scan {
    /// Where the head begins.
    pub(super) fn start(&self) -> usize {
        self.start
    }

    /// Whether the request line is over.
    pub(super) fn in_fields(&self) -> bool {
        self.in_fields
    }

    /// Looks at what is new in `bytes`, which must begin with what it was given before. The end of the head, if it is
    /// there.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> Result<Option<usize>, Found> {
        loop {
            self.at += plain_pieces(bytes.get(self.at..).unwrap_or_default());
            let rest = bytes.get(self.at..).unwrap_or_default();
            let Some(plain) = rest.iter().position(|byte| !is_plain(*byte)) else {
                self.at = bytes.len();
                return Ok(None);
            };
            self.at += plain;
            match (rest.get(plain), rest.get(plain + 1)) {
                (Some(b'\r'), None) => return Ok(None),
                (Some(b'\r'), Some(b'\n')) => {
                    if self.line_ends(bytes.get(self.line..self.at).unwrap_or_default())? {
                        return Ok(Some(self.at));
                    }
                }
                (Some(b'\r'), Some(_)) => return Err(self.line_end("a carriage return without a line feed")),
                (Some(b'\n'), _) => return Err(self.line_end("a line feed without a carriage return")),
                (byte, _) => return Err(self.control(bytes, byte.copied().unwrap_or_default())),
            }
        }
    }

    /// Whether the head ends with this line.
    fn line_ends(&mut self, line: &[u8]) -> Result<bool, Found> {
        self.at += LINE_END;
        if line.is_empty() {
            if self.in_fields {
                return Ok(true);
            }
            // One empty line before the request line is passed over, as RFC 9112 §2.2 asks for the sake of clients that
            // send one after a body. It asks for "at least one"; a second one is nobody's habit.
            if self.start > 0 {
                return Err(Found::malformed("several empty lines before the request line".to_owned()));
            }
            self.start = self.at;
        } else if !self.in_fields {
            has_three_parts(line)?;
            self.in_fields = true;
        }
        self.line = self.at;
        Ok(false)
    }

    /// RFC 9112 §2.2 lets a server take a bare line feed for a line end. The next server may not, and then sees other
    /// fields (threats of the kind of Go CVE-2025-22871).
    fn line_end(&self, what: &str) -> Found {
        Found::malformed(format!("{what} at byte {} of the head", self.at.saturating_sub(self.start)))
    }

    /// RFC 9110 §5.5.
    fn control(&self, bytes: &[u8], byte: u8) -> Found {
        let detail = format!(
            "the control byte `{}` at byte {} of the head",
            byte.escape_ascii(),
            self.at.saturating_sub(self.start)
        );
        let line = bytes.get(self.line..self.at).unwrap_or_default();
        match (self.in_fields, line.contains(&b':')) {
            (false, _) => Found::malformed(detail),
            (true, false) => Found::bad_request("bad_header_name", detail),
            (true, true) => Found::bad_request("bad_header_value", detail),
        }
    }
}

/// A method, a target and a version with one space between each (RFC 9112 §3). Examined at once, because whoever sends
/// something else (HTTP/0.9, another protocol) may wait for an answer before anything like a whole head has come.
fn has_three_parts(line: &[u8]) -> Result<(), Found> {
    let mut parts = line.split(|byte| *byte == b' ');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(method), Some(target), Some(version), None)
            if !method.is_empty() && !target.is_empty() && is_version(version) =>
        {
            Ok(())
        }
        _ => Err(Found::malformed(format!(
            "the request line {} is not a method, a target and a version with one space between each",
            shown_discreet(line)
        ))),
    }
}

/// RFC 9112 §2.3, whichever the version.
fn is_version(version: &[u8]) -> bool {
    matches!(version, [b'H', b'T', b'T', b'P', b'/', major, b'.', minor] if major.is_ascii_digit() && minor.is_ascii_digit())
}

/// How many bytes at the beginning are plain, in whole pieces: a piece without an early way out is looked at at once.
fn plain_pieces(bytes: &[u8]) -> usize {
    let (pieces, _) = bytes.as_chunks::<PIECE>();
    let is_plain_piece = |piece: &[u8; PIECE]| piece.iter().fold(true, |plain, byte| plain & is_plain(*byte));
    PIECE * pieces.iter().take_while(|piece| is_plain_piece(piece)).count()
}

/// What a processor compares at once.
const PIECE: usize = 16;

/// What may stand anywhere in a line. Tab is white space; beyond ASCII only values may go, which `head` examines.
fn is_plain(byte: u8) -> bool {
    byte >= b' ' && byte != 0x7f || byte == b'\t'
}

const LINE_END: usize = b"\r\n".len();
