//! The engine against the official Cedar in generated worlds; before them, everything that was once wrong. The long run
//! is `cargo xtask differential`.

#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test that cannot go on stops")]

use std::path::Path;
use std::time::Duration;

use portcullis_worlds::answer::Told;
use portcullis_worlds::check::{self, Engine, Fault};
use portcullis_worlds::generate::{self, Extent};
use portcullis_worlds::run::{self, Bounds};
use portcullis_worlds::source::Source;
use portcullis_worlds::{official, regression};

/// What was wrong once, first of all. A new one is printed where a test or the long run fails.
#[test]
fn regressions_stay_mended() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/regressions");
    let mut paths: Vec<_> =
        std::fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "no regressions in {}", folder.display());
    for path in paths {
        let text = std::fs::read_to_string(&path).expect("a regression");
        let subject = regression::read(&text).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
        for seed in regression::seed(&text).into_iter().chain(0..6) {
            if let Err(fault) = check::subject(&subject, seed, Engine::OURS) {
                panic!("{}, seed {seed}: {fault}", path.display());
            }
        }
    }
}

/// About a minute's worth. The same worlds each time: a failure must not come and go. Other seeds are for the long run.
#[test]
fn generated_worlds_are_decided_as_cedar_decides_them() {
    let bounds = Bounds { pairs: 3_000, time: Duration::MAX, threads: 2 };
    let outcome = run::run(4, Extent::FULL, Engine::OURS, bounds, &|_, _| {});
    if let Some(failure) = outcome.failure {
        panic!("{failure}");
    }
    println!("{}", outcome.census);
    for (kind, share) in outcome.census.shares() {
        assert!(share > 10.0, "only {share:.1} % {kind}: {}", outcome.census);
    }
}

/// Small ones from bytes, as the fuzzer makes them.
#[test]
fn any_bytes_make_a_world_that_cedar_takes() {
    let mut source = Source::from_seed(7);
    for length in (0..4_000).step_by(97) {
        let bytes: Vec<u8> =
            (0..length).map(|_| u8::try_from(source.below(256)).unwrap_or_default()).collect();
        let case = generate::case(&mut Source::from_bytes(&bytes), Extent::SMALL);
        if let Err(fault) = run::case(&case, 0, Engine::OURS) {
            panic!("{}", run::told(0, &case, &fault, Engine::OURS));
        }
    }
}

/// What it is called, the seed to begin at, and what it does to what the engine tells.
type Planted = (&'static str, u64, fn(Told) -> Told);

/// A check that cannot fail proves nothing: each kind of fault is found, and made small.
#[test]
fn planted_faults_are_found_and_made_small() {
    // With the seed to begin at, where it would be long until the fault shows.
    let planted: [Planted; 4] = [
        ("decision", 7, |mut told| {
            told.answer.allow &= told.answer.reasons.len() < 2;
            told
        }),
        ("reason", 98, |mut told| {
            told.answer.reasons.retain(|id| !id.contains("link"));
            told
        }),
        ("error", 131, |mut told| {
            told.answer.errors.retain(|(_, text)| !text.contains("overflow"));
            told
        }),
        ("text", 7, |mut told| {
            for (_, text) in &mut told.answer.errors {
                *text = text.replace("does not exist", "is not there");
            }
            told
        }),
    ];
    for (name, first, distort) in planted {
        let engine = Engine { distort, ..Engine::OURS };
        let (seed, fault) = (first..first + 400)
            .find_map(|seed| match run::seed(seed, Extent::SMALL, engine) {
                Err(fault @ Fault::Differs { .. }) => Some((seed, fault)),
                _ => None,
            })
            .unwrap_or_else(|| panic!("`{name}` is not found"));
        let case = generate::case(&mut Source::from_seed(seed), Extent::SMALL);
        let told = run::told(seed, &case, &fault, engine);
        println!("{name}: {told}\n");
        let (_, written) = told.split_once("as a regression:").expect("a regression");
        let small = regression::read(written).expect("what was written can be read");
        assert!(matches!(check::subject(&small, seed, engine), Err(Fault::Differs { .. })), "{name}: {told}");
        let policies = small.set.policies().count();
        assert!(policies <= 2 && small.requests.len() == 1 && small.entities.len() <= 2, "{name}: {told}");
    }
}

/// What is written down and read again is the same case to the official authorizer.
#[test]
fn regressions_keep_what_they_are_made_of() {
    for seed in 0..20 {
        let case = generate::case(&mut Source::from_seed(seed), Extent::SMALL);
        let written = official::subject(&case).expect("a case");
        let read = regression::read(&regression::text(&case)).expect("what was written");
        let answers = |subject| check::answers(subject).expect("a case");
        assert_eq!(answers(&written), answers(&read), "seed {seed}");
    }
}
