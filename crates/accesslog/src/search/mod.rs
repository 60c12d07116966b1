//! The search for what refusals go with: the conjunction of at most three factors whose inside is refused so much more than
//! the outside that saying so is worth its price.
//!
//! A factor's price is what choosing it among all of its kind costs, so that looking in many places finds nothing in noise
//! (as Bonferroni has it), and simple explanations win over contrived ones. Explained rows are set aside and the search is
//! made again, until nothing stands out.

mod accounts;
pub(crate) mod likelihood;
pub(crate) mod network;
mod tags;
pub(crate) mod time;
pub(crate) mod volume;

use likelihood::{Share, Table};
use network::Range;
use time::Window;
use volume::Volume;

use crate::study::{NONE, Study, Subject};

/// Most factors of an explanation.
const MOST_FACTORS: usize = 3;
/// Most explanations of one log.
const MOST_EXPLANATIONS: usize = 6;
/// First factors that are followed up.
const BEAM: usize = 7;
/// What an explanation must be worth, in natural logarithms, beyond its price.
const WORTH: f64 = 8.0;
/// What one more factor must be worth: absolutely, and of what there is.
const WORTH_MORE: f64 = 6.0;
const SHARE_MORE: f64 = 0.02;
/// Fewest refused rows, and the least share of all refused ones, that are worth explaining.
const FEWEST_REFUSED: f64 = 10.0;
const LEAST_SHARE: f64 = 0.02;
/// Inside must be refused so many times as often as outside.
const LEAST_RATIO: f64 = 3.0;

/// Something that holds of some rows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Factor {
    Tags { dimension: usize, tags: Vec<u32>, aliases: Vec<u32> },
    Network(Vec<Range>),
    Time(Window),
    Volume(Volume),
    Accounts { numbers: Vec<u32>, by_client: bool },
}

/// What kind of factor it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Subject(Subject),
    Network,
    Time,
    Volume,
    Accounts,
}

impl Factor {
    /// Whether it holds of a row.
    pub(crate) fn holds(&self, study: &Study, number: u32) -> bool {
        let Some(row) = study.rows.get(number as usize) else { return false };
        match self {
            Self::Tags { dimension, tags, .. } => {
                let Some(dimension) = study.dimensions.get(*dimension) else { return false };
                let bundle = dimension.bundles.get(number as usize).copied().unwrap_or(NONE);
                dimension
                    .tags
                    .get(bundle as usize)
                    .is_some_and(|own| own.iter().any(|tag| tags.contains(tag)))
            }
            Self::Network(ranges) => {
                row.address.is_some_and(|address| ranges.iter().any(|range| range.holds(address)))
            }
            Self::Time(window) => (window.from..window.to).contains(&(row.minute as usize)),
            Self::Volume(volume) => {
                study.minutes.get(row.minute as usize).is_some_and(|(_, minute)| minute.all >= volume.above)
            }
            Self::Accounts { numbers, by_client } => {
                numbers.binary_search(if *by_client { &row.client } else { &row.user }).is_ok()
            }
        }
    }

    pub(crate) fn kind(&self, study: &Study) -> Kind {
        match self {
            Self::Tags { dimension, .. } => {
                Kind::Subject(study.dimensions.get(*dimension).map_or(Subject::Path, |d| d.subject))
            }
            Self::Network(_) => Kind::Network,
            Self::Time(_) => Kind::Time,
            Self::Volume(_) => Kind::Volume,
            Self::Accounts { .. } => Kind::Accounts,
        }
    }
}

/// A factor that was found, what it holds of, and what it explains.
#[derive(Debug, Clone)]
pub(crate) struct Proposal {
    factor: Factor,
    rows: Vec<u32>,
    table: Table,
    gain: f64,
    price: f64,
}

/// The rows that are to be explained.
pub(crate) struct Base<'a> {
    study: &'a Study,
    rows: &'a [u32],
    refused: f64,
    all: f64,
}

impl<'a> Base<'a> {
    fn of(study: &'a Study, rows: &'a [u32]) -> Self {
        let refused = rows.iter().filter(|row| is_refused(study, **row)).count() as f64;
        Self { study, rows, refused, all: rows.len() as f64 }
    }

    fn table(&self, inside_refused: f64, inside: f64) -> Table {
        Table { inside_refused, inside, refused: self.refused, all: self.all }
    }

