//! What a condition can still come to while some facts are unavailable.
//!
//! An unavailable fact may turn out to have any value, of any type, or to be absent; `has` on it may be true or false.
//! This evaluator computes, for each expression, a set that contains every result the official evaluator can have
//! under any of these fillings. Short-circuiting is kept (`false && unavailable` is false and reads nothing), and
//! whatever does not depend on an unavailable fact is evaluated by the official evaluator itself, one operator at a
//! time. Cedar's own partial evaluator does not serve here: an attribute that it knows as unknown is *present*.
//!
//! INVARIANT: the set may be too large, never too small. `Known(v)` means `v` under every filling, `Fails` means an
//! error under every filling.

use std::collections::BTreeSet;

use cedar_policy_core::ast::{
    BinaryOp, Context, EntityUID, Expr, ExprKind, Literal, SlotEnv, UnaryOp, Value,
};
use cedar_policy_core::ast::{ValueKind, Var};
use cedar_policy_core::evaluator::Evaluator;

use crate::outcomes::Outcomes;
use crate::unknown::{Standing, Unknowns, label};

/// What is known about the result of an expression.
#[derive(Debug, Clone)]
enum Guess {
    /// This value.
    Known(Value),
    /// An error.
    Fails,
    /// Some boolean, or an error, among these.
    Flag(Outcomes),
    /// The record at this path of the context, of which something is unavailable. A record for certain.
    Below(Vec<String>),
    /// Any value, or an error.
    Anything,
}

/// Evaluates conditions of one request.
#[derive(Debug)]
pub(crate) struct Partial<'a> {
    pub(crate) evaluator: &'a Evaluator<'a>,
    pub(crate) context: &'a Context,
    pub(crate) unknowns: &'a Unknowns,
}

/// Deeper than this, an expression is taken to read every unavailable fact and to come to anything. Chains of `&&` and
/// `||` count as one level.
const DEPTH: usize = 100;

impl Partial<'_> {
    /// What `clauses`, evaluated as one chain of `&&`, can come to, and the unavailable facts this depends on.
    pub(crate) fn conditions(&self, clauses: &[Expr], slots: &SlotEnv) -> (Outcomes, BTreeSet<String>) {
        let mut walk = Walk { partial: self, slots, reads: BTreeSet::new() };
        let outcomes = walk.all(clauses.iter(), 0);
        // What is open depends on something: should no read have been noted, then on any of them.
        if outcomes.is_open() && walk.reads.is_empty() {
            walk.reads.extend(self.unknowns.labels());
        }
        (outcomes, walk.reads)
    }
}

struct Walk<'a, 'p> {
    partial: &'a Partial<'p>,
    slots: &'a SlotEnv,
    reads: BTreeSet<String>,
}

