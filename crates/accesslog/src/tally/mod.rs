//! What is counted of all lines, in one pass and in bounded memory: totals, requests and refusals a minute, and a sample
//! of whole lines that the study later takes apart.
//!
//! INVARIANT: tallies of parts, merged in any order, are the tally of the whole; the number of threads changes nothing.

mod minutes;
mod sample;

use std::collections::BTreeMap;

pub(crate) use minutes::{Minute, Minutes};
pub(crate) use sample::Sample;

use crate::entry::Glance;
use crate::format::{ErrorLine, Format, Line, Reader};

/// The status this is all about.
const FORBIDDEN: u16 = 403;
/// Example lines of broken ones that are kept.
const MOST_EXAMPLES: usize = 3;
/// Longest line that is read; longer ones are broken, whatever they are.
pub(crate) const LONGEST_LINE: usize = 64 * 1024;
/// A line this much older than the one before it says that the clock went backwards, in seconds.
const BACKWARDS: i64 = 120;
/// Most kinds of reasons and offsets; there are some thirty of the one and the other cannot be more than 2,880.
const MOST_OFFSETS: usize = 64;

/// What was counted.
#[derive(Debug, Default)]
pub struct Tally {
    /// Lines that are requests.
    pub requests: u64,
    /// Those that were answered 403.
    pub refused: u64,
    /// Lines of error logs.
    pub errors: u64,
    /// Lines that no format fits.
    pub broken: u64,
    /// Lines in another format than most of their file.
    pub foreign: u64,
    /// Lines that hold bytes which are not UTF-8.
    pub not_text: u64,
    /// Requests that do not say when.
    pub timeless: u64,
    /// Times that are earlier than the line before says, by minutes.
    pub backwards: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Requests by status class: 1xx to 5xx.
    pub classes: [u64; 5],
    /// Answers 401, 429 and 503, which are told beside the 403s.
    pub neighbours: BTreeMap<u16, u64>,
    /// Requests by the offset from UTC their time is written in.
    pub offsets: BTreeMap<i16, u64>,
    /// Reasons that error logs give, with how many lines give each and the first and last second.
    pub reasons: BTreeMap<&'static str, Reason>,
    /// Requests and refusals a minute.
    pub(crate) minutes: Minutes,
    /// Lines kept whole.
    pub(crate) sample: Sample,
    /// The first lines that no format fits.
    pub broken_examples: Vec<String>,
}

/// What error logs say of one cause.
#[derive(Debug, Clone)]
pub struct Reason {
    /// Lines.
    pub lines: u64,
    /// The first second.
    pub first: i64,
    /// The last second.
    pub last: i64,
    /// One of the lines.
    pub example: String,
}

/// Where a line stands: what decides, together with nothing else, whether it is sampled.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// Which file, in the order they were given.
    pub(crate) file: u32,
    /// The byte its block begins with.
    pub(crate) block: u64,
}

impl Tally {
    /// Counts the lines of a block.
    pub(crate) fn block(&mut self, block: &[u8], place: Place, format: &mut Format) {
        self.bytes += block.len() as u64;
        let mut reader = Reader::default();
        let mut previous = i64::MIN;
        let mut at = 0;
        while at < block.len() {
            let rest = block.get(at..).unwrap_or_default();
            let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let line = rest.get(..end).unwrap_or_default();
            let offset = place.block + at as u64;
            at += end + 1;
            let glance = match format.glance(line, &mut reader) {
                Some(glance) if line.len() <= LONGEST_LINE => glance,
                _ => match self.slowly(line, format) {
                    Some(glance) => glance,
                    None => continue,
                },
            };
            self.count(glance, &mut previous);
            self.sample.offer(place.file, offset, glance.status == FORBIDDEN, line);
        }
        self.minutes.flush();
    }

