//! One world after the other: made, checked, and made small if it shows a difference. For tests and for the long run.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::case::Case;
use crate::census::Census;
use crate::check::{self, Engine, Fault};
use crate::generate::{self, Extent};
use crate::official::subject;
use crate::regression;
use crate::shrink::shrink;
use crate::source::{Source, seed_at};

/// When a run is over, whatever comes first.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// After so many pairs.
    pub pairs: u64,
    /// After so long.
    pub time: Duration,
    /// Threads that work on it.
    pub threads: usize,
}

/// What a run came to.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// What was compared.
    pub census: Census,
    /// How long it took.
    pub time: Duration,
    /// The first failure, in words, with the smallest case that shows it.
    pub failure: Option<String>,
}

/// Checks the world that a seed makes.
///
/// # Errors
/// A [`Fault`]; a panic of the engine is told as one.
pub fn seed(seed: u64, extent: Extent, engine: Engine) -> Result<Census, Fault> {
    case(&generate::case(&mut Source::from_seed(seed), extent), seed, engine)
}

/// Checks a case.
///
/// # Errors
/// A [`Fault`]; a panic of the engine is told as one.
pub fn case(case: &Case, seed: u64, engine: Engine) -> Result<Census, Fault> {
    let checked = catch_unwind(AssertUnwindSafe(|| {
        let subject = subject(case).map_err(Fault::Refused)?;
        check::subject(&subject, seed, engine)
    }));
    checked.unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<String>().map(String::as_str);
        let found = words.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no words").to_owned();
        Err(Fault::Differs { way: "panic", request: 0, expected: "no panic".to_owned(), found })
    })
}

/// Tells a failure: the seed, the smallest case that shows a difference, and what the difference is.
#[must_use]
pub fn told(seed: u64, found: &Case, fault: &Fault, engine: Engine) -> String {
    let fails = |smaller: &Case| matches!(case(smaller, seed, engine), Err(Fault::Differs { .. }));
    let smallest = match fault {
        Fault::Refused(_) => return format!("seed {seed}: {fault}"),
        Fault::Differs { .. } => shrink(found, fails),
    };
    let fault = case(&smallest, seed, engine).err().unwrap_or_else(|| fault.clone());
    format!(
        "seed {seed}: {fault}\n\nthe smallest case, to be kept as a regression:\n\nseed {seed}\n{}",
        regression::text(&smallest)
    )
}

/// Runs through worlds until a bound is reached or something fails. Place by place: which worlds are made depends on the
/// seed alone, whoever makes them.
#[must_use]
pub fn run(
    first: u64,
    extent: Extent,
    engine: Engine,
    bounds: Bounds,
    said: &(dyn Fn(&Census, Duration) + Sync),
) -> Outcome {
    let begun = Instant::now();
    let (place, over) = (AtomicU64::new(0), AtomicBool::new(false));
    let (census, failure) = (Mutex::new(Census::default()), Mutex::new(None));
    let work = || {
        while !over.load(Ordering::Relaxed) {
            let place = place.fetch_add(1, Ordering::Relaxed);
            let seed = seed_at(first, place);
            match self::seed(seed, extent, engine) {
                Ok(part) => {
                    let whole = census.lock().map(|mut whole| {
                        whole.add(&part);
                        *whole
                    });
                    let whole = whole.unwrap_or_default();
                    if whole.pairs >= bounds.pairs || begun.elapsed() >= bounds.time {
                        over.store(true, Ordering::Relaxed);
                    }
                    if place % 1_000 == 999 {
                        said(&whole, begun.elapsed());
                    }
                }
                Err(fault) => {
                    over.store(true, Ordering::Relaxed);
                    let case = generate::case(&mut Source::from_seed(seed), extent);
                    let words = told(seed, &case, &fault, engine);
                    if let Ok(mut failure) = failure.lock() {
                        failure.get_or_insert(words);
                    }
                }
            }
        }
    };
    std::thread::scope(|scope| {
        // The official evaluator gives up where the stack is short; the depth of expressions is bounded for that reason.
        let threads: Vec<_> = (0..bounds.threads)
            .map(|_| std::thread::Builder::new().stack_size(64 << 20).spawn_scoped(scope, work))
            .collect();
        // A panic of the engine was caught already; this would be one of our own, and then nothing was proved.
        let lost = threads.into_iter().any(|thread| thread.map_or(true, |thread| thread.join().is_err()));
        if let (true, Ok(mut failure)) = (lost, failure.lock()) {
            failure.get_or_insert("a thread of the run was lost".to_owned());
        }
    });
    Outcome {
        census: census.into_inner().unwrap_or_default(),
        time: begun.elapsed(),
        failure: failure.into_inner().unwrap_or_default(),
    }
}
