//! What we remember of each decision: one record before the answer, one outcome line after it.
//!
//! [`Log`] writes, [`read`] reads back, [`Redaction`] keeps secrets out and [`why`] tells a remembered decision to
//! people. A record is written before its decision is carried out, or the log says how many are missing.

pub mod entry;
mod line;
pub mod log;
pub mod pieces;
pub mod read;
pub mod redact;
#[cfg(test)]
mod testing;
pub mod why;

pub use entry::{Door, Entry, Gap, Outcome, PrincipalEntry, RequestEntry, Stage, VerdictEntry, WhenBroken};
pub use log::{Log, LogError, LogFault, LogSettings, LogStatus, SyncPoint};
pub use read::{Line, ReadError, Remembered};
pub use redact::{Redaction, RedactionError, RedactionRules};
