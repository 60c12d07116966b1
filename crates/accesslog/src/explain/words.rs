//! What is said of each cause beside the words of its finding: evidence in numbers, example lines.
//!
//! Values that the log gives (agents, ranges, paths) are quoted as they are; control characters are removed where they are
//! printed.

use std::collections::BTreeMap;

use super::findings::said;
use super::{Cause, Contrast, Known, moment, refused_rows};
use crate::report::redact;
use crate::search::likelihood::Share;
use crate::search::time::surge;
use crate::search::{Explanation, Factor, Kind, excess};
use crate::study::scanner::Scanners;
use crate::study::{Study, Subject};
use crate::tally::Tally;

/// Example lines of a cause.
const EXAMPLES: usize = 3;

/// What words are made from.
pub(super) struct Facts<'a> {
    pub(super) study: &'a Study,
    pub(super) scanners: &'a Scanners,
    pub(super) tally: &'a Tally,
    pub(super) known: &'a Known,
}

/// A cause that an explanation means.
pub(super) fn cause(
    facts: &Facts<'_>,
    explanation: &Explanation,
    id: &'static str,
    confidence: f64,
    place: usize,
) -> Cause {
    let study = facts.study;
    let parts: Vec<String> = explanation.factors.iter().map(|factor| phrase(study, factor)).collect();
    let mut evidence = vec![format!(
        "403s {}: {}; elsewhere {}",
        parts.join(", "),
        share(&explanation.inside),
        share(&explanation.outside)
    )];
    if study.weights != [1.0, 1.0] {
        evidence.push(format!(
            "shares are from a sample: one in {} of the 403s, one in {} of the rest",
            study.weights[1], study.weights[0]
        ));
    }
    evidence.extend(explanation.factors.iter().flat_map(|factor| details(facts, explanation, factor)));
    evidence.extend(spread(study, explanation));
    let since = explanation.factors.iter().find_map(|factor| match factor {
        Factor::Time(window) => Some(moment::onset(study, window)),
        _ => None,
    });
    let (title, fix) = said(id);
    let title = if place == 0 { format!("{title} ({})", parts.join(", ")) } else { title.to_owned() };
    Cause {
        id,
        confidence,
        title,
        evidence,
        fix: fix.iter().cloned().chain(carrier(study, explanation).map(str::to_owned)).collect(),
        contrast: Some(Contrast { inside: explanation.inside, outside: explanation.outside }),
        since,
        examples: examples(study, explanation),
        explains: excess(explanation).max(0.0),
        course: moment::course_of(study, refused_rows(study, explanation)),
    }
}

/// The next step where only mobile devices of one network are refused.
fn carrier(study: &Study, explanation: &Explanation) -> Option<&'static str> {
    let one_network = explanation.factors.iter().any(|factor| {
        matches!(factor.kind(study), Kind::Network | Kind::Subject(Subject::Owner | Subject::Country))
    });
    let mobile = explanation.factors.iter().any(|factor| {
        let Factor::Tags { dimension, tags, .. } = factor else { return false };
        let dimension = study.dimensions.get(*dimension).filter(|found| found.subject == Subject::Agent);
        let names = dimension
            .into_iter()
            .flat_map(|found| tags.iter().filter_map(|tag| found.names.get(*tag as usize)));
        let marks = ["phone", "Android", "iPhone", "iOS", "okhttp"];
        names.into_iter().any(|(name, _)| marks.iter().any(|mark| name.contains(mark)))
    });
    (one_network && mobile).then_some(
        "Mobile devices of one network: look for a carrier's proxy that changes headers, or an MTU that cuts long requests; compare over Wi-Fi.",
    )
}

/// A factor in a few words.
fn phrase(study: &Study, factor: &Factor) -> String {
    match factor {
        Factor::Tags { dimension, tags, .. } => {
            let Some(dimension) = study.dimensions.get(*dimension) else { return String::new() };
            let names =
                list(tags.iter().filter_map(|tag| dimension.names.get(*tag as usize)).map(|(name, _)| name));
            match dimension.subject {
                Subject::Path => format!("under {names}"),
                Subject::Agent => format!("agent {names}"),
                Subject::Upstream => format!("node {names}"),
                Subject::Method => format!("method {names}"),
                Subject::Referrer => format!("referrer {names}"),
                Subject::Query => format!("query with {names}"),
                Subject::Host => format!("host {names}"),
                Subject::Protocol => format!("protocol {names}"),
                Subject::Country => format!("country {names}"),
                Subject::Owner => format!("network of {names}"),
            }
        }
        Factor::Network(ranges) => format!("from {}", list(ranges.iter().map(|range| range.name()))),
        Factor::Time(window) => {
            let onset = moment::told(study, moment::at(study, window.from));
            if window.lasts {
                format!("since {onset}")
            } else {
                format!("from {onset} to {}", moment::told(study, moment::at(study, window.to)))
            }
        }
        Factor::Volume(volume) => format!("in minutes with {} requests or more", volume.above),
        Factor::Accounts { numbers, by_client: true } => format!("{} clients", numbers.len()),
        Factor::Accounts { numbers, .. } => format!("{} accounts", numbers.len()),
    }
}

pub(super) fn list<T: AsRef<str>>(names: impl Iterator<Item = T>) -> String {
    let names: Vec<String> = names.map(|name| redact::printable(name.as_ref(), 120)).collect();
    names.join(" or ")
}

