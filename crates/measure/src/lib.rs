//! What is counted, and how it is shown to Prometheus; and the trace that a request belongs to, ready to be sent by
//! whoever holds a [`trace::Sink`]. It decides nothing, reads no configuration and opens no socket.
//!
//! INVARIANT: counting never waits and never grows without bound: no lock is taken for what was counted before, and
//! beyond [`MOST_SETS`] sets of labels further ones count as `other`.

mod event;
mod family;
mod histogram;
mod metrics;
mod process;
mod table;
mod tally;
pub mod trace;

pub use event::{
    Answered, By, ConnectionKind, ConnectionRefused, Door, OriginOutcome, Reload, ShadowOutcome, Stage,
    Watched,
};
pub use family::MOST_SETS;
pub use metrics::{CONTENT_TYPE, Metrics};
pub use table::{Described, Kind, METRICS, markdown};
