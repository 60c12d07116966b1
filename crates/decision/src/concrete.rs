//! Conditions under facts that are all there. Chains of `&&` and `||` are walked here, link by link, because the official
//! evaluator recurses into them and errs on a long one for want of stack; every link is its own to evaluate.
//!
//! INVARIANT: the outcome is the official evaluator's, wherever that one has stack enough.

use cedar_policy_core::ast::{Expr, ExprKind, SlotEnv, UnaryOp};
use cedar_policy_core::evaluator::Evaluator;

use crate::outcomes::Outcomes;
use crate::partial::{as_bool, chain};

/// Deeper alternations of `&&`, `||` and `!` are left to the official evaluator, which knows how much stack is left.
const DEPTH: usize = 100;

/// What a condition comes to: exactly one of true, false, an error.
pub(crate) fn condition(expr: &Expr, evaluator: &Evaluator<'_>, slots: &SlotEnv) -> Outcomes {
    within(expr, evaluator, slots, 0)
}

fn within(expr: &Expr, evaluator: &Evaluator<'_>, slots: &SlotEnv, depth: usize) -> Outcomes {
    let link = |link: &Expr| within(link, evaluator, slots, depth + 1);
    match expr.expr_kind() {
        ExprKind::And { .. } if depth < DEPTH => {
            let mut links = chain(expr, true).into_iter().map(link);
            links.find(|outcome| *outcome != Outcomes::YES).unwrap_or(Outcomes::YES)
        }
        ExprKind::Or { .. } if depth < DEPTH => {
            let mut links = chain(expr, false).into_iter().map(link);
            links.find(|outcome| *outcome != Outcomes::NO).unwrap_or(Outcomes::NO)
        }
        ExprKind::UnaryApp { op: UnaryOp::Not, arg } if depth < DEPTH => match link(arg) {
            Outcomes::YES => Outcomes::NO,
            Outcomes::NO => Outcomes::YES,
            error => error,
        },
        _ => match evaluator.interpret(expr, slots).as_ref().map(as_bool) {
            Ok(Some(value)) => Outcomes::of(value),
            Ok(None) | Err(_) => Outcomes::FAILS,
        },
    }
}
