//! What a fact would have to be for a term that is made of it to keep within a bound: `now.durationSince(seen) < week`
//! solved for `seen`.

use crate::facts::Value;
use crate::graph::{Function, Node, NodeId, Operator};
use crate::value::view::View;

use super::test::number;
use super::{Edit, To, Ways};

/// Terms are solved this deep.
const DEPTH: usize = 8;

impl Ways<'_, '_> {
    /// The fact in a term, as it would have to be for the term to be at most, or at least, `bound`.
    pub(super) fn bounded(&self, term: NodeId, at_most: bool, bound: i64, depth: usize) -> Option<Edit> {
        if depth > DEPTH {
            return None;
        }
        if let Some(fact) = self.fact(term) {
            let value = match (self.view(term), fact.last().map(String::as_str)) {
                (Some(View::Datetime(_)), _) => Value::Datetime(bound),
                (Some(View::Duration(_)), _) => Value::Duration(bound),
                (Some(View::Long(_)), _) => Value::Long(bound),
                // Not there yet: what it is compared with says what it would be.
                (Some(_), _) => return None,
                (None, _) => self.like_its_neighbour(term, bound)?,
            };
            return Some(Edit::new(fact, if at_most { To::AtMost(value) } else { To::AtLeast(value) }));
        }
        let graph = self.evaluation.graph;
        match graph.node(term) {
            Node::Binary { operator: Operator::Add, left, right } => {
                self.either_side(left, right, at_most, bound, depth, |bound, other| bound.checked_sub(other))
            }
            Node::Binary { operator: Operator::Subtract, left, right } => {
                self.difference(left, right, at_most, bound, depth)
            }
            Node::Negate(of) => self.bounded(of, !at_most, bound.checked_neg()?, depth + 1),
            Node::Call { function, arguments } => {
                let arguments: Vec<_> = graph.nodes_of(arguments).collect();
                match (function, arguments.as_slice()) {
                    (Function::DurationSince, [left, right]) => {
                        self.difference(*left, *right, at_most, bound, depth)
                    }
                    (Function::Offset, [left, right]) => {
                        self.either_side(*left, *right, at_most, bound, depth, |bound, other| {
                            bound.checked_sub(other)
                        })
                    }
                    (function, [of]) => {
                        let unit = milliseconds(function)?;
                        // A span of at most three days is below four.
                        let bound = bound.checked_mul(unit)?;
                        let bound = if at_most { bound.checked_add(unit - 1)? } else { bound };
                        self.bounded(*of, at_most, bound, depth + 1)
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// A sum, solved for whichever side is a fact.
    fn either_side(
        &self,
        left: NodeId,
        right: NodeId,
        at_most: bool,
        bound: i64,
        depth: usize,
        without: impl Fn(i64, i64) -> Option<i64>,
    ) -> Option<Edit> {
        let solve = |of: NodeId, other: NodeId| {
            let other = self.view(other).and_then(number)?;
            self.bounded(of, at_most, without(bound, other)?, depth + 1)
        };
        solve(left, right).or_else(|| solve(right, left))
    }

    /// `left - right`: the subtrahend is preferred, since what is subtracted from is mostly the clock.
    fn difference(
        &self,
        left: NodeId,
        right: NodeId,
        at_most: bool,
        bound: i64,
        depth: usize,
    ) -> Option<Edit> {
        let by_right = || {
            let left = self.view(left).and_then(number)?;
            self.bounded(right, !at_most, left.checked_sub(bound)?, depth + 1)
        };
        let by_left = || {
            let right = self.view(right).and_then(number)?;
            self.bounded(left, at_most, bound.checked_add(right)?, depth + 1)
        };
        by_right().or_else(by_left)
    }

    /// A fact that is absent has no type; one that ends a span of time is an instant, anything else is taken for a
    /// number. What does not fit is found out by deciding.
    fn like_its_neighbour(&self, term: NodeId, bound: i64) -> Option<Value<'static>> {
        let graph = self.evaluation.graph;
        let in_time = graph.ids().any(|id| match graph.node(id) {
            Node::Call { function: Function::DurationSince | Function::Offset, arguments } => {
                graph.nodes_of(arguments).any(|argument| argument == term)
            }
            Node::Binary { operator: Operator::Less | Operator::LessOrEqual, left, right } => {
                let datetime = |id| matches!(self.view(id), Some(View::Datetime(_)));
                (left == term && datetime(right)) || (right == term && datetime(left))
            }
            _ => false,
        });
        Some(if in_time { Value::Datetime(bound) } else { Value::Long(bound) })
    }
}

/// How many milliseconds one of what a function counts in has.
fn milliseconds(function: Function) -> Option<i64> {
    match function {
        Function::ToMilliseconds => Some(1),
        Function::ToSeconds => Some(1_000),
        Function::ToMinutes => Some(60_000),
        Function::ToHours => Some(3_600_000),
        Function::ToDays => Some(86_400_000),
        _ => None,
    }
}
