//! How could a condition come to something else? The facts it reads, as they would have to be.
//!
//! These are proposals: each says what one condition asks for, and whoever offers it to people decides again with it first.
//! Conditions that are none of the usual forms have none. INVARIANT: the number of proposals is bounded at every step.

mod bounds;
mod test;

use std::fmt;

use crate::evaluate::Evaluation;
use crate::facts::{EntityName, Value};
use crate::graph::{Node, NodeId, Operator, Variable, show};
use crate::value::Stored;
use crate::value::view::View;

/// One fact as it would have to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// `["principal", "tier"]`, `["context", "geo", "country"]`; `["principal"]` where it is about membership.
    pub fact: Vec<String>,
    /// What it would have to be.
    pub to: To,
}

/// What a fact would have to be.
#[derive(Debug, Clone, PartialEq)]
pub enum To {
    /// One of these, the first as well as any.
    OneOf(Vec<Value<'static>>),
    /// None of these.
    NoneOf(Vec<Value<'static>>),
    /// There at all.
    Present,
    /// Not there.
    Absent,
    /// This or more (or later, or longer).
    AtLeast(Value<'static>),
    /// This or less.
    AtMost(Value<'static>),
    /// A set with one of these in it.
    With(Vec<Value<'static>>),
    /// A set without this.
    Without(Value<'static>),
    /// An empty set.
    Empty,
    /// A text of this form; `*` is anything.
    Like(String),
    /// An address in this range, as Cedar writes it.
    InRange(String),
    /// An address outside of it.
    OutOfRange(String),
    /// The principal in one of these.
    MemberOf(Vec<EntityName<'static>>),
    /// The principal in none of these.
    NotMemberOf(Vec<EntityName<'static>>),
}

/// Changes that together bring a condition about.
pub type Way = Vec<Edit>;

impl Edit {
    pub(super) fn new(fact: Vec<String>, to: To) -> Self {
        Self { fact, to }
    }
}

impl fmt::Display for Edit {
    /// The fact's name: `principal.tier`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.fact.join("."))
    }
}

/// Looks for ways in one situation.
pub(super) struct Ways<'a, 'e> {
    pub(super) evaluation: &'a Evaluation<'e>,
}

impl<'e> Ways<'_, 'e> {
    /// Every way to have all of `nodes` come to `want`.
    pub(super) fn all(&self, nodes: impl Iterator<Item = NodeId>, want: bool) -> Vec<Way> {
        self.together(nodes.map(|node| (node, want)), 0)
    }

    /// Every way to have one of `nodes` come to `want`.
    pub(super) fn any(&self, nodes: impl Iterator<Item = NodeId>, want: bool) -> Vec<Way> {
        self.either(nodes.map(|node| (node, want)), 0)
    }

    fn together(&self, wanted: impl Iterator<Item = (NodeId, bool)>, depth: usize) -> Vec<Way> {
        let mut ways: Vec<Way> = vec![Vec::new()];
        for (node, want) in wanted {
            let further = self.of(node, want, depth);
            let joined = ways.iter().flat_map(|way| further.iter().filter_map(|more| join(way, more)));
            ways = joined.take(WAYS).collect();
            if ways.is_empty() {
                break;
            }
        }
        ways
    }

    fn either(&self, wanted: impl Iterator<Item = (NodeId, bool)>, depth: usize) -> Vec<Way> {
        wanted.flat_map(|(node, want)| self.of(node, want, depth)).take(WAYS).collect()
    }

    /// Every way to have a node come to `want`; one that changes nothing if it does already.
    fn of(&self, node: NodeId, want: bool, depth: usize) -> Vec<Way> {
        if self.evaluation.truth(node) == Ok(want) {
            return vec![Vec::new()];
        }
        if depth >= DEPTH {
            return Vec::new();
        }
        let depth = depth + 1;
        let graph = self.evaluation.graph;
        match graph.node(node) {
            Node::All(list) | Node::Any(list) => {
                let links = graph.nodes_of(list).map(|link| (link, want));
                let is_all = matches!(graph.node(node), Node::All(_));
                if is_all == want { self.together(links, depth) } else { self.either(links, depth) }
            }
            Node::Not(of) => self.of(of, !want, depth),
            Node::If { test, then, otherwise } => {
                let mut ways = self.together([(test, true), (then, want)].into_iter(), depth);
                ways.extend(self.together([(test, false), (otherwise, want)].into_iter(), depth));
                ways.truncate(WAYS);
                ways
            }
            _ => self.of_test(node, want),
        }
    }

    /// The name of a fact that can be otherwise: an attribute of the principal, or a member of the context.
    fn fact(&self, id: NodeId) -> Option<Vec<String>> {
        let graph = self.evaluation.graph;
        match graph.node(id) {
            Node::Fact { root, path } => {
                let names: Vec<String> = graph.path(path).iter().map(ToString::to_string).collect();
                match (root, names.len()) {
                    (Variable::Principal, 1) | (Variable::Context, 1..) => Some(named(root, names)),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn is_principal(&self, id: NodeId) -> bool {
        self.evaluation.graph.is(id, Variable::Principal)
    }

    fn stored(&self, id: NodeId) -> Option<Stored> {
        self.evaluation.value(id).ok()?.to_stored().ok()
    }

    fn items(&self, id: NodeId) -> Option<Vec<Stored>> {
        match self.stored(id)? {
            Stored::Set(items) => Some(items.as_slice().to_vec()),
            _ => None,
        }
    }

    fn view(&self, id: NodeId) -> Option<View<'e>> {
        self.evaluation.value(id).ok()
    }
}

fn named(root: Variable, names: Vec<String>) -> Vec<String> {
    std::iter::once(root.name().to_owned()).chain(names).collect()
}

/// Both, unless they contradict each other in so many words.
fn join(way: &Way, more: &Way) -> Option<Way> {
    let mut joined = way.clone();
    for edit in more {
        match joined.iter_mut().find(|known| known.fact == edit.fact && !is_several(&known.to)) {
            None => joined.push(edit.clone()),
            Some(known) if known.to == edit.to => {}
            // Being there is part of being something.
            Some(known) if known.to == To::Present => known.to = edit.to.clone(),
            Some(_) if edit.to == To::Present || is_several(&edit.to) => {}
            Some(known) => match (&known.to, &edit.to) {
                (To::OneOf(some), To::OneOf(others)) => {
                    let both: Vec<_> = some.iter().filter(|value| others.contains(value)).cloned().collect();
                    if both.is_empty() {
                        return None;
                    }
                    known.to = To::OneOf(both);
                }
                (To::OneOf(some), To::NoneOf(others)) | (To::NoneOf(others), To::OneOf(some)) => {
                    let rest: Vec<_> = some.iter().filter(|value| !others.contains(value)).cloned().collect();
                    if rest.is_empty() {
                        return None;
                    }
                    known.to = To::OneOf(rest);
                }
                (To::NoneOf(some), To::NoneOf(others)) => {
                    known.to = To::NoneOf(some.iter().chain(others).cloned().collect());
                }
                (_, To::Absent) | (To::Absent, _) => return None,
                // What is tighter of two bounds is found out by deciding; both stand.
                _ => joined.push(edit.clone()),
            },
        }
    }
    (joined.len() <= EDITS).then_some(joined)
}

/// Whether several changes of this kind may be made to one fact.
fn is_several(to: &To) -> bool {
    matches!(
        to,
        To::With(_)
            | To::Without(_)
            | To::MemberOf(_)
            | To::NotMemberOf(_)
            | To::InRange(_)
            | To::OutOfRange(_)
    )
}

/// A value as facts have it; `None` for what facts cannot hold: ranges of addresses.
pub(super) fn owned(value: &Stored) -> Option<Value<'static>> {
    Some(match value {
        Stored::Bool(value) => Value::Bool(*value),
        Stored::Long(value) => Value::Long(*value),
        Stored::Text(text) => Value::String(text.to_string().into()),
        Stored::Entity(name) => Value::Entity(EntityName::new(name.kind().to_string(), name.id().to_owned())),
        Stored::Network(network) => {
            let whole = if network.address.is_ipv4() { 32 } else { 128 };
            (network.prefix == whole).then_some(Value::Address(network.address))?
        }
        Stored::Decimal(_) => {
            let written = show::value(value);
            Value::Decimal(written.trim_start_matches("decimal(\"").trim_end_matches("\")").to_owned().into())
        }
        Stored::Datetime(value) => Value::Datetime(*value),
        Stored::Duration(value) => Value::Duration(*value),
        Stored::Set(items) => Value::Set(items.as_slice().iter().map(owned).collect::<Option<_>>()?),
        Stored::Record(fields) => {
            let field = |(name, value): (&str, &Stored)| Some((name.to_owned().into(), owned(value)?));
            Value::Record(fields.iter().map(|(name, value)| field((name, value))).collect::<Option<_>>()?)
        }
        Stored::Residual => return None,
    })
}

/// Ways that are followed up at any step.
const WAYS: usize = 24;

/// Changes in one way: who has to change more than this asks for another policy instead.
const EDITS: usize = 5;

/// How deep conditions are looked into.
const DEPTH: usize = 24;

/// Whether an operator is one of membership in sets.
fn is_of_sets(operator: Operator) -> bool {
    matches!(operator, Operator::Contains | Operator::ContainsAny | Operator::ContainsAll)
}
