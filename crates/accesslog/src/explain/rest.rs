//! What is said where no contrast explains the 403s: scanners, their usual rate, a whole site that refuses; and what was
//! wrong with the input.

use super::findings::said;
use super::words::{Facts, list, share};
use super::{Cause, moment};
use crate::read::Reading;
use crate::report::redact;
use crate::search::likelihood::Share;

/// What scanners did, if there are any.
pub(super) fn scanners(facts: &Facts<'_>, confidence: f64) -> Option<Cause> {
    let scanners = facts.scanners;
    if scanners.refused < 1.0 {
        return None;
    }
    let others = facts.tally.refused as f64 - scanners.refused;
    let addresses = list(scanners.busiest.iter().map(|(address, _)| {
        let six = std::net::Ipv6Addr::from(*address);
        six.to_ipv4_mapped().map_or(six.to_string(), |four| four.to_string())
    }));
    let paths = list(scanners.paths.iter().map(|(path, _)| path));
    let (title, fix) = said("logs.scanner-noise");
    Some(Cause {
        id: "logs.scanner-noise",
        confidence,
        title: title.to_owned(),
        evidence: vec![
            format!(
                "{:.0} of {} 403s are from {} addresses that ask for such paths and get nothing",
                scanners.refused, facts.tally.refused, scanners.addresses
            ),
            format!(
                "everybody else: {:.0} 403s in {:.0} requests",
                others.max(0.0),
                facts.tally.requests as f64 - scanners.requests
            ),
            format!("paths: {}", paths.replace(" or ", " ")),
            format!("addresses: {}", addresses.replace(" or ", " ")),
        ],
        fix: fix.to_vec(),
        contrast: None,
        since: None,
        examples: Vec::new(),
        explains: scanners.refused,
        course: Vec::new(),
    })
}

/// Nothing stands out.
pub(super) fn nothing(facts: &Facts<'_>, confidence: f64) -> Cause {
    let tally = facts.tally;
    let all =
        Share::of(tally.refused as f64, tally.requests.saturating_sub(tally.refused) as f64, [1.0, 1.0]);
    let title = if tally.refused == 0 { "no request was answered 403" } else { said("none.no-spike").0 };
    Cause {
        id: "none.no-spike",
        confidence,
        title: title.to_owned(),
        evidence: vec![
            format!("{} of all requests are 403", share(&all)),
            "no time, address range, agent, path, method, node, referrer, query or account has a share of its own".to_owned(),
            format!("{:.0} of the 403s are scanners'", facts.scanners.refused),
        ],
        fix: Vec::new(),
        contrast: None,
        since: None,
        examples: Vec::new(),
        explains: 0.0,
        course: Vec::new(),
    }
}

/// Everything is refused.
pub(super) fn whole_site(facts: &Facts<'_>, confidence: f64) -> Cause {
    let tally = facts.tally;
    let all =
        Share::of(tally.refused as f64, tally.requests.saturating_sub(tally.refused) as f64, [1.0, 1.0]);
    let (title, fix) = said("logs.path-rule");
    Cause {
        id: "logs.path-rule",
        confidence,
        title: format!("{title} (under /, from the first line to the last)"),
        evidence: vec![format!("{} of all requests are 403, whoever asks for whatever", share(&all))],
        fix: fix.to_vec(),
        contrast: None,
        since: None,
        examples: Vec::new(),
        explains: tally.refused as f64,
        course: Vec::new(),
    }
}

/// Faults of the input.
pub(super) fn remarks(reading: &Reading) -> Vec<String> {
    let tally = &reading.tally;
    let mut remarks = Vec::new();
    let mut say = |count: u64, what: &str| {
        if count > 0 {
            remarks.push(format!("{count} {what}"));
        }
    };
    say(tally.broken, "lines fit no format");
    say(tally.foreign, "lines are in another format than the rest of their file");
    say(tally.not_text, "lines hold bytes that are not UTF-8");
    say(tally.timeless, "requests do not say when");
    say(tally.backwards, "times the clock went backwards by two minutes or more");
    if tally.offsets.len() > 1 {
        let offsets = tally.offsets.keys().map(|minutes| moment::offset(*minutes));
        remarks.push(format!(
            "times are written in several offsets: {}",
            offsets.collect::<Vec<_>>().join(", ")
        ));
    }
    let examples = tally.broken_examples.iter().take(1);
    remarks.extend(examples.map(|line| format!("a broken line: {}", redact::line(line))));
    remarks.extend(reading.unreadable.iter().map(|bad| format!("{}: {}", bad.path.display(), bad.why)));
    remarks
}
