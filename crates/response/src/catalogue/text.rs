//! A page as text for a terminal and as Markdown for the book, and its parts as blocks for HTML.
//!
//! Pages use three marks and no more: paragraphs, lists with `- `, and `code`.

use serde::Serialize;

use super::{Page, SPECIFICATIONS};

/// A paragraph or a list of a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Block {
    /// A list's items; a paragraph is the one item of a block that is no list.
    pub(crate) items: Vec<Vec<Run>>,
    pub(crate) list: bool,
}

/// Text in one face.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Run {
    pub(crate) text: String,
    pub(crate) code: bool,
}

/// The blocks of a part.
pub(crate) fn blocks(written: &str) -> Vec<Block> {
    written
        .split("\n\n")
        .map(|block| match block.strip_prefix("- ") {
            Some(list) => Block { items: list.split("\n- ").map(runs).collect(), list: true },
            None => Block { items: vec![runs(block)], list: false },
        })
        .collect()
}

/// What stands between backticks is code.
fn runs(written: &str) -> Vec<Run> {
    joined(written)
        .split('`')
        .enumerate()
        .filter(|(_, text)| !text.is_empty())
        .map(|(at, text)| Run { text: text.to_owned(), code: at % 2 == 1 })
        .collect()
}

/// Lines of one paragraph as one line.
fn joined(written: &str) -> String {
    written.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

/// The whole page, wrapped.
pub(super) fn terminal(page: &Page) -> String {
    let mut out = format!("{} ({} {})\n{}\n", page.key, page.status, page.reason_phrase(), page.title);
    for (heading, written) in page.sections() {
        head(&mut out, heading);
        for (at, block) in written.split("\n\n").enumerate() {
            if at > 0 {
                out.push('\n');
            }
            match block.strip_prefix("- ") {
                Some(list) => list.split("\n- ").for_each(|item| wrap(&mut out, "  - ", "    ", item)),
                None => wrap(&mut out, "  ", "  ", block),
            }
        }
    }
    head(&mut out, SPECIFICATIONS);
    for (name, address) in &page.specifications {
        out.extend(["  ", name, "  ", address, "\n"]);
    }
    out
}

fn head(out: &mut String, heading: &str) {
    out.extend(["\n", heading, "\n"]);
}

/// Greedy, at [`WIDTH`]; code keeps its backticks, which is how terminals write it.
fn wrap(out: &mut String, first: &str, further: &str, written: &str) {
    out.push_str(first);
    let mut column = first.len();
    let mut fresh = true;
    for word in written.split_whitespace() {
        let width = word.chars().count();
        if !fresh && column + 1 + width > WIDTH {
            out.push('\n');
            out.push_str(further);
            column = further.len();
            fresh = true;
        }
        if !fresh {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += width;
        fresh = false;
    }
    out.push('\n');
}

/// As the book has it: what is written, under its key, with the status spelled out.
pub(super) fn markdown(page: &Page) -> String {
    let mut out = format!(
        "# {}\n\n**{}.** Sent with {} {}.\n",
        page.key,
        page.title,
        page.status,
        page.reason_phrase()
    );
    for (heading, written) in page.sections() {
        out.extend(["\n## ", heading, "\n\n", written, "\n"]);
    }
    out.extend(["\n## ", SPECIFICATIONS, "\n\n"]);
    for (name, address) in &page.specifications {
        out.extend(["- [", name, "](", address, ")\n"]);
    }
    out
}

/// A table of all pages.
pub(super) fn index(pages: &[Page]) -> String {
    let mut out = "# Every status and public reason\n\n\
        What `portcullis explain` prints, and where the `type` of a problem leads.\n\n\
        | code | status | |\n|---|---|---|\n"
        .to_owned();
    for Page { key, status, title, .. } in pages {
        out.push_str(&format!("| [`{key}`]({key}.md) | {status} | {title} |\n"));
    }
    out
}

/// Columns.
const WIDTH: usize = 80;

#[cfg(test)]
mod tests;
