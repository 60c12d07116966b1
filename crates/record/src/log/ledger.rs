//! The open segment and the chain through it: what is appended becomes the next lines of the chain, and checkpoints are
//! signed over it. Where and when to write is not decided here but in `writer`.
//!
//! INVARIANT: the chain goes on only by lines that are in the file: after a failed write it stands where it stood.

use std::io;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::head::Head;
use super::segment::{self, Folder, Segment};
use super::writer::now;
use super::{LogSettings, SyncPoint};
use crate::chain::{Chain, SEAL, Sealed, hash_from, link_from, next, text};
use crate::checkpoint::Checkpoint;
use crate::keys::Keys;
use crate::line;
use crate::note::Note;
use crate::read::blocks::Blocks;
use crate::tree::Tree;

/// The file that holds the newest checkpoint.
pub(crate) const CHECKPOINT: &str = "checkpoint";

pub(crate) struct Ledger {
    folder: Option<Folder>,
    segment: Option<Segment>,
    keys: Keys,
    chain: Chain,
    /// The segment before the one that is begun next, by name.
    previous: Option<String>,
    /// Lines when the last checkpoint was signed.
    vouched: u64,
    /// Lines as they are written; kept for its memory.
    sealed: Vec<u8>,
}

/// What was found when the log was opened.
pub(crate) struct Found {
    /// Bytes of an unfinished last line, cut off.
    pub(super) cut: u64,
    /// Lines that the newest checkpoint vouches for and that are not there.
    pub(super) vanished: u64,
}

/// The line of a checkpoint: with what a start needs to go on from it.
#[derive(Serialize, Deserialize)]
struct CheckpointLine {
    time: String,
    note: String,
    /// The chain before this line.
    link: String,
    /// The tree before this line.
    peaks: Vec<String>,
}

impl Ledger {
    /// Takes hold of the folder and goes on where the last run ended.
    pub(crate) fn open(settings: &LogSettings) -> io::Result<(Self, Found)> {
        let folder = Folder::open(&settings.folder)?;
        let keys = Keys::open(&settings.folder)?;
        let mut ledger = Self {
            folder: None,
            segment: None,
            keys,
            chain: Chain::default(),
            previous: None,
            vouched: 0,
            sealed: Vec::new(),
        };
        let mut found = Found { cut: 0, vanished: 0 };
        ledger.resume(&folder, &mut found)?;
        found.vanished = vouched_for(&settings.folder).saturating_sub(ledger.chain.size());
        if ledger.segment.is_none() {
            ledger.begin(&folder)?;
        }
        ledger.folder = Some(folder);
        Ok((ledger, found))
    }

    /// Finds the end of the chain. A segment of old, or one that was packed, is not gone on with.
    fn resume(&mut self, folder: &Folder, found: &mut Found) -> io::Result<()> {
        let mut segments = folder.segments()?;
        let mut open = None;
        if let Some((begun, path)) = segments.last().filter(|(_, path)| !segment::is_packed(path)) {
            let (segment, cut) = Segment::resume(*begun, path.clone())?;
            found.cut = cut;
            if segment.length() == 0 {
                segments.pop();
                self.segment = Some(segment);
            } else {
                open = Some(segment);
            }
        }
        self.previous = segments.last().map(|(_, path)| segment::stem(path));
        for (back, (_, path)) in segments.iter().rev().enumerate() {
            if let Some(chain) = end(path)? {
                self.chain = chain;
                if back == 0 {
                    self.segment = self.segment.take().or(open);
                }
                break;
            }
        }
        self.vouched = vouched_for(folder.path()).min(self.chain.size());
        Ok(())
    }

    pub(super) fn folder(&self) -> Option<&Folder> {
        self.folder.as_ref()
    }

    pub(super) fn segment(&self) -> Option<&Segment> {
        self.segment.as_ref()
    }

    pub(super) fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Lines written since the last checkpoint.
    pub(super) fn unvouched(&self) -> u64 {
        self.chain.size().saturating_sub(self.vouched)
    }

