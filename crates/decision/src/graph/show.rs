//! A graph in words, for `policy compile --show`: one line a node, operands by number.

use std::fmt::{self, Write};

use super::{Graph, Node, NodeId, Operator};
use crate::value::Stored;

impl Graph {
    /// Writes the nodes and all that they are made of, operands first.
    pub(crate) fn show(&self, roots: &[NodeId], out: &mut impl Write) -> fmt::Result {
        let mut reached = std::collections::BTreeSet::new();
        let mut open = roots.to_vec();
        while let Some(id) = open.pop() {
            if reached.insert(id) {
                open.extend(self.operands(id));
            }
        }
        for id in reached {
            writeln!(out, "  n{} = {}", id.0, self.line(id))?;
        }
        Ok(())
    }

    /// The nodes that a node is made of.
    pub(crate) fn operands(&self, id: NodeId) -> Vec<NodeId> {
        match self.node(id) {
            Node::Constant(_) | Node::Variable(_) | Node::Fact { .. } | Node::Fails => Vec::new(),
            Node::Attribute { of, .. }
            | Node::Has { of, .. }
            | Node::Like { of, .. }
            | Node::Is { of, .. } => {
                vec![of]
            }
            Node::Not(of) | Node::Negate(of) | Node::IsEmpty(of) => vec![of],
            Node::All(list) | Node::Any(list) | Node::Set(list) => self.nodes_of(list).collect(),
            Node::Record(list) => self.fields_of(list).map(|(_, node)| node).collect(),
            Node::Call { arguments, .. } => self.nodes_of(arguments).collect(),
            Node::If { test, then, otherwise } => vec![test, then, otherwise],
            Node::Binary { left, right, .. } => vec![left, right],
        }
    }

    fn line(&self, id: NodeId) -> String {
        let list = |list| self.nodes_of(list).map(|node| format!("n{}", node.0)).collect::<Vec<_>>();
        match self.node(id) {
            Node::Constant(entry) => value(self.constant(entry)),
            Node::Variable(variable) => variable.name().to_owned(),
            Node::Fact { root, path } => format!("{}.{}", root.name(), self.path(path).join(".")),
            Node::Attribute { of, name } => format!("n{}.{}", of.0, self.name(name)),
            Node::Has { of, path } => {
                format!("n{} has {}", of.0, self.names_of(path).collect::<Vec<_>>().join("."))
            }
            Node::All(nodes) => list(nodes).join(" && "),
            Node::Any(nodes) => list(nodes).join(" || "),
            Node::Not(of) => format!("!n{}", of.0),
            Node::Negate(of) => format!("-n{}", of.0),
            Node::IsEmpty(of) => format!("n{}.isEmpty()", of.0),
            Node::If { test, then, otherwise } => {
                format!("if n{} then n{} else n{}", test.0, then.0, otherwise.0)
            }
            Node::Binary { operator, left, right } => binary(operator, left.0, right.0),
            Node::Like { of, pattern } => {
                let parts = self.pattern(pattern).map(|pattern| pattern.0.join("*")).unwrap_or_default();
                format!("n{} like {parts:?}", of.0)
            }
            Node::Is { of, kind } => format!("n{} is {}", of.0, self.name(kind)),
            Node::Set(nodes) => format!("[{}]", list(nodes).join(", ")),
            Node::Record(fields) => {
                let fields: Vec<_> =
                    self.fields_of(fields).map(|(name, node)| format!("{name:?}: n{}", node.0)).collect();
                format!("{{{}}}", fields.join(", "))
            }
            Node::Call { function, arguments } => {
                format!("{}({})", function.name(), list(arguments).join(", "))
            }
            Node::Fails => "an error".to_owned(),
        }
    }
}

fn binary(operator: Operator, left: u32, right: u32) -> String {
    match operator {
        Operator::Equal => format!("n{left} == n{right}"),
        Operator::Less => format!("n{left} < n{right}"),
        Operator::LessOrEqual => format!("n{left} <= n{right}"),
        Operator::Add => format!("n{left} + n{right}"),
        Operator::Subtract => format!("n{left} - n{right}"),
        Operator::Multiply => format!("n{left} * n{right}"),
        Operator::In => format!("n{left} in n{right}"),
        Operator::Contains => format!("n{left}.contains(n{right})"),
        Operator::ContainsAll => format!("n{left}.containsAll(n{right})"),
        Operator::ContainsAny => format!("n{left}.containsAny(n{right})"),
        Operator::GetTag => format!("n{left}.getTag(n{right})"),
        Operator::HasTag => format!("n{left}.hasTag(n{right})"),
    }
}

/// A value as Cedar writes it; long sets are cut.
pub(crate) fn value(value: &Stored) -> String {
    const SHOWN: usize = 8;
    match value {
        Stored::Bool(value) => value.to_string(),
        Stored::Long(value) => value.to_string(),
        Stored::Text(value) => format!("{value:?}"),
        Stored::Entity(name) => format!("{name:?}"),
        Stored::Network(network) => format!("ip(\"{}/{}\")", network.address, network.prefix),
        Stored::Decimal(value) => {
            let (whole, part) = (value.unsigned_abs() / 10_000, value.unsigned_abs() % 10_000);
            format!("decimal(\"{}{whole}.{part:04}\")", if *value < 0 { "-" } else { "" })
        }
        Stored::Datetime(value) => format!("datetime(\"1970-01-01\").offset(duration(\"{value}ms\"))"),
        Stored::Duration(value) => format!("duration(\"{value}ms\")"),
        Stored::Set(items) => {
            let mut shown: Vec<_> = items.as_slice().iter().take(SHOWN).map(self::value).collect();
            if items.as_slice().len() > SHOWN {
                shown.push(format!("… {} in all", items.as_slice().len()));
            }
            format!("[{}]", shown.join(", "))
        }
        Stored::Record(fields) => {
            let fields: Vec<_> =
                fields.iter().map(|(name, value)| format!("{name:?}: {}", self::value(value))).collect();
            format!("{{{}}}", fields.join(", "))
        }
        Stored::Residual => "an unknown value".to_owned(),
    }
}
