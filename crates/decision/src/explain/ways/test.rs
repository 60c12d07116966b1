//! The ways to have one test come out otherwise.

use crate::facts::EntityName;
use crate::graph::{Function, Node, NodeId, Operator, show};
use crate::value::Stored;
use crate::value::view::View;

use super::{Edit, To, Way, Ways, is_of_sets, named, owned};

impl Ways<'_, '_> {
    pub(super) fn of_test(&self, node: NodeId, want: bool) -> Vec<Way> {
        let graph = self.evaluation.graph;
        let one = |fact: Option<Vec<String>>, to: Option<To>| -> Vec<Way> {
            fact.zip(to).map(|(fact, to)| vec![vec![Edit::new(fact, to)]]).unwrap_or_default()
        };
        match graph.node(node) {
            Node::Fact { .. } => one(self.fact(node), Some(To::OneOf(vec![crate::Value::Bool(want)]))),
            Node::Has { of, path } => {
                let names = graph.names_of(path).map(str::to_owned);
                let fact = match graph.node(of) {
                    Node::Variable(variable) => Some(named(variable, names.collect())),
                    _ => self.fact(of).map(|mut fact| {
                        fact.extend(names);
                        fact
                    }),
                };
                let known = |fact: &Vec<String>| {
                    matches!(fact.first().map(String::as_str), Some("principal" | "context"))
                };
                one(fact.filter(known), Some(if want { To::Present } else { To::Absent }))
            }
            Node::Like { of, pattern } => {
                let pattern = graph.pattern(pattern).map(|pattern| pattern.0.join("*"));
                one(self.fact(of), pattern.filter(|_| want).map(To::Like))
            }
            Node::IsEmpty(of) => one(self.fact(of), want.then_some(To::Empty)),
            Node::Binary { operator: Operator::Equal, left, right } => {
                let mut ways = self.equal(left, right, want);
                ways.extend(self.equal(right, left, want));
                ways
            }
            Node::Binary { operator: Operator::In, left, right } => self.membership(left, right, want),
            Node::Binary { operator, left, right } if is_of_sets(operator) => {
                self.of_sets(operator, left, right, want)
            }
            Node::Binary { operator: operator @ (Operator::Less | Operator::LessOrEqual), left, right } => {
                self.order(operator == Operator::Less, left, right, want)
            }
            Node::Call { function: Function::IsInRange, arguments } => {
                let arguments: Vec<_> = graph.nodes_of(arguments).collect();
                let [of, range] = arguments.as_slice() else { return Vec::new() };
                let range = self.stored(*range).map(|range| show::value(&range));
                one(self.fact(*of), range.map(if want { To::InRange } else { To::OutOfRange }))
            }
            _ => Vec::new(),
        }
    }

    /// `fact == other`
    fn equal(&self, fact: NodeId, other: NodeId, want: bool) -> Vec<Way> {
        let Some(name) = self.fact(fact) else { return Vec::new() };
        let Some(value) = self.stored(other).as_ref().and_then(owned) else { return Vec::new() };
        let to = if want { To::OneOf(vec![value]) } else { To::NoneOf(vec![value]) };
        vec![vec![Edit::new(name, to)]]
    }

    /// `principal in group`, `principal in [groups]`
    fn membership(&self, left: NodeId, right: NodeId, want: bool) -> Vec<Way> {
        if !self.is_principal(left) {
            return Vec::new();
        }
        let groups = match self.stored(right) {
            Some(group @ Stored::Entity(_)) => vec![group],
            Some(Stored::Set(items)) => items.as_slice().to_vec(),
            _ => return Vec::new(),
        };
        let groups: Vec<EntityName<'static>> = groups
            .iter()
            .filter_map(|group| match group {
                // Nobody becomes somebody else.
                Stored::Entity(name) if !matches!(&**name.kind(), "User" | "Service" | "Anonymous") => {
                    Some(EntityName::new(name.kind().to_string(), name.id().to_owned()))
                }
                _ => None,
            })
            .collect();
        if groups.is_empty() {
            return Vec::new();
        }
        let to = if want { To::MemberOf(groups) } else { To::NotMemberOf(groups) };
        vec![vec![Edit::new(vec!["principal".to_owned()], to)]]
    }

    fn of_sets(&self, operator: Operator, left: NodeId, right: NodeId, want: bool) -> Vec<Way> {
        match (self.fact(left), self.fact(right)) {
            (Some(fact), _) => {
                let wanted = match operator {
                    Operator::Contains => self.stored(right).map(|item| vec![item]),
                    _ => self.items(right),
                };
                let wanted: Vec<_> = wanted.unwrap_or_default().iter().filter_map(owned).collect();
                holder(&fact, &wanted, operator, want)
            }
            // A set that stands still, and a fact that may be one of it.
            (None, Some(fact)) => {
                let items: Vec<_> = self.items(left).unwrap_or_default().iter().filter_map(owned).collect();
                match (operator, want) {
                    _ if items.is_empty() => Vec::new(),
                    (Operator::Contains, true) => vec![vec![Edit::new(fact, To::OneOf(items))]],
                    (Operator::Contains, false) => vec![vec![Edit::new(fact, To::NoneOf(items))]],
                    (Operator::ContainsAny, _) => holder(&fact, &items, operator, want),
                    (Operator::ContainsAll, true) => vec![vec![Edit::new(fact, To::Empty)]],
                    _ => Vec::new(),
                }
            }
            (None, None) => Vec::new(),
        }
    }

    /// `left < right` or `left <= right`
    fn order(&self, strict: bool, left: NodeId, right: NodeId, want: bool) -> Vec<Way> {
        let number = |id| self.view(id).and_then(number);
        let mut ways = Vec::new();
        // left < right: left at most right - 1. Not so: left at least right.
        if let Some(bound) = number(right) {
            let (at_most, bound) = match (strict, want) {
                (true, true) => (true, bound.checked_sub(1)),
                (false, true) => (true, Some(bound)),
                (true, false) => (false, Some(bound)),
                (false, false) => (false, bound.checked_add(1)),
            };
            ways.extend(bound.and_then(|bound| self.bounded(left, at_most, bound, 0)));
        }
        if let Some(bound) = number(left) {
            let (at_most, bound) = match (strict, want) {
                (true, true) => (false, bound.checked_add(1)),
                (false, true) => (false, Some(bound)),
                (true, false) => (true, Some(bound)),
                (false, false) => (true, bound.checked_sub(1)),
            };
            ways.extend(bound.and_then(|bound| self.bounded(right, at_most, bound, 0)));
        }
        ways.into_iter().map(|edit| vec![edit]).collect()
    }
}

/// What a set that is a fact would have to hold.
fn holder(fact: &[String], items: &[crate::Value<'static>], operator: Operator, want: bool) -> Vec<Way> {
    let edit = |to| Edit::new(fact.to_vec(), to);
    match (operator, want) {
        _ if items.is_empty() => Vec::new(),
        (Operator::ContainsAll, true) => {
            vec![items.iter().map(|item| edit(To::With(vec![item.clone()]))).collect()]
        }
        (_, true) => vec![vec![edit(To::With(items.to_vec()))]],
        (Operator::ContainsAll, false) => {
            items.iter().map(|item| vec![edit(To::Without(item.clone()))]).collect()
        }
        (_, false) => vec![items.iter().map(|item| edit(To::Without(item.clone()))).collect()],
    }
}

/// What can be compared by order, as a number.
pub(super) fn number(view: View<'_>) -> Option<i64> {
    match view {
        View::Long(value) | View::Datetime(value) | View::Duration(value) => Some(value),
        _ => None,
    }
}
