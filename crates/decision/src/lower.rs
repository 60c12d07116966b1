//! From a policy's syntax tree to the graph: clauses become nodes, constants are folded, chains become lists.
//!
//! INVARIANT: a node comes to what the official evaluator makes of the expression, value or error; which error is not
//! kept, since the official evaluator is asked for its words. Folding never turns an error into a value.

use std::sync::Arc;

use cedar_policy_core::ast::{
    self, BinaryOp, Expr, ExprKind, Pattern as OfficialPattern, PatternElem, SlotEnv, UnaryOp, Var,
};

use crate::graph::{Builder, Function, Node, NodeId, Operator, Pattern, Variable};
use crate::name::Name;
use crate::value::official::{self, literal_stored};
use crate::value::{Fields, Items, Stored};

/// Nested deeper than this, a policy is left to the reference evaluator, which knows how much stack there is. Chains
/// of `&&` and `||` count as one level.
const DEPTH: usize = 128;

/// Why a policy is left to the reference evaluator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unsupported {
    /// It is nested more than [`DEPTH`] deep.
    TooDeep,
    /// It holds an unknown of partial evaluation.
    Unknown,
}

impl Unsupported {
    pub(crate) fn why(self) -> &'static str {
        match self {
            Self::TooDeep => "it is nested more than 128 deep",
            Self::Unknown => "it holds an `unknown` of partial evaluation",
        }
    }
}

/// Makes the clauses of one policy part of a graph.
pub(crate) struct Lower<'a> {
    into: &'a mut Builder,
    slots: &'a SlotEnv,
    deepest: usize,
}

impl<'a> Lower<'a> {
    pub(crate) fn new(into: &'a mut Builder, slots: &'a SlotEnv) -> Self {
        Self { into, slots, deepest: 0 }
    }

    /// How deep the deepest clause so far is nested.
    pub(crate) fn deepest(&self) -> usize {
        self.deepest
    }

    /// The clauses of a policy's conditions, in the order of their evaluation.
    pub(crate) fn clauses(&mut self, conditions: Option<&Expr>) -> Result<Vec<NodeId>, Unsupported> {
        let Some(conditions) = conditions else { return Ok(Vec::new()) };
        clauses(conditions)
            .into_iter()
            .map(|clause| {
                let node = self.node(clause.expr, 0)?;
                Ok(if clause.negated { self.into.node(Node::Not(node)) } else { node })
            })
            .collect()
    }

    fn node(&mut self, expr: &Expr, depth: usize) -> Result<NodeId, Unsupported> {
        if depth > DEPTH {
            return Err(Unsupported::TooDeep);
        }
        let depth = depth + 1;
        self.deepest = self.deepest.max(depth);
        Ok(match expr.expr_kind() {
            ExprKind::Lit(literal) => self.into.constant(literal_stored(literal)),
            ExprKind::Var(var) => self.into.node(Node::Variable(variable(*var))),
            ExprKind::Slot(slot) => match self.slots.get(slot) {
                Some(uid) => self.into.constant(Stored::Entity(Name::of(uid))),
                None => self.into.node(Node::Fails),
            },
            ExprKind::Unknown(_) => return Err(Unsupported::Unknown),
            ExprKind::If { test_expr, then_expr, else_expr } => {
                let test = self.node(test_expr, depth)?;
                let then = self.node(then_expr, depth)?;
                let otherwise = self.node(else_expr, depth)?;
                self.into.node(Node::If { test, then, otherwise })
            }
            ExprKind::And { .. } => self.chain(expr, true, depth)?,
            ExprKind::Or { .. } => self.chain(expr, false, depth)?,
            ExprKind::UnaryApp { op, arg } => {
                let arg = self.node(arg, depth)?;
                self.unary(*op, arg)
            }
            ExprKind::BinaryApp { op, arg1, arg2 } => {
                let left = self.node(arg1, depth)?;
                let right = self.node(arg2, depth)?;
                self.into.node(Node::Binary { operator: operator(*op), left, right })
            }
            ExprKind::ExtensionFunctionApp { fn_name, args } => {
                let arguments = self.nodes(args.iter(), depth)?;
                self.call(fn_name, &arguments)
            }
            ExprKind::GetAttr { expr: of, attr } => {
                if let Some((root, path)) = fact(expr) {
                    let path = self.into.path(path);
                    return Ok(self.into.node(Node::Fact { root, path }));
                }
                let of = self.node(of, depth)?;
                let name = self.into.name(attr);
                self.into.node(Node::Attribute { of, name })
            }
            ExprKind::HasAttr { expr, attr } => {
                let of = self.node(expr, depth)?;
                let path = self.into.names([attr]);
                self.into.node(Node::Has { of, path })
            }
            ExprKind::ExtHasAttr { expr, attrs } => {
                let of = self.node(expr, depth)?;
                let path = self.into.names(attrs.iter());
                self.into.node(Node::Has { of, path })
            }
            ExprKind::Like { expr, pattern } => {
                let of = self.node(expr, depth)?;
                let pattern = self.into.pattern(parts(pattern));
                self.into.node(Node::Like { of, pattern })
            }
            ExprKind::Is { expr, entity_type } => {
                let of = self.node(expr, depth)?;
                let kind = self.into.name(&entity_type.to_string());
                self.into.node(Node::Is { of, kind })
            }
            ExprKind::Set(items) => {
                let items = self.nodes(items.iter(), depth)?;
                self.set(items)
            }
            ExprKind::Record(fields) => {
                let values = self.nodes(fields.values(), depth)?;
                self.record(fields.keys().map(|name| name.as_str()), values)
            }
        })
    }

