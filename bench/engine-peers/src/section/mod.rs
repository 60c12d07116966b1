//! What is measured: each section says which cells it has, and measures one of them in a process of its own.

mod allocations;
mod compile;
mod decisions;
pub mod instructions;
mod threads;
mod update;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::peer::{FLOOR, OTHERS, PORTCULLIS};
use crate::row::Figures;
use crate::workload::{COMMON, hard};

/// A section of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Section {
    /// Time of a decision, every peer.
    Decisions,
    /// The same, on workloads that could hurt.
    Hard,
    /// Allocations of a decision; Portcullis must make none.
    Allocations,
    /// Instructions of a decision.
    Instructions,
    /// Two threads against one.
    Threads,
    /// A change of one entity, of a group, of the policies.
    Update,
    /// Time to parse and compile.
    Compile,
    /// Bytes of program and world.
    Bytes,
}

/// One measurement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// What is measured
    pub section: Section,
    /// of whom
    pub peer: String,
    /// at what
    pub workload: String,
    /// of which size.
    pub size: usize,
}

const SIZES: [usize; 5] = [10, 100, 1_000, 10_000, 100_000];
const HARD_SIZES: [usize; 3] = [10, 1_000, 10_000];
const QUICK: [usize; 2] = [10, 1_000];

impl Section {
    /// In the order in which they run.
    pub const ALL: [Self; 8] = [
        Self::Decisions,
        Self::Hard,
        Self::Allocations,
        Self::Instructions,
        Self::Threads,
        Self::Update,
        Self::Compile,
        Self::Bytes,
    ];

    /// The figures worth a column.
    pub fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Decisions | Self::Hard => &decisions::COLUMNS,
            Self::Allocations => &allocations::COLUMNS,
            Self::Instructions => &instructions::COLUMNS,
            Self::Threads => &threads::COLUMNS,
            Self::Update => &update::COLUMNS,
            Self::Compile => &compile::COLUMNS,
            Self::Bytes => &compile::BYTE_COLUMNS,
        }
    }

    /// Whether it runs with the allocator that counts, and so must not be timed.
    pub fn counts_allocations(self) -> bool {
        matches!(self, Self::Allocations | Self::Bytes)
    }

    /// Whether an allocation is a fault.
    pub fn must_not_allocate(self, peer: &str) -> bool {
        self == Self::Allocations && [FLOOR, PORTCULLIS[0]].contains(&peer)
    }

    /// How many seconds a cell may take.
    pub fn limit(self) -> u64 {
        match self {
            // Valgrind is slow at building a world.
            Self::Instructions => 600,
            Self::Update => 300,
            _ => 100,
        }
    }

    /// Its cells; for each workload and peer, from small to large.
    pub fn cells(self, quick: bool) -> Vec<Cell> {
        let sizes = |full: &[usize]| if quick { QUICK.to_vec() } else { full.to_vec() };
        let portcullis_and_floor: Vec<&str> = [FLOOR].into_iter().chain(PORTCULLIS).collect();
        match self {
            Self::Decisions => {
                let peers: Vec<&str> = portcullis_and_floor.into_iter().chain(OTHERS).collect();
                self.product(&COMMON, &peers, &sizes(&SIZES))
            }
            Self::Hard => {
                let peers: Vec<&str> = PORTCULLIS.into_iter().chain(["cedar"]).collect();
                self.product(&hard::NAMES, &peers, &sizes(&HARD_SIZES))
            }
            Self::Allocations => {
                let mut cells = self.product(&COMMON, &portcullis_and_floor, &sizes(&[10, 1_000, 100_000]));
                cells.extend(self.product(&hard::NAMES, &PORTCULLIS[..2], &sizes(&[10, 1_000])));
                cells
            }
            Self::Instructions => {
                let mut cells = self.product(&COMMON, &[FLOOR, PORTCULLIS[0]], &sizes(&SIZES));
                cells.extend(self.product(&hard::NAMES, &PORTCULLIS[..1], &[1_000]));
                cells
            }
            Self::Threads => {
                self.product(&COMMON[..2], &[FLOOR, PORTCULLIS[0]], &sizes(&[10, 1_000, 100_000]))
            }
            Self::Update => {
                let full = [10_000, 100_000, 1_000_000];
                self.product(&["people"], &PORTCULLIS[..1], if quick { &full[..1] } else { &full })
            }
            Self::Compile | Self::Bytes => self.product(&COMMON[..2], &PORTCULLIS[..1], &sizes(&SIZES)),
        }
    }

    fn product(self, workloads: &[&str], peers: &[&str], sizes: &[usize]) -> Vec<Cell> {
        let mut cells = Vec::new();
        for workload in workloads {
            for peer in peers {
                for size in sizes {
                    if runs(peer, workload, *size) {
                        let (peer, workload) = ((*peer).to_owned(), (*workload).to_owned());
                        cells.push(Cell { section: self, peer, workload, size: *size });
                    }
                }
            }
        }
        cells
    }
}

impl Cell {
    /// Measures it, in this process.
    pub fn measure(&self) -> Figures {
        match self.section {
            Section::Decisions | Section::Hard => decisions::measure(self),
            Section::Allocations => allocations::measure(self),
            Section::Instructions => instructions::measure(self),
            Section::Threads => threads::measure(self),
            Section::Update => update::measure(self),
            Section::Compile => compile::measure(self),
            Section::Bytes => compile::bytes(self),
        }
    }
}

impl fmt::Display for Section {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&format!("{self:?}").to_lowercase())
    }
}

/// Whether a peer has this cell: some have no way to say it, some would take minutes for a decision.
fn runs(peer: &str, workload: &str, size: usize) -> bool {
    match (workload, peer) {
        ("github", FLOOR | "cedar" | "casbin" | "rego-data") => size <= 10_000,
        ("github", _) => size <= 10_000 && PORTCULLIS.contains(&peer),
        ("saas", "cedar-slice") => size <= 1_000,
        (_, "cedar-slice") => false,
        ("rbac", "cedar-upsert" | "rego-data-interp") => false,
        (_, "cedar-upsert" | "casbin-cached" | "rego-data-interp") => size == 1_000 || size == 10_000,
        _ => true,
    }
}
