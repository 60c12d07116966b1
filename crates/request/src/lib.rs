//! What was asked, made canonical: one unambiguous reading of a request, or the reason why there is none.
//!
//! `admit` is the only way to a [`CanonicalRequest`]. What is decided on, recorded and forwarded
//! is that value; nothing downstream looks at the raw target again.

pub mod address;
pub mod ambiguity;
pub mod canonical;
// PLANNED: pub mod headers;
pub mod host;
pub mod path;
pub mod reference;

pub use address::TrustedPeers;
pub use ambiguity::Ambiguity;
pub use canonical::{CanonicalRequest, Scheme};
pub use host::Host;
pub use path::{CanonicalPath, PathPattern};
pub use reference::Reference;
