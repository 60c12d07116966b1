//! Rows as Markdown: medians and p99s of every peer, what Portcullis takes of the floor and of the best peer, and the
//! other sections as they are. A ratio beyond its budget is in bold type.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::{fs, io};

use crate::peer::{FLOOR, OTHERS, PORTCULLIS};
use crate::row::{Row, number};
use crate::section::Section;

/// Prints the rows of these files; of a cell in several lines the last one counts.
///
/// # Errors
/// A file that cannot be read, or is no such file.
pub fn print(files: &[PathBuf]) -> io::Result<()> {
    let mut rows: Vec<Row> = Vec::new();
    for file in files {
        for line in fs::read_to_string(file)?.lines() {
            let row: Row = serde_json::from_str(line)?;
            match rows.iter_mut().find(|former| former.cell == row.cell) {
                Some(former) => *former = row,
                None => rows.push(row),
            }
        }
    }
    for section in Section::ALL {
        let rows: Vec<&Row> = rows.iter().filter(|row| row.cell.section == section).collect();
        match section {
            _ if rows.is_empty() => {}
            Section::Decisions | Section::Hard => workloads(section, &rows),
            _ => plain(section, &rows),
        }
    }
    Ok(())
}

/// A table of times and one of ratios for each workload.
fn workloads(section: Section, rows: &[&Row]) {
    for (workload, rows) in by_workload(rows) {
        let table = Table::new(&rows);
        println!("\n### {section}: {workload}\n");
        println!("Median of a decision (p99).\n");
        table.head("");
        for peer in &table.peers {
            table.line(&format!("`{peer}`"), |size| match table.row(peer, size) {
                Some(row) => time(row),
                None => String::new(),
            });
        }
        println!("\nRatios of Portcullis.\n");
        table.head("");
        for peer in PORTCULLIS {
            if table.peers.contains(&FLOOR) {
                table.line(&format!("`{peer}` median / floor"), |size| {
                    table.to_floor(peer, "median_ns", size, if size < 1_000 { 3.0 } else { 2.0 })
                });
                table
                    .line(&format!("`{peer}` p99 / floor"), |size| table.to_floor(peer, "p99_ns", size, 4.0));
            }
            table.line(&format!("`{peer}` median / best peer"), |size| table.to_best(peer, size));
        }
    }
}

/// One table a section, one line a cell.
fn plain(section: Section, rows: &[&Row]) {
    let columns = section.columns();
    println!("\n### {section}\n");
    println!("| workload | peer | size | {} |", columns.join(" | "));
    println!("|---|---|--:|{}", "--:|".repeat(columns.len()));
    for row in rows {
        let figures = match &row.failed {
            Some(why) => why.clone(),
            None => columns
                .iter()
                .map(|name| row.figure(name).map_or_else(|| "–".to_owned(), number))
                .collect::<Vec<_>>()
                .join(" | "),
        };
        println!(
            "| {} | `{}` | {} | {figures} |",
            row.cell.workload,
            row.cell.peer,
            number(row.cell.size as f64)
        );
    }
}

struct Table<'r> {
    rows: &'r [&'r Row],
    sizes: Vec<usize>,
    peers: Vec<&'r str>,
}

impl<'r> Table<'r> {
    fn new(rows: &'r [&'r Row]) -> Self {
        let mut sizes: Vec<usize> = rows.iter().map(|row| row.cell.size).collect();
        sizes.sort_unstable();
        sizes.dedup();
        let mut peers: Vec<&str> = Vec::new();
        for row in rows {
            if !peers.contains(&row.cell.peer.as_str()) {
                peers.push(&row.cell.peer);
            }
        }
        Self { rows, sizes, peers }
    }

    fn row(&self, peer: &str, size: usize) -> Option<&Row> {
        self.rows.iter().copied().find(|row| row.cell.peer == peer && row.cell.size == size)
    }

    fn figure(&self, peer: &str, name: &str, size: usize) -> Option<f64> {
        self.row(peer, size)?.figure(name)
    }

    fn head(&self, first: &str) {
        self.line(first, |size| number(size as f64));
        println!("|---|{}", "--:|".repeat(self.sizes.len()));
    }

    fn line(&self, first: &str, text: impl Fn(usize) -> String) {
        let cells: Vec<String> = self.sizes.iter().map(|size| text(*size)).collect();
        println!("| {first} | {} |", cells.join(" | "));
    }

    fn to_floor(&self, peer: &str, name: &str, size: usize, budget: f64) -> String {
        match (self.figure(peer, name, size), self.figure(FLOOR, name, size)) {
            (Some(figure), Some(floor)) => ratio(figure / floor, budget),
            _ => String::new(),
        }
    }

    /// Against the quickest of the others, its cache of whole requests included.
    fn to_best(&self, peer: &str, size: usize) -> String {
        let others = OTHERS.iter().filter_map(|other| Some((*other, self.figure(other, "median_ns", size)?)));
        let best = others.min_by(|one, other| one.1.total_cmp(&other.1));
        match (self.figure(peer, "median_ns", size), best) {
            (Some(figure), Some((name, best))) => format!("{} `{name}`", ratio(figure / best, 1.0)),
            _ => String::new(),
        }
    }
}

fn by_workload<'r>(rows: &[&'r Row]) -> BTreeMap<&'r str, Vec<&'r Row>> {
    let mut workloads: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        workloads.entry(&row.cell.workload).or_default().push(row);
    }
    workloads
}

fn time(row: &Row) -> String {
    match (row.figure("median_ns"), row.figure("p99_ns")) {
        (Some(median), Some(tail)) => format!("{} ({})", human(median), human(tail)),
        _ => "no result".to_owned(),
    }
}

fn ratio(ratio: f64, budget: f64) -> String {
    let text = match ratio {
        _ if ratio >= 100.0 => format!("{ratio:.0}×"),
        _ if ratio >= 0.1 => format!("{ratio:.1}×"),
        _ => format!("{ratio:.4}×"),
    };
    if ratio > budget { format!("**{text}**") } else { text }
}

/// `190 ns`, `12.6 µs`, `165 ms`
fn human(nanoseconds: f64) -> String {
    let (value, unit) = match nanoseconds {
        _ if nanoseconds < 1e3 => return format!("{nanoseconds:.0} ns"),
        _ if nanoseconds < 1e6 => (nanoseconds / 1e3, "µs"),
        _ => (nanoseconds / 1e6, "ms"),
    };
    if value < 100.0 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
}
