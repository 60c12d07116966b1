//! Forward-auth behind the real nginx and Caddy, run with the very files that the book shows; behind Traefik, which no
//! registry of packages has, with a client that does what its source does.
//!
//! In those files nothing is replaced but ports.

mod application;
mod caddy;
mod caller;
mod nginx;
mod site;
mod traefik;

/// The text of an example of the book.
fn example(name: &str) -> String {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples/forward-auth");
    std::fs::read_to_string(folder.join(name)).unwrap()
}

/// A text with what stands there once replaced.
fn replaced(text: &str, there: &str, instead: &str) -> String {
    assert!(text.contains(there), "the example has no `{there}`");
    text.replace(there, instead)
}
