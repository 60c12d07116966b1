//! Forbids whose operand is sometimes not there: then each of them errs, and each error is to be reported.

use std::fmt::Write;

use super::{ask, bare, numbered, question};
use crate::random::Random;
use crate::workload::question::{Plain, Written};

const USERS: usize = 100;

/// A forbid for each threshold of one number, which one request in eight lacks, and one permit for everybody.
pub(super) fn erring(size: usize, random: &mut Random) -> Written {
    let mut policies = "permit(principal, action, resource);\n".to_owned();
    for threshold in 0..size {
        writeln!(
            policies,
            "forbid(principal, action, resource) when {{ context.device.risk > {threshold} }};"
        )
        .unwrap();
    }
    let questions = ask(random, |random, suit| {
        let risk = match (suit, random.chance(25)) {
            (true, true) => None,
            (true, false) => Some(0),
            (false, _) => Some(1 + random.below(4) as i64),
        };
        // A forbid that errs is skipped, as Cedar has it: the permit holds. The lowest threshold is zero.
        let allow = risk.is_none_or(|risk| risk <= 0);
        let device = risk.map(|risk| ("risk", Plain::Long(risk))).into_iter().collect();
        let user = numbered("User", "u", random.below(USERS));
        question(user, "GET", numbered("Route", "r", 0), vec![("device", Plain::Record(device))], allow)
    });
    let entities = Box::new(|| {
        let mut entities = bare("User", "u", USERS);
        entities.extend(bare("Route", "r", 1));
        entities
    });
    Written { policies, entities, questions }
}
