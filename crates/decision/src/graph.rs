//! Conditions as a graph: every sub-expression that occurs anywhere in the policy set stands in it once.
//!
//! It holds and shows; it evaluates nothing. Nodes refer only to nodes before them, so there is no cycle.

mod build;
mod quick;
pub(crate) mod show;

use std::mem::size_of_val;
use std::sync::Arc;

use crate::name::Name;
use crate::value::{Stored, official};
pub(crate) use build::Builder;
pub(crate) use quick::{Asks, Quick, Source};

/// Where a node stands in its graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NodeId(pub(crate) u32);

/// An entry of one of the graph's lists: constants, names, patterns, lists of nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Entry(pub(crate) u32);

/// One operation. Chains of `&&` and `||` are one node each, however long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Node {
    Constant(Entry),
    Variable(Variable),
    /// An attribute of a variable, or of what that attribute is, and so on: `context.geo.country`.
    Fact {
        root: Variable,
        path: Entry,
    },
    /// `of.name`, of anything else.
    Attribute {
        of: NodeId,
        name: Entry,
    },
    /// `of has a.b.c`; the path is a list of names.
    Has {
        of: NodeId,
        path: Entry,
    },
    All(Entry),
    Any(Entry),
    Not(NodeId),
    Negate(NodeId),
    IsEmpty(NodeId),
    If {
        test: NodeId,
        then: NodeId,
        otherwise: NodeId,
    },
    Binary {
        operator: Operator,
        left: NodeId,
        right: NodeId,
    },
    Like {
        of: NodeId,
        pattern: Entry,
    },
    Is {
        of: NodeId,
        kind: Entry,
    },
    Set(Entry),
    /// Names and values by turns.
    Record(Entry),
    Call {
        function: Function,
        arguments: Entry,
    },
    /// What fails whatever the request is: a call with too many arguments, a slot that nothing fills.
    Fails,
}

/// The four variables of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Variable {
    Principal,
    Action,
    Resource,
    Context,
}

impl Variable {
    /// As Cedar writes it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Principal => "principal",
            Self::Action => "action",
            Self::Resource => "resource",
            Self::Context => "context",
        }
    }
}

/// An operator whose two operands are both evaluated, left first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Operator {
    Equal,
    Less,
    LessOrEqual,
    Add,
    Subtract,
    Multiply,
    In,
    Contains,
    ContainsAll,
    ContainsAny,
    GetTag,
    HasTag,
}

/// An extension function, with as many arguments as it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Function {
    Ip,
    IsIpv4,
    IsIpv6,
    IsLoopback,
    IsMulticast,
    IsInRange,
    Decimal,
    LessThan,
    LessThanOrEqual,
    GreaterThan,
    GreaterThanOrEqual,
    Datetime,
    Duration,
    Offset,
    DurationSince,
    ToDate,
    ToTime,
    ToMilliseconds,
    ToSeconds,
    ToMinutes,
    ToHours,
    ToDays,
}

impl Function {
    /// Every function with its name in Cedar and the number of its arguments.
    pub(crate) const ALL: [(Self, &'static str, usize); 22] = [
        (Self::Ip, "ip", 1),
        (Self::IsIpv4, "isIpv4", 1),
        (Self::IsIpv6, "isIpv6", 1),
        (Self::IsLoopback, "isLoopback", 1),
        (Self::IsMulticast, "isMulticast", 1),
        (Self::IsInRange, "isInRange", 2),
        (Self::Decimal, "decimal", 1),
        (Self::LessThan, "lessThan", 2),
        (Self::LessThanOrEqual, "lessThanOrEqual", 2),
        (Self::GreaterThan, "greaterThan", 2),
        (Self::GreaterThanOrEqual, "greaterThanOrEqual", 2),
        (Self::Datetime, "datetime", 1),
        (Self::Duration, "duration", 1),
        (Self::Offset, "offset", 2),
        (Self::DurationSince, "durationSince", 2),
        (Self::ToDate, "toDate", 1),
        (Self::ToTime, "toTime", 1),
        (Self::ToMilliseconds, "toMilliseconds", 1),
        (Self::ToSeconds, "toSeconds", 1),
        (Self::ToMinutes, "toMinutes", 1),
        (Self::ToHours, "toHours", 1),
        (Self::ToDays, "toDays", 1),
    ];

    pub(crate) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(function, _, _)| *function == self).map_or("", |(_, name, _)| name)
    }

    /// Whether it makes a value out of a text.
    pub(crate) fn is_constructor(self) -> bool {
        matches!(self, Self::Ip | Self::Decimal | Self::Datetime | Self::Duration)
    }
}

/// What `like` compares with: the texts between its wildcards. Without a wildcard there is one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pattern(pub(crate) Box<[String]>);

