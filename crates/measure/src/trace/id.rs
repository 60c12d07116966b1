//! Identifiers of traces and spans: never zero, which both mean "none" (Trace Context §3.2.2.3, §3.2.2.4).

use std::fmt;

/// A trace, through all services it passes. 128 bits, shown as 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId(u128);

/// One piece of work in a trace. 64 bits, shown as 16 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanId(u64);

impl TraceId {
    /// `None` for zero.
    #[must_use]
    pub const fn new(bits: u128) -> Option<Self> {
        if bits == 0 { None } else { Some(Self(bits)) }
    }

    /// From the bits of a reference. Zero is none, but should it come, the trace is at least a valid one.
    pub(super) fn at_least_one(bits: u128) -> Self {
        Self(bits.max(1))
    }

    /// The 128 bits.
    #[must_use]
    pub const fn bits(self) -> u128 {
        self.0
    }
}

impl SpanId {
    /// `None` for zero.
    #[must_use]
    pub const fn new(bits: u64) -> Option<Self> {
        if bits == 0 { None } else { Some(Self(bits)) }
    }

    /// The 64 bits.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The `nth` span that belongs to `seed`, which differs from one request to the next. Mixed so that two seeds which
    /// differ in one bit have nothing in common (the finalizer of `SplitMix64`): both are half random, half time.
    pub(super) fn derived(seed: u128, nth: u64) -> Self {
        let halves = seed ^ (seed >> 64);
        let low = u64::try_from(halves & u128::from(u64::MAX)).unwrap_or_default();
        let mut bits = low.wrapping_add(nth.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^= bits >> 31;
        Self(bits.max(1))
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", self.0)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}", self.0)
    }
}
