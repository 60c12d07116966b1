//! What a condition can still come to while some facts are unavailable.
//!
//! An unavailable fact may turn out to have any value, of any type, or to be absent; `has` on it may be true or false.
//! This evaluator computes, for each node, a set that contains every result it can have under any of these fillings.
//! Short-circuiting is kept (`false && unavailable` is false and reads nothing), and whatever does not depend on an
//! unavailable fact is evaluated as usual, one operator at a time. Cedar's own partial evaluator does not serve here: an
//! attribute that it knows as unknown is *present*.
//!
//! INVARIANT: the set may be too large, never too small. `Known(v)` means `v` under every filling, `Fails` means an
//! error under every filling.

use std::collections::BTreeSet;

use smallvec::SmallVec;

use crate::evaluate::{Clause, Evaluation, is_test};
use crate::graph::{Entry, Node, NodeId, Operator, Variable};
use crate::outcomes::Outcomes;
use crate::unknown::{Standing, Unknowns, label};
use crate::value::view::{RecordView, View};

/// What is known about the result of a node.
#[derive(Debug, Clone)]
enum Guess<'e> {
    /// This value.
    Known(View<'e>),
    /// An error.
    Fails,
    /// Some boolean, or an error, among these.
    Flag(Outcomes),
    /// The record at this path of the context, of which something is unavailable. A record for certain.
    Below(Vec<String>),
    /// Any value, or an error.
    Anything,
}

/// Evaluates the conditions of one policy.
pub(crate) struct Careful<'a, 'e> {
    evaluation: &'a Evaluation<'e>,
    unknowns: &'a Unknowns,
    reads: BTreeSet<String>,
}

impl<'a, 'e> Careful<'a, 'e> {
    pub(crate) fn new(evaluation: &'a Evaluation<'e>, unknowns: &'a Unknowns) -> Self {
        Self { evaluation, unknowns, reads: BTreeSet::new() }
    }

    /// What `clauses`, evaluated as one chain of `&&`, can come to, and the unavailable facts this depends on.
    pub(crate) fn clauses(mut self, clauses: &[Clause]) -> (Outcomes, BTreeSet<String>) {
        let outcomes = self.all(clauses.iter().map(|clause| clause.node));
        // What is open depends on something: should no read have been noted, then on any of them.
        if outcomes.is_open() && self.reads.is_empty() {
            self.reads.extend(self.unknowns.labels());
        }
        (outcomes, self.reads)
    }

    fn all(&mut self, conjuncts: impl Iterator<Item = NodeId>) -> Outcomes {
        let mut so_far = Outcomes::YES;
        for conjunct in conjuncts {
            if !so_far.yes {
                break;
            }
            let next = self.outcomes(conjunct);
            so_far = Outcomes { yes: false, ..so_far }.or_else(next);
        }
        so_far
    }

    fn any(&mut self, disjuncts: impl Iterator<Item = NodeId>) -> Outcomes {
        let mut so_far = Outcomes::NO;
        for disjunct in disjuncts {
            if !so_far.no {
                break;
            }
            let next = self.outcomes(disjunct);
            so_far = Outcomes { no: false, ..so_far }.or_else(next);
        }
        so_far
    }

    fn outcomes(&mut self, node: NodeId) -> Outcomes {
        as_condition(&self.guess(node))
    }

