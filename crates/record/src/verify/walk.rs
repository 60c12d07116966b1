//! One segment, line by line: is each the next of the chain? After something wrong it is gone on from what the next
//! line says of itself, so that one changed line is one finding.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use super::finding::{Fault, Finding, Place};
use super::join;
use crate::archive;
use crate::chain::{Chain, Link, Sealed, next};
use crate::checkpoint::Checkpoint;
use crate::log::head::{self, Head};
use crate::log::retention::Removed;
use crate::log::segment;
use crate::note::Verifier;
use crate::read::ReadError;
use crate::read::blocks::Blocks;
use crate::tree::{Hash, Tree};

/// What was seen in one segment.
#[derive(Debug, Default)]
pub(super) struct Walked {
    pub(super) stem: String,
    pub(super) head: Option<Head>,
    /// The chain before it, as its head says.
    pub(super) begin: Option<Chain>,
    /// The chain behind it; its tree is right only where the segment is sound.
    pub(super) end: Chain,
    /// The number of the line that would come next.
    pub(super) next: u64,
    pub(super) sound: bool,
    pub(super) lines: u64,
    pub(super) bytes: u64,
    pub(super) unfinished: u64,
    /// Erased lines: where they are, and their leaves.
    pub(super) erased: Vec<(Place, Hash)>,
    /// Segments that it says were deleted.
    pub(super) removed: Vec<String>,
    /// The tree's root at sizes that were asked for.
    pub(super) roots: BTreeMap<u64, Hash>,
    pub(super) checkpoints: u64,
    /// Lines that the last true checkpoint in it vouches for.
    pub(super) vouched: u64,
    pub(super) findings: Vec<Finding>,
    pub(super) more: u64,
}

/// Walks a segment; `None`: it is there no longer.
pub(super) fn walk(
    path: &Path,
    newest: bool,
    wanted: &BTreeSet<u64>,
    verifier: Option<&Verifier>,
) -> Result<Option<Walked>, ReadError> {
    let blocks = match Blocks::open(path) {
        Ok(blocks) => blocks,
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(fault) => return Ok(Some(unreadable(path, &fault))),
    };
    let mut walk = Walk {
        seen: Walked { stem: segment::stem(path), sound: true, ..Walked::default() },
        wanted,
        verifier,
        tree: Tree::default(),
        link: Link::default(),
        expected: 0,
        chained: true,
        doubt: Doubt::None,
        missing: Vec::new(),
        strays: BTreeSet::new(),
    };
    for place in blocks.places() {
        let bytes = match blocks.read(&place) {
            Ok(bytes) => bytes,
            Err(fault) => {
                walk.seen.sound = false;
                walk.find(Fault::Unreadable(fault.to_string()), None);
                continue;
            }
        };
        let mut rest = bytes.as_slice();
        while let Some(at) = memchr::memchr(b'\n', rest) {
            let (line, behind) = rest.split_at_checked(at).unwrap_or_default();
            if !walk.line(line) {
                return Ok(Some(walk.seen));
            }
            rest = behind.get(1..).unwrap_or_default();
        }
        if !rest.is_empty() {
            walk.seen.sound = false;
            walk.find(Fault::NoLine(rest.len() as u64), None);
            walk.seen.bytes = walk.seen.bytes.saturating_add(rest.len() as u64);
        }
    }
    let left = blocks.plain_length().map_or(0, |length| length.saturating_sub(walk.seen.bytes));
    if newest {
        walk.seen.unfinished = left;
    } else if left > 0 {
        walk.seen.sound = false;
        walk.find(Fault::NoLine(left), None);
    }
    Ok(Some(walk.done()))
}

fn unreadable(path: &Path, fault: &io::Error) -> Walked {
    let stem = segment::stem(path);
    let finding = Finding { place: Place::file(&stem), fault: Fault::Unreadable(fault.to_string()) };
    Walked { stem, findings: vec![finding], ..Walked::default() }
}

/// What is not yet known of the line before, which was wrong.
#[derive(Debug, Clone, Copy)]
enum Doubt {
    None,
    /// It claims a number that was due: changed, or put in before the one that has it. The chain before it is kept.
    Claimed {
        number: u64,
        before: Link,
    },
    /// It claims nothing.
    Unsealed,
}

struct Walk<'a> {
    seen: Walked,
    wanted: &'a BTreeSet<u64>,
    verifier: Option<&'a Verifier>,
    tree: Tree,
    link: Link,
    expected: u64,
    /// Whether it has a head.
    chained: bool,
    doubt: Doubt,
    /// Numbers that were passed over, and the finding that says so.
    missing: Vec<(u64, u64)>,
    /// Numbers that stood in the wrong place.
    strays: BTreeSet<u64>,
}