    /// Gives up folder and segment: either may have been taken away under us.
    pub(super) fn let_go(&mut self) {
        self.folder = None;
        if let Some(segment) = self.segment.take() {
            self.ended(&segment);
            if let Err(fault) = segment.abandon() {
                tracing::warn!(%fault, "an empty segment cannot be removed");
            }
        }
    }

    /// Sees to it that there is a folder, and in it a segment with room for so many bytes in so many lines. `true`: a
    /// segment was begun.
    pub(crate) fn rotate(&mut self, settings: &LogSettings, bytes: usize, lines: usize) -> io::Result<bool> {
        let coming = bytes.saturating_add(lines.saturating_mul(SEAL));
        let coming = u64::try_from(coming).unwrap_or(u64::MAX);
        let full = self.segment.as_ref().is_some_and(|segment| {
            let length = segment.length();
            let age = SignedDuration::try_from(settings.segment_age).unwrap_or(SignedDuration::MAX);
            length > 0
                && (length.saturating_add(coming) > settings.segment_bytes
                    || Timestamp::now().duration_since(segment.begun()) >= age)
        });
        if full {
            self.end_segment()?;
        }
        if self.segment.is_some() {
            return Ok(false);
        }
        let folder = match self.folder.take() {
            Some(folder) => folder,
            None => {
                let folder = Folder::open(&settings.folder)?;
                self.keys.keep(&settings.folder)?;
                folder
            }
        };
        let begun = self.begin(&folder);
        self.folder = Some(folder);
        begun.map(|()| true)
    }

    /// Ends the open segment, if it has lines: it is on the disk from here on.
    pub(crate) fn end_segment(&mut self) -> io::Result<()> {
        if let Some(segment) = self.segment.take_if(|segment| segment.length() > 0) {
            segment.sync()?;
            self.ended(&segment);
        }
        Ok(())
    }

    /// Forces to the disk what was written.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.segment.as_ref().map_or(Ok(()), Segment::sync)
    }

    fn ended(&mut self, segment: &Segment) {
        if segment.length() > 0 {
            self.previous = Some(segment::stem(segment.path()));
        }
    }

    fn begin(&mut self, folder: &Folder) -> io::Result<()> {
        self.segment = Some(Segment::begin(folder, Timestamp::now())?);
        Ok(())
    }

    /// Appends whole lines, all of them or none, as the next of the chain.
    pub(super) fn append(&mut self, lines: &[u8], sync: SyncPoint) -> io::Result<()> {
        let Some(segment) = &mut self.segment else { return Err(io::Error::other("no segment is open")) };
        let mut chain = self.chain.clone();
        self.sealed.clear();
        if segment.length() == 0 {
            let mut head = Head::new(&chain, now(), self.keys.signer.verifier().name());
            head.previous.clone_from(&self.previous);
            if chain.size() > 0 {
                head.checkpoint = Some(Checkpoint::sign(&chain.tree, &self.keys.signer));
            }
            let head = line::structure("segment", &head).map_err(io::Error::other)?;
            chain.seal(&head, &mut self.sealed);
        }
        let mut from = 0;
        for end in memchr::memchr_iter(b'\n', lines) {
            chain.seal(lines.get(from..end).unwrap_or_default(), &mut self.sealed);
            from = end + 1;
        }
        segment.append(&self.sealed, sync == SyncPoint::Always)?;
        self.chain = chain;
        self.sealed.shrink_to(KEPT_BUFFER);
        Ok(())
    }

    /// Forces what was written to the disk, signs for it, and writes the checkpoint into the log, beside it, and to its
    /// second place.
    pub(crate) fn vouch(&mut self, settings: &LogSettings) -> io::Result<()> {
        if self.segment.is_none() {
            return Ok(());
        }
        self.rotate(settings, CHECKPOINT_LINE, 1)?;
        if self.segment.as_ref().is_some_and(|segment| segment.length() == 0) {
            // Its head is a line, too, and stands before the checkpoint.
            self.append(&[], SyncPoint::Checkpoint)?;
        }
        self.sync()?;
        let note = Checkpoint::sign(&self.chain.tree, &self.keys.signer);
        let content = CheckpointLine {
            time: now(),
            note: note.clone(),
            link: text(&self.chain.link),
            peaks: self.chain.tree.peaks().iter().map(|peak| text(peak)).collect(),
        };
        let line = line::structure("checkpoint", &content).map_err(io::Error::other)?;
        self.append(&line, SyncPoint::Checkpoint)?;
        self.vouched = self.chain.size();
        publish(settings, &note)
    }
}

