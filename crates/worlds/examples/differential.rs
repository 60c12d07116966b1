//! The long run: `cargo xtask differential [--pairs N] [--seed S] [--seconds T] [--threads N] [--world SEED]`.

#![allow(clippy::print_stdout, reason = "a chore that says what it did")]

use std::process::ExitCode;
use std::time::Duration;

use portcullis_worlds::check::Engine;
use portcullis_worlds::generate::{self, Extent};
use portcullis_worlds::run::{self, Bounds};
use portcullis_worlds::source::Source;

const HELP: &str = "differential [--pairs N] [--seed S] [--seconds T] [--threads N] [--world SEED]";

fn main() -> ExitCode {
    let (mut pairs, mut seed, mut seconds, mut world) = (1_000_000, 1, u64::MAX >> 1, None);
    let mut threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let number = arguments.next().and_then(|text| text.replace('_', "").parse::<u64>().ok());
        match (name.as_str(), number) {
            ("--pairs", Some(number)) => pairs = number,
            ("--seed", Some(number)) => seed = number,
            ("--seconds", Some(number)) => seconds = number,
            ("--threads", Some(number)) => threads = usize::try_from(number).unwrap_or(1),
            ("--world", Some(number)) => world = Some(number),
            _ => {
                println!("{HELP}");
                return ExitCode::FAILURE;
            }
        }
    }
    match world {
        Some(seed) => one(seed),
        None => many(seed, Bounds { pairs, time: Duration::from_secs(seconds), threads }),
    }
}

/// One world, by the seed that a failure named.
fn one(seed: u64) -> ExitCode {
    let case = generate::case(&mut Source::from_seed(seed), Extent::FULL);
    match run::case(&case, seed, Engine::OURS) {
        Ok(census) => {
            println!("seed {seed}: {census}, 0 differences");
            ExitCode::SUCCESS
        }
        Err(fault) => {
            println!("{}", run::told(seed, &case, &fault, Engine::OURS));
            ExitCode::FAILURE
        }
    }
}

fn many(seed: u64, bounds: Bounds) -> ExitCode {
    let outcome = run::run(seed, Extent::FULL, Engine::OURS, bounds, &|census, time| {
        println!("{:>6} s  {census}", time.as_secs());
    });
    let seconds = outcome.time.as_secs_f64();
    let rate = outcome.census.pairs as f64 / seconds.max(0.001);
    println!("seed {seed}: {}", outcome.census);
    println!("{seconds:.0} s on {} threads, {rate:.0} pairs a second", bounds.threads);
    match outcome.failure {
        None => {
            println!("0 differences");
            ExitCode::SUCCESS
        }
        Some(failure) => {
            println!("{failure}");
            ExitCode::FAILURE
        }
    }
}
