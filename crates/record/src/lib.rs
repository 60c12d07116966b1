//! What we remember of each decision: one record before the answer, one outcome line after it.
//!
//! [`Log`] writes, [`read`] reads back, [`verify`] proves that nothing was changed, [`search`] looks through all of it,
//! [`Redaction`] keeps secrets out, [`Texts`] are what decided, and [`why`] tells a remembered decision to people. A record
//! is written before its decision is carried out, or the log says how many are missing.

mod archive;
mod chain;
mod checkpoint;
pub mod entry;
pub mod facts;
pub mod forget;
mod json;
pub mod keys;
mod line;
pub mod log;
mod note;
pub mod pieces;
pub mod read;
pub mod redact;
pub mod search;
#[cfg(test)]
mod testing;
mod texts;
mod tree;
pub mod verify;
pub mod why;

pub use checkpoint::Checkpoint;
pub use entry::{Door, Entry, Gap, Outcome, PrincipalEntry, RequestEntry, Stage, VerdictEntry, WhenBroken};
pub use facts::{Fact, FactSet, Gathered, Gathering};
pub use log::{DropRule, Handed, Log, LogError, LogFault, LogSettings, LogStatus, SyncPoint};
pub use note::{NoteError, Verifier};
pub use read::{Line, ReadError, Remembered};
pub use redact::pseudonym::{HashedField, Pseudonyms};
pub use redact::{Redaction, RedactionError, RedactionRules};
pub use texts::{Texts, TextsFault};
