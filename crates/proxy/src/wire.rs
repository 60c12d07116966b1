//! What arrives on a connection before the HTTP library sees it: one strict reading of heads, chunks, prefaces and PROXY
//! protocol headers. Why: the library repairs silently (it cuts a raw `#` from targets, merges repeated lengths, drops a
//! length beside a transfer coding) and answers what it cannot read with a bare 400 that leaves no record.
//!
//! It decides nothing about requests and answers nothing. INVARIANT: whatever the library gets has passed the rules here,
//! byte for byte as it came, so that there is one reading of where each message ends.

mod chunked;
mod head;
mod heads;
pub mod preface;
pub mod proxy_protocol;
mod scan;
pub mod strict;

pub use chunked::BodyFault;
pub use head::{Framing, HeadFault, HeadShape, LONGEST_TARGET, MOST_FIELDS, check_head};
pub use heads::{Head, Heads, Upgrade};
pub use proxy_protocol::parse_proxy_header;
pub use strict::{HeadLimits, Strict};
