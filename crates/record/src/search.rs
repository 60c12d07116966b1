//! Looks through the whole log, on all cores: which decisions match, how many, of what kind. Lines that cannot match are
//! rejected by a look at their bytes, and of those that may only what is asked for is parsed.
//!
//! INVARIANT: matches come in the order of the log, and memory is bounded by a few blocks, however many there are.

pub mod count;
pub mod filter;
pub mod follow;
pub mod glance;
pub mod show;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

use jiff::{SignedDuration, Timestamp};

pub use count::{Counts, Field, count};
pub use filter::Filter;
pub use glance::Glance;

use crate::archive;
use crate::read::blocks::{Blocks, Place};
use crate::read::{self, ReadError};

/// Hands over every decision that matches, as a line without its line feed, until it is told to stop.
pub fn search(
    folder: &Path,
    filter: &Filter,
    mut each: impl FnMut(&str) -> ControlFlow<()>,
) -> Result<(), ReadError> {
    let followed = outcomes_with(folder, filter)?;
    let collect = |bytes: &[u8]| {
        let mut lines = String::new();
        filter.lines(bytes, followed.as_ref(), |line, _| {
            lines.push_str(line);
            lines.push('\n');
        });
        lines
    };
    scan(folder, filter, collect, |lines| {
        for line in lines.lines() {
            each(line)?;
        }
        ControlFlow::Continue(())
    })
}

/// The decisions whose outcome has one of the statuses that are asked for; `None` if none is.
fn outcomes_with(folder: &Path, filter: &Filter) -> Result<Option<HashSet<u128>>, ReadError> {
    if filter.statuses.is_empty() {
        return Ok(None);
    }
    // What was decided within the time may have ended behind it.
    let whenever = Filter { until: None, ..filter.clone() };
    let mut all = HashSet::new();
    let needle = |status: &u16| memchr::memmem::Finder::new(&format!("\"status\":{status},")).into_owned();
    let needles: Vec<_> = filter.statuses.iter().map(needle).collect();
    let collect = |bytes: &[u8]| {
        let mut found = Vec::new();
        for needle in &needles {
            filter::lines_with(bytes, needle, |line| {
                if line.starts_with(OUTCOME) {
                    found.extend(archive::reference(line).map(|reference| reference.as_u128()));
                }
            });
        }
        found
    };
    scan(folder, &whenever, collect, |found| {
        all.extend(found);
        ControlFlow::Continue(())
    })?;
    Ok(Some(all))
}

/// Has every block that may matter worked on, on all cores, and takes what comes of it in the order of the log.
fn scan<T: Send>(
    folder: &Path,
    filter: &Filter,
    work: impl Fn(&[u8]) -> T + Sync,
    mut take: impl FnMut(T) -> ControlFlow<()>,
) -> Result<(), ReadError> {
    let (segments, units) = units(folder, filter)?;
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(MOST_THREADS);
    let (done, results) = mpsc::sync_channel::<(usize, io::Result<T>)>(threads * AHEAD);
    let run = |done: mpsc::SyncSender<_>| {
        while !stop.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some((segment, place)) = units.get(index) else { return };
            let Some((_, blocks)) = segments.get(*segment) else { return };
            let result = blocks.read(place).map(|bytes| work(&bytes));
            if done.send((index, result)).is_err() {
                return;
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let done = done.clone();
            scope.spawn(|| run(done));
        }
        drop(done);
        let ended = in_order(&results, &units, &segments, &mut take);
        stop.store(true, Ordering::Relaxed);
        // Whoever waits to hand over more learns that nobody takes it.
        drop(results);
        ended
    })
}

/// Takes results in the order of their blocks.
fn in_order<T>(
    results: &mpsc::Receiver<(usize, io::Result<T>)>,
    units: &[(usize, Place)],
    segments: &[(PathBuf, Blocks)],
    take: &mut impl FnMut(T) -> ControlFlow<()>,
) -> Result<(), ReadError> {
    let mut waiting = BTreeMap::new();
    let mut due = 0;
    while let Ok((index, result)) = results.recv() {
        waiting.insert(index, result);
        while let Some(result) = waiting.remove(&due) {
            let of = units.get(due).and_then(|(segment, _)| segments.get(*segment));
            due += 1;
            match result {
                Ok(found) => {
                    if take(found).is_break() {
                        return Ok(());
                    }
                }
                Err(fault) => {
                    let file = of.map(|(path, _)| path.clone()).unwrap_or_default();
                    return Err(ReadError::File { file, fault });
                }
            }
        }
    }
    Ok(())
}

type Units = (Vec<(PathBuf, Blocks)>, Vec<(usize, Place)>);

/// The segments that may have something of that time, and all their blocks.
fn units(folder: &Path, filter: &Filter) -> Result<Units, ReadError> {
    let listed = read::list(folder)?;
    read::readable(&listed)?;
    let ends: Vec<Option<Timestamp>> =
        listed.iter().skip(1).map(|(begun, _)| Some(*begun)).chain([None]).collect();
    let (mut segments, mut units) = (Vec::new(), Vec::new());
    for ((begun, path), end) in listed.into_iter().zip(ends) {
        let too_old = filter.since.is_some_and(|since| end.is_some_and(|end| before(end, since)));
        let too_new = filter.until.is_some_and(|until| before(until, begun));
        if too_old || too_new {
            continue;
        }
        match Blocks::open(&path) {
            Ok(blocks) => {
                units.extend(blocks.places().into_iter().map(|place| (segments.len(), place)));
                segments.push((path, blocks));
            }
            // Deleted meanwhile, being too old.
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => {}
            Err(fault) => return Err(ReadError::File { file: path, fault }),
        }
    }
    Ok((segments, units))
}

/// Whether one time is so much before another that no clock that was set explains it.
fn before(one: Timestamp, other: Timestamp) -> bool {
    other.duration_since(one) > SignedDuration::from_mins(CLOCK_SLACK)
}

const OUTCOME: &[u8] = b"{\"kind\":\"outcome\"";
const MOST_THREADS: usize = 16;

/// Blocks whose results wait for those before them, for each thread.
const AHEAD: usize = 4;

/// How far the clock may be set back between a decision and its record, minutes.
const CLOCK_SLACK: i64 = 60;
