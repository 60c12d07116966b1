//! How long a decision takes: 0.3 s of warm-up, then five rounds of 0.35 s (at least five decisions), each decision timed
//! alone and checked against the reference. Reported is the median of the rounds' medians, and of their p99s.

use std::time::{Duration, Instant};

use crate::peer::{Built, build};
use crate::row::Figures;
use crate::section::Cell;

pub(super) const COLUMNS: [&str; 11] = [
    "median_ns",
    "p99_ns",
    "samples",
    "policy_mib",
    "entity_mib",
    "load_s",
    "request_ns",
    "policies",
    "entities",
    "wrong",
    "checked",
];

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_millis(350);
const WARM_UP: Duration = Duration::from_millis(300);
const SAMPLES_A_ROUND: usize = 100_000;
const MEBIBYTE: f64 = 1_048_576.0;

/// Decides one request after the other, over and over, and compares.
#[derive(Debug)]
pub(super) struct Asking {
    built: Built,
    next: usize,
    pub(super) wrong: u64,
    pub(super) checked: u64,
}

impl Asking {
    pub(super) fn new(built: Built) -> Self {
        Self { built, next: 0, wrong: 0, checked: 0 }
    }

    /// How many different requests there are.
    pub(super) fn distinct(&self) -> usize {
        self.built.distinct
    }

    /// Decides the next request, and says how long it took.
    pub(super) fn decide(&mut self) -> Duration {
        let request = self.next;
        let start = Instant::now();
        let allow = (self.built.decide)(request);
        let took = start.elapsed();
        self.wrong += u64::from(allow != self.built.expected[request]);
        self.checked += 1;
        self.next = (request + 1) % self.built.distinct;
        took
    }

    /// Decides for as long as that, and at least `least` requests.
    pub(super) fn warm_up(&mut self, long: Duration, least: u64) {
        let start = Instant::now();
        while start.elapsed() < long || self.checked < least {
            self.decide();
        }
    }
}

pub(super) fn measure(cell: &Cell) -> Figures {
    let mut asking = Asking::new(build(&cell.peer, &cell.workload, cell.size));
    // A cache has seen every request once it is warm.
    let least = if asking.distinct() < 100 { asking.distinct() as u64 } else { 3 };
    asking.warm_up(WARM_UP, least);
    let (mut medians, mut tails, mut samples) = (Vec::new(), Vec::new(), 0);
    for _ in 0..ROUNDS {
        let mut times = round(&mut asking);
        times.sort_unstable();
        samples += times.len();
        medians.push(at(&times, 0.5));
        tails.push(at(&times, 0.99));
    }
    medians.sort_unstable();
    tails.sort_unstable();
    let mut figures = vec![
        ("median_ns", medians[ROUNDS / 2] as f64),
        ("median_low_ns", medians[0] as f64),
        ("median_high_ns", medians[ROUNDS - 1] as f64),
        ("p99_ns", tails[ROUNDS / 2] as f64),
        ("samples", samples as f64),
        ("policies", asking.built.policies as f64),
        ("entities", asking.built.entities as f64),
        ("policy_mib", asking.built.policy_bytes as f64 / MEBIBYTE),
        ("entity_mib", asking.built.entity_bytes as f64 / MEBIBYTE),
        ("load_s", asking.built.load_seconds),
        ("wrong", asking.wrong as f64),
        ("checked", asking.checked as f64),
    ];
    figures.extend(preparation(&mut asking.built).map(|time| ("request_ns", time)));
    figures
}

fn round(asking: &mut Asking) -> Vec<u64> {
    let mut times = Vec::new();
    let start = Instant::now();
    while (start.elapsed() < ROUND || times.len() < 5) && times.len() < SAMPLES_A_ROUND {
        times.push(asking.decide().as_nanos() as u64);
    }
    times
}

/// What making the engine's request value costs, on average.
fn preparation(built: &mut Built) -> Option<f64> {
    let prepare = built.prepare.as_mut()?;
    let times = 4 * built.distinct;
    let start = Instant::now();
    for place in 0..times {
        prepare(place % built.distinct);
    }
    Some((start.elapsed().as_nanos() as f64 / times as f64).round())
}

fn at(sorted: &[u64], share: f64) -> u64 {
    sorted[((sorted.len() - 1) as f64 * share) as usize]
}
