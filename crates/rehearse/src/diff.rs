//! What differs between two sets of policies, without traffic: as they are written, in what the directory's people may do,
//! and in what the policy tests come to.

mod behaviour;
mod structure;
mod trials;

pub use behaviour::{Behaviour, Change, Changes, May, Side, behaviour};
pub use structure::{Changed, Line, Structure, structure};
pub use trials::{Trials, Turned, trials};

#[cfg(test)]
mod tests;
