//! A replay's report in words and as JSON.

use std::fmt::Write as _;
use std::path::Path;

use portcullis_rehearse::replay::{Changes, Groups, Kind, Report};

use super::By;

/// Groups that are told of each kind; `--json` has them all.
const TOLD: usize = 15;

/// Facts that are told.
const FACTS: usize = 8;

/// For programs.
pub(super) fn json(report: &Report) -> serde_json::Value {
    let kinds = Kind::ALL.map(|kind| (kind.name().to_owned(), report.count(kind).into()));
    let mut json = serde_json::to_value(report).unwrap_or_default();
    if let Some(members) = json.as_object_mut() {
        members.insert("counts".to_owned(), serde_json::Value::Object(kinds.into_iter().collect()));
    }
    json
}

/// For people.
pub(super) fn text(report: &Report, with: &Path, log: &Path, by: &[By]) -> String {
    let mut out = String::new();
    // Writing into a text does not fail.
    let said = tell(&mut out, report, with, log, by);
    debug_assert!(said.is_ok());
    out
}

fn tell(out: &mut String, report: &Report, with: &Path, log: &Path, by: &[By]) -> std::fmt::Result {
    writeln!(
        out,
        "{} decisions in `{}`, {} decided again under `{}`: {} come to the same",
        grouped(report.decisions),
        log.display(),
        grouped(report.replayed),
        with.display(),
        grouped(report.same),
    )?;
    let before: u64 = report.before_policies.values().sum();
    if before > 0 {
        let stages =
            report.before_policies.iter().map(|(stage, count)| format!("{stage} {}", grouped(*count)));
        let stages: Vec<_> = stages.collect();
        writeln!(out, "{} ended before the policies were asked ({})", grouped(before), stages.join(", "))?;
    }
    if report.rerouted > 0 {
        let (rerouted, unrouted) = (grouped(report.rerouted), grouped(report.unrouted));
        writeln!(out, "{rerouted} are for another route than was recorded, {unrouted} of them for none")?;
    }
    writeln!(out)?;
    for kind in Kind::ALL {
        writeln!(out, "{:>12}  {}", grouped(report.count(kind)), title(kind))?;
    }
    for kind in Kind::ALL {
        let Some(changes) = report.changes.get(&kind) else { continue };
        for by in by {
            groups(out, kind, *by, changes)?;
        }
    }
    let mut facts: Vec<_> = report.not_recorded.iter().collect();
    facts.sort_by_key(|(fact, count)| (std::cmp::Reverse(**count), *fact));
    if !facts.is_empty() {
        let told = facts.iter().take(FACTS).map(|(fact, count)| format!("`{fact}` ({})", grouped(**count)));
        let told: Vec<_> = told.collect();
        writeln!(out, "\nnot recorded: {}", told.join(", "))?;
        writeln!(out, "with `log.facts = \"all\"` records hold every fact from then on")?;
    }
    Ok(())
}

fn groups(out: &mut String, kind: Kind, by: By, changes: &Changes) -> std::fmt::Result {
    let (name, groups): (_, &Groups) = match (by, kind) {
        (By::Policy, Kind::Unknown) => ("fact", &changes.by_policy),
        (By::Policy, _) => ("policy", &changes.by_policy),
        (By::Path, _) => ("path", &changes.by_path),
        (By::Group, _) => ("group", &changes.by_group),
        (By::Answer, _) => ("answer", &changes.by_answer),
    };
    writeln!(out, "\n{}, by {name}:", title(kind))?;
    let mut sorted: Vec<_> = groups.iter().collect();
    sorted.sort_by_key(|(name, group)| (std::cmp::Reverse(group.count), *name));
    for (name, group) in sorted.iter().take(TOLD) {
        write!(out, "{:>12}  {name}", grouped(group.count))?;
        if !group.examples.is_empty() {
            write!(out, "\n{:>14}{}", "", group.examples.join("  "))?;
        }
        writeln!(out)?;
    }
    if sorted.len() > TOLD {
        writeln!(out, "{:>12}  more; `--json` has them all", sorted.len() - TOLD)?;
    }
    Ok(())
}

fn title(kind: Kind) -> &'static str {
    match kind {
        Kind::NewlyAllowed => "newly allowed",
        Kind::NewlyRefused => "newly refused",
        Kind::ChangedReason => "refused with another reason or status",
        Kind::Unknown => "unknown",
    }
}

/// `1234567` as `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_groups_of_three() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }
}
