//! May they? Cedar policies in, a [`Verdict`] out, and from an allowing verdict a [`Permit`].
//!
//! Stands alone: it knows no HTTP, clock, file or thread. What it decides is what the official Cedar authorizer
//! decides, on every input; what it adds is that its cost follows the policies that could apply, the *nearest* permits
//! of a default denial, the treatment of facts that are unavailable, and the permit that forwarding consumes.
//!
//! A policy set becomes a [`Program`]: `lower` makes its conditions into one `graph`, `rule` its scopes into tests,
//! `index` a tree over both; `decide` walks the tree and has `evaluate` look at what it leads to.
//!
//! INVARIANT: nothing outside this crate can make a [`Permit`].

mod bind;
mod careful;
mod check;
mod decide;
mod evaluate;
pub mod explain;
pub mod facts;
mod graph;
mod index;
mod lower;
mod name;
mod outcomes;
pub mod permit;
pub mod program;
mod reference;
mod rule;
mod situation;
mod source;
mod texts;
mod unknown;
mod value;
pub mod verdict;
pub mod world;

pub use facts::{EntityName, EntityOverlay, Facts, Value};
pub use permit::{Permit, Ticket};
pub use program::{CompileError, Program};
pub use verdict::{Decision, NearMiss, PolicyFault, Verdict};
pub use world::{Change, World, WorldError};
