//! What one request costs: `cargo run --release -p portcullis-quota --example take`. Prints nanoseconds for each way
//! through the store, and the memory of a full one. A measurement, not a test.

#![allow(clippy::print_stdout, reason = "its output is the measurement")]
#![allow(clippy::indexing_slicing, reason = "it measures its own keys and may stop at a fault of its own")]

use std::fs;
use std::hint::black_box;
use std::num::NonZeroU32;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use portcullis_quota::{Key, Limiter, MOST_KEYS, Rate};

const ROUNDS: u32 = 2_000_000;

fn main() {
    let rate = Rate { requests: NonZeroU32::MAX, per: Duration::from_secs(1), burst: NonZeroU32::MIN };
    let keys: Vec<Key> = (0..90_000_u32).map(|number| Key::of(&[&number.to_be_bytes()])).collect();
    let now = Instant::now();

    measure("key of two parts (16 and 24 bytes)", |round| {
        let (mut route, caller) = ([7_u8; 16], [9_u8; 24]);
        route[..4].copy_from_slice(&round.to_be_bytes());
        black_box(Key::of(&[&route, &caller]));
    });
    let limiter = Limiter::new(rate, MOST_KEYS);
    measure("take, one key", |round| {
        black_box(limiter.take(keys[0], now + Duration::from_nanos(u64::from(round))));
    });
    measure("take, 90,000 keys in turn", |round| {
        let key = keys[round as usize % keys.len()];
        black_box(limiter.take(key, now + Duration::from_nanos(u64::from(round))));
    });

    let slow = Rate { requests: NonZeroU32::MIN, per: Duration::from_secs(3_600), burst: NonZeroU32::MIN };
    let before = resident();
    let full = Limiter::new(slow, MOST_KEYS);
    for number in 0..2 * MOST_KEYS as u32 {
        black_box(full.take(Key::of(&[b"fill", &number.to_be_bytes()]), now));
    }
    let grown = resident().saturating_sub(before);
    println!("{:44} {:>8}", "keys of a full store", full.keys());
    println!("{:44} {:>8} bytes", "memory per key of a full store", grown / full.keys());
    measure("take, new key into a full store", |round| {
        black_box(full.take(Key::of(&[b"new", &round.to_be_bytes()]), now));
    });

    // The worst case for the search: each new key finds one bucket that has just become full.
    let churn = Limiter::new(Rate { per: Duration::from_millis(100), ..slow }, MOST_KEYS);
    measure("take, new keys pushing out full ones", |round| {
        let at = now + Duration::from_micros(u64::from(round));
        black_box(churn.take(Key::of(&[b"churn", &round.to_be_bytes()]), at));
    });

    for threads in [1, 2] {
        let (shared, barrier) = (Limiter::new(rate, MOST_KEYS), Barrier::new(threads));
        let (shared, barrier, keys) = (&shared, &barrier, &keys);
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads)
                .map(|thread| {
                    scope.spawn(move || {
                        barrier.wait();
                        let start = Instant::now();
                        for round in 0..ROUNDS as usize {
                            black_box(shared.take(keys[(round * 7 + thread * 31) % keys.len()], now));
                        }
                        start.elapsed()
                    })
                })
                .collect();
            let slowest = workers.into_iter().filter_map(|worker| worker.join().ok()).max();
            let nanos = slowest.unwrap_or_default().as_nanos() / u128::from(ROUNDS);
            println!("{:44} {nanos:>8} ns", format!("take, {threads} threads, each"));
        });
    }
}

fn measure(what: &str, mut work: impl FnMut(u32)) {
    let start = Instant::now();
    for round in 0..ROUNDS {
        work(round);
    }
    println!("{what:44} {:>8} ns", start.elapsed().as_nanos() / u128::from(ROUNDS));
}

/// Resident memory of this process in bytes, as Linux tells it; 0 elsewhere.
fn resident() -> usize {
    let pages = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = pages.split(' ').nth(1).and_then(|field| field.parse::<usize>().ok());
    pages.unwrap_or_default() * 4_096
}