impl Pattern {
    /// Whether the whole text matches. Each part is taken where it comes first, which leaves the most for the next.
    pub(crate) fn matches(&self, text: &str) -> bool {
        match &*self.0 {
            [] => text.is_empty(),
            [whole] => whole == text,
            [first, between @ .., last] => {
                let Some(mut rest) = text.strip_prefix(first.as_str()) else { return false };
                for part in between {
                    let Some(at) = rest.find(part.as_str()) else { return false };
                    rest = rest.get(at + part.len()..).unwrap_or_default();
                }
                rest.ends_with(last.as_str())
            }
        }
    }
}

/// Everything that conditions of one policy set are made of.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    nodes: Vec<Node>,
    /// By node, what is simple enough to be answered without the node.
    quick: Box<[Option<Quick>]>,
    /// By node, where its value is if it is a fact.
    sources: Box<[Option<Source>]>,
    lists: Vec<Box<[u32]>>,
    constants: Vec<Stored>,
    names: Vec<Arc<str>>,
    paths: Vec<Box<[Arc<str>]>>,
    patterns: Vec<Pattern>,
}

impl Graph {
    #[inline]
    pub(crate) fn node(&self, id: NodeId) -> Node {
        self.nodes.get(at(id.0)).copied().unwrap_or(Node::Fails)
    }

    /// What the node asks, if it is a comparison of a fact with a constant.
    #[inline]
    pub(crate) fn quick(&self, id: NodeId) -> Option<Quick> {
        *self.quick.get(at(id.0))?
    }

    /// Where the node's value is, if it is a fact.
    #[inline]
    pub(crate) fn source(&self, id: NodeId) -> Option<Source> {
        *self.sources.get(at(id.0))?
    }

    #[inline]
    pub(crate) fn constant(&self, entry: Entry) -> &Stored {
        self.constants.get(at(entry.0)).unwrap_or(&Stored::Residual)
    }

    pub(crate) fn name(&self, entry: Entry) -> &str {
        self.names.get(at(entry.0)).map_or("", |name| name)
    }

    pub(crate) fn pattern(&self, entry: Entry) -> Option<&Pattern> {
        self.patterns.get(at(entry.0))
    }

    /// The names of a [`Node::Fact`].
    #[inline]
    pub(crate) fn path(&self, entry: Entry) -> &[Arc<str>] {
        self.paths.get(at(entry.0)).map_or(&[], |path| path)
    }

    pub(crate) fn nodes_of(
        &self,
        list: Entry,
    ) -> impl DoubleEndedIterator<Item = NodeId> + ExactSizeIterator {
        self.list(list).iter().map(|id| NodeId(*id))
    }

    pub(crate) fn names_of(&self, list: Entry) -> impl ExactSizeIterator<Item = &str> {
        self.list(list).iter().map(|name| self.name(Entry(*name)))
    }

    /// The fields of a record: names and nodes.
    pub(crate) fn fields_of(&self, list: Entry) -> impl Iterator<Item = (&Arc<str>, NodeId)> {
        self.list(list).chunks_exact(2).filter_map(|field| match field {
            [name, node] => Some((self.names.get(at(*name))?, NodeId(*node))),
            _ => None,
        })
    }

    fn list(&self, entry: Entry) -> &[u32] {
        self.lists.get(at(entry.0)).map_or(&[], |list| list)
    }

    /// The constant that a node is, if it is one.
    pub(crate) fn as_constant(&self, id: NodeId) -> Option<&Stored> {
        match self.node(id) {
            Node::Constant(entry) => Some(self.constant(entry)),
            _ => None,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = NodeId> {
        (0..u32::try_from(self.nodes.len()).unwrap_or(u32::MAX)).map(NodeId)
    }

    /// Whether a node is this variable.
    pub(crate) fn is(&self, id: NodeId, variable: Variable) -> bool {
        self.node(id) == Node::Variable(variable)
    }

    /// The entities that conditions name.
    pub(crate) fn entities(&self) -> Vec<Name> {
        let mut found = Vec::new();
        self.constants.iter().for_each(|constant| official::named(constant, &mut found));
        found
    }

    /// The types of the entities that conditions name.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = Arc<str>> {
        self.entities().into_iter().map(|name| Arc::clone(name.kind()))
    }

    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.nodes)
            + size_of_val(&*self.quick)
            + size_of_val(&*self.sources)
            + self.lists.iter().map(|list| size_of_val(list) + size_of_val(&**list)).sum::<usize>()
            + size_of_val(&*self.constants) * 2
            + self.names.iter().map(|name| name.len() + size_of_val(name)).sum::<usize>()
    }
}

fn at(index: u32) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