/// What else is to be said of a factor.
fn details(facts: &Facts<'_>, explanation: &Explanation, factor: &Factor) -> Vec<String> {
    let study = facts.study;
    match factor {
        Factor::Tags { dimension, tags, aliases } => {
            let Some(dimension) = study.dimensions.get(*dimension) else { return Vec::new() };
            let mut said = Vec::new();
            if !aliases.is_empty() && tags.len() == 1 {
                let names =
                    aliases.iter().filter_map(|tag| dimension.names.get(*tag as usize)).map(|(name, _)| name);
                said.push(format!("the same requests are also: {}", list(names)));
            }
            if dimension.subject == Subject::Referrer {
                said.extend(embedded(study, explanation));
            }
            if dimension.subject == Subject::Agent {
                said.extend(verified(facts, explanation));
            }
            said
        }
        Factor::Time(window) => {
            let mut said = vec![format!("began at {}", moment::onset(study, window))];
            let minute = moment::at(study, window.from);
            if facts.known.deployments.iter().any(|deployed| deployed.is_near(minute, study.offset, 15)) {
                said.push("a deployment was given for that time".to_owned());
            }
            let surge = surge(window, &study.minutes);
            if surge >= 1.5 {
                said.push(format!("traffic was {surge:.1} times that before and after"));
            }
            said
        }
        Factor::Volume(volume) => vec![
            format!(
                "{} minutes had {} requests or more; the usual minute has {}",
                volume.minutes, volume.above, volume.usual
            ),
            format!(
                "in them {:.0} ± {:.0} requests a minute were let through",
                volume.given, volume.given_spread
            ),
        ],
        Factor::Accounts { numbers, by_client } => {
            let names = if *by_client { &study.clients } else { &study.users };
            let some = numbers.iter().filter_map(|number| names.get(*number as usize)).take(5);
            vec![format!("among them {}", list(some).replace(" or ", ", "))]
        }
        Factor::Network(_) => Vec::new(),
    }
}

/// How many of an explanation's refused rows are for what pages embed.
fn embedded(study: &Study, explanation: &Explanation) -> Option<String> {
    let (mut of_static, mut all) = (0u32, 0u32);
    for row in refused_rows(study, explanation) {
        of_static += u32::from(row.is_static);
        all += 1;
    }
    let own = study.own_hosts.first().map_or("unknown", String::as_str);
    (all > 0).then(|| {
        let percent = 100.0 * f64::from(of_static) / f64::from(all);
        format!(
            "{percent:.0} % of them are images, fonts, styles or scripts; the site's own referrer is {own}"
        )
    })
}

/// Whether crawlers come from the ranges that search engines publish.
fn verified(facts: &Facts<'_>, explanation: &Explanation) -> Option<String> {
    if facts.known.crawlers.is_empty() {
        return None;
    }
    let (mut inside, mut all) = (0u32, 0u32);
    for row in refused_rows(facts.study, explanation) {
        let Some(address) = row.address else { continue };
        let six = std::net::Ipv6Addr::from(address);
        let address = six.to_ipv4_mapped().map_or(std::net::IpAddr::V6(six), std::net::IpAddr::V4);
        inside += u32::from(facts.known.crawlers.iter().any(|range| range.contains(&address)));
        all += 1;
    }
    Some(format!("{inside} of {all} refused come from the published ranges of crawlers"))
}

/// How widely the refusals are spread: one client is another story than many.
fn spread(study: &Study, explanation: &Explanation) -> Vec<String> {
    let mut clients: BTreeMap<u32, u32> = BTreeMap::new();
    let mut paths: BTreeMap<u32, u32> = BTreeMap::new();
    let mut sizes: BTreeMap<u32, u32> = BTreeMap::new();
    for row in refused_rows(study, explanation) {
        *clients.entry(row.client).or_default() += 1;
        if let Some(path) = study.path_of.get(row.line as usize) {
            *paths.entry(*path).or_default() += 1;
        }
        if let Some(size) = row.size {
            *sizes.entry(size).or_default() += 1;
        }
    }
    let mut said = vec![format!("{} clients, {} paths", clients.len(), paths.len())];
    let all: u32 = sizes.values().sum();
    if let Some((size, count)) = sizes.iter().max_by_key(|(_, count)| **count)
        && all > 0
        && count * 10 >= all * 9
    {
        said.push(format!("the answers are {size} bytes: one page, so one place that refuses"));
    }
    said
}

fn examples(study: &Study, explanation: &Explanation) -> Vec<String> {
    let rows: Vec<_> = refused_rows(study, explanation).collect();
    let step = (rows.len() / EXAMPLES).max(1);
    let lines = rows.iter().step_by(step).take(EXAMPLES).filter_map(|row| study.lines.get(row.line as usize));
    lines.map(|line| redact::line(line)).collect()
}

pub(super) fn share(share: &Share) -> String {
    let percent = |part: f64| {
        if part >= 0.0995 { format!("{:.0}", 100.0 * part) } else { format!("{:.2}", 100.0 * part) }
    };
    format!(
        "{} % ({} of {}, 95 % interval {}–{} %)",
        percent(share.share()),
        share.refused.round(),
        share.all.round(),
        percent(share.low),
        percent(share.high)
    )
}
