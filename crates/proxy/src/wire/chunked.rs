//! Reads along in a chunked body (RFC 9112 §7.1) and says where it ends. It keeps nothing of it: sizes and trailers are
//! read once more by the HTTP library, from bytes that passed here.

use super::MOST_FIELDS;
use super::head::is_token;

/// What is wrong in a chunked body. The body fails, and the connection closes after the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyFault {
    /// No hexadecimal digit where a size is due, or something else than a line end behind it.
    #[error("`{}` in the size of a chunk", .0.escape_ascii())]
    Size(u8),
    /// More digits than any size needs.
    #[error("the size of a chunk has more than {MOST_SIZE_DIGITS} digits")]
    LongSize,
    /// Nobody needs them, and servers disagree on where they end (Kestrel CVE-2025-55315).
    #[error("a chunk has an extension")]
    Extension,
    /// Something else than CRLF at the end of a line or a chunk.
    #[error("`{}` where CRLF ends a line or a chunk", .0.escape_ascii())]
    LineEnd(u8),
    /// A byte that may not stand in the name of a trailer.
    #[error("`{}` in the name of a trailer", .0.escape_ascii())]
    TrailerName(u8),
    /// A byte that may not stand in the value of a trailer.
    #[error("the control byte `{}` in the value of a trailer", .0.escape_ascii())]
    TrailerValue(u8),
    /// Too many fields or bytes.
    #[error(
        "the trailers are too many: at most {MOST_FIELDS} fields and less than {TRAILER_BYTES} bytes are read"
    )]
    LongTrailers,
}

/// How far a chunked body was read.
#[derive(Debug, Clone)]
pub(super) struct Chunks {
    at: At,
    trailer_fields: usize,
    trailer_bytes: usize,
}

#[derive(Debug, Clone, Copy)]
enum At {
    Size { digits: u8, size: u64 },
    SizeEnd { size: u64 },
    Data { left: u64 },
    DataReturn,
    DataFeed,
    Line,
    Name,
    Value,
    LineFeed,
    LastFeed,
    End,
}

impl Default for Chunks {
    fn default() -> Self {
        Self { at: At::Size { digits: 0, size: 0 }, trailer_fields: 0, trailer_bytes: 0 }
    }
}

impl Chunks {
    /// Reads on. How many bytes are good, all of them unless the body ends or is broken there, and whether it ends.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> (usize, Result<bool, BodyFault>) {
        let mut good = 0;
        while let Some(byte) = bytes.get(good) {
            if let At::Data { left } = &mut self.at {
                let here = bytes.len() - good;
                let skipped = usize::try_from(*left).unwrap_or(usize::MAX).min(here);
                good += skipped;
                *left = left.saturating_sub(u64::try_from(skipped).unwrap_or(u64::MAX));
                if *left == 0 {
                    self.at = At::DataReturn;
                }
                continue;
            }
            match self.step(*byte) {
                Ok(next) => self.at = next,
                Err(fault) => return (good, Err(fault)),
            }
            good += 1;
            if matches!(self.at, At::End) {
                return (good, Ok(true));
            }
        }
        (good, Ok(false))
    }

    fn step(&mut self, byte: u8) -> Result<At, BodyFault> {
        match self.at {
            At::Size { digits, size } => size_step(digits, size, byte),
            At::SizeEnd { size } => {
                line_feed(byte, if size == 0 { At::Line } else { At::Data { left: size } })
            }
            At::DataReturn if byte == b'\r' => Ok(At::DataFeed),
            At::DataFeed => line_feed(byte, At::Size { digits: 0, size: 0 }),
            At::Line | At::Name | At::Value | At::LineFeed | At::LastFeed => self.trailer_step(byte),
            At::DataReturn | At::Data { .. } | At::End => Err(BodyFault::LineEnd(byte)),
        }
    }

    fn trailer_step(&mut self, byte: u8) -> Result<At, BodyFault> {
        self.trailer_bytes += 1;
        if self.trailer_bytes >= TRAILER_BYTES {
            return Err(BodyFault::LongTrailers);
        }
        match (self.at, byte) {
            (At::Line, b'\r') => Ok(At::LastFeed),
            (At::Line, _) if is_token(byte) => {
                self.trailer_fields += 1;
                if self.trailer_fields > MOST_FIELDS {
                    return Err(BodyFault::LongTrailers);
                }
                Ok(At::Name)
            }
            (At::Name, b':') => Ok(At::Value),
            (At::Name, _) if is_token(byte) => Ok(At::Name),
            (At::Line | At::Name, b'\n') => Err(BodyFault::LineEnd(byte)),
            (At::Line | At::Name, _) => Err(BodyFault::TrailerName(byte)),
            (At::Value, b'\r') => Ok(At::LineFeed),
            (At::Value, b'\n') => Err(BodyFault::LineEnd(byte)),
            (At::Value, _) if byte.is_ascii_control() && byte != b'\t' => Err(BodyFault::TrailerValue(byte)),
            (At::Value, _) => Ok(At::Value),
            (At::LastFeed, _) => line_feed(byte, At::End),
            (_, _) => line_feed(byte, At::Line),
        }
    }
}

fn size_step(digits: u8, size: u64, byte: u8) -> Result<At, BodyFault> {
    match (char::from(byte).to_digit(16), byte) {
        (Some(_), _) if digits == MOST_SIZE_DIGITS => Err(BodyFault::LongSize),
        // Sixteen digits fill 64 bits, so nothing is shifted out.
        (Some(digit), _) => Ok(At::Size { digits: digits + 1, size: size << 4 | u64::from(digit) }),
        (None, b'\r') if digits > 0 => Ok(At::SizeEnd { size }),
        (None, b';') if digits > 0 => Err(BodyFault::Extension),
        (None, b'\n') if digits > 0 => Err(BodyFault::LineEnd(byte)),
        (None, _) => Err(BodyFault::Size(byte)),
    }
}

fn line_feed(byte: u8, next: At) -> Result<At, BodyFault> {
    if byte == b'\n' { Ok(next) } else { Err(BodyFault::LineEnd(byte)) }
}

/// Digits of the longest size that fits 64 bits.
const MOST_SIZE_DIGITS: u8 = 16;

/// A trailer section ends below this size, line ends and all. Trailers are checksums and gRPC's two fields. Below what
/// the HTTP library allows, so that its bound never speaks first.
const TRAILER_BYTES: usize = 8 * 1024;

#[cfg(test)]
pub(super) mod tests;
