//! Base64url as JOSE writes it (RFC 7515 §2): no padding, no white space, and exactly one spelling of each value.

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

/// The bytes, or `None` if the text is not their one canonical spelling.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    STRICT.decode(text).ok()
}

/// The canonical spelling.
pub(crate) fn encode(bytes: &[u8]) -> String {
    STRICT.encode(bytes)
}

/// Trailing bits that are not zero are refused: with them, many texts would be one token and one token many cache
/// entries, and a revocation by text would miss.
const STRICT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(false),
);

#[cfg(test)]
mod tests {
    use super::{decode, encode};

    #[test]
    fn there_is_one_spelling() {
        assert_eq!(decode("AA").unwrap(), [0]);
        for other in ["AB", "AA==", "AA=", "A", " AA", "AA\n", "A A", "A+", "A/", "AAA\u{e9}"] {
            assert_eq!(decode(other), None, "{other:?}");
        }
        assert_eq!(decode("").unwrap(), [0u8; 0]);
        assert_eq!(encode(&[0xfb, 0xff]), "-_8");
    }
}