impl Walk<'_> {
    /// Takes a line; `false`: the rest cannot be understood.
    fn line(&mut self, line: &[u8]) -> bool {
        if self.seen.lines == 0 && !self.begin(line) {
            return false;
        }
        self.seen.lines = self.seen.lines.saturating_add(1);
        if self.chained {
            self.chained_line(line);
        }
        self.seen.bytes = self.seen.bytes.saturating_add(line.len() as u64 + 1);
        true
    }

    /// Takes what the first line says of the segment.
    fn begin(&mut self, line: &[u8]) -> bool {
        if let Some(format) = head::format(line).filter(|format| *format > head::FORMAT) {
            self.seen.sound = false;
            self.find(Fault::Version(format), None);
            return false;
        }
        self.seen.head = Head::parse(line);
        let Some(head) = &self.seen.head else {
            self.chained = false;
            return true;
        };
        match head.chain() {
            Some(chain) => {
                (self.expected, self.link) = (chain.size(), chain.link);
                self.tree = chain.tree.clone();
                self.seen.begin = Some(chain);
            }
            None => {
                self.expected = head.first;
                self.seen.sound = false;
                self.find(Fault::Head, Some(line));
            }
        }
        self.seen.vouched = self.expected;
        self.note_root();
        true
    }

    fn chained_line(&mut self, line: &[u8]) {
        let Some((sealed, leaf)) = Sealed::parse(line).and_then(|sealed| Some((sealed, sealed.leaf()?)))
        else {
            self.seen.sound = false;
            self.doubt = Doubt::Unsealed;
            return self.find(Fault::Changed, Some(line));
        };
        if sealed.is_erased() {
            self.seen.erased.push((self.place(Some(line), Some(sealed.number)), leaf));
        }
        let doubt = std::mem::replace(&mut self.doubt, Doubt::None);
        if sealed.number == self.expected && next(&self.link, &leaf) == sealed.link {
            if let Doubt::Unsealed = doubt {
                self.was_invented();
            }
            self.structure(line);
            return self.go_on(leaf, sealed.link);
        }
        self.seen.sound = false;
        match doubt {
            Doubt::Claimed { number, before }
                if sealed.number == number && next(&before, &leaf) == sealed.link =>
            {
                self.was_invented();
                self.link = sealed.link;
            }
            Doubt::Unsealed if sealed.number == self.expected.saturating_add(1) => self.resume(&sealed),
            _ => self.wrong(line, &sealed),
        }
    }

    fn wrong(&mut self, line: &[u8], sealed: &Sealed<'_>) {
        let (expected, number) = (self.expected, sealed.number);
        if number < expected {
            self.strays.insert(number);
            self.find(Fault::OutOfOrder { expected }, Some(line));
        } else if number > expected {
            self.missing.push((expected, number - 1));
            self.find(Fault::Missing { from: expected, to: number - 1 }, Some(line));
            self.resume(sealed);
        } else {
            self.find(Fault::Changed, Some(line));
            self.doubt = Doubt::Claimed { number, before: self.link };
            self.resume(sealed);
        }
    }

    /// Goes on behind a line that is believed for want of better.
    fn resume(&mut self, sealed: &Sealed<'_>) {
        self.expected = sealed.number.saturating_add(1);
        self.link = sealed.link;
    }

    fn go_on(&mut self, leaf: Hash, link: Link) {
        self.expected = self.expected.saturating_add(1);
        self.link = link;
        if self.seen.sound {
            self.tree.push(leaf);
            self.note_root();
        }
    }

    fn note_root(&mut self) {
        if self.seen.sound && self.wanted.contains(&self.expected) {
            self.seen.roots.insert(self.expected, self.tree.root());
        }
    }

    /// The finding before is of a line that was put in.
    fn was_invented(&mut self) {
        if let Some(finding) = self.seen.findings.last_mut() {
            finding.fault = Fault::Invented;
        }
    }

    /// What a line says about the log itself.
    fn structure(&mut self, line: &[u8]) {
        #[derive(serde::Deserialize)]
        struct Note {
            note: String,
        }
        if line.starts_with(b"{\"kind\":\"checkpoint\"")
            && let Ok(content) = serde_json::from_slice::<Note>(line)
        {
            self.checkpoint(&content.note, line);
        } else if line.starts_with(b"{\"kind\":\"removed\"")
            && let Ok(removed) = serde_json::from_slice::<Removed>(line)
        {
            self.seen.removed.extend(removed.segments);
        }
    }

    fn checkpoint(&mut self, note: &str, line: &[u8]) {
        match join::opened(note, self.verifier) {
            Err(fault) => self.find(fault, Some(line)),
            Ok(_) if !self.seen.sound => {}
            Ok(Checkpoint { size, root }) if size == self.expected && root == self.tree.root() => {
                self.seen.checkpoints = self.seen.checkpoints.saturating_add(1);
                self.seen.vouched = size;
            }
            Ok(_) => {
                let from = self.seen.vouched.min(self.expected.saturating_sub(1));
                self.find(Fault::Rewritten { from, to: self.expected.saturating_sub(1) }, Some(line));
                self.seen.sound = false;
            }
        }
    }

    fn find(&mut self, fault: Fault, line: Option<&[u8]>) {
        let number = line.and_then(Sealed::parse).map(|sealed| sealed.number);
        let finding = Finding { place: self.place(line, number), fault };
        if self.seen.findings.len() < super::MOST_FINDINGS {
            self.seen.findings.push(finding);
        } else {
            self.seen.more = self.seen.more.saturating_add(1);
        }
    }

    fn place(&self, line: Option<&[u8]>, number: Option<u64>) -> Place {
        Place {
            file: self.seen.stem.clone(),
            line: line.map(|_| self.seen.lines.max(1)),
            byte: Some(self.seen.bytes),
            number,
            reference: line.and_then(archive::reference).map(|reference| reference.to_string()),
        }
    }

    /// Lines that are missing in one place and stand in another were moved: that is said once.
    fn done(mut self) -> Walked {
        let moved: Vec<_> = self
            .missing
            .iter()
            .filter(|(from, to)| {
                to - from < MOST_MOVED && (*from..=*to).all(|number| self.strays.contains(&number))
            })
            .map(|(from, to)| Fault::Missing { from: *from, to: *to })
            .collect();
        self.seen.findings.retain(|finding| !moved.contains(&finding.fault));
        self.seen.next = self.expected;
        self.seen.end = Chain { tree: self.tree, link: self.link };
        self.seen
    }
}

const MOST_MOVED: u64 = 100_000;
