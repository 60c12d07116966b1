//! How often: rate limits in bounded memory. It knows no HTTP beyond the two fields that tell a caller where it stands,
//! reads no clock and makes no answers.
//!
//! INVARIANT: no key is ever granted more than `burst` requests plus what its rate refills, in any window of time, however
//! many other keys there are and whether or not the store is full.

mod cell;
pub mod fields;
mod key;
mod limiter;
mod rate;
mod shard;

pub use key::Key;
pub use limiter::{Limiter, MOST_KEYS};
pub use rate::{Outcome, Rate, Standing};
