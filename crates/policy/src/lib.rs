//! What is written: the schema that ships, guards turned into Cedar, annotations, and the lints over all of it.
//!
//! [`Policies::load`] takes every text at once and either yields a checked set or every finding in it. Findings are
//! [`miette::Report`]s with a stable code (`portcullis::policy::…`), the span they are about and a hint.

pub mod annotations;
mod finding;
pub mod guards;
pub mod lints;
pub mod load;
pub mod schema;

pub use annotations::{PublicReason, ReasonStatus, StepUp};
pub use guards::{Access, DeviceNeeds, Guard, Hours, Require, Scope};
pub use load::{KeptPolicy, Loaded, Origin, Policies, SourceText};
pub use schema::headers::ReadHeader;
