//! Evaluates nodes of a graph for one request: short-circuiting where Cedar does, both operands before any type check
//! where Cedar does, and without the allocator unless a condition makes a set or a record of what it reads.

pub(crate) mod operators;
mod quick;

use std::borrow::Cow;
use std::cell::Cell;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::bind::Bound;
use crate::facts::Value;
use crate::graph::{Graph, Node, NodeId, Operator, Source, Variable};
use crate::situation::Situation;
use crate::value::view::{Fails, Made, RecordView, View};
use crate::value::{Fields, Items, Stored};

/// What a clause comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Outcome {
    Yes = 1,
    No = 2,
    Fails = 3,
}

impl From<Result<bool, Fails>> for Outcome {
    fn from(result: Result<bool, Fails>) -> Self {
        match result {
            Ok(true) => Self::Yes,
            Ok(false) => Self::No,
            Err(Fails) => Self::Fails,
        }
    }
}

/// A clause of some policies: a node, and where its outcome is remembered during one decision if several share it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clause {
    pub(crate) node: NodeId,
    /// Below [`REMEMBERED`]: the place; [`REMEMBERED`]: none.
    pub(crate) place: u16,
}

/// How many clauses are remembered: those that most policies share. The places lie on the stack, so clearing them costs
/// a few nanoseconds and nothing is allocated.
pub(crate) const REMEMBERED: u16 = 64;

/// One decision's evaluation.
pub(crate) struct Evaluation<'e> {
    pub(crate) graph: &'e Graph,
    pub(crate) situation: &'e Situation<'e>,
    made: &'e Made,
    /// The facts of the context by their places, where they were bound.
    bound: Option<&'e Bound<'e>>,
    remembered: [Cell<u8>; REMEMBERED as usize],
}

impl<'e> Evaluation<'e> {
    pub(crate) fn new(graph: &'e Graph, situation: &'e Situation<'e>, made: &'e Made) -> Self {
        let remembered = [const { Cell::new(0) }; REMEMBERED as usize];
        Self { graph, situation, made, bound: None, remembered }
    }

    /// The same with facts that were bound for this program.
    pub(crate) fn with(self, bound: &'e Bound<'e>) -> Self {
        Self { bound: Some(bound), ..self }
    }

    /// What a clause comes to.
    pub(crate) fn clause(&self, clause: Clause) -> Outcome {
        let Some(place) = self.remembered.get(usize::from(clause.place)) else {
            return self.outcome(clause.node);
        };
        match place.get() {
            1 => Outcome::Yes,
            2 => Outcome::No,
            3 => Outcome::Fails,
            _ => {
                let outcome = self.outcome(clause.node);
                place.set(outcome as u8);
                outcome
            }
        }
    }

    #[inline]
    fn outcome(&self, id: NodeId) -> Outcome {
        match self.graph.quick(id).and_then(|quick| self.quick(quick)) {
            Some(true) => Outcome::Yes,
            Some(false) => Outcome::No,
            None => self.truth(id).into(),
        }
    }

    /// A fact of the context, if it was bound and is no more than a value of the request.
    #[inline]
    pub(crate) fn bound(&self, id: NodeId) -> Option<&'e Value<'e>> {
        match self.graph.source(id)? {
            Source::Context(place) => self.bound?.get(place),
            Source::Principal(_) | Source::Resource(_) => None,
        }
    }

