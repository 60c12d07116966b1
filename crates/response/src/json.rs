//! JSON bodies in the three shapes an app may choose.
//!
//! All are written with a space after `:` and `,`: people read them in terminals. Members and their order are fixed;
//! nothing appears that the refusal does not say.

use std::io;

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use crate::{Fault, Shape};

/// What every shape draws from.
pub(crate) struct Content<'a> {
    pub(crate) status: u16,
    pub(crate) code: &'a str,
    pub(crate) title: &'a str,
    pub(crate) message: &'a str,
    /// Where the reference page of this problem is.
    pub(crate) kind: &'a str,
    /// Both spellings of the reference; `None` where nothing may tell decisions apart.
    pub(crate) reference: Option<&'a Spelled>,
    pub(crate) faults: &'a [ShownFault],
    pub(crate) help: Option<&'a str>,
    pub(crate) blocked_by: Option<&'a str>,
}

/// What is wrong with one part of a body, bounded.
#[derive(Serialize)]
pub(crate) struct ShownFault {
    /// RFC 6901; empty: the body as a whole.
    pub(crate) pointer: String,
    pub(crate) detail: String,
}

impl ShownFault {
    pub(crate) fn new(fault: &Fault) -> Self {
        let cut = |text: &str| text.chars().take(LONGEST_FAULT).collect();
        Self { pointer: cut(&fault.pointer), detail: cut(&fault.message) }
    }
}

/// A reference in its two spellings.
pub(crate) struct Spelled {
    /// `urn:uuid:…` (RFC 9562 §4).
    pub(crate) urn: String,
    /// For people, in groups.
    pub(crate) grouped: String,
}

/// The media type of a shape.
pub(crate) fn media_type(shape: Shape) -> &'static str {
    match shape {
        Shape::Problem => "application/problem+json",
        Shape::Simple | Shape::Nested => "application/json",
    }
}

/// The body.
pub(crate) fn body(shape: Shape, content: &Content<'_>) -> Vec<u8> {
    match shape {
        Shape::Problem => write(&Problem {
            kind: content.kind,
            title: content.title,
            status: content.status,
            detail: content.message,
            instance: content.reference.map(|reference| &*reference.urn),
            error: content.code,
            reference: content.reference.map(|reference| &*reference.grouped),
            errors: content.faults,
            help: content.help,
            blocked_by: content.blocked_by,
        }),
        Shape::Simple => {
            write(&Simple { error: content.code, message: content.message, errors: content.faults })
        }
        Shape::Nested => write(&Nested {
            error: NestedError {
                code: content.status,
                message: content.title,
                details: content.message,
                errors: content.faults,
            },
        }),
    }
}

/// RFC 9457 §3.1, with extension members from `error` on (§3.2).
#[derive(Serialize)]
struct Problem<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<&'a str>,
    error: &'a str,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    /// As in the standard's own example of several problems (RFC 9457 §3).
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [ShownFault],
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blocked_by: Option<&'a str>,
}

#[derive(Serialize)]
struct Simple<'a> {
    error: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [ShownFault],
}

#[derive(Serialize)]
struct Nested<'a> {
    error: NestedError<'a>,
}

#[derive(Serialize)]
struct NestedError<'a> {
    code: u16,
    message: &'a str,
    details: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [ShownFault],
}

/// Strings and numbers into memory: there is nothing that could fail, and were there, an empty body with the right
/// status is still a refusal.
fn write(value: &impl Serialize) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    match value.serialize(&mut Serializer::with_formatter(&mut out, Spaced)) {
        Ok(()) => out,
        Err(_) => Vec::new(),
    }
}

struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}

/// Characters of a pointer or of what is said about it.
const LONGEST_FAULT: usize = 200;
