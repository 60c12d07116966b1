//! What decided, kept beside the log: the texts of every snapshot that a record may name, so that a decision is explained
//! by the policies that made it. One file a snapshot, `snapshots/<version>.zst`, written when it begins to decide.
//!
//! A version is the hash of these texts and of everything else that decides ([`version`]), and stands in every record, which
//! the chain proves: a text that was changed afterwards is found out when it is read.
//!
//! INVARIANT: a file goes only when no kept segment can name its snapshot. The one that decides is touched at each look,
//! so a file is at most a look older than the last record that names it.

use std::fs::{File, FileTimes};
use std::io::{self, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use aws_lc_rs::digest::{Context, SHA256};
use jiff::{SignedDuration, Timestamp};

use crate::archive;

/// The texts of one snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Texts {
    /// What they are is for the reader to know; no secret may be in them.
    pub content: Vec<u8>,
    /// SHA-256 over whatever else decides: configuration, directory, databases.
    pub rest: [u8; 32],
}

/// Why texts cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TextsFault {
    /// They are not there.
    #[error("the policies of snapshot {0} are not kept beside this log")]
    NotKept(String),
    /// The file cannot be read.
    #[error("`{}` cannot be read: {fault}", .file.display())]
    Unreadable {
        /// Which file.
        file: PathBuf,
        /// What the system said.
        fault: io::Error,
    },
    /// They are not what decided.
    #[error("`{}` was changed: it does not hold what the snapshot's hash was taken of", .0.display())]
    Changed(PathBuf),
}

impl Texts {
    /// The snapshot's version: SHA-256 over the hash of the rest and the hash of the texts, in hexadecimal.
    #[must_use]
    pub fn version(&self) -> String {
        let texts = aws_lc_rs::digest::digest(&SHA256, &self.content);
        let mut both = Context::new(&SHA256);
        both.update(&self.rest);
        both.update(texts.as_ref());
        both.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Keeps them in the folder of a log. What is there already is only touched.
    pub(crate) fn keep(&self, log: &Path) -> io::Result<()> {
        let version = self.version();
        if touch(log, &version)? {
            return Ok(());
        }
        let folder = log.join(FOLDER);
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        archive::replace(&file_of(log, &version), |file| {
            let mut packed = zstd::Encoder::new(file, LEVEL)?;
            packed.write_all(&self.rest)?;
            packed.write_all(&self.content)?;
            packed.finish().map(drop)
        })?;
        shrink(&folder, &version)
    }

    /// Those of a snapshot, as they were when it decided.
    ///
    /// # Errors
    /// [`TextsFault`] where they are not kept, cannot be read, or are not what decided.
    pub fn read(log: &Path, version: &str) -> Result<Self, TextsFault> {
        if !is_version(version) {
            return Err(TextsFault::NotKept(shortened(version)));
        }
        let path = file_of(log, version);
        let mut whole = Vec::new();
        let read = File::open(&path)
            .and_then(zstd::Decoder::new)
            .and_then(|file| file.take(LONGEST).read_to_end(&mut whole));
        match read {
            Ok(_) => {}
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => {
                return Err(TextsFault::NotKept(shortened(version)));
            }
            Err(fault) => return Err(TextsFault::Unreadable { file: path, fault }),
        }
        let Some((rest, content)) = whole.split_first_chunk::<32>() else {
            return Err(TextsFault::Changed(path));
        };
        let texts = Self { content: content.to_owned(), rest: *rest };
        if texts.version() == version { Ok(texts) } else { Err(TextsFault::Changed(path)) }
    }
}

/// Removes what no segment names any more; `oldest` is when the oldest kept one was begun, `current` what decides now.
pub(crate) fn sweep(log: &Path, oldest: Option<Timestamp>, current: Option<&str>) -> io::Result<()> {
    if let Some(current) = current {
        touch(log, current)?;
    }
    let before = oldest.unwrap_or_else(Timestamp::now).saturating_sub(MARGIN).unwrap_or(Timestamp::MIN);
    for (touched, _, path) in kept(&log.join(FOLDER))? {
        let is_current = current.is_some_and(|current| path == file_of(log, current));
        let touched = Timestamp::try_from(touched).unwrap_or(Timestamp::MAX);
        if !is_current && touched < before {
            std::fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// Says that it decides still; `false`: it is not kept.
fn touch(log: &Path, version: &str) -> io::Result<bool> {
    match File::open(file_of(log, version)) {
        Ok(file) => file.set_times(FileTimes::new().set_modified(SystemTime::now())).map(|()| true),
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(fault) => Err(fault),
    }
}

/// Removes the longest unused while all of them are too large, but never the one that decides.
fn shrink(folder: &Path, current: &str) -> io::Result<()> {
    let mut files = kept(folder)?;
    files.sort();
    let mut total: u64 = files.iter().map(|(_, size, _)| size).sum();
    for (_, size, path) in files {
        if total <= MOST_BYTES {
            break;
        }
        if path.file_stem().is_some_and(|stem| stem != current) {
            std::fs::remove_file(&path)?;
            total = total.saturating_sub(size);
        }
    }
    Ok(())
}

/// What is kept: when it was touched, its size, its path.
fn kept(folder: &Path) -> io::Result<Vec<(SystemTime, u64, PathBuf)>> {
    let entries = match std::fs::read_dir(folder) {
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry?;
        let about = entry.metadata()?;
        if about.is_file() {
            files.push((about.modified()?, about.len(), entry.path()));
        }
    }
    Ok(files)
}

fn file_of(log: &Path, version: &str) -> PathBuf {
    log.join(FOLDER).join(format!("{version}.zst"))
}

/// A record may come from anywhere, and its version becomes part of a path.
fn is_version(version: &str) -> bool {
    version.len() == 64 && version.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn shortened(version: &str) -> String {
    version.chars().take(12).collect()
}

const FOLDER: &str = "snapshots";

/// All of them together. A set of 10,000 policies takes some hundred kilobytes.
const MOST_BYTES: u64 = 256 * 1024 * 1024;

/// What is read of one at most: more than 200,000 policies take.
const LONGEST: u64 = 1024 * 1024 * 1024;

/// A request that was decided by a snapshot may be recorded a little after the next one has come, and the file of the
/// one that decides is touched only once a minute.
const MARGIN: SignedDuration = SignedDuration::from_hours(1);

const LEVEL: i32 = 3;

#[cfg(test)]
mod tests;
