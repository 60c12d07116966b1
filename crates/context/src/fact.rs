//! A fact that may be missing, and why.

/// Known, absent or unavailable; the last two with their reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact<T> {
    /// The source works and knows.
    Known(T),
    /// The source works and knows nothing: "203.0.113.7 is in no country".
    Absent(String),
    /// The source does not work: "no geo database is loaded".
    Unavailable(String),
}

impl<T> Fact<T> {
    /// The value, if known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Absent(_) | Self::Unavailable(_) => None,
        }
    }
}
