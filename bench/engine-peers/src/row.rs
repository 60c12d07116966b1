//! One measured cell, as a line of JSON and as a line for people.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::section::{Cell, Section};

/// What was measured of a cell, by name.
pub type Figures = Vec<(&'static str, f64)>;

/// A cell and what was measured of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    /// What was asked for.
    #[serde(flatten)]
    pub cell: Cell,
    /// By name.
    pub figures: BTreeMap<String, f64>,
    /// Why there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

impl Row {
    /// A cell that was measured.
    pub fn new(cell: Cell, figures: Figures) -> Self {
        let figures = figures.into_iter().map(|(name, figure)| (name.to_owned(), figure)).collect();
        Self { cell, figures, failed: None }
    }

    /// A cell that could not be.
    pub fn failed(cell: Cell, why: String) -> Self {
        Self { cell, figures: BTreeMap::new(), failed: Some(why) }
    }

    /// A figure, if it was measured.
    pub fn figure(&self, name: &str) -> Option<f64> {
        self.figures.get(name).copied()
    }

    /// What is wrong with it, if anything: a wrong decision, or an allocation where there must be none.
    pub fn fault(&self) -> Option<String> {
        let Cell { section, peer, workload, size } = &self.cell;
        let of = format!("{section} {workload} {peer} {size}");
        match (self.figure("wrong"), self.figure("allocations")) {
            (Some(wrong), _) if wrong > 0.0 => Some(format!("{of}: {wrong} decisions are wrong")),
            (_, Some(count)) if count > 0.0 && section.must_not_allocate(peer) => {
                Some(format!("{of}: {count:.1} allocations a decision instead of none"))
            }
            _ => None,
        }
    }

    /// One line, under [`heading`].
    pub fn line(&self) -> String {
        let Cell { section, peer, workload, size } = &self.cell;
        let mut line = format!("{workload:9} {peer:18} {size:>9}");
        match &self.failed {
            Some(why) => line.push_str(&format!("  no result: {why}")),
            None => {
                for name in section.columns() {
                    let text = self.figure(name).map_or_else(|| "-".to_owned(), number);
                    line.push_str(&format!(" {text:>width$}", width = name.len().max(11)));
                }
            }
        }
        line
    }
}

/// What stands above a section's lines.
pub fn heading(section: Section) -> String {
    let mut line = format!("\n{section}\n{:9} {:18} {:>9}", "workload", "peer", "size");
    for name in section.columns() {
        line.push_str(&format!(" {name:>width$}", width = name.len().max(11)));
    }
    line
}

/// A number with as many digits as mean something: `0.042`, `1.73`, `190`, `12,268,120`.
pub fn number(figure: f64) -> String {
    match figure {
        _ if figure == figure.trunc() || figure >= 1_000.0 => grouped(figure.round() as i64),
        _ if figure >= 100.0 => format!("{figure:.0}"),
        _ if figure >= 1.0 => format!("{figure:.2}"),
        _ => format!("{figure:.4}"),
    }
}

fn grouped(whole: i64) -> String {
    let digits = whole.unsigned_abs().to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if whole < 0 { format!("-{text}") } else { text }
}
