//! What is told of a request when it ended, in the words of OpenTelemetry's semantic conventions for HTTP servers where
//! they have one. Neither path, query, headers nor address of a caller are told: they belong in the record, which redacts.

use std::time::{Duration, SystemTime};

use super::context::TraceContext;
use super::id::SpanId;
use crate::event::{Answered, Door, Label, OriginOutcome, Stage};

/// A finished request.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// Where it stands in its trace.
    pub context: TraceContext,
    /// `GET orders`: method and route.
    pub name: String,
    /// When the request came.
    pub start: SystemTime,
    /// When its answer ended.
    pub end: SystemTime,
    /// Whether it failed, which a refusal is not.
    pub failed: bool,
    attributes: Vec<(&'static str, Value)>,
    children: Vec<Child>,
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text, at most 256 bytes.
    Text(String),
    /// A whole number.
    Number(i64),
}

/// A part of the work.
#[derive(Debug, Clone, PartialEq)]
pub struct Child {
    /// Its identifier.
    pub span: SpanId,
    /// The stage's name.
    pub name: &'static str,
    /// Whose work it was.
    pub kind: ChildKind,
    /// When it began.
    pub start: SystemTime,
    /// When it ended.
    pub end: SystemTime,
    /// Whether it failed.
    pub failed: bool,
    /// What it came to, if there is more to say.
    pub outcome: Option<&'static str>,
}

/// Whose work a part was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChildKind {
    /// Ours.
    Internal,
    /// An origin's, seen from here.
    Client,
}

/// What is known of a request at its end.
#[derive(Debug, Clone, Copy)]
pub struct Finished<'a> {
    /// The reference, as people see it.
    pub reference: &'a str,
    /// The way in.
    pub door: Door,
    /// The method.
    pub method: &'a str,
    /// The app, empty where none was found.
    pub app: &'a str,
    /// The route, empty where none was found.
    pub route: &'a str,
    /// How it ended.
    pub answered: Answered,
    /// The public reason, empty where nothing was refused.
    pub reason: &'a str,
    /// The status of the answer; 0 where none was sent.
    pub status: u16,
}

impl Span {
    /// A request without its parts.
    #[must_use]
    pub fn new(context: TraceContext, finished: &Finished<'_>, start: SystemTime, end: SystemTime) -> Self {
        // A method that nobody registered is a caller's text: it would make a name for each (semantic conventions, HTTP).
        let known = METHODS.contains(&finished.method);
        let (method, shown) = if known { (finished.method, finished.method) } else { ("_OTHER", "HTTP") };
        let name = match finished.route {
            "" => shown.to_owned(),
            route => cut(&format!("{shown} {route}")).to_owned(),
        };
        let failed = finished.status >= 500;
        let mut attributes = Vec::with_capacity(MOST_ATTRIBUTES);
        for (key, text) in [
            ("http.request.method", method),
            ("http.route", finished.route),
            ("portcullis.app", finished.app),
            ("portcullis.door", finished.door.text()),
            ("portcullis.reason", finished.reason),
            ("portcullis.reference", finished.reference),
            ("portcullis.verdict", finished.answered.text()),
        ] {
            if !text.is_empty() {
                attributes.push((key, Value::Text(cut(text).to_owned())));
            }
        }
        if finished.status > 0 {
            attributes.push(("http.response.status_code", Value::Number(finished.status.into())));
        }
        if failed {
            attributes.push(("error.type", Value::Text(finished.status.to_string())));
        }
        Self { context, name, start, end: end.max(start), failed, attributes, children: Vec::new() }
    }

    /// A stage took so long.
    pub fn stage(&mut self, stage: Stage, start: SystemTime, took: Duration) {
        let nth = u64::try_from(self.children.len()).unwrap_or(u64::MAX);
        self.push(Child {
            span: self.context.stage(nth),
            name: stage.text(),
            kind: ChildKind::Internal,
            start,
            end: start.checked_add(took).unwrap_or(start),
            failed: false,
            outcome: None,
        });
    }

    /// A try at an origin; `span` is the one it was told ([`super::Onward`]).
    pub fn origin_try(&mut self, span: SpanId, start: SystemTime, took: Duration, outcome: OriginOutcome) {
        self.push(Child {
            span,
            name: Stage::Origin.text(),
            kind: ChildKind::Client,
            start,
            end: start.checked_add(took).unwrap_or(start),
            failed: outcome != OriginOutcome::Answered,
            outcome: Some(outcome.text()),
        });
    }

    /// What is said of it, at most nine.
    #[must_use]
    pub fn attributes(&self) -> &[(&'static str, Value)] {
        &self.attributes
    }

    /// Its parts, at most 32, in the order they were added.
    #[must_use]
    pub fn children(&self) -> &[Child] {
        &self.children
    }

    fn push(&mut self, child: Child) {
        if self.children.len() < MOST_CHILDREN {
            self.children.push(child);
        }
    }
}

fn cut(text: &str) -> &str {
    if text.len() <= LONGEST_TEXT {
        return text;
    }
    let end = (0..=LONGEST_TEXT).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    text.get(..end).unwrap_or_default()
}

/// RFC 9110 and 5789.
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

/// Room for what [`Span::new`] says.
const MOST_ATTRIBUTES: usize = 9;

/// Seven stages and every try at an origin; beyond it something repeats itself.
const MOST_CHILDREN: usize = 32;

const LONGEST_TEXT: usize = 256;

#[cfg(test)]
mod tests;
