//! Policies that every decision has to look at: neither their scope pins an entity or a type, nor does their first
//! clause compare a value that many others compare.

use cedar_policy::PolicySet;
use portcullis_decision::Program;

use crate::finding::Findings;
use crate::load::Entry;

/// So many cost a decision about as much as everything else it does. A set for all of which everything holds has some:
/// a forbid for compromised devices concerns every request.
const FEW: usize = 16;

/// How many are named.
const NAMED: usize = 10;

pub(super) fn run(set: &PolicySet, entries: &[Entry], findings: &mut Findings) {
    let Ok(program) = Program::compile(set) else { return };
    let unindexed = &program.report().unindexed;
    if unindexed.len() <= FEW {
        return;
    }
    let Some(first) = entries.iter().find(|entry| unindexed.contains(&entry.id)) else { return };
    let mut named: Vec<String> = unindexed.iter().take(NAMED).map(|id| format!("`{id}`")).collect();
    if unindexed.len() > NAMED {
        named.push(format!("and {} more", unindexed.len() - NAMED));
    }
    findings.warning(
        "portcullis::policy::unindexed",
        &first.place,
        format!("{} policies are looked at for every request: {}", unindexed.len(), named.join(", ")),
        "name the app, route, group or role in their scope, or begin their conditions with the comparison that tells \
         them apart; `portcullis policy compile` says what finds each policy",
    );
}
