//! Which cause an explanation is, and when there is none.

use super::confidence::{self, Standing};
use super::rest;
use super::words::{self, Facts};
use super::{Cause, Known};
use crate::search::{Explanation, Factor, Kind, excess};
use crate::study::agent::is_search_engine;
use crate::study::scanner::Scanners;
use crate::study::{Study, Subject};
use crate::tally::Tally;

/// Scanners are the answer where they make this share of all requests fail, or nearly all of their own.
const SCANNERS_OF_ALL: f64 = 0.015;
const SCANNERS_OF_SOME: f64 = 0.003;
const SCANNERS_REFUSED: f64 = 0.85;
/// Where as much as this is refused without anything standing out, the whole site is.
const WHOLE_SITE: f64 = 0.5;

/// The causes of what was found, the likeliest first.
pub(super) fn causes(
    study: &Study,
    scanners: &Scanners,
    found: &[Explanation],
    tally: &Tally,
    known: &Known,
) -> Vec<Cause> {
    let facts = Facts { study, scanners, tally, known };
    let all: f64 = found.iter().map(excess).sum();
    let mut causes: Vec<Cause> = Vec::new();
    for (rank, explanation) in found.iter().enumerate() {
        let mut ids = ids(study, explanation);
        let lead = lead(study, explanation, &mut ids);
        let standing = Standing { share: excess(explanation) / all.max(1.0), rank, lead };
        for (place, id) in ids.iter().enumerate() {
            // A cause named already is not named again for the lesser part of it.
            if place > 0 && causes.iter().any(|cause| cause.id == *id) {
                continue;
            }
            let confidence = confidence::of(explanation, standing, place);
            causes.push(words::cause(&facts, explanation, id, confidence, place));
        }
    }
    order(&mut causes);
    let benign = rest::scanners(&facts, 0.0);
    if causes.is_empty() {
        causes.extend(whole_site(&facts).or_else(|| nothing(&facts, &benign)));
    } else if let Some(mut benign) = benign {
        benign.confidence = 0.05;
        causes.push(benign);
    }
    causes
}

/// First the leading causes of each explanation, in their order, then the lesser ones.
fn order(causes: &mut [Cause]) {
    causes.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
}

/// The ids that an explanation means: the leading one, then what goes with it.
pub(super) fn ids(study: &Study, explanation: &Explanation) -> Vec<&'static str> {
    of_factors(study, &explanation.factors, &explanation.worth)
}

/// The ids of factors that hold together, given what each is worth.
pub(super) fn of_factors(study: &Study, factors: &[Factor], worth: &[f64]) -> Vec<&'static str> {
    let kinds: Vec<Kind> = factors.iter().map(|factor| factor.kind(study)).collect();
    let worth = worth.iter().copied().chain(std::iter::repeat(0.0));
    let parts = factors.iter().zip(&kinds).zip(worth);
    let mut parts: Vec<(u8, f64, &'static str)> = parts
        .map(|((factor, kind), worth)| {
            let (place, id) = id(study, factor, *kind, &kinds);
            (place, worth, id)
        })
        .collect();
    // Who before when before where; of several that say who, the one that is worth most.
    parts.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| b.1.total_cmp(&a.1)));
    let mut ids: Vec<&'static str> = Vec::new();
    for (_, _, id) in parts {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids
}

/// A rival that is worth this much less (natural logarithms) is still told.
const NEAR: f64 = 10.0;

/// By how much the explanation is worth more than the best that means another cause; rivals that are near are added.
fn lead(study: &Study, explanation: &Explanation, ids: &mut Vec<&'static str>) -> f64 {
    let mut lead = explanation.score;
    for rival in &explanation.rivals {
        let Some(id) = of_factors(study, &rival.factors, &[]).first().copied() else { continue };
        if ids.first() != Some(&id) {
            let behind = explanation.score - rival.score;
            // A crawler comes from its own ranges: that they are refused too says nothing against it.
            if !(ids.first() == Some(&"logs.crawler-blocked") && id == "logs.ip-range") {
                lead = lead.min(behind);
            }
            if behind < NEAR && !ids.contains(&id) {
                ids.push(id);
            }
        }
    }
    lead.max(0.0)
}

fn id(study: &Study, factor: &Factor, kind: Kind, kinds: &[Kind]) -> (u8, &'static str) {
    let has = |kind: Kind| kinds.contains(&kind);
    match kind {
        Kind::Accounts if has(Kind::Time) => (0, "logs.expired-token"),
        Kind::Accounts => (1, "logs.expired-token"),
        Kind::Network | Kind::Subject(Subject::Country | Subject::Owner) => (1, "logs.ip-range"),
        Kind::Subject(Subject::Upstream) => (0, "logs.upstream-node"),
        Kind::Subject(Subject::Query) => (1, "logs.waf-payload"),
        Kind::Subject(Subject::Method) => (1, "logs.method"),
        Kind::Subject(Subject::Agent) if of_crawlers(study, factor) => (1, "logs.crawler-blocked"),
        Kind::Subject(Subject::Agent | Subject::Protocol) => (1, "logs.ua-family"),
        Kind::Subject(Subject::Referrer) => (1, "logs.hotlink"),
        Kind::Volume => (2, "logs.peak-load"),
        Kind::Time => (3, "logs.deploy"),
        Kind::Subject(Subject::Path | Subject::Host) => (4, "logs.path-rule"),
    }
}

/// Whether most of an agent factor's names are search engines' robots.
fn of_crawlers(study: &Study, factor: &Factor) -> bool {
    let Factor::Tags { dimension, tags, .. } = factor else { return false };
    let Some(dimension) = study.dimensions.get(*dimension) else { return false };
    let names = tags.iter().filter_map(|tag| dimension.names.get(*tag as usize));
    let crawlers = names.filter(|(name, _)| is_search_engine(name)).count();
    crawlers * 2 >= tags.len()
}

/// Everything is refused, all the time.
fn whole_site(facts: &Facts<'_>) -> Option<Cause> {
    let (refused, requests) = (facts.tally.refused as f64, facts.tally.requests as f64);
    let others = refused - facts.scanners.refused;
    (others >= WHOLE_SITE * (requests - facts.scanners.requests) && others >= 12.0)
        .then(|| rest::whole_site(facts, 0.7))
}

/// Nothing stands out but, perhaps, scanners.
fn nothing(facts: &Facts<'_>, benign: &Option<Cause>) -> Option<Cause> {
    let requests = facts.tally.requests as f64;
    if requests < 1.0 {
        return None;
    }
    let scanners = facts.scanners;
    let of_all = scanners.refused / requests;
    let of_refused = scanners.refused / (facts.tally.refused as f64).max(1.0);
    let of_own = scanners.refused / scanners.requests.max(1.0);
    let loud = of_all >= SCANNERS_OF_ALL || (of_own >= SCANNERS_REFUSED && of_all >= SCANNERS_OF_SOME);
    if loud && of_refused >= 0.5 && scanners.refused >= 20.0 {
        let mut benign = benign.clone()?;
        benign.confidence = 0.93;
        return Some(benign);
    }
    Some(rest::nothing(facts, if of_refused > 0.6 { 0.75 } else { 0.9 }))
}
