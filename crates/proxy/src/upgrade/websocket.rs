//! The handshake of WebSocket over HTTP/1.1 (RFC 6455 §4), for the side that has none over HTTP/2.

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};
use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;

pub(super) const NAME: &str = "websocket";

/// The only version in use.
pub(super) const VERSION: &str = "13";

/// A fresh `Sec-WebSocket-Key`. `None` if no random bytes are to be had.
pub(super) fn key() -> Option<HeaderValue> {
    let mut nonce = [0_u8; 16];
    rand::fill(&mut nonce).ok()?;
    HeaderValue::try_from(STANDARD.encode(nonce)).ok()
}

/// The `Sec-WebSocket-Accept` that belongs to a key. SHA-1 is what the protocol asks for; nothing rests on its strength.
pub(super) fn accept(key: &HeaderValue) -> String {
    let mut digest = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    digest.update(key.as_bytes().trim_ascii());
    digest.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    STANDARD.encode(digest.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 6455 §1.3.
    #[test]
    fn the_proof_is_that_of_the_standard() {
        let key = HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(accept(&key), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn keys_are_fresh() {
        let [one, other] = [(); 2].map(|()| key().expect("random bytes"));
        assert_ne!(one, other);
        assert_eq!(one.len(), 24);
    }
}
