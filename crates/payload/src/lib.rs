//! What was sent: whether a body is what its route says it is, checked before the origin sees it. It reads no sockets and
//! makes no answers: the door asks [`PayloadRules::head`] what it needs, and [`PayloadRules::check`] once it has the body.
//!
//! INVARIANT: a body that was checked has one reading. Whatever servers read differently (repeated names, other encodings
//! and character sets, broken escapes) is refused, not interpreted.

mod error;
mod fault;
mod form;
mod json;
mod media;
mod rules;
mod schema;
pub mod settings;

pub use error::PayloadRulesError;
pub use fault::{FieldFault, PayloadFault};
pub use rules::{PayloadRules, Wanted};
pub use settings::{FormField, FormKind, FormSettings, JsonSettings, PayloadSettings};
