//! Decides without a request: why a recorded decision came out as it did, what would turn it, and what another set of
//! policies would say.
//!
//! INVARIANT: nothing here can yield a permit. Facts carry no ticket, so no verdict on them lets anything through.

pub mod change;
pub mod diff;
pub mod question;
pub mod replay;
pub mod rulebook;
pub mod shadow;
pub mod why;

#[cfg(test)]
mod testing;

pub use change::{Change, Owner, Search};
pub use question::Question;
pub use rulebook::{Answer, Rulebook};
pub use why::{Explainer, Why};
