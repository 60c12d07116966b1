//! Decides without a request: why a recorded decision came out as it did, what would turn it, and what another set of
//! policies would say.
//!
//! INVARIANT: nothing here can yield a permit. Facts carry no ticket, so no verdict on them lets anything through.

pub mod change;
pub mod diff;
pub mod past;
pub mod question;
pub mod replay;
pub mod rulebook;
pub mod setting;
pub mod shadow;
pub mod trial;
pub mod who;
pub mod why;

#[cfg(test)]
mod testing;
mod vocabulary;
mod words;

pub use change::{Change, Owner, Search};
pub use past::{Past, PastFault};
pub use question::Question;
pub use rulebook::{Answer, Rulebook};
pub use setting::{Asked, Caller, Given, Setting, Target};
pub use why::{Explainer, Why};
