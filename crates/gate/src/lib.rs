//! The six stages of one request, in order: admit, identify, situate, decide, answer, record.
//!
//! [`Gate::pass`] is the product in one function. [`bind`] alone turns identity and situation into Cedar entities and
//! a verdict into a refusal; a [`Snapshot`] is what one request sees from start to end.

pub mod apps;
pub mod bind;
pub mod draft;
pub mod outcome;
pub mod own_headers;
pub mod pass;
pub mod preflight;
pub mod problems;
pub mod snapshot;
mod stop;

pub use apps::{App, Apps, OriginTarget, Route};
pub use outcome::OutcomeWriter;
pub use pass::{Answer, Forward, Gate, OriginRefusals, Passage};
pub use snapshot::{ForbidFault, Snapshot};
