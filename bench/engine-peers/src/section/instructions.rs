//! Instructions of a decision, which repeat where times do not: what a longer run takes more than a shorter one.
//!
//! By the machine's own counter where it has one, otherwise by valgrind. Valgrind runs this program again as `steps`, which
//! decides as many requests as it is told to, line by line, and counts only while it does.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, io, process};

use perf_event::Builder;
use perf_event::events::Hardware;

use crate::peer::build;
use crate::row::Figures;
use crate::section::Cell;
use crate::section::decisions::Asking;

pub(super) const COLUMNS: [&str; 4] = ["instructions", "decisions", "by_valgrind", "wrong"];

/// What both runs have, and the difference cancels.
const COMMON: usize = 1_000;
/// What the longer one has more; fewer where a decision is slow.
const MORE: usize = 10_000;
const FEWEST: usize = 20;
const PATIENCE: Duration = Duration::from_millis(300);

pub(super) fn measure(cell: &Cell) -> Figures {
    if let Ok(figures) = by_counter(cell) {
        return figures;
    }
    by_valgrind(cell).unwrap_or_else(|fault| panic!("valgrind: {fault}"))
}

/// The other side of [`by_valgrind`]: builds the cell, then obeys. A line in is a number of decisions to make; a line out
/// is how long one of them took, in nanoseconds, and how many so far were wrong.
///
/// # Errors
/// What reading and writing brings.
pub fn steps(peer: &str, workload: &str, size: usize) -> io::Result<()> {
    let mut asking = Asking::new(build(peer, workload, size));
    println!("ready");
    for line in io::stdin().lines() {
        let count: usize = line?.trim().parse().map_err(io::Error::other)?;
        let start = Instant::now();
        for _ in 0..count {
            asking.decide();
        }
        let each = start.elapsed().as_nanos() / count.max(1) as u128;
        println!("{each} {}", asking.wrong);
    }
    Ok(())
}

fn by_counter(cell: &Cell) -> io::Result<Figures> {
    let mut counter = Builder::new(Hardware::INSTRUCTIONS).exclude_kernel(true).build()?;
    let mut asking = Asking::new(build(&cell.peer, &cell.workload, cell.size));
    let start = Instant::now();
    asking.warm_up(PATIENCE, 3);
    let more = bounded(start.elapsed() / asking.checked as u32);
    let common = more / (MORE / COMMON);
    let mut totals = Vec::new();
    for count in [common, common + more] {
        counter.reset()?;
        counter.enable()?;
        for _ in 0..count {
            asking.decide();
        }
        counter.disable()?;
        totals.push(counter.read()?);
    }
    Ok(figures(&totals, more, false, asking.wrong))
}

fn by_valgrind(cell: &Cell) -> io::Result<Figures> {
    let pattern = env::temp_dir().join(format!("engine-peers.callgrind.{}", process::id()));
    let mut counted = Counted::start(cell, &pattern)?;
    // Every request once where that is quick, so that whatever grows has grown; not counted.
    let (each, _) = counted.decide(FEWEST)?;
    let more = bounded(each);
    if more == MORE {
        counted.decide(2_048)?;
    }
    counted.control(&["--instr=on"])?;
    let common = more / (MORE / COMMON);
    let mut wrong = 0;
    for count in [common, common + more] {
        (_, wrong) = counted.decide(count)?;
        counted.control(&["--dump"])?;
    }
    counted.control(&["--instr=off"])?;
    drop(counted.input);
    counted.child.wait()?;
    // Dumps are numbered from 1; what remains at the end has no number.
    let mut totals = Vec::new();
    for dump in [1, 2] {
        let file = pattern.with_extension(format!("{}.{dump}", process::id()));
        totals.push(total(&fs::read_to_string(&file)?)?);
        fs::remove_file(file)?;
    }
    fs::remove_file(&pattern)?;
    Ok(figures(&totals, more, true, wrong))
}

struct Counted {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Counted {
    fn start(cell: &Cell, pattern: &std::path::Path) -> io::Result<Self> {
        let mut child = Command::new("valgrind")
            .args(["--tool=callgrind", "--instr-atstart=no", "-q"])
            .arg(format!("--callgrind-out-file={}", pattern.display()))
            .arg(env::current_exe()?)
            .args(["steps", &cell.peer, &cell.workload, &cell.size.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("no pipes to the child"));
        };
        let mut counted = Self { child, input, output: BufReader::new(output) };
        counted.line()?;
        Ok(counted)
    }

    /// Has it decide, and says how long one took and how many so far were wrong.
    fn decide(&mut self, count: usize) -> io::Result<(Duration, u64)> {
        writeln!(self.input, "{count}")?;
        let line = self.line()?;
        let (each, wrong) = line.split_once(' ').ok_or_else(|| io::Error::other(line.clone()))?;
        let each = each.parse().map_err(io::Error::other)?;
        Ok((Duration::from_nanos(each), wrong.trim().parse().map_err(io::Error::other)?))
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        match self.output.read_line(&mut line)? {
            0 => Err(io::Error::other("the child ended early")),
            _ => Ok(line),
        }
    }

    fn control(&self, arguments: &[&str]) -> io::Result<()> {
        let output =
            Command::new("callgrind_control").args(arguments).arg(self.child.id().to_string()).output()?;
        if output.status.success() {
            Ok(())
        } else {
            Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()))
        }
    }
}

/// As many as take five minutes at most once valgrind counts, which is some fifty times as slow.
fn bounded(each: Duration) -> usize {
    let affordable = Duration::from_secs(20).as_nanos() / each.as_nanos().max(1);
    (affordable as usize).clamp(FEWEST, MORE)
}

fn total(dump: &str) -> io::Result<u64> {
    let line = dump.lines().find_map(|line| line.strip_prefix("totals:").or(line.strip_prefix("summary:")));
    let count = line.and_then(|line| line.split_whitespace().next());
    count.and_then(|count| count.parse().ok()).ok_or_else(|| io::Error::other("a dump without totals"))
}

fn figures(totals: &[u64], more: usize, by_valgrind: bool, wrong: u64) -> Figures {
    vec![
        ("instructions", ((totals[1] - totals[0]) as f64 / more as f64).round()),
        ("decisions", more as f64),
        ("by_valgrind", f64::from(u8::from(by_valgrind))),
        ("wrong", wrong as f64),
    ]
}
