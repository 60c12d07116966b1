//! Clauses that compare one fact with one constant, which is what most clauses do: the graph says the same of them, but
//! here nothing is interpreted.

use super::{Entry, Graph, Node, NodeId, Operator, Variable};
use crate::bind::{Layout, Place};
use crate::graph::Function;
use crate::value::Stored;

/// A comparison of a fact with a constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quick {
    pub(crate) fact: Source,
    pub(crate) asks: Asks,
    /// It holds if the comparison does not.
    pub(crate) negated: bool,
}

/// Where a fact is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Context(Place),
    /// Attributes of the principal, and of what these are.
    Principal(Entry),
    Resource(Entry),
}

/// What is asked of a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asks {
    /// Is it `true`?
    Holds,
    /// Is it there?
    Present,
    Equal(Entry),
    /// Is it one of the constant's elements?
    OneOf(Entry),
    /// Is it less than the constant?
    Less(Entry),
    LessOrEqual(Entry),
    Greater(Entry),
    GreaterOrEqual(Entry),
    InRange(Entry),
    /// Is the principal in it?
    HasPrincipal,
}

impl Quick {
    /// What a node asks, if it is so simple.
    pub(super) fn of(graph: &Graph, layout: &Layout, id: NodeId) -> Option<Self> {
        let quick = |fact, asks| Some(Self { fact, asks, negated: false });
        match graph.node(id) {
            Node::Not(of) => {
                Self::of(graph, layout, of).map(|quick| Self { negated: !quick.negated, ..quick })
            }
            Node::Fact { .. } => quick(source(graph, layout, id)?, Asks::Holds),
            Node::Has { of, path } => {
                let before = match graph.node(of) {
                    Node::Variable(Variable::Context) => &[][..],
                    Node::Fact { root: Variable::Context, path } => graph.path(path),
                    _ => return None,
                };
                let place = layout.place(before.iter().map(AsRef::as_ref).chain(graph.names_of(path)))?;
                quick(Source::Context(place), Asks::Present)
            }
            Node::Binary { operator, left, right } => {
                if operator == Operator::In && graph.is(left, Variable::Principal) {
                    return quick(source(graph, layout, right)?, Asks::HasPrincipal);
                }
                let asks = match (operator, constant(graph, left), constant(graph, right)) {
                    (Operator::Equal, Some(constant), None) | (Operator::Equal, None, Some(constant)) => {
                        Asks::Equal(constant)
                    }
                    (Operator::Contains, Some(constant), None) => Asks::OneOf(constant),
                    (Operator::Less, None, Some(constant)) => Asks::Less(constant),
                    (Operator::LessOrEqual, None, Some(constant)) => Asks::LessOrEqual(constant),
                    (Operator::Less, Some(constant), None) => Asks::Greater(constant),
                    (Operator::LessOrEqual, Some(constant), None) => Asks::GreaterOrEqual(constant),
                    _ => return None,
                };
                quick(source(graph, layout, left).or_else(|| source(graph, layout, right))?, asks)
            }
            Node::Call { function: Function::IsInRange, arguments } => {
                let mut arguments = graph.nodes_of(arguments);
                let (value, range) = (arguments.next()?, arguments.next()?);
                quick(source(graph, layout, value)?, Asks::InRange(constant(graph, range)?))
            }
            _ => None,
        }
    }
}

/// Where a node's value is, if it is a fact that can be come by directly.
pub(super) fn source(graph: &Graph, layout: &Layout, id: NodeId) -> Option<Source> {
    match graph.node(id) {
        Node::Fact { root: Variable::Context, path } => {
            layout.place(graph.path(path).iter().map(AsRef::as_ref)).map(Source::Context)
        }
        Node::Fact { root: Variable::Principal, path } => Some(Source::Principal(path)),
        Node::Fact { root: Variable::Resource, path } => Some(Source::Resource(path)),
        _ => None,
    }
}

fn constant(graph: &Graph, id: NodeId) -> Option<Entry> {
    match graph.node(id) {
        Node::Constant(entry) if !matches!(graph.constant(entry), Stored::Residual) => Some(entry),
        _ => None,
    }
}