    fn is_refused(&self, row: u32) -> bool {
        is_refused(self.study, row)
    }
}

fn is_refused(study: &Study, row: u32) -> bool {
    study.rows.get(row as usize).is_some_and(|row| row.refused)
}

/// An explanation: factors that hold together.
#[derive(Debug, Clone)]
pub(crate) struct Explanation {
    pub(crate) factors: Vec<Factor>,
    /// The rows that it is about.
    pub(crate) rows: Vec<u32>,
    pub(crate) inside: Share,
    pub(crate) outside: Share,
    /// What it is worth beyond its price.
    pub(crate) score: f64,
    /// What each factor is worth: what would be lost without it.
    pub(crate) worth: Vec<f64>,
    /// Other explanations that were found on the way, the best first.
    pub(crate) rivals: Vec<Rival>,
}

/// An explanation that is worth less.
#[derive(Debug, Clone)]
pub(crate) struct Rival {
    pub(crate) factors: Vec<Factor>,
    pub(crate) score: f64,
}

#[derive(Debug, Clone)]
struct Candidate {
    factors: Vec<(Factor, f64)>,
    rows: Vec<u32>,
    table: Table,
    gain: f64,
}

impl Candidate {
    fn score(&self) -> f64 {
        self.gain - self.factors.iter().map(|(_, price)| price).sum::<f64>()
    }
}

/// All explanations of what is refused among the rows, the one that explains most first.
pub(crate) fn explanations(study: &Study, rows: &[u32]) -> Vec<Explanation> {
    let mut left = rows.to_vec();
    let mut found = Vec::new();
    let all_refused = Base::of(study, rows).refused;
    while found.len() < MOST_EXPLANATIONS {
        let base = Base::of(study, &left);
        if base.refused < FEWEST_REFUSED.max(all_refused * LEAST_SHARE) || base.all <= base.refused {
            break;
        }
        let Some(explanation) = best(&base).filter(|found| is_worth_telling(found, all_refused)) else {
            break;
        };
        let explained: std::collections::HashSet<u32, ahash::RandomState> =
            explanation.rows.iter().copied().collect();
        left.retain(|row| !explained.contains(row));
        found.push(explanation);
    }
    found.sort_by(|a, b| excess(b).total_cmp(&excess(a)));
    found
}

/// Refusals beyond what the outside's share would have given.
pub(crate) fn excess(explanation: &Explanation) -> f64 {
    explanation.inside.refused - explanation.inside.all * explanation.outside.share()
}

fn is_worth_telling(found: &Explanation, all_refused: f64) -> bool {
    let refused = found.rows.len() as f64;
    let excess = excess(found);
    found.score >= WORTH
        && refused >= FEWEST_REFUSED
        && excess >= FEWEST_REFUSED
        && excess >= all_refused * LEAST_SHARE
        && found.inside.share() >= LEAST_RATIO * found.outside.share()
}

/// The explanation that is worth most.
fn best(base: &Base<'_>) -> Option<Explanation> {
    let mut first = proposals(base.rows, base, &[]);
    first.sort_by(|a, b| (b.gain - b.price).total_cmp(&(a.gain - a.price)));
    first.truncate(BEAM);
    let mut ended: Vec<Candidate> = first.into_iter().map(|first| followed(begun(first), base)).collect();
    for candidate in &mut ended {
        *candidate = refitted(pruned(candidate.clone(), base), base);
        *candidate = pruned(candidate.clone(), base);
    }
    ended.sort_by(|a, b| b.score().total_cmp(&a.score()));
    let best = ended.first()?.clone();
    let rivals = ended.iter().skip(1).map(|rival| Rival {
        factors: rival.factors.iter().map(|(factor, _)| factor.clone()).collect(),
        score: rival.score(),
    });
    let rivals = rivals.collect();
    Some(told(best, rivals, base))
}

fn begun(proposal: Proposal) -> Candidate {
    Candidate {
        factors: vec![(proposal.factor, proposal.price)],
        rows: proposal.rows,
        table: proposal.table,
        gain: proposal.gain,
    }
}