/// Puts a checkpoint beside the log and adds it to its second place.
fn publish(settings: &LogSettings, note: &str) -> io::Result<()> {
    let newest = settings.folder.join(CHECKPOINT);
    crate::archive::replace(&newest, |file| io::Write::write_all(file, note.as_bytes()))?;
    let Some(copy) = &settings.checkpoint_copy else { return Ok(()) };
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(copy)?;
    io::Write::write_all(&mut file, note.as_bytes())?;
    file.sync_data()
}

/// Lines that the newest checkpoint vouches for.
fn vouched_for(folder: &Path) -> u64 {
    let text = std::fs::read_to_string(folder.join(CHECKPOINT)).unwrap_or_default();
    Note::parse(&text)
        .ok()
        .and_then(|note| Checkpoint::unverified(&note))
        .map_or(0, |checkpoint| checkpoint.size)
}

/// The chain at the end of a segment; `None` if it has none. It is gone on from the last checkpoint, so that a large
/// segment is not read from its beginning. What is wrong in it is for `verify` to say.
fn end(path: &Path) -> io::Result<Option<Chain>> {
    let blocks = Blocks::open(path)?;
    let places = blocks.places();
    for (index, place) in places.iter().enumerate().rev() {
        let bytes = blocks.read(place)?;
        let known = last_checkpoint(&bytes).or_else(|| if index == 0 { beginning(&bytes) } else { None });
        let Some((mut chain, lines)) = known else { continue };
        go_on(&mut chain, lines);
        for place in places.iter().skip(index + 1) {
            go_on(&mut chain, &blocks.read(place)?);
        }
        return Ok(Some(chain));
    }
    Ok(None)
}

/// The chain before the last checkpoint of a block, if what its line says fits together, and the lines from there.
fn last_checkpoint(bytes: &[u8]) -> Option<(Chain, &[u8])> {
    let at = memchr::memmem::rfind(bytes, CHECKPOINT_KIND)?;
    let lines = bytes.get(at..)?;
    let line = lines.split(|byte| *byte == b'\n').next()?;
    let content: CheckpointLine = serde_json::from_slice(line).ok()?;
    let peaks = content.peaks.iter().map(|peak| hash_from(peak)).collect::<Option<_>>()?;
    let checkpoint = Checkpoint::unverified(&Note::parse(&content.note).ok()?)?;
    let tree = Tree::of(checkpoint.size, peaks).filter(|tree| tree.root() == checkpoint.root)?;
    let sealed = Sealed::parse(line).filter(|sealed| sealed.number == checkpoint.size)?;
    let chain = Chain { tree, link: link_from(&content.link)? };
    (next(&chain.link, &sealed.leaf()?) == sealed.link).then_some((chain, lines))
}

fn beginning(bytes: &[u8]) -> Option<(Chain, &[u8])> {
    let line = bytes.split(|byte| *byte == b'\n').next()?;
    Some((Head::parse(line)?.chain()?, bytes))
}

/// Goes on by every line that is the next one; whoever goes on writing goes on from the last that names its place.
fn go_on(chain: &mut Chain, lines: &[u8]) {
    for line in lines.split(|byte| *byte == b'\n') {
        if let Some(sealed) = Sealed::parse(line)
            && sealed.number == chain.size()
            && let Some(leaf) = sealed.leaf()
        {
            chain.push(leaf);
            chain.link = sealed.link;
        }
    }
}

/// Room for a checkpoint's line.
const CHECKPOINT_LINE: usize = 2048;

const CHECKPOINT_KIND: &[u8] = b"{\"kind\":\"checkpoint\"";

/// Buffer kept from one write to the next.
const KEPT_BUFFER: usize = 1024 * 1024;
