//! The identifier of a decision.

/// A UUIDv7, shown to people as grouped Crockford base32 (`06BQX7-M2K4T-…`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference(u128);

impl Reference {
    /// The 128 bits.
    #[must_use]
    pub fn as_u128(self) -> u128 {
        self.0
    }
}