    /// The node's value, which has to be a Bool.
    pub(crate) fn truth(&self, id: NodeId) -> Result<bool, Fails> {
        match self.graph.node(id) {
            Node::All(list) => {
                for link in self.graph.nodes_of(list) {
                    if !self.truth(link)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Node::Any(list) => {
                for link in self.graph.nodes_of(list) {
                    if self.truth(link)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Node::Not(of) => Ok(!self.truth(of)?),
            Node::If { test, then, otherwise } => {
                if self.truth(test)? {
                    self.truth(then)
                } else {
                    self.truth(otherwise)
                }
            }
            Node::Has { of, path } => self.has(self.value(of)?, path),
            Node::Like { of, pattern } => {
                let text = operators::text(&self.value(of)?)?;
                Ok(self.graph.pattern(pattern).ok_or(Fails)?.matches(text))
            }
            Node::Is { of, kind } => Ok(operators::entity(&self.value(of)?)?.kind() == self.graph.name(kind)),
            Node::IsEmpty(of) => Ok(operators::set(&self.value(of)?)?.is_empty()),
            Node::Binary { operator, left, right } if is_test(operator) => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                operators::test(operator, &left, &right, self.situation)
            }
            Node::Fact { root: Variable::Context, path }
                if let RecordView::Given(fields) = self.situation.context =>
            {
                match given(fields, self.graph.path(path))? {
                    (Value::Bool(value), []) => Ok(*value),
                    _ => self.value(id)?.as_bool(),
                }
            }
            _ => self.value(id)?.as_bool(),
        }
    }

    /// The node's value.
    pub(crate) fn value(&self, id: NodeId) -> Result<View<'e>, Fails> {
        match self.graph.node(id) {
            Node::Constant(entry) => View::stored(self.graph.constant(entry)),
            Node::Variable(variable) => Ok(self.variable(variable)),
            Node::Fact { root, path } => match self.bound(id) {
                Some(value) => View::given(value),
                None => self.fact(root, self.graph.path(path)),
            },
            Node::Attribute { of, name } => self.attribute(self.value(of)?, self.graph.name(name)),
            Node::If { test, then, otherwise } => {
                if self.truth(test)? {
                    self.value(then)
                } else {
                    self.value(otherwise)
                }
            }
            Node::Binary { operator, left, right } if !is_test(operator) => {
                let operands = [self.value(left)?, self.value(right)?];
                self.apply(self.graph.node(id), &operands)
            }
            node @ (Node::Negate(_) | Node::Set(_) | Node::Call { .. } | Node::Record(_)) => {
                self.made_of(node, id)
            }
            Node::Fails => Err(Fails),
            _ => self.truth(id).map(View::Bool),
        }
    }

    /// A node that is seldom met: its operands first, then itself. Apart, so that the others need less of the stack.
    #[inline(never)]
    fn made_of(&self, node: Node, id: NodeId) -> Result<View<'e>, Fails> {
        let operands: SmallVec<[View<'e>; 2]> = match node {
            Node::Call { arguments, .. } => self
                .graph
                .nodes_of(arguments)
                .map(|operand| self.value(operand))
                .collect::<Result<_, Fails>>()?,
            _ => {
                let operands = self.graph.operands(id).into_iter();
                operands.map(|operand| self.value(operand)).collect::<Result<_, Fails>>()?
            }
        };
        self.apply(node, &operands)
    }

    /// What a node comes to, given the values of all its operands in order. Not for nodes that do not evaluate all of
    /// them.
    pub(crate) fn apply(&self, node: Node, operands: &[View<'e>]) -> Result<View<'e>, Fails> {
        let of = operands.first().ok_or(Fails);
        let second = operands.get(1);
        Ok(match node {
            Node::Negate(_) => View::Long(operators::long(of?)?.checked_neg().ok_or(Fails)?),
            Node::IsEmpty(_) => View::Bool(operators::set(of?)?.is_empty()),
            Node::Like { pattern, .. } => {
                let text = operators::text(of?)?;
                View::Bool(self.graph.pattern(pattern).ok_or(Fails)?.matches(text))
            }
            Node::Is { kind, .. } => View::Bool(operators::entity(of?)?.kind() == self.graph.name(kind)),
            Node::Binary { operator: Operator::GetTag, .. } => {
                let (entity, name) = (operators::entity(of?)?, operators::text(second.ok_or(Fails)?)?);
                self.situation.tag(entity, name).ok_or(Fails)??
            }
            Node::Binary { operator, .. } if is_test(operator) => {
                View::Bool(operators::test(operator, of?, second.ok_or(Fails)?, self.situation)?)
            }
            Node::Binary { operator, .. } => operators::arithmetic(operator, of?, second.ok_or(Fails)?)?,
            Node::Set(_) => {
                let items = operands.iter().map(|view| view.to_stored()).collect::<Result<Items, Fails>>()?;
                self.make(Stored::Set(Arc::new(items)))?
            }
            Node::Record(list) => {
                let fields = self
                    .graph
                    .fields_of(list)
                    .zip(operands)
                    .map(|((name, _), value)| Ok((Arc::clone(name), value.to_stored()?)))
                    .collect::<Result<Vec<_>, Fails>>()?;
                self.make(Stored::Record(Arc::new(Fields::new(fields))))?
            }
            Node::Call { function, .. } => match operators::call(function, of?, second)? {
                operators::Called::View(view) => view,
                operators::Called::Made(stored) => self.make(stored)?,
            },
            _ => return Err(Fails),
        })
    }

    #[inline]
    pub(crate) fn variable(&self, variable: Variable) -> View<'e> {
        match variable {
            Variable::Principal => View::Entity(self.situation.principal.view),
            Variable::Action => View::Entity(self.situation.action.view),
            Variable::Resource => View::Entity(self.situation.resource.view),
            Variable::Context => View::Record(self.situation.context),
        }
    }

    /// `root.a.b.c`
    #[inline]
    fn fact(&self, root: Variable, path: &[Arc<str>]) -> Result<View<'e>, Fails> {
        let (mut at, mut names) = (self.variable(root), path);
        if let View::Record(RecordView::Given(fields)) = at {
            let (value, rest) = given(fields, names)?;
            (at, names) = (View::given(value)?, rest);
        }
        for name in names {
            at = self.attribute(at, name)?;
        }
        Ok(at)
    }

    /// `of.name`
    pub(crate) fn attribute(&self, of: View<'e>, name: &str) -> Result<View<'e>, Fails> {
        match of {
            View::Record(record) => record.get(name),
            View::Entity(entity) => self.situation.attribute(entity, name).ok_or(Fails)?,
            _ => Err(Fails),
        }
    }

    /// `of has a.b.c`: false as soon as something is missing, a fault where something is no record or entity.
    fn has(&self, of: View<'e>, path: crate::graph::Entry) -> Result<bool, Fails> {
        let names = self.graph.names_of(path);
        let last = names.len().saturating_sub(1);
        let mut at = of;
        for (index, name) in names.enumerate() {
            let next = match at {
                View::Record(record) if index == last => return Ok(record.has(name)),
                View::Record(record) => match record.has(name) {
                    true => record.get(name),
                    false => return Ok(false),
                },
                View::Entity(entity) => match self.situation.attribute(entity, name) {
                    Some(_) if index == last => return Ok(true),
                    Some(value) => value,
                    None => return Ok(false),
                },
                _ => return Err(Fails),
            };
            at = next?;
        }
        Ok(true)
    }

    /// Keeps what a condition made for as long as the decision takes.
    pub(crate) fn make(&self, value: Stored) -> Result<View<'e>, Fails> {
        View::stored(self.made.push_get(Box::new(value)))
    }
}

/// What lies at a path of the request's records, and what is left of the path where it leads out of them. Records of the
/// request lie in each other, so no view is needed of those on the way.
#[inline]
fn given<'v, 'n>(
    fields: &'v [(Cow<'v, str>, Value<'v>)],
    path: &'n [Arc<str>],
) -> Result<(&'v Value<'v>, &'n [Arc<str>]), Fails> {
    let (mut fields, mut names) = (fields, path);
    loop {
        let [name, rest @ ..] = names else { return Err(Fails) };
        let name: &str = name;
        let (_, value) = fields.iter().find(|(known, _)| **known == *name).ok_or(Fails)?;
        match value {
            Value::Record(inner) if !rest.is_empty() => (fields, names) = (inner, rest),
            value => return Ok((value, rest)),
        }
    }
}

/// Whether an operator always comes to a Bool.
pub(crate) fn is_test(operator: Operator) -> bool {
    !matches!(operator, Operator::Add | Operator::Subtract | Operator::Multiply | Operator::GetTag)
}
