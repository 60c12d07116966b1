//! The fields `traceparent` and `tracestate` (W3C Trace Context, Recommendation of 2021): read from the caller, written
//! for the origin. What is malformed is as if it were not there, and a trace of our own begins.

use http::{HeaderMap, HeaderValue};

use super::id::{SpanId, TraceId};
use super::state;

/// Which requests are traced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sampling {
    /// So many of a thousand where the caller does not say.
    pub per_thousand: u32,
    /// What a caller's word counts.
    pub callers: Callers,
}

/// What a caller's `traceparent` counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Callers {
    /// Its trace goes on, and is sampled if it says so. A caller can thereby have every request of its own traced, which
    /// costs no more than the collector's queue holds.
    Continued,
    /// Each request begins a trace of its own.
    Ignored,
}

/// Where one request stands in its trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    trace: TraceId,
    span: SpanId,
    parent: Option<SpanId>,
    sampled: bool,
    state: Option<Box<str>>,
    /// What makes the identifiers of this request's spans differ from those of every other.
    seed: u128,
}

/// What one try at an origin is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Onward {
    /// The span of the try, to be reported with [`super::Span::origin_try`].
    pub span: SpanId,
    /// `traceparent`.
    pub parent: HeaderValue,
    /// `tracestate`, if there is any.
    pub state: Option<HeaderValue>,
}

impl TraceContext {
    /// Reads the caller's fields. `fresh` is the request's reference: 128 bits that no other request has, of which the
    /// lowest 62 are random. A trace that begins here has it as its identifier, so that whoever has a reference has the
    /// trace.
    #[must_use]
    pub fn of(headers: &HeaderMap, sampling: Sampling, fresh: u128) -> Self {
        let span = SpanId::derived(fresh, 0);
        let continued = match sampling.callers {
            Callers::Continued => traceparent(headers),
            Callers::Ignored => None,
        };
        match continued {
            Some((trace, parent, sampled)) => {
                let state = state::read(headers);
                Self { trace, span, parent: Some(parent), sampled, state, seed: fresh }
            }
            None => {
                let trace = TraceId::at_least_one(fresh);
                let sampled = sampled(fresh, sampling.per_thousand);
                Self { trace, span, parent: None, sampled, state: None, seed: fresh }
            }
        }
    }

    /// The trace.
    #[must_use]
    pub fn trace(&self) -> TraceId {
        self.trace
    }

    /// Our own span.
    #[must_use]
    pub fn span(&self) -> SpanId {
        self.span
    }

    /// The caller's span, if the trace is the caller's.
    #[must_use]
    pub fn parent(&self) -> Option<SpanId> {
        self.parent
    }

    /// Whether a span is to be reported.
    #[must_use]
    pub fn sampled(&self) -> bool {
        self.sampled
    }

    /// What other systems keep in `tracestate`, if there is any.
    #[must_use]
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// What the `nth` try (from 0) at an origin sends: the same trace, a span of its own.
    #[must_use]
    pub fn onward(&self, nth: u32) -> Onward {
        let span = self.child(u64::from(nth));
        let flags = u8::from(self.sampled);
        let parent = format!("00-{}-{span}-{flags:02x}", self.trace);
        Onward {
            span,
            // Hexadecimal digits and dashes always are a value.
            parent: HeaderValue::from_str(&parent).unwrap_or(HeaderValue::from_static("")),
            state: self.state.as_deref().and_then(|state| HeaderValue::from_str(state).ok()),
        }
    }

    /// The span of the `nth` try at an origin.
    pub(super) fn child(&self, nth: u64) -> SpanId {
        SpanId::derived(self.seed, nth.saturating_add(1))
    }

    /// The span of the `nth` stage.
    pub(super) fn stage(&self, nth: u64) -> SpanId {
        SpanId::derived(self.seed, nth.saturating_add(STAGES_FROM))
    }
}

impl Onward {
    /// Puts the fields in the place of the caller's.
    pub fn write(self, headers: &mut HeaderMap) {
        headers.insert(TRACEPARENT, self.parent);
        match self.state {
            Some(state) => drop(headers.insert(state::TRACESTATE, state)),
            None => drop(headers.remove(state::TRACESTATE)),
        }
    }
}

/// Trace, the caller's span, and whether it is sampled. Two fields are none (§3.3): nobody knows which is meant.
fn traceparent(headers: &HeaderMap) -> Option<(TraceId, SpanId, bool)> {
    let mut fields = headers.get_all(TRACEPARENT).iter();
    let (Some(field), None) = (fields.next(), fields.next()) else { return None };
    let text = std::str::from_utf8(field.as_bytes()).ok()?;
    let version = hexadecimal(text.get(..2)?)?;
    let rest = text.get(LENGTH..)?;
    // §3.2.2.2, §4.3: version ff is none; 00 ends here; a later one may go on after another dash.
    if version == 0xff || version == 0 && !rest.is_empty() || !rest.is_empty() && !rest.starts_with('-') {
        return None;
    }
    let parts = text.get(2..LENGTH)?;
    if [0, 33, 50].iter().any(|at| parts.as_bytes().get(*at) != Some(&b'-')) {
        return None;
    }
    let trace = TraceId::new(hexadecimal(parts.get(1..33)?)?)?;
    let span = SpanId::new(u64::try_from(hexadecimal(parts.get(34..50)?)?).ok()?)?;
    let flags = hexadecimal(parts.get(51..53)?)?;
    Some((trace, span, flags & 1 == 1))
}

/// Lower-case digits alone: `from_str_radix` would take a sign and upper case too.
fn hexadecimal(text: &str) -> Option<u128> {
    let lower = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if lower { u128::from_str_radix(text, 16).ok() } else { None }
}

/// By the lowest 32 bits, which are random in a reference: the same request is sampled or not wherever it is asked.
fn sampled(fresh: u128, per_thousand: u32) -> bool {
    let random = fresh & u128::from(u32::MAX);
    (random * 1000) >> 32 < u128::from(per_thousand)
}

const TRACEPARENT: &str = "traceparent";

/// Characters of version 00: `00-` trace `-` span `-` flags.
const LENGTH: usize = 55;

/// Identifiers of stages begin beyond those of tries, of which there are a handful.
const STAGES_FROM: u64 = 1 << 32;

#[cfg(test)]
mod tests;
