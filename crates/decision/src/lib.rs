//! May they? Cedar policies in, a [`Verdict`] out, and from an allowing verdict a [`Permit`].
//!
//! Stands alone: it knows no HTTP, clock, file or thread. What it decides is what the official Cedar authorizer
//! decides, on every input; what it adds is the *nearest* permits of a default denial, the treatment of facts that
//! are unavailable, and the permit that forwarding consumes.
//!
//! INVARIANT: nothing outside this crate can make a [`Permit`].

mod bound;
mod concrete;
pub mod facts;
mod outcomes;
mod partial;
pub mod permit;
mod prepared;
pub mod program;
mod slice;
mod unknown;
pub mod verdict;
pub mod world;

pub use facts::{EntityName, EntityOverlay, Facts, Value};
pub use permit::{Permit, Ticket};
pub use program::{CompileError, Program};
pub use verdict::{Decision, NearMiss, PolicyFault, Verdict};
pub use world::{Change, World, WorldError};