    fn guess(&mut self, id: NodeId) -> Guess<'e> {
        let graph = self.evaluation.graph;
        let node = graph.node(id);
        match node {
            Node::Variable(Variable::Context) => self.at(Vec::new()),
            Node::Fact { root, path } => {
                let mut base = match root {
                    Variable::Context => self.at(Vec::new()),
                    root => Guess::Known(self.evaluation.variable(root)),
                };
                for name in graph.path(path) {
                    base = self.get(base, name);
                }
                base
            }
            Node::Constant(_) | Node::Variable(_) | Node::Fails => known(self.evaluation.value(id).ok()),
            Node::All(list) => flag(self.all(graph.nodes_of(list))),
            Node::Any(list) => flag(self.any(graph.nodes_of(list))),
            Node::If { test, then, otherwise } => self.if_then_else(test, then, otherwise),
            Node::Not(of) => match self.guess(of) {
                Guess::Known(View::Bool(value)) => Guess::Known(View::Bool(!value)),
                Guess::Known(_) | Guess::Fails | Guess::Below(_) => Guess::Fails,
                Guess::Flag(arg) => flag(Outcomes { yes: arg.no, no: arg.yes, ..arg }),
                Guess::Anything => Guess::Flag(Outcomes::ALL),
            },
            Node::Attribute { of, name } => {
                let base = self.guess(of);
                self.get(base, graph.name(name))
            }
            Node::Has { of, path } => {
                let base = self.guess(of);
                flag(self.has_all(base, path))
            }
            Node::Negate(_) | Node::Set(_) | Node::Record(_) | Node::Call { .. } => {
                self.strict(node, id, Guess::Anything)
            }
            Node::IsEmpty(_) | Node::Like { .. } | Node::Is { .. } => {
                self.strict(node, id, Guess::Flag(Outcomes::ALL))
            }
            Node::Binary { operator, .. } => self.strict(node, id, yields(operator)),
        }
    }

    /// A node that evaluates all its operands. `otherwise` is what it can come to when one of them is not known.
    fn strict(&mut self, node: Node, id: NodeId, otherwise: Guess<'e>) -> Guess<'e> {
        let mut values: SmallVec<[View<'e>; 4]> = SmallVec::new();
        let mut all_known = true;
        for operand in self.evaluation.graph.operands(id) {
            match self.guess(operand) {
                Guess::Known(value) => values.push(value),
                // Whatever an operand before it comes to, this one fails, and with it the whole.
                Guess::Fails => return Guess::Fails,
                Guess::Below(path) => {
                    self.read_below(&path);
                    all_known = false;
                }
                Guess::Flag(_) | Guess::Anything => all_known = false,
            }
        }
        if all_known { known(self.evaluation.apply(node, &values).ok()) } else { otherwise }
    }

    fn if_then_else(&mut self, test: NodeId, then: NodeId, otherwise: NodeId) -> Guess<'e> {
        let test = self.outcomes(test);
        match test {
            Outcomes::YES => return self.guess(then),
            Outcomes::NO => return self.guess(otherwise),
            _ => {}
        }
        let mut joined = Some(Outcomes { fails: test.fails, ..Outcomes::NONE });
        for (taken, branch) in [(test.yes, then), (test.no, otherwise)] {
            if !taken {
                continue;
            }
            let guess = self.guess(branch);
            joined = match &guess {
                Guess::Known(View::Bool(_)) | Guess::Fails | Guess::Flag(_) => {
                    joined.map(|so_far| so_far.or_else(as_condition(&guess)))
                }
                Guess::Known(_) | Guess::Anything => None,
                Guess::Below(path) => {
                    self.read_below(path);
                    None
                }
            };
        }
        joined.map_or(Guess::Anything, flag)
    }

    fn get(&mut self, base: Guess<'e>, attribute: &str) -> Guess<'e> {
        match base {
            Guess::Below(mut path) => {
                path.push(attribute.to_owned());
                self.at(path)
            }
            Guess::Known(base) => {
                if self.is_unavailable(&base, attribute) {
                    Guess::Anything
                } else {
                    known(self.evaluation.attribute(base, attribute).ok())
                }
            }
            Guess::Fails | Guess::Flag(_) => Guess::Fails,
            Guess::Anything => Guess::Anything,
        }
    }

    fn has(&mut self, base: &Guess<'e>, attribute: &str) -> Outcomes {
        match base {
            Guess::Below(path) => {
                let mut path = path.clone();
                path.push(attribute.to_owned());
                match self.unknowns.standing(&path) {
                    Standing::Unavailable(name) => {
                        self.reads.insert(label(name));
                        Outcomes::UNCERTAIN
                    }
                    Standing::Partly if self.known_at(&path).is_none() => {
                        self.read_below(&path);
                        Outcomes::UNCERTAIN
                    }
                    Standing::Partly | Standing::Known => Outcomes::of(self.known_at(&path).is_some()),
                }
            }
            Guess::Known(base) => {
                if self.is_unavailable(base, attribute) {
                    return Outcomes::UNCERTAIN;
                }
                match base {
                    View::Record(record) => Outcomes::of(record.has(attribute)),
                    View::Entity(entity) => {
                        Outcomes::of(self.evaluation.situation.attribute(*entity, attribute).is_some())
                    }
                    _ => Outcomes::FAILS,
                }
            }
            Guess::Fails | Guess::Flag(_) => Outcomes::FAILS,
            Guess::Anything => Outcomes::ALL,
        }
    }

    /// `has a.b.c` walks: it is false at the first that is missing, and an error on what has no attributes.
    fn has_all(&mut self, base: Guess<'e>, path: Entry) -> Outcomes {
        let graph = self.evaluation.graph;
        let mut names = graph.names_of(path);
        let mut so_far = Outcomes::YES;
        let mut base = base;
        while let Some(name) = names.next() {
            if !so_far.yes {
                break;
            }
            so_far = Outcomes { yes: false, ..so_far }.or_else(self.has(&base, name));
            if so_far.yes && names.len() > 0 {
                base = self.get(base, name);
            }
        }
        so_far
    }

    /// What the context holds at `path`.
    fn at(&mut self, path: Vec<String>) -> Guess<'e> {
        match self.unknowns.standing(&path) {
            Standing::Unavailable(name) => {
                self.reads.insert(label(name));
                Guess::Anything
            }
            // The record that would hold the unavailable fact may be missing as a whole.
            Standing::Partly if self.known_at(&path).is_none() => {
                self.read_below(&path);
                Guess::Anything
            }
            Standing::Partly => Guess::Below(path),
            Standing::Known => known(self.known_at(&path)),
        }
    }

    fn known_at(&self, path: &[String]) -> Option<View<'e>> {
        let mut here = View::Record(self.evaluation.situation.context);
        for name in path {
            let View::Record(record) = here else { return None };
            here = RecordView::get(&record, name).ok()?;
        }
        Some(here)
    }

    fn read_below(&mut self, path: &[String]) {
        let below = self.unknowns.context_paths().filter(|known| known.starts_with(path));
        self.reads.extend(below.map(|known| label(known)));
    }

    fn is_unavailable(&mut self, base: &View<'e>, attribute: &str) -> bool {
        let View::Entity(entity) = base else { return false };
        let Some(label) = self.unknowns.attribute(entity.print, attribute) else { return false };
        self.reads.insert(label.to_owned());
        true
    }
}

/// What an operator with an operand that is not known can come to.
fn yields<'e>(operator: Operator) -> Guess<'e> {
    if is_test(operator) { Guess::Flag(Outcomes::ALL) } else { Guess::Anything }
}

fn known(value: Option<View<'_>>) -> Guess<'_> {
    value.map_or(Guess::Fails, Guess::Known)
}

/// A result where a condition is expected: what is no boolean is an error.
fn as_condition(guess: &Guess<'_>) -> Outcomes {
    match guess {
        Guess::Known(View::Bool(value)) => Outcomes::of(*value),
        Guess::Known(_) | Guess::Fails | Guess::Below(_) => Outcomes::FAILS,
        Guess::Flag(outcomes) => *outcomes,
        Guess::Anything => Outcomes::ALL,
    }
}

fn flag<'e>(outcomes: Outcomes) -> Guess<'e> {
    match outcomes {
        Outcomes::YES => Guess::Known(View::Bool(true)),
        Outcomes::NO => Guess::Known(View::Bool(false)),
        Outcomes::FAILS => Guess::Fails,
        outcomes => Guess::Flag(outcomes),
    }
}
