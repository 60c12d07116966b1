//! The reverse-proxy door, over HTTP/1.1 and HTTP/2, in plain text and TLS: every request is put to the gate, and what
//! the gate allows goes to its origin.
//!
//! It decides nothing itself. INVARIANT: `forward` is the only way to an origin, and it consumes the permit of the
//! request it sends; what it sends is the canonical request.

mod answer;
mod body;
mod caller;
mod forward;
mod idle;
pub mod limits;
mod origins;
mod patient;
pub mod serve;
mod upgrade;
pub mod wire;

pub use limits::Limits;
pub use serve::{Listening, ServeError, serve};