/// Adds factors as long as they are worth it.
fn followed(mut candidate: Candidate, base: &Base<'_>) -> Candidate {
    while candidate.factors.len() < MOST_FACTORS {
        let kinds: Vec<Kind> = candidate.factors.iter().map(|(factor, _)| factor.kind(base.study)).collect();
        let bonus = candidate.gain - candidate.table.gain();
        let more = proposals(&candidate.rows, base, &kinds).into_iter().map(|next| {
            let mut factors = candidate.factors.clone();
            factors.push((next.factor, next.price));
            Candidate { factors, rows: next.rows, table: next.table, gain: next.gain + bonus.min(0.0) }
        });
        let Some(next) = more.reduce(|best, next| if next.score() > best.score() { next } else { best })
        else {
            break;
        };
        if next.score() < candidate.score() + WORTH_MORE.max(SHARE_MORE * candidate.gain) {
            break;
        }
        candidate = next;
    }
    candidate
}

/// Lets go of factors that no longer matter beside the others.
fn pruned(mut candidate: Candidate, base: &Base<'_>) -> Candidate {
    let mut at = 0;
    while candidate.factors.len() > 1 && at < candidate.factors.len() {
        let without = without(&candidate, at, base);
        if without.score() + WORTH_MORE.max(SHARE_MORE * candidate.gain) > candidate.score() {
            candidate = without;
            at = 0;
        } else {
            at += 1;
        }
    }
    candidate
}

fn without(candidate: &Candidate, at: usize, base: &Base<'_>) -> Candidate {
    let mut factors = candidate.factors.clone();
    if at < factors.len() {
        factors.remove(at);
    }
    let holds = |row: &u32| factors.iter().all(|(factor, _)| factor.holds(base.study, *row));
    let rows: Vec<u32> = base.rows.iter().copied().filter(holds).collect();
    let refused = rows.iter().filter(|row| base.is_refused(**row)).count() as f64;
    let table = base.table(refused, rows.len() as f64);
    Candidate { factors, rows, table, gain: table.gain() }
}

/// Finds each factor anew, given the others: what was found first was found without them.
fn refitted(mut candidate: Candidate, base: &Base<'_>) -> Candidate {
    if candidate.factors.len() < 2 {
        return candidate;
    }
    for at in 0..candidate.factors.len() {
        let rest = without(&candidate, at, base);
        let Some((old, _)) = candidate.factors.get(at) else { break };
        let kind = old.kind(base.study);
        let Some(next) = proposal(kind, &rest.rows, base) else { continue };
        let mut factors = rest.factors.clone();
        factors.insert(at.min(factors.len()), (next.factor, next.price));
        let next = Candidate { factors, rows: next.rows, table: next.table, gain: next.table.gain() };
        if next.score() > candidate.score() {
            candidate = next;
        }
    }
    candidate
}

fn told(candidate: Candidate, rivals: Vec<Rival>, base: &Base<'_>) -> Explanation {
    let score = candidate.score();
    let worth = (0..candidate.factors.len()).map(|at| {
        if candidate.factors.len() == 1 { score } else { score - without(&candidate, at, base).score() }
    });
    let worth = worth.collect();
    let table = candidate.table;
    let weights = base.study.weights;
    let inside = Share::of(table.inside_refused, table.inside - table.inside_refused, weights);
    let outside_refused = table.refused - table.inside_refused;
    let outside = Share::of(outside_refused, table.all - table.inside - outside_refused, weights);
    let factors = candidate.factors.into_iter().map(|(factor, _)| factor).collect();
    Explanation { factors, rows: candidate.rows, inside, outside, score, worth, rivals }
}

/// The best factor of each kind that is not there yet.
fn proposals(subset: &[u32], base: &Base<'_>, there: &[Kind]) -> Vec<Proposal> {
    let subjects = base.study.dimensions.iter().map(|dimension| Kind::Subject(dimension.subject));
    let kinds = subjects.chain([Kind::Network, Kind::Time, Kind::Volume, Kind::Accounts]);
    kinds.filter(|kind| !there.contains(kind)).filter_map(|kind| proposal(kind, subset, base)).collect()
}

fn proposal(kind: Kind, subset: &[u32], base: &Base<'_>) -> Option<Proposal> {
    match kind {
        Kind::Subject(subject) => {
            let mut dimensions = base.study.dimensions.iter().enumerate();
            let (number, dimension) = dimensions.find(|(_, dimension)| dimension.subject == subject)?;
            tags::propose(dimension, number, subset, base)
        }
        Kind::Network => network::propose(subset, base),
        Kind::Time => time::propose(subset, base),
        Kind::Volume => volume::propose(subset, base),
        Kind::Accounts => accounts::propose(subset, base),
    }
}