    #[inline]
    fn count(&mut self, glance: Glance, previous: &mut i64) {
        self.requests += 1;
        let refused = glance.status == FORBIDDEN;
        self.refused += u64::from(refused);
        if let Some(class) = self.classes.get_mut(usize::from(glance.status / 100).wrapping_sub(1)) {
            *class += 1;
        }
        if matches!(glance.status, 401 | 404 | 429 | 503) {
            *self.neighbours.entry(glance.status).or_default() += 1;
        }
        let Some(time) = glance.time else {
            self.timeless += 1;
            return;
        };
        if time.seconds.saturating_add(BACKWARDS) < *previous {
            self.backwards += 1;
        }
        *previous = time.seconds;
        if self.minutes.add(time, refused) {
            return;
        }
        self.timeless += 1;
    }

    /// A line that needs more than a glance; the glance, if it is a request.
    fn slowly(&mut self, line: &[u8], format: &mut Format) -> Option<Glance> {
        if line.trim_ascii().is_empty() {
            return None;
        }
        if line.len() > LONGEST_LINE {
            self.broken(line);
            return None;
        }
        format.take_header(line);
        let text = String::from_utf8_lossy(line);
        self.not_text += u64::from(matches!(text, std::borrow::Cow::Owned(_)));
        let Some((read, foreign)) = format.read_anyhow(&text) else {
            self.broken(line);
            return None;
        };
        self.foreign += u64::from(foreign);
        match read {
            Line::Request(entry) => Some(entry.glance()),
            Line::Error(error) => {
                self.error(&error, &text);
                None
            }
            Line::Remark => None,
        }
    }

    fn broken(&mut self, line: &[u8]) {
        self.broken += 1;
        if self.broken_examples.len() < MOST_EXAMPLES {
            let line = line.get(..line.len().min(200)).unwrap_or(line);
            self.broken_examples.push(String::from_utf8_lossy(line).into_owned());
        }
    }

    fn error(&mut self, error: &ErrorLine<'_>, line: &str) {
        self.errors += 1;
        let Some(cause) = error.reason else { return };
        let seconds = error.time.seconds;
        let reason = self.reasons.entry(cause).or_insert_with(|| Reason {
            lines: 0,
            first: seconds,
            last: seconds,
            example: line.chars().take(300).collect(),
        });
        reason.lines += 1;
        reason.first = reason.first.min(seconds);
        reason.last = reason.last.max(seconds);
    }

    /// Adds what another thread counted.
    pub(crate) fn merge(&mut self, other: Self) {
        self.requests += other.requests;
        self.refused += other.refused;
        self.errors += other.errors;
        self.broken += other.broken;
        self.foreign += other.foreign;
        self.not_text += other.not_text;
        self.timeless += other.timeless;
        self.backwards += other.backwards;
        self.bytes += other.bytes;
        for (mine, theirs) in self.classes.iter_mut().zip(other.classes) {
            *mine += theirs;
        }
        for (status, count) in other.neighbours {
            *self.neighbours.entry(status).or_default() += count;
        }
        for (cause, theirs) in other.reasons {
            match self.reasons.get_mut(cause) {
                Some(mine) => {
                    mine.lines += theirs.lines;
                    mine.last = mine.last.max(theirs.last);
                    if theirs.first < mine.first {
                        (mine.first, mine.example) = (theirs.first, theirs.example);
                    }
                }
                None => {
                    self.reasons.insert(cause, theirs);
                }
            }
        }
        self.minutes.merge(other.minutes);
        self.sample.merge(other.sample);
        let room = MOST_EXAMPLES.saturating_sub(self.broken_examples.len());
        self.broken_examples.extend(other.broken_examples.into_iter().take(room));
    }

    /// Ends the counting: what the minutes know of offsets is told here too.
    pub(crate) fn finish(&mut self) {
        self.minutes.flush();
        self.offsets = self.minutes.offsets.iter().take(MOST_OFFSETS).map(|(k, v)| (*k, *v)).collect();
        self.sample.finish();
    }
}