impl Walk<'_, '_> {
    fn all<'e>(&mut self, conjuncts: impl Iterator<Item = &'e Expr>, depth: usize) -> Outcomes {
        let mut so_far = Outcomes::YES;
        for conjunct in conjuncts {
            if !so_far.yes {
                break;
            }
            let next = self.outcomes(conjunct, depth);
            so_far = Outcomes { yes: false, ..so_far }.or_else(next);
        }
        so_far
    }

    fn any<'e>(&mut self, disjuncts: impl Iterator<Item = &'e Expr>, depth: usize) -> Outcomes {
        let mut so_far = Outcomes::NO;
        for disjunct in disjuncts {
            if !so_far.no {
                break;
            }
            let next = self.outcomes(disjunct, depth);
            so_far = Outcomes { no: false, ..so_far }.or_else(next);
        }
        so_far
    }

    fn outcomes(&mut self, expr: &Expr, depth: usize) -> Outcomes {
        let guess = self.guess(expr, depth);
        as_condition(&guess)
    }

    fn guess(&mut self, expr: &Expr, depth: usize) -> Guess {
        if depth > DEPTH {
            self.reads.extend(self.partial.unknowns.labels());
            return Guess::Anything;
        }
        let depth = depth + 1;
        match expr.expr_kind() {
            ExprKind::Var(Var::Context) => self.at(Vec::new()),
            ExprKind::Lit(_) | ExprKind::Var(_) | ExprKind::Slot(_) | ExprKind::Unknown(_) => {
                self.official(expr)
            }
            ExprKind::And { .. } => flag(self.all(chain(expr, true).into_iter(), depth)),
            ExprKind::Or { .. } => flag(self.any(chain(expr, false).into_iter(), depth)),
            ExprKind::If { test_expr, then_expr, else_expr } => {
                self.if_then_else(test_expr, then_expr, else_expr, depth)
            }
            ExprKind::UnaryApp { op, arg } => match (op, self.guess(arg, depth)) {
                (op, Guess::Known(arg)) => self.official(&Expr::unary_app(*op, arg.into())),
                // None of these operators takes a record.
                (_, Guess::Fails | Guess::Below(_)) => Guess::Fails,
                (UnaryOp::Not, Guess::Flag(arg)) => flag(Outcomes { yes: arg.no, no: arg.yes, ..arg }),
                (UnaryOp::Not | UnaryOp::IsEmpty, _) => Guess::Flag(Outcomes::ALL),
                (UnaryOp::Neg, _) => Guess::Anything,
            },
            ExprKind::BinaryApp { op, arg1, arg2 } => {
                self.strict([&**arg1, &**arg2], depth, yields(*op), |mut args| {
                    let right = args.pop()?;
                    Some(Expr::binary_app(*op, args.pop()?, right))
                })
            }
            ExprKind::ExtensionFunctionApp { fn_name, args } => {
                self.strict(args.iter(), depth, Guess::Anything, |args| {
                    Some(Expr::call_extension_fn(fn_name.clone(), args))
                })
            }
            ExprKind::Set(items) => {
                self.strict(items.iter(), depth, Guess::Anything, |items| Some(Expr::set(items)))
            }
            ExprKind::Record(fields) => self.strict(fields.values(), depth, Guess::Anything, |values| {
                Expr::record(fields.keys().cloned().zip(values)).ok()
            }),
            ExprKind::Like { expr, pattern } => {
                self.strict([&**expr], depth, Guess::Flag(Outcomes::ALL), |mut args| {
                    Some(Expr::like(args.pop()?, pattern.clone()))
                })
            }
            ExprKind::Is { expr, entity_type } => {
                self.strict([&**expr], depth, Guess::Flag(Outcomes::ALL), |mut args| {
                    Some(Expr::is_entity_type(args.pop()?, entity_type.clone()))
                })
            }
            ExprKind::GetAttr { expr, attr } => {
                let base = self.guess(expr, depth);
                self.get(base, attr)
            }
            ExprKind::HasAttr { expr, attr } => {
                let base = self.guess(expr, depth);
                flag(self.has(&base, attr))
            }
            ExprKind::ExtHasAttr { expr, attrs } => {
                let base = self.guess(expr, depth);
                flag(self.has_all(base, &attrs.iter().map(|attr| attr.as_str()).collect::<Vec<_>>()))
            }
        }
    }

    /// An operator that evaluates all its operands. `otherwise` is what it can come to when one of them is not known.
    fn strict<'e>(
        &mut self,
        operands: impl IntoIterator<Item = &'e Expr>,
        depth: usize,
        otherwise: Guess,
        rebuild: impl FnOnce(Vec<Expr>) -> Option<Expr>,
    ) -> Guess {
        let mut values = Vec::new();
        let mut all_known = true;
        for operand in operands {
            match self.guess(operand, depth) {
                Guess::Known(value) => values.push(Expr::from(value)),
                // Whatever an operand before it comes to, this one fails, and with it the whole.
                Guess::Fails => return Guess::Fails,
                Guess::Below(path) => {
                    self.read_below(&path);
                    all_known = false;
                }
                Guess::Flag(_) | Guess::Anything => all_known = false,
            }
        }
        match rebuild(values) {
            Some(expr) if all_known => self.official(&expr),
            _ => otherwise,
        }
    }

    fn if_then_else(&mut self, test: &Expr, then: &Expr, otherwise: &Expr, depth: usize) -> Guess {
        let test = self.outcomes(test, depth);
        match test {
            Outcomes::YES => return self.guess(then, depth),
            Outcomes::NO => return self.guess(otherwise, depth),
            _ => {}
        }
        let mut joined = Some(Outcomes { fails: test.fails, ..Outcomes::NONE });
        for (taken, branch) in [(test.yes, then), (test.no, otherwise)] {
            if !taken {
                continue;
            }
            let guess = self.guess(branch, depth);
            joined = match &guess {
                Guess::Known(value) if as_bool(value).is_none() => None,
                Guess::Anything => None,
                Guess::Below(path) => {
                    self.read_below(path);
                    None
                }
                Guess::Known(_) | Guess::Fails | Guess::Flag(_) => {
                    joined.map(|so_far| so_far.or_else(as_condition(&guess)))
                }
            };
        }
        joined.map_or(Guess::Anything, flag)
    }

    fn get(&mut self, base: Guess, attr: &str) -> Guess {
        match base {
            Guess::Below(mut path) => {
                path.push(attr.to_owned());
                self.at(path)
            }
            Guess::Known(base) => match self.unavailable_attribute(&base, attr) {
                true => Guess::Anything,
                false => self.official(&Expr::get_attr(base.into(), attr.into())),
            },
            Guess::Fails | Guess::Flag(_) => Guess::Fails,
            Guess::Anything => Guess::Anything,
        }
    }

    fn has(&mut self, base: &Guess, attr: &str) -> Outcomes {
        match base {
            Guess::Below(path) => {
                let mut path = path.clone();
                path.push(attr.to_owned());
                match self.partial.unknowns.standing(&path) {
                    Standing::Unavailable(name) => {
                        self.reads.insert(label(name));
                        Outcomes::UNCERTAIN
                    }
                    Standing::Partly if self.known(&path).is_none() => {
                        self.read_below(&path);
                        Outcomes::UNCERTAIN
                    }
                    Standing::Partly | Standing::Known => Outcomes::of(self.known(&path).is_some()),
                }
            }
            Guess::Known(base) => match self.unavailable_attribute(base, attr) {
                true => Outcomes::UNCERTAIN,
                false => as_condition(&self.official(&Expr::has_attr(base.clone().into(), attr.into()))),
            },
            Guess::Fails | Guess::Flag(_) => Outcomes::FAILS,
            Guess::Anything => Outcomes::ALL,
        }
    }

    /// `has a.b.c` walks: it is false at the first that is missing, and an error on what has no attributes.
    fn has_all(&mut self, base: Guess, attrs: &[&str]) -> Outcomes {
        let mut so_far = Outcomes::YES;
        let mut base = base;
        for (index, attr) in attrs.iter().enumerate() {
            if !so_far.yes {
                break;
            }
            so_far = Outcomes { yes: false, ..so_far }.or_else(self.has(&base, attr));
            if so_far.yes && index + 1 < attrs.len() {
                base = self.get(base, attr);
            }
        }
        so_far
    }

    /// What the context holds at `path`.
    fn at(&mut self, path: Vec<String>) -> Guess {
        match self.partial.unknowns.standing(&path) {
            Standing::Unavailable(name) => {
                self.reads.insert(label(name));
                Guess::Anything
            }
            // The record that would hold the unavailable fact may be missing as a whole.
            Standing::Partly if self.known(&path).is_none() => {
                self.read_below(&path);
                Guess::Anything
            }
            Standing::Partly => Guess::Below(path),
            Standing::Known => match self.known(&path) {
                Some(value) => Guess::Known(value),
                None => Guess::Fails,
            },
        }
    }

    fn known(&self, path: &[String]) -> Option<Value> {
        let Context::Value(fields) = self.partial.context else { return None };
        let mut here = Value::record_arc(fields.clone(), None);
        for name in path {
            let ValueKind::Record(fields) = &here.value else { return None };
            here = fields.get(name.as_str())?.clone();
        }
        Some(here)
    }

    fn read_below(&mut self, path: &[String]) {
        let below = self.partial.unknowns.context_paths().filter(|known| known.starts_with(path));
        self.reads.extend(below.map(|known| label(known)));
    }

    fn unavailable_attribute(&mut self, base: &Value, attr: &str) -> bool {
        let Some(label) = as_entity(base).and_then(|entity| self.partial.unknowns.attribute(entity, attr))
        else {
            return false;
        };
        self.reads.insert(label.to_owned());
        true
    }

    fn official(&self, expr: &Expr) -> Guess {
        self.partial.evaluator.interpret(expr, self.slots).map_or(Guess::Fails, Guess::Known)
    }
}

