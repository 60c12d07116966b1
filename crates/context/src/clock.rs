//! Time on the configured clock.

/// One instant, and what it is called in the configured time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds since the Unix epoch.
    pub unix_ms: i64,
    /// Minutes after midnight, 0..1440.
    pub minute: u16,
    /// ISO weekday, 1 = Monday … 7 = Sunday.
    pub weekday: u8,
}
