//! One signal: something that is there or not, by words where words do, else computed in `signals`.

use std::sync::OnceLock;

use regex::bytes::{RegexSet, RegexSetBuilder};
use serde::Deserialize;

use super::EvidenceError;

/// One signal.
#[derive(Debug)]
pub struct Signal {
    /// Stable name: `family:what`.
    pub id: String,
    /// One line, as a clause that is true when it is seen.
    pub what: String,
    /// Signals of a group speak of the same thing and count once.
    pub group: String,
    /// Among signals of its group that hold, only those with the lowest number count.
    pub first: u32,
    /// How often it is seen, whatever the cause.
    pub base: f64,
    /// One of these must hold too.
    pub needs_server: Vec<String>,
    words: Option<Words>,
}

#[derive(Debug)]
struct Words {
    strong: Patterns,
    body: Patterns,
    headers: Patterns,
    unless: Patterns,
}

/// Compiled when first asked for: most requests need few of them.
#[derive(Debug)]
struct Patterns {
    written: Vec<String>,
    compiled: OnceLock<Option<RegexSet>>,
}

/// How well the words of a signal fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matched {
    /// Not at all.
    No,
    /// By a stem that says little by itself.
    Weakly,
    /// By so many plain turns of phrase.
    Plainly(usize),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    id: String,
    what: String,
    base: f64,
    group: Option<String>,
    first: Option<u32>,
    #[serde(default)]
    needs_server: Vec<String>,
    #[serde(default)]
    strong: Vec<String>,
    #[serde(default)]
    body: Vec<String>,
    #[serde(default)]
    headers: Vec<String>,
    #[serde(default)]
    unless: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    signal: Vec<Written>,
}

impl Signal {
    /// Whether words decide it.
    #[must_use]
    pub fn is_of_words(&self) -> bool {
        self.words.is_some()
    }

    /// Searches texts (any of them) and the lines of the header.
    #[must_use]
    pub fn search(&self, texts: &[&[u8]], headers: &[Vec<u8>]) -> Matched {
        let Some(words) = &self.words else { return Matched::No };
        if texts.iter().any(|text| words.unless.hits(text) > 0) {
            return Matched::No;
        }
        let of_strong = texts.iter().map(|text| words.strong.hits(text)).max().unwrap_or_default();
        let of_headers = headers.iter().filter(|line| words.headers.hits(line) > 0).count();
        let of_body = texts.iter().map(|text| words.body.hits(text)).max().unwrap_or_default();
        match (of_strong + of_headers, of_body) {
            (0, 0) => Matched::No,
            // Where a signal tells strong words from weak ones, the weak ones alone are weak.
            (0, _) if !words.strong.written.is_empty() => Matched::Weakly,
            (strong, body) => Matched::Plainly(strong.max(1) + usize::from(body > 0 && strong > 0)),
        }
    }
}

impl Patterns {
    fn new(signal: &str, written: Vec<String>) -> Result<Self, EvidenceError> {
        if cfg!(test)
            && let Err(fault) = compile(&written)
        {
            return Err(EvidenceError::Pattern { signal: signal.to_owned(), fault: fault.to_string() });
        }
        Ok(Self { written, compiled: OnceLock::new() })
    }

    fn hits(&self, text: &[u8]) -> usize {
        if self.written.is_empty() {
            return 0;
        }
        let set = self.compiled.get_or_init(|| compile(&self.written).ok());
        set.as_ref().map_or(0, |set| set.matches(text).iter().count())
    }
}

fn compile(written: &[String]) -> Result<RegexSet, regex::Error> {
    // Words are searched as bytes in lower case: many times cheaper to compile than with Unicode's classes.
    RegexSetBuilder::new(written).unicode(false).size_limit(1 << 24).build()
}

pub(super) fn read(file: &'static str, text: &str) -> Result<Vec<Signal>, EvidenceError> {
    let read: File =
        toml::from_str(text).map_err(|fault| EvidenceError::Unreadable { file, fault: fault.to_string() })?;
    read.signal
        .into_iter()
        .map(|written| {
            let of_words =
                !(written.body.is_empty() && written.headers.is_empty() && written.strong.is_empty());
            let patterns = |list: Vec<String>| Patterns::new(&written.id, list);
            let words = if of_words {
                Some(Words {
                    strong: patterns(written.strong)?,
                    body: patterns(written.body)?,
                    headers: patterns(written.headers)?,
                    unless: patterns(written.unless)?,
                })
            } else {
                None
            };
            Ok(Signal {
                group: written.group.unwrap_or_else(|| written.id.clone()),
                first: written.first.unwrap_or_default(),
                id: written.id,
                what: written.what,
                base: written.base,
                needs_server: written.needs_server,
                words,
            })
        })
        .collect()
}
