//! What we remember of each decision: one record before the answer, one outcome line after it.

pub mod entry;
// PLANNED: pub mod log;
// PLANNED: pub mod read;
// PLANNED: pub mod redact;

pub use entry::{Door, Entry, Outcome, PrincipalEntry, RequestEntry, Stage, VerdictEntry};
// PLANNED: pub use log::{Log, LogFault, LogSettings, WhenBroken};
// PLANNED: pub use redact::{Redaction, RedactionRules};
