//! Where something is written.

use cedar_policy_core::ast::Expr;

use crate::source::Sources;

/// A place in the text that a policy was read from. Whoever read it knows the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// First byte.
    pub start: usize,
    /// The byte behind the last.
    pub end: usize,
    /// Line of the first byte, from 1.
    pub line: usize,
    /// Column of the first byte, in characters, from 1.
    pub column: usize,
}

pub(super) fn of_policy(sources: &Sources, policy: u32) -> Option<Place> {
    let (own, (whole, start)) = sources.text(policy)?;
    Some(within(whole, start, start + own.len()))
}

pub(super) fn of_expr(sources: &Sources, policy: u32, expr: &Expr) -> Option<Place> {
    let place = expr.source_loc()?;
    let (_, (whole, start)) = sources.text(policy)?;
    let before = if sources.is_placed(policy) { 0 } else { start };
    Some(within(whole, before + place.start(), before + place.end()))
}

/// What is written there; what Cedar would write, where it was not read from a text.
pub(super) fn text(expr: &Expr) -> String {
    let written = expr.source_loc().and_then(|place| place.snippet());
    written.map_or_else(|| expr.to_string(), str::to_owned)
}

fn within(text: &str, start: usize, end: usize) -> Place {
    let before = text.get(..start).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    Place { start, end, line, column }
}