    fn nodes<'e>(
        &mut self,
        exprs: impl Iterator<Item = &'e Expr>,
        depth: usize,
    ) -> Result<Vec<NodeId>, Unsupported> {
        exprs.map(|expr| self.node(expr, depth)).collect()
    }

    fn chain(&mut self, expr: &Expr, all: bool, depth: usize) -> Result<NodeId, Unsupported> {
        let links = self.nodes(links(expr, all).into_iter(), depth)?;
        let links = self.into.nodes(links);
        Ok(self.into.node(if all { Node::All(links) } else { Node::Any(links) }))
    }

    fn unary(&mut self, op: UnaryOp, of: NodeId) -> NodeId {
        match op {
            UnaryOp::Not => self.into.node(Node::Not(of)),
            UnaryOp::IsEmpty => self.into.node(Node::IsEmpty(of)),
            UnaryOp::Neg => match self.into.graph().as_constant(of) {
                // `-9223372036854775808` is written as the negation of what no Long holds, and read as a literal.
                Some(Stored::Long(value)) if value.checked_neg().is_some() => {
                    let negated = value.wrapping_neg();
                    self.into.constant(Stored::Long(negated))
                }
                _ => self.into.node(Node::Negate(of)),
            },
        }
    }

    /// A call; one whose arguments are constants is made now.
    fn call(&mut self, name: &ast::Name, arguments: &[NodeId]) -> NodeId {
        let name = name.to_string();
        let known = Function::ALL
            .iter()
            .find(|(_, known, count)| *known == name && *count == arguments.len())
            .map(|(function, _, _)| *function);
        // Who does not exist or takes other arguments fails, after whichever argument fails first.
        let Some(function) = known else { return self.into.node(Node::Fails) };
        if let Some(constants) = self.constants(arguments) {
            return match official::call(function.name(), &constants) {
                Some(value) => self.into.constant(value),
                None => self.into.node(Node::Fails),
            };
        }
        let arguments = self.into.nodes(arguments.iter().copied());
        self.into.node(Node::Call { function, arguments })
    }

    fn set(&mut self, items: Vec<NodeId>) -> NodeId {
        match self.constants(&items) {
            Some(constants) => {
                self.into.constant(Stored::Set(Arc::new(constants.into_iter().collect::<Items>())))
            }
            None => {
                let items = self.into.nodes(items);
                self.into.node(Node::Set(items))
            }
        }
    }

    fn record<'n>(&mut self, names: impl Iterator<Item = &'n str>, values: Vec<NodeId>) -> NodeId {
        if let Some(constants) = self.constants(&values) {
            let fields = Fields::new(names.map(Arc::from).zip(constants));
            return self.into.constant(Stored::Record(Arc::new(fields)));
        }
        let fields: Vec<_> = names.zip(values).map(|(name, value)| (self.into.name(name), value)).collect();
        let fields = self.into.fields(fields);
        self.into.node(Node::Record(fields))
    }

    fn constants(&self, nodes: &[NodeId]) -> Option<Vec<Stored>> {
        nodes.iter().map(|node| self.into.graph().as_constant(*node).cloned()).collect()
    }
}

