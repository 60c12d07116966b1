//! The seeds of the fuzz targets about tokens and key sets, through the assertions of those targets.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    unreachable_pub,
    dead_code,
    reason = "shared with the fuzz targets, and that is how a test fails"
)]

#[path = "../../../fuzz/src/believed.rs"]
mod believed;
#[path = "../../../fuzz/src/jwks.rs"]
mod jwks;
#[path = "../../../fuzz/src/replay.rs"]
mod replay;
#[path = "../../../fuzz/src/token.rs"]
mod token;

#[test]
fn tokens() {
    replay::replay("token", token::check);
}

#[test]
fn key_sets() {
    replay::replay("jwks", jwks::check);
}

/// The assertions say what must not be believed; this one, that something is.
#[test]
fn the_tokens_of_the_corpus_hold() {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = folder.path().join("jwks.json");
    std::fs::write(&keys, believed::JWKS).expect("a file");
    let settings = believed::settings(believed::ISSUER, "issuer|", &keys);
    let identifier = portcullis_identity::Identifier::new(vec![settings], None).expect("good settings");
    for token in believed::tokens() {
        let field = believed::authorization(format!("Bearer {token}").as_bytes()).expect("a field");
        let principal = identifier.identify(&field, believed::now()).expect("a token that holds");
        assert_eq!(principal.id, "issuer|alice");
    }
    assert_eq!(believed::tokens().count(), 9);
}
