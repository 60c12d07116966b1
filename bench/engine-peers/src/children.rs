//! Runs cells, each in a process of its own, so that no cell inherits another's heap, and a slow one can be ended.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fs, process};

use crate::row::{Figures, Row, heading};
use crate::section::{Cell, Section};

const LONGEST_REASON: usize = 300;

/// What to run.
#[derive(Debug, clap::Args)]
pub struct Selection {
    /// Sections; all of them if none is named
    #[arg(value_enum)]
    sections: Vec<Section>,
    /// Small sizes alone: 10 and 1,000 policies, 10,000 entities
    #[arg(long)]
    quick: bool,
    /// Only cells of this peer
    #[arg(long)]
    peer: Vec<String>,
    /// Only cells of this workload
    #[arg(long)]
    workload: Vec<String>,
    /// Only cells of at most this size
    #[arg(long)]
    largest: Option<usize>,
    /// Where to append a line of JSON for each cell
    #[arg(long)]
    json: Option<PathBuf>,
}

/// Runs the selected cells and prints each as it is done. True if nothing is wrong.
///
/// # Errors
/// What starting processes and writing brings.
pub fn run(selection: &Selection) -> io::Result<bool> {
    let mut file = match &selection.json {
        Some(path) => Some(OpenOptions::new().create(true).append(true).open(path)?),
        None => None,
    };
    let sections = if selection.sections.is_empty() { &Section::ALL[..] } else { &selection.sections };
    let mut faults = Vec::new();
    for section in sections {
        println!("{}", heading(*section));
        let mut failed: Option<Cell> = None;
        for cell in section.cells(selection.quick).into_iter().filter(|cell| selection.has(cell)) {
            let hopeless = failed
                .as_ref()
                .is_some_and(|failed| (&failed.peer, &failed.workload) == (&cell.peer, &cell.workload));
            if hopeless {
                continue;
            }
            let row = in_a_child(&cell)?;
            println!("{}", row.line());
            if row.failed.is_some() {
                failed = Some(cell);
            }
            faults.extend(row.fault());
            if let Some(file) = &mut file {
                append(file, &row)?;
            }
        }
    }
    if !faults.is_empty() {
        println!("\n{}", faults.join("\n"));
    }
    Ok(faults.is_empty())
}

/// Measures one cell in this process, and prints its figures for the process that asked.
pub fn measure(cell: &Cell) -> io::Result<()> {
    let figures: Figures = cell.measure();
    let row = Row::new(cell.clone(), figures);
    println!("{}", serde_json::to_string(&row)?);
    Ok(())
}

impl Selection {
    fn has(&self, cell: &Cell) -> bool {
        (self.peer.is_empty() || self.peer.contains(&cell.peer))
            && (self.workload.is_empty() || self.workload.contains(&cell.workload))
            && self.largest.is_none_or(|largest| cell.size <= largest)
    }
}

fn in_a_child(cell: &Cell) -> io::Result<Row> {
    let output = env::temp_dir().join(format!("engine-peers.{}", process::id()));
    let complaints = output.with_extension("complaints");
    let mut child = Command::new(program(cell.section)?)
        .args(["cell", &cell.section.to_string(), &cell.peer, &cell.workload, &cell.size.to_string()])
        .stdin(Stdio::null())
        .stdout(File::create(&output)?)
        .stderr(File::create(&complaints)?)
        .spawn()?;
    let start = Instant::now();
    let in_time = loop {
        if child.try_wait()?.is_some() {
            break true;
        }
        if start.elapsed() > Duration::from_secs(cell.section.limit()) {
            child.kill()?;
            child.wait()?;
            break false;
        }
        thread::sleep(Duration::from_millis(20));
    };
    let row = match serde_json::from_str(&fs::read_to_string(&output)?) {
        Ok(row) if in_time => row,
        _ if in_time => Row::failed(cell.clone(), reason(&complaints)?),
        _ => Row::failed(cell.clone(), format!("over {} s", cell.section.limit())),
    };
    fs::remove_file(output)?;
    fs::remove_file(complaints)?;
    Ok(row)
}

/// This program, or the one whose allocator counts, which is built beside it.
fn program(section: Section) -> io::Result<PathBuf> {
    let this = env::current_exe()?;
    Ok(if section.counts_allocations() { this.with_file_name("engine-peers-counted") } else { this })
}

fn reason(complaints: &Path) -> io::Result<String> {
    let text = fs::read_to_string(complaints)?;
    let telling = text.lines().filter(|line| !line.is_empty() && !line.starts_with("note:"));
    let reason: String = telling.take(2).collect::<Vec<_>>().join(" ");
    Ok(reason.chars().take(LONGEST_REASON).collect())
}

fn append(file: &mut File, row: &Row) -> io::Result<()> {
    writeln!(file, "{}", serde_json::to_string(row)?)
}
