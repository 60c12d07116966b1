//! The facts that a clause names, with the values they have in one request.

use std::collections::BTreeMap;

use crate::evaluate::Evaluation;
use crate::graph::{Node, NodeId, show};
use crate::unknown::{Standing, Unknowns, label};
use crate::value::view::View;

/// A fact that a clause names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// As a policy writes it: `principal.tier`, `context.geo.country`, `resource`.
    pub path: String,
    /// Its value, as Cedar writes it; `None`: it is not there.
    pub value: Option<String>,
    /// Its source does not work, so nobody knows its value.
    pub unavailable: bool,
}

/// What the node reads, each fact once, sorted by path. Of `a.b.c` only the whole, and of `a has b` what may be missing.
pub(super) fn of(evaluation: &Evaluation<'_>, unknowns: &Unknowns, node: NodeId) -> Vec<Read> {
    let mut reading = Reading { evaluation, unknowns, found: BTreeMap::new() };
    let mut open = vec![node];
    while let Some(node) = open.pop() {
        if !reading.is_fact(node) {
            open.extend(evaluation.graph.operands(node));
        }
    }
    reading.found.into_values().collect()
}

struct Reading<'a, 'e> {
    evaluation: &'a Evaluation<'e>,
    unknowns: &'a Unknowns,
    found: BTreeMap<String, Read>,
}

impl Reading<'_, '_> {
    /// Notes the node if it is a fact: a variable, or attributes of one, or `has` of one.
    fn is_fact(&mut self, id: NodeId) -> bool {
        let graph = self.evaluation.graph;
        match graph.node(id) {
            Node::Has { of, path } => {
                let Some(mut steps) = self.steps(of) else { return false };
                let value = self.evaluation.truth(id).is_ok_and(|has| has);
                steps.extend(graph.names_of(path).map(str::to_owned));
                let value = value.then(|| self.at(of, graph.names_of(path))).flatten();
                self.note(steps, value);
                true
            }
            Node::Fact { .. } | Node::Attribute { .. } | Node::Variable(_) => match self.steps(id) {
                Some(steps) => {
                    let value = self.evaluation.value(id).ok();
                    self.note(steps, value.map(|view| written(&view)));
                    true
                }
                None => false,
            },
            _ => false,
        }
    }

    fn at<'n>(&self, of: NodeId, path: impl Iterator<Item = &'n str>) -> Option<String> {
        let mut at = self.evaluation.value(of).ok()?;
        for name in path {
            at = self.evaluation.attribute(at, name).ok()?;
        }
        Some(written(&at))
    }

    fn note(&mut self, steps: Vec<String>, value: Option<String>) {
        let unavailable = match steps.split_first() {
            Some((root, rest)) if root == "context" => {
                matches!(self.unknowns.standing(rest), Standing::Unavailable(_))
            }
            Some(_) => self.unknowns.labels().any(|label| label == steps.join(".")),
            None => false,
        };
        let path = match steps.split_first() {
            Some((root, rest)) if root == "context" => label(rest),
            _ => steps.join("."),
        };
        let value = value.filter(|_| !unavailable);
        self.found.entry(path.clone()).or_insert(Read { path, value, unavailable });
    }

    /// `["context", "geo", "country"]`; `None` if it is not rooted in a variable or a named entity.
    fn steps(&self, id: NodeId) -> Option<Vec<String>> {
        let graph = self.evaluation.graph;
        match graph.node(id) {
            Node::Variable(variable) => Some(vec![variable.name().to_owned()]),
            Node::Fact { root, path } => {
                let names = graph.path(path).iter().map(ToString::to_string);
                Some(std::iter::once(root.name().to_owned()).chain(names).collect())
            }
            Node::Constant(constant) => match graph.constant(constant) {
                crate::value::Stored::Entity(name) => Some(vec![format!("{name:?}")]),
                _ => None,
            },
            Node::Attribute { of, name } => {
                let mut steps = self.steps(of)?;
                steps.push(graph.name(name).to_owned());
                Some(steps)
            }
            _ => None,
        }
    }
}

fn written(view: &View<'_>) -> String {
    view.to_stored().map_or_else(|_| "an unreadable value".to_owned(), |value| show::value(&value))
}
