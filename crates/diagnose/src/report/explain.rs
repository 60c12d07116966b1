//! `doctor explain ID`, `doctor --list`, and the chapter of the book: the findings' words, laid out.

use crate::evidence::{Evidence, Finding};

/// One finding for a terminal.
#[must_use]
pub fn explain(finding: &Finding) -> String {
    let mut out = String::new();
    let mut line = |text: String| {
        out.push_str(&text);
        out.push('\n');
    };
    line(format!("{}\n{}", finding.id, "=".repeat(finding.id.len())));
    line(format!("{}\n", finding.title));
    line(format!("Answered by   {}", finding.layer));
    line(format!("Mended by     {}\n", finding.owner));
    line(format!("It looks for  {}\n", finding.looks_for));
    line(format!("It means      {}\n", finding.means));
    for (number, step) in (1..).zip(&finding.steps) {
        line(format!("  {number}. {step}"));
    }
    if let Some(lines) = &finding.lines {
        line(String::new());
        for written in lines.trim().lines() {
            line(format!("      {written}"));
        }
    }
    if let Some(on) = &finding.on {
        for (system, steps) in [("Windows", &on.windows), ("macOS", &on.macos), ("Linux", &on.linux)] {
            for step in steps {
                line(format!("  {system}: {step}"));
            }
        }
    }
    line(format!("\nCheck: {}", finding.verify));
    if !finding.confused_with.is_empty() {
        line(format!("From outside it may be taken for: {}", finding.confused_with.join(", ")));
    }
    for link in &finding.links {
        line(format!("  {link}"));
    }
    out
}

/// All findings, a line each.
#[must_use]
pub fn list(evidence: &Evidence) -> String {
    let width = evidence.findings.iter().map(|finding| finding.id.len()).max().unwrap_or_default();
    let mut out = String::new();
    for finding in &evidence.findings {
        out.push_str(&format!("{:width$}  {}\n", finding.id, finding.title));
    }
    out
}

/// The chapter of the book.
#[must_use]
pub fn chapter(evidence: &Evidence) -> String {
    let mut out = String::from(
        "# Findings\n\nWhat `portcullis doctor` and `portcullis logs` can conclude. Generated from the findings themselves; \
         `portcullis doctor explain ID` prints one.\n",
    );
    let mut layer = "";
    for finding in &evidence.findings {
        if finding.layer != layer {
            layer = &finding.layer;
            out.push_str(&format!("\n## {layer}\n"));
        }
        out.push_str(&format!(
            "\n### `{}`\n\n**{}**\n\n{}\n\n{}\n\n",
            finding.id, finding.title, finding.looks_for, finding.means
        ));
        for (number, step) in (1..).zip(&finding.steps) {
            out.push_str(&format!("{number}. {step}\n"));
        }
        if let Some(lines) = &finding.lines {
            out.push_str(&format!("\n```text\n{}\n```\n", lines.trim()));
        }
        if let Some(on) = &finding.on {
            out.push('\n');
            for (system, steps) in [("Windows", &on.windows), ("macOS", &on.macos), ("Linux", &on.linux)] {
                for step in steps {
                    out.push_str(&format!("- {system}: {step}\n"));
                }
            }
        }
        if !finding.verify.is_empty() {
            out.push_str(&format!("\nCheck: {}\n", finding.verify));
        }
        if !finding.confused_with.is_empty() {
            let names: Vec<_> = finding.confused_with.iter().map(|id| format!("`{id}`")).collect();
            out.push_str(&format!("\nMay be taken for {}.\n", names.join(", ")));
        }
        for link in &finding.links {
            out.push_str(&format!("\n<{link}>\n"));
        }
    }
    out
}
