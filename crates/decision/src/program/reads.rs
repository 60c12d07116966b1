//! Which facts a policy set names at all: what cannot be read cannot have changed an answer, and need not be kept.
//!
//! INVARIANT: may name too much, never too little, unless the context holds entities. What is left to the reference evaluator may read everything.

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
    /// What the context holds counts as records, not as entities.
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
    /// What the nodes of a graph name; `clauses` are those that nothing else has as an operand.
    pub(super) fn of(graph: &Graph, clauses: impl Iterator<Item = NodeId>, everything: bool) -> Self {
        let mut reads = Self::default();
        if everything {
            reads.principal.add(std::iter::empty());
            reads.context.add(std::iter::empty());
            return reads;
        }
        clauses.for_each(|clause| reads.operand(graph, clause));
        for id in graph.ids() {
            match graph.node(id) {
                // What these look into is not read as a whole.
                Node::Has { of, path } => reads.member(graph, of, graph.names_of(path)),
                Node::Attribute { of, name } => reads.member(graph, of, std::iter::once(graph.name(name))),
                _ => graph.operands(id).into_iter().for_each(|operand| reads.operand(graph, operand)),
            }
        }
        reads
    }

    /// A node whose value counts as a whole.
    fn operand(&mut self, graph: &Graph, id: NodeId) {
        if let Some((root, names)) = steps(graph, id) {
            self.note(root, &names);
        }
    }

    fn member<'g>(&mut self, graph: &'g Graph, of: NodeId, names: impl Iterator<Item = &'g str>) {
        match steps(graph, of) {
            Some((root, mut before)) => {
                before.extend(names);
                self.note(root, &before);
            }
            None => names.for_each(|name| {
                self.elsewhere.add([name].into_iter());
                self.apart.add([name].into_iter());
            }),
        }
    }

    fn note(&mut self, root: Variable, path: &[&str]) {
        match root {
            Variable::Context => return self.context.add(path.iter().copied()),
            Variable::Principal if path.is_empty() => return,
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
