//! Packed bodies: which packings are asked for, and their unpacking within a limit. A bomb ends where the limit does.

use std::io::Read;

use flate2::read::{MultiGzDecoder, ZlibDecoder};

use crate::answer::LONGEST_BODY;

/// `Accept-Encoding` without what is not unpacked here; where nothing is left, `identity`.
pub(super) fn unpackable(value: &str) -> String {
    let kept: Vec<_> = value
        .split(',')
        .map(str::trim)
        .filter(|coding| {
            let name = coding.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            matches!(name.as_str(), "gzip" | "x-gzip" | "deflate" | "identity")
        })
        .collect();
    if kept.is_empty() { "identity".to_owned() } else { kept.join(", ") }
}

/// Unpacks a body by its `Content-Encoding`. What cannot be unpacked stays as it is.
pub(crate) fn unpack(body: Vec<u8>, coding: Option<&str>) -> (Vec<u8>, bool) {
    let coding = coding.unwrap_or_default().trim().to_ascii_lowercase();
    let mut unpacked = Vec::new();
    let limit = LONGEST_BODY as u64;
    let read = match coding.as_str() {
        "gzip" | "x-gzip" => MultiGzDecoder::new(body.as_slice()).take(limit).read_to_end(&mut unpacked),
        "deflate" => ZlibDecoder::new(body.as_slice()).take(limit).read_to_end(&mut unpacked),
        _ => return (body, false),
    };
    if read.is_err() && unpacked.is_empty() {
        return (body, false);
    }
    let cut = unpacked.len() >= LONGEST_BODY;
    (unpacked, cut)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_bomb_ends_at_the_limit() {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(&vec![b'a'; 8 * LONGEST_BODY]).unwrap();
        let (body, cut) = unpack(packer.finish().unwrap(), Some("gzip"));
        assert_eq!((body.len(), cut), (LONGEST_BODY, true));
    }

    #[test]
    fn rubbish_stays_as_it_is() {
        assert_eq!(unpack(b"no gzip".to_vec(), Some("gzip")), (b"no gzip".to_vec(), false));
        assert_eq!(unpackable("gzip, deflate, br, zstd"), "gzip, deflate");
        assert_eq!(unpackable("br"), "identity");
    }
}