/// What an operator with an operand that is not known can come to.
fn yields(op: BinaryOp) -> Guess {
    match op {
        BinaryOp::Eq
        | BinaryOp::Less
        | BinaryOp::LessEq
        | BinaryOp::In
        | BinaryOp::Contains
        | BinaryOp::ContainsAll
        | BinaryOp::ContainsAny
        | BinaryOp::HasTag => Guess::Flag(Outcomes::ALL),
        BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::GetTag => Guess::Anything,
    }
}

/// The operands of a chain of `&&` (or `||`), in the order in which they are evaluated.
pub(crate) fn chain(expr: &Expr, conjunction: bool) -> Vec<&Expr> {
    let mut operands = Vec::new();
    let mut open = vec![expr];
    while let Some(expr) = open.pop() {
        match expr.expr_kind() {
            ExprKind::And { left, right } if conjunction => open.extend([&**right, &**left]),
            ExprKind::Or { left, right } if !conjunction => open.extend([&**right, &**left]),
            _ => operands.push(expr),
        }
    }
    operands
}

/// A result where a condition is expected: what is no boolean is an error.
fn as_condition(guess: &Guess) -> Outcomes {
    match guess {
        Guess::Known(value) => as_bool(value).map_or(Outcomes::FAILS, Outcomes::of),
        Guess::Fails | Guess::Below(_) => Outcomes::FAILS,
        Guess::Flag(outcomes) => *outcomes,
        Guess::Anything => Outcomes::ALL,
    }
}

fn flag(outcomes: Outcomes) -> Guess {
    match outcomes {
        Outcomes::YES => Guess::Known(Value::from(true)),
        Outcomes::NO => Guess::Known(Value::from(false)),
        Outcomes::FAILS => Guess::Fails,
        outcomes => Guess::Flag(outcomes),
    }
}

/// The boolean that a value is.
pub(crate) fn as_bool(value: &Value) -> Option<bool> {
    match &value.value {
        ValueKind::Lit(Literal::Bool(value)) => Some(*value),
        _ => None,
    }
}

fn as_entity(value: &Value) -> Option<&EntityUID> {
    match &value.value {
        ValueKind::Lit(Literal::EntityUID(uid)) => Some(uid),
        _ => None,
    }
}
