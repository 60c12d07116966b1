//! Reading logs: the end of a file, access lines in declared formats, and the choice of the lines that belong to the
//! request.

mod access;
mod tail;

pub(crate) use access::{AccessLine, Format};
pub(crate) use tail::{tail, with_rotated};

use jiff::Timestamp;

use crate::hop::{Hop, canonical, decoded};

/// How well a logged request fits the one that was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fit {
    Path,
    MethodAndPath,
    Whole,
}

/// How well method and target of a line fit. `None` if they do not.
pub(crate) fn fit(hop: &Hop, method: &str, target: &str) -> Option<Fit> {
    let same_method = method.is_empty() || method.eq_ignore_ascii_case(&hop.method);
    if target == hop.target {
        return Some(if same_method { Fit::Whole } else { Fit::Path });
    }
    let path = target.split('?').next().unwrap_or(target);
    if path == hop.raw_path() || canonical(&decoded(path)) == hop.path() {
        return Some(if same_method { Fit::MethodAndPath } else { Fit::Path });
    }
    None
}

/// Of what fits, the best; among equals the nearest to `at`, or the latest.
pub(crate) fn best<T>(found: Vec<(Fit, Option<Timestamp>, T)>, at: Option<Timestamp>) -> Option<T> {
    let top = found.iter().map(|(fit, ..)| *fit).max()?;
    let mut best: Option<(i64, T)> = None;
    for (fit, when, item) in found {
        if fit != top {
            continue;
        }
        let far = match (at, when) {
            (Some(at), Some(when)) => (at.as_second() - when.as_second()).abs(),
            _ => 0,
        };
        // Later lines win ties: the log is in the order of time.
        if best.as_ref().is_none_or(|(least, _)| far <= *least) {
            best = Some((far, item));
        }
    }
    best.map(|(_, item)| item)
}

/// `GET /path HTTP/1.1` taken apart.
pub(crate) fn request_line(text: &str) -> (&str, &str) {
    let mut words = text.split(' ');
    let method = words.next().unwrap_or("");
    let target = words.next().unwrap_or("");
    (method, target)
}

/// Shortens a line for quoting; logs can carry whole attacks.
pub(crate) fn quote(line: &str) -> String {
    const MOST: usize = 600;
    let clean: String =
        line.trim_end().chars().filter(|c| !c.is_control() || *c == '\t').take(MOST).collect();
    if line.len() > MOST { format!("{clean} …") } else { clean }
}

/// nginx's and Apache's `combined`.
pub(crate) fn combined() -> Format {
    Format::nginx(access::COMBINED)
}
