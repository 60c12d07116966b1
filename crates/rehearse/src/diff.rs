//! What differs between two sets of policies, without traffic: as they are written, and in what the directory's people may do.

mod behaviour;
mod structure;

pub use behaviour::{Behaviour, Change, Changes, May, Side, behaviour};
pub use structure::{Changed, Line, Structure, structure};

#[cfg(test)]
mod tests;
