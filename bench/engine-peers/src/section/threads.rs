//! Whether two threads decide twice as much as one, over the same program and world. The floor says what the machine
//! gives a second thread at that moment: on a busy one, less than twice as much for anybody.

use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use crate::peer::FLOOR;
use crate::peer::floor::{Asked, Floor};
use crate::peer::portcullis::Portcullis;
use crate::row::Figures;
use crate::section::Cell;
use crate::workload::{tenancy, written};

pub(super) const COLUMNS: [&str; 4] = ["one_per_s", "two_per_s", "ratio", "wrong"];

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_millis(400);

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
    let (_, mut wrong) = round(1, expected, &decide);
    let (mut one, mut two, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (alone, wrong_alone) = round(1, expected, &decide);
        let (together, wrong_together) = round(2, expected, &decide);
        wrong += wrong_alone + wrong_together;
        one.push(alone);
        two.push(together);
        ratios.push(together / alone);
    }
    vec![
        ("one_per_s", median(&mut one).round()),
        ("two_per_s", median(&mut two).round()),
        ("ratio", median(&mut ratios)),
        ("wrong", wrong as f64),
    ]
}

/// Decisions a second of so many threads together, and how many were wrong.
fn round<D>(threads: usize, expected: &[bool], decide: &(impl Fn() -> D + Sync)) -> (f64, u64)
where
    D: FnMut(usize) -> bool,
{
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|worker| {
                scope.spawn(move || {
                    let mut decide = decide();
                    let (mut done, mut wrong) = (0u64, 0u64);
                    let mut requests = (0..expected.len()).cycle().skip(worker * expected.len() / 2);
                    let start = Instant::now();
                    while start.elapsed() < ROUND {
                        // The clock is asked seldom: it costs as much as a tenth of a quick decision.
                        for request in requests.by_ref().take(16) {
                            let allow = black_box(decide(request));
                            wrong += u64::from(allow != expected[request]);
                            done += 1;
                        }
                    }
                    (done as f64 / start.elapsed().as_secs_f64(), wrong)
                })
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap())
            .fold((0.0, 0), |(rate, wrong), (more, others)| (rate + more, wrong + others))
    })
}

pub(super) fn median(figures: &mut [f64]) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures[figures.len() / 2]
}
