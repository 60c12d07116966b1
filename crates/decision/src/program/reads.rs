//! Which facts a policy set names at all: what cannot be read cannot have changed an answer, and need not be kept.
//!
//! INVARIANT: may name too much, never too little. What is left to the reference evaluator may read everything.

use std::collections::BTreeMap;

use crate::graph::{Graph, Node, NodeId, Variable};

/// What the conditions of a policy set name of principal and context.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reads {
    /// Attributes of the principal.
    pub principal: Named,
    /// Members of the context.
    pub context: Named,
    /// Attributes of entities that are come by in another way (`resource.owner.tier`): any may prove to be the principal.
    pub elsewhere: Named,
    /// Those of them that are read of entities which no fact of the request leads to: `User::"alice".tier`.
    pub apart: Named,
}

/// What is named of a record: all of it, or some members, or nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Named {
    whole: bool,
    below: BTreeMap<Box<str>, Named>,
}

impl Named {
    /// All of it is.
    pub const WHOLE: &'static Self = &Self { whole: true, below: BTreeMap::new() };

    /// Whether nothing at all is.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        !self.whole && self.below.is_empty()
    }

    /// Whether all of it is.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// What is named of the member of this name; `None`: nothing.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Self> {
        if self.whole { Some(Self::WHOLE) } else { self.below.get(name) }
    }

    /// The members that are named, where it is not all of them.
    pub fn members(&self) -> impl Iterator<Item = &str> {
        self.below.keys().map(AsRef::as_ref)
    }

    fn add<'n>(&mut self, path: impl Iterator<Item = &'n str>) {
        let mut at = self;
        for name in path {
            if at.whole {
                return;
            }
            at = at.below.entry(name.into()).or_default();
        }
        at.whole = true;
        at.below.clear();
    }
}

impl Reads {
    /// What the nodes of a graph name.
    pub(super) fn of(graph: &Graph, everything: bool) -> Self {
        let mut reads = Self::default();
        if everything {
            reads.principal.add(std::iter::empty());
            reads.context.add(std::iter::empty());
            return reads;
        }
        for id in graph.ids() {
            match graph.node(id) {
                Node::Fact { root, path } => {
                    reads.note(root, &graph.path(path).iter().map(AsRef::as_ref).collect::<Vec<_>>());
                }
                Node::Has { of, path } => match steps(graph, of) {
                    Some((root, mut names)) => {
                        names.extend(graph.names_of(path));
                        reads.note(root, &names);
                    }
                    None => graph.names_of(path).for_each(|name| reads.note_apart(name)),
                },
                Node::Attribute { of, name } => match steps(graph, of) {
                    Some((root, mut names)) => {
                        names.push(graph.name(name));
                        reads.note(root, &names);
                    }
                    None => reads.note_apart(graph.name(name)),
                },
                // A record that is an operand of anything but an attribute or `has` is read as a whole.
                _ if graph.operands(id).iter().any(|of| graph.is(*of, Variable::Context)) => {
                    reads.context.add(std::iter::empty());
                }
                _ => {}
            }
        }
        reads
    }

    fn note_apart(&mut self, name: &str) {
        self.elsewhere.add([name].into_iter());
        self.apart.add([name].into_iter());
    }

    fn note(&mut self, root: Variable, path: &[&str]) {
        match root {
            Variable::Context => self.context.add(path.iter().copied()),
            Variable::Principal => self.principal.add(path.iter().copied().take(1)),
            Variable::Action | Variable::Resource => {}
        }
        path.iter().skip(1).for_each(|name| self.elsewhere.add([*name].into_iter()));
    }
}

/// The variable and the names below it that a node stands for.
fn steps(graph: &Graph, id: NodeId) -> Option<(Variable, Vec<&str>)> {
    match graph.node(id) {
        Node::Variable(variable) => Some((variable, Vec::new())),
        Node::Fact { root, path } => Some((root, graph.path(path).iter().map(AsRef::as_ref).collect())),
        _ => None,
    }
}
