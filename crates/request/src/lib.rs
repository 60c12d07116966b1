//! What was asked, made canonical: one unambiguous reading of a request, or the reason why there is none.
//!
//! [`admit`] is the only way from a request head to a [`CanonicalRequest`]. What is decided on, recorded and forwarded
//! is that value; nothing downstream looks at the raw target again.

pub mod address;
pub mod ambiguity;
pub mod canonical;
pub mod connection;
mod forwarded;
mod framing;
pub mod headers;
pub mod host;
pub mod loosened;
mod method_override;
pub mod path;
pub mod pattern;
pub mod reference;
mod single;
mod target;

pub use address::TrustedPeers;
pub use ambiguity::{Ambiguity, discreet};
pub use canonical::{CanonicalRequest, Rules, Scheme, admit};
pub use connection::{Connection, Tls};
pub use host::{Host, HostError};
pub use loosened::Loosened;
pub use method_override::overrides_method;
pub use path::CanonicalPath;
pub use pattern::{PathPattern, PathPatternError, Specificity};
pub use reference::{Reference, ReferenceError};
pub use single::read_once;
