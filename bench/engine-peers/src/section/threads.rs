//! Whether two threads decide twice as much as one, over the same program and world: by the clock (`ratio`), and by the
//! time that the threads were really given (`cpu_ratio`), which says the same on a busy machine. The floor beside it says
//! what a second thread is worth at that moment to code that shares nothing but what it reads.

use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use cpu_time::ThreadTime;

use crate::peer::FLOOR;
use crate::peer::floor::{Asked, Floor};
use crate::peer::portcullis::Portcullis;
use crate::row::Figures;
use crate::section::Cell;
use crate::workload::{tenancy, written};

pub(super) const COLUMNS: [&str; 5] = ["one_per_s", "two_per_s", "ratio", "cpu_ratio", "wrong"];

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_millis(400);

/// What some threads did together in one round.
#[derive(Debug, Default)]
struct Done {
    per_second: f64,
    decisions: u64,
    given: Duration,
    wrong: u64,
}

pub(super) fn measure(cell: &Cell) -> Figures {
    if cell.peer == FLOOR {
        let tenancy = tenancy(&cell.workload, cell.size);
        let floor = Floor::new(&tenancy);
        let asked: Vec<Asked> = tenancy.requests.iter().map(Asked::new).collect();
        let expected: Vec<bool> = tenancy.requests.iter().map(|request| request.allow).collect();
        return compare(&expected, || {
            let mut reasons = Vec::with_capacity(64);
            let (floor, asked) = (&floor, &asked);
            move |request: usize| floor.allows(&asked[request], &mut reasons)
        });
    }
    let portcullis = Portcullis::leaked(written(&cell.workload, cell.size));
    let facts = portcullis.facts();
    let expected: Vec<bool> = portcullis.questions.iter().map(|question| question.allow).collect();
    compare(&expected, || |request: usize| portcullis.allows(&facts[request]))
}

/// Each thread gets a closure of its own.
fn compare<D>(expected: &[bool], decide: impl Fn() -> D + Sync) -> Figures
where
    D: FnMut(usize) -> bool,
{
    // Warm-up.
    let mut wrong = round(1, expected, &decide).wrong;
    let (mut one, mut two, mut ratios, mut given) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let alone = round(1, expected, &decide);
        let together = round(2, expected, &decide);
        wrong += alone.wrong + together.wrong;
        one.push(alone.per_second);
        two.push(together.per_second);
        ratios.push(together.per_second / alone.per_second);
        given.push(2.0 * alone.cost() / together.cost());
    }
    vec![
        ("one_per_s", median(&mut one).round()),
        ("two_per_s", median(&mut two).round()),
        ("ratio", median(&mut ratios)),
        ("cpu_ratio", median(&mut given)),
        ("wrong", wrong as f64),
    ]
}

fn round<D>(threads: usize, expected: &[bool], decide: &(impl Fn() -> D + Sync)) -> Done
where
    D: FnMut(usize) -> bool,
{
    thread::scope(|scope| {
        let worker = |place: usize| move || work(decide(), place * expected.len() / 2, expected);
        let workers: Vec<_> = (0..threads).map(|place| scope.spawn(worker(place))).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).fold(Done::default(), Done::and)
    })
}

fn work(mut decide: impl FnMut(usize) -> bool, first: usize, expected: &[bool]) -> Done {
    let (mut decisions, mut wrong) = (0, 0);
    let mut requests = (0..expected.len()).cycle().skip(first);
    let (start, given) = (Instant::now(), ThreadTime::now());
    while start.elapsed() < ROUND {
        // The clock is asked seldom: it costs as much as a tenth of a quick decision.
        for request in requests.by_ref().take(16) {
            wrong += u64::from(black_box(decide(request)) != expected[request]);
            decisions += 1;
        }
    }
    let per_second = decisions as f64 / start.elapsed().as_secs_f64();
    Done { per_second, decisions, given: given.elapsed(), wrong }
}

impl Done {
    fn and(self, other: Self) -> Self {
        Self {
            per_second: self.per_second + other.per_second,
            decisions: self.decisions + other.decisions,
            given: self.given + other.given,
            wrong: self.wrong + other.wrong,
        }
    }

    /// Seconds of a processor for each decision.
    fn cost(&self) -> f64 {
        self.given.as_secs_f64() / self.decisions as f64
    }
}

/// The middle one.
pub(super) fn median(figures: &mut [f64]) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures[figures.len() / 2]
}
