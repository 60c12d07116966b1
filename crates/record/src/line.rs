//! One line of the log as bytes: JSON with `kind` and format version `v` in front, ended by a line feed.
//!
//! INVARIANT: no line is longer than [`LONGEST_WRITTEN`], and whatever looks like a credential is masked here once
//! more, whoever forgot to do so before.

use serde::{Deserialize, Serialize};

use crate::entry::{Entry, Gap, Outcome};
use crate::facts::FactSet;
use crate::json;
use crate::read::Line;
use crate::redact::mask;

/// Longest line we write, in bytes with its line feed. An entry is bounded by redaction well below.
pub(crate) const LONGEST_WRITTEN: usize = 64 * 1024;

/// Most lines are shorter, so that they are written without asking for memory again.
const USUAL_DECISION: usize = 2 * 1024;
const USUAL_OUTCOME: usize = 256;

/// Longest line we read: a later version may write longer ones.
pub(crate) const LONGEST_READ: usize = 1024 * 1024;

/// The format of the lines that we write. Raised only when a reader of the older format would misunderstand them.
const FORMAT: u32 = 1;

#[derive(Deserialize)]
struct Tag<'a> {
    #[serde(borrow)]
    kind: std::borrow::Cow<'a, str>,
    #[serde(default)]
    v: u32,
}

/// A decision's line. Where it would be too long its facts are left out, and it says so.
pub(crate) fn decision<F: FactSet>(entry: &Entry<F>) -> Result<Vec<u8>, serde_json::Error> {
    let line = written("decision", entry, USUAL_DECISION)?;
    if line.len() <= LONGEST_WRITTEN {
        return Ok(line);
    }
    let mut short = entry.clone();
    let omitted = short.facts.count().saturating_add(short.missing.len());
    short.facts = F::default();
    short.missing.clear();
    short.request.query = short.request.query.map(|_| "…".to_owned());
    short.missing.insert("…".to_owned(), format!("omitted: {omitted} facts made the record too long"));
    if let Some(verdict) = &mut short.verdict {
        for list in [&mut verdict.policies, &mut verdict.undecided] {
            list.truncate(MOST_KEPT);
            list.iter_mut().for_each(shorten);
        }
        verdict.nearest.truncate(MOST_KEPT);
        verdict.errors.truncate(MOST_KEPT);
        verdict.nearest.iter_mut().for_each(|(policy, ..)| shorten(policy));
        verdict.errors.iter_mut().for_each(|(policy, message)| {
            shorten(policy);
            shorten(message);
        });
    }
    let texts = [&mut short.app, &mut short.route, &mut short.absence, &mut short.reason, &mut short.detail];
    texts.into_iter().chain([&mut short.request.user_agent]).flatten().for_each(shorten);
    let request = &mut short.request;
    for text in [&mut request.method, &mut request.host, &mut request.path, &mut request.client] {
        shorten(text);
    }
    if let Some(principal) = &mut short.principal {
        let texts = [&mut principal.issuer, &mut principal.key];
        texts.into_iter().flatten().chain([&mut principal.id]).for_each(shorten);
    }
    let line = written("decision", &short, USUAL_DECISION)?;
    if line.len() <= LONGEST_WRITTEN {
        return Ok(line);
    }
    Err(serde::ser::Error::custom(format_args!("the record has {} bytes", line.len())))
}

/// An outcome's line.
pub(crate) fn outcome(outcome: &Outcome) -> Result<Vec<u8>, serde_json::Error> {
    if outcome.fault.as_ref().is_some_and(|fault| fault.len() > LONGEST_TEXT) {
        let mut short = outcome.clone();
        short.fault.iter_mut().for_each(shorten);
        return written("outcome", &short, USUAL_OUTCOME);
    }
    written("outcome", outcome, USUAL_OUTCOME)
}

/// A gap's line.
pub(crate) fn gap(gap: &Gap) -> Result<Vec<u8>, serde_json::Error> {
    written("gap", gap, USUAL_OUTCOME)
}

/// A line about the log itself: the head of a segment, a checkpoint, what was deleted or left out. Nothing in it comes
/// from callers, and masking could harm a hash that happens to look like a token.
pub(crate) fn structure<T: Serialize>(kind: &str, content: &T) -> Result<Vec<u8>, serde_json::Error> {
    joined(kind, content, USUAL_OUTCOME)
}

/// Whether a line is about the log itself, and of no interest to who asks for decisions.
pub(crate) fn is_structure(line: &[u8]) -> bool {
    let kind = line.strip_prefix(b"{\"kind\":\"").unwrap_or_default();
    STRUCTURE.iter().any(|structure| kind.starts_with(structure))
}

/// Reads one line, without its line feed.
pub(crate) fn parse(text: &str) -> Result<Line, serde_json::Error> {
    let tag: Tag<'_> = serde_json::from_str(text)?;
    if tag.v > FORMAT {
        return Ok(Line::Other(tag.kind.into_owned()));
    }
    Ok(match &*tag.kind {
        "decision" => Line::Decision(Box::new(serde_json::from_str(text)?)),
        "outcome" => Line::Outcome(serde_json::from_str(text)?),
        "gap" => Line::Gap(serde_json::from_str(text)?),
        _ => Line::Other(tag.kind.into_owned()),
    })
}

fn written<T: Serialize>(kind: &str, content: &T, usual: usize) -> Result<Vec<u8>, serde_json::Error> {
    let line = joined(kind, content, usual)?;
    let masked = match std::str::from_utf8(&line).map(mask::credentials) {
        Ok(std::borrow::Cow::Borrowed(_)) => None,
        Ok(std::borrow::Cow::Owned(masked)) => Some(masked.into_bytes()),
        Err(fault) => return Err(serde::ser::Error::custom(fault)),
    };
    Ok(masked.unwrap_or(line))
}

fn joined<T: Serialize>(kind: &str, content: &T, usual: usize) -> Result<Vec<u8>, serde_json::Error> {
    let mut line = Vec::with_capacity(usual);
    line.extend_from_slice(format!("{{\"kind\":\"{kind}\",\"v\":{FORMAT}").as_bytes());
    // The content is an object that is never empty, so what stands before it joins it if its brace becomes a comma.
    // `#[serde(flatten)]` comes to the same for half as much again.
    let joint = line.len();
    json::append(content, &mut line)?;
    match line.get_mut(joint) {
        Some(brace) if *brace == b'{' => *brace = b',',
        _ => return Err(serde::ser::Error::custom("what is recorded is no object")),
    }
    line.push(b'\n');
    Ok(line)
}

fn shorten(text: &mut String) {
    if text.len() > LONGEST_TEXT {
        *text = crate::redact::cut(text, LONGEST_TEXT).into_owned();
    }
}

/// The kinds of line that are about the log itself, each with its closing quote.
const STRUCTURE: [&[u8]; 5] = [b"segment\"", b"checkpoint\"", b"sampled\"", b"removed\"", b"erased\""];

/// Longest text of a record that must be shortened, in bytes.
const LONGEST_TEXT: usize = 512;

/// Most items of each list of a record that must be shortened.
const MOST_KEPT: usize = 16;
