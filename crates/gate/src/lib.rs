//! The six stages of one request, in order: admit, identify, situate, decide, answer, record.
//!
//! [`Gate::pass`] is the product in one function. [`bind`] alone turns identity and situation into Cedar entities and
//! a verdict into a refusal; a [`Snapshot`] is what one request sees from start to end.

pub mod apps;
pub mod ask;
pub mod bind;
pub mod draft;
pub mod limit;
pub mod origin;
pub mod outcome;
pub mod own_headers;
pub mod pass;
pub mod preflight;
pub mod problems;
pub mod secure;
pub mod shadow;
pub mod snapshot;
mod stages;
mod stop;
pub mod traced;
pub mod vouch;

pub use apps::{App, Apps, Route};
pub use ask::{Allowance, Asked, Denial};
pub use limit::{Exceeded, Limit, LimitBy};
pub use origin::{HealthCheck, Intercept, OriginProtocol, OriginTarget, OriginTls};
pub use outcome::OutcomeWriter;
pub use pass::{Answer, Forward, Gate, OriginRefusals, Passage, Unreadable};
pub use shadow::{Sample, ShadowQuestion, ShadowSet, Shadows};
pub use snapshot::{ForbidFault, RecordedFacts, Snapshot};
pub use traced::Traces;
