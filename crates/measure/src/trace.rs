//! Which trace a request belongs to (W3C Trace Context), and what is told of it when it ended. Nothing here sends
//! anything: whoever holds a [`Sink`] does, and no format of a collector is known here.
//!
//! INVARIANT: nothing of the caller's fields is sent on unless all of it is valid, and a span holds a bounded number of
//! bounded texts, whatever the request was.

mod context;
mod id;
mod span;
mod state;

pub use context::{Callers, Onward, Sampling, TraceContext};
pub use id::{SpanId, TraceId};
pub use span::{Child, ChildKind, Finished, Span, Value};

/// Where finished spans go. Taking one never waits: what does not fit is counted and given up.
pub trait Sink: Send + Sync {
    /// Takes a finished span. It was sampled; others need not be made.
    fn finished(&self, span: Span);
}