/// One conjunct of a policy's conditions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clause<'e> {
    pub(crate) expr: &'e Expr,
    pub(crate) negated: bool,
}

/// Splits conditions into clauses: `a && b` into both, and the body of an `unless` by De Morgan, `!(a || b)` into `!a`
/// and `!b`. An `unless { a && b }` stays one clause, because only together do they mean something. With a worklist,
/// because a long chain of `&&` is a deep tree.
pub(crate) fn clauses(conditions: &Expr) -> Vec<Clause<'_>> {
    let mut clauses = Vec::new();
    let mut open = vec![Clause { expr: conditions, negated: false }];
    while let Some(Clause { expr, negated }) = open.pop() {
        match (expr.expr_kind(), negated) {
            (ExprKind::And { left, right }, false) | (ExprKind::Or { left, right }, true) => {
                open.push(Clause { expr: right, negated });
                open.push(Clause { expr: left, negated });
            }
            // Two negations say no more than that it is a Bool, which a clause is asked to be anyway.
            (ExprKind::UnaryApp { op: UnaryOp::Not, arg }, _) if !is_sugar(expr, arg) => {
                open.push(Clause { expr: arg, negated: !negated });
            }
            _ => clauses.push(Clause { expr, negated }),
        }
    }
    clauses
}

/// Whether a negation is how Cedar reads something else: `a > b` is `!(a <= b)`, and both stand in the same place. What
/// people are shown is what they wrote.
fn is_sugar(negation: &Expr, arg: &Expr) -> bool {
    negation.source_loc().is_some_and(|place| {
        arg.source_loc().is_some_and(|inner| (inner.start(), inner.end()) == (place.start(), place.end()))
    })
}

/// The links of a chain of `&&` (for `all`) or `||`, however it is nested.
fn links(expr: &Expr, all: bool) -> Vec<&Expr> {
    let mut links = Vec::new();
    let mut open = vec![expr];
    while let Some(expr) = open.pop() {
        match expr.expr_kind() {
            ExprKind::And { left, right } if all => open.extend([&**right, &**left]),
            ExprKind::Or { left, right } if !all => open.extend([&**right, &**left]),
            _ => links.push(expr),
        }
    }
    links
}

fn variable(var: Var) -> Variable {
    match var {
        Var::Principal => Variable::Principal,
        Var::Action => Variable::Action,
        Var::Resource => Variable::Resource,
        Var::Context => Variable::Context,
    }
}

/// The variable and the names of `variable.a.b.c`; `None` for attributes of anything else. Longer ones than people
/// write are left to recursion and its limit.
fn fact(expr: &Expr) -> Option<(Variable, Vec<&str>)> {
    const LONGEST: usize = 16;
    let (mut at, mut names) = (expr, Vec::new());
    while names.len() <= LONGEST {
        match at.expr_kind() {
            ExprKind::GetAttr { expr, attr } => {
                names.push(attr.as_str());
                at = expr;
            }
            ExprKind::Var(var) => {
                names.reverse();
                return Some((variable(*var), names));
            }
            _ => return None,
        }
    }
    None
}

fn operator(op: BinaryOp) -> Operator {
    match op {
        BinaryOp::Eq => Operator::Equal,
        BinaryOp::Less => Operator::Less,
        BinaryOp::LessEq => Operator::LessOrEqual,
        BinaryOp::Add => Operator::Add,
        BinaryOp::Sub => Operator::Subtract,
        BinaryOp::Mul => Operator::Multiply,
        BinaryOp::In => Operator::In,
        BinaryOp::Contains => Operator::Contains,
        BinaryOp::ContainsAll => Operator::ContainsAll,
        BinaryOp::ContainsAny => Operator::ContainsAny,
        BinaryOp::GetTag => Operator::GetTag,
        BinaryOp::HasTag => Operator::HasTag,
    }
}

/// The texts between a pattern's wildcards.
pub(crate) fn parts(pattern: &OfficialPattern) -> Pattern {
    let mut parts = vec![String::new()];
    for element in pattern.iter() {
        match (element, parts.last_mut()) {
            (PatternElem::Char(character), Some(part)) => part.push(*character),
            _ => parts.push(String::new()),
        }
    }
    Pattern(parts.into_boxed_slice())
}
