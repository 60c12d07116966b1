//! For the proof only, never part of the product: worlds of policies, entities and requests, and the official Cedar as
//! the judge of what `decision` makes of them.
//!
//! [`generate::case`] makes a world from a seed or from bytes; [`check::case`] holds the engine against the official
//! authorizer in every way we know of; [`shrink::shrink`] makes what differs small; [`regression`] writes it down.

pub mod answer;
pub mod case;
pub mod census;
pub mod check;
pub mod generate;
pub mod json;
pub mod official;
pub mod regression;
pub mod run;
pub mod shrink;
pub mod source;
pub mod term;
pub mod value;
pub mod vocabulary;
