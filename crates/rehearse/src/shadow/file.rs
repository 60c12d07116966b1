//! Where differences are written: lines of JSON in two files, of which the older one gives way.
//!
//! INVARIANT: both together are never larger than twice [`LARGEST`] and a line.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Beyond this the file that is written becomes the older one.
const LARGEST: u64 = 16 << 20;

/// Longest line that is read.
const LONGEST: u64 = 64 << 10;

const NEWER: &str = "differences.jsonl";
const OLDER: &str = "differences.older.jsonl";

/// One request that shadow policies would have answered otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The decision's identifier, as people are shown it.
    pub reference: String,
    /// When they were asked.
    pub time: String,
    /// `newly-allowed`, `newly-refused` or `changed-reason`.
    pub kind: String,
    /// What the request was for.
    pub place: Place,
    /// What the caller was told; `None`: nothing, the request went on.
    #[serde(default)]
    pub was: Option<Said>,
    /// What they would have been told.
    #[serde(default)]
    pub would: Option<Said>,
    /// The shadow policies that determined it; none on a default denial.
    #[serde(default)]
    pub policies: Vec<String>,
    /// The version of the shadow policies.
    pub set: String,
}

/// What a request was for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The app.
    pub app: String,
    /// The route within it.
    pub route: String,
    /// The action: `GET`.
    pub action: String,
}

/// A public reason and its status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The public reason's code.
    pub reason: String,
    /// The status.
    pub status: u16,
}

/// The files, while they are written to.
#[derive(Debug)]
pub(super) struct Differences {
    folder: PathBuf,
    open: Option<(File, u64)>,
    /// Whether it was said that they cannot be written.
    complained: bool,
}

impl Differences {
    pub(super) fn in_folder(folder: PathBuf) -> Self {
        Self { folder, open: None, complained: false }
    }

    /// Writes one; where that fails it is said once, and counted all the same.
    pub(super) fn write(&mut self, difference: &Difference) {
        match self.try_write(difference) {
            Ok(()) => self.complained = false,
            Err(fault) => {
                self.open = None;
                if !std::mem::replace(&mut self.complained, true) {
                    let folder = self.folder.display();
                    tracing::warn!(%folder, %fault, "differences of the shadow policies cannot be written");
                }
            }
        }
    }

    fn try_write(&mut self, difference: &Difference) -> io::Result<()> {
        let mut line = serde_json::to_vec(difference)?;
        line.push(b'\n');
        let (mut file, length) = match self.open.take() {
            Some(open) => open,
            None => self.opened()?,
        };
        file.write_all(&line)?;
        let length = length.saturating_add(u64::try_from(line.len()).unwrap_or(u64::MAX));
        if length < LARGEST {
            self.open = Some((file, length));
            return Ok(());
        }
        std::fs::rename(self.folder.join(NEWER), self.folder.join(OLDER))
    }

    fn opened(&self) -> io::Result<(File, u64)> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let path = self.folder.join(NEWER);
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
        let length = file.metadata()?.len();
        Ok((file, length))
    }
}

/// Every difference that is remembered, oldest first. Lines that cannot be read are passed over.
///
/// # Errors
/// Where a file is there and cannot be read.
pub fn read(folder: &Path) -> io::Result<Vec<Difference>> {
    let mut all = Vec::new();
    for name in [OLDER, NEWER] {
        let file = match File::open(folder.join(name)) {
            Ok(file) => file,
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => continue,
            Err(fault) => return Err(fault),
        };
        let mut reader = BufReader::new(file.take(LARGEST.saturating_add(LONGEST)));
        let mut line = Vec::new();
        loop {
            line.clear();
            if (&mut reader).take(LONGEST).read_until(b'\n', &mut line)? == 0 {
                break;
            }
            all.extend(serde_json::from_slice::<Difference>(&line));
        }
    }
    Ok(all)
}

/// What is remembered of one decision: what the newest shadow policies that were asked about it said.
///
/// # Errors
/// As [`read`].
pub fn find(folder: &Path, reference: &str) -> io::Result<Option<Difference>> {
    Ok(read(folder)?.into_iter().rev().find(|difference| difference.reference == reference))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(number: u32) -> Difference {
        Difference {
            reference: format!("{number:08}"),
            time: "2026-11-24T01:30:00Z".to_owned(),
            kind: "newly-refused".to_owned(),
            place: Place { app: "shop".to_owned(), route: "all".to_owned(), action: "GET".to_owned() },
            was: None,
            would: Some(Said { reason: "x".repeat(1 << 14), status: 403 }),
            policies: Vec::new(),
            set: "v".to_owned(),
        }
    }

    #[test]
    fn files_are_bounded_and_the_newest_stay() {
        let folder = tempfile::tempdir().unwrap();
        let mut differences = Differences::in_folder(folder.path().join("shadow"));
        assert!(read(&folder.path().join("shadow")).unwrap().is_empty(), "nothing was written yet");
        for number in 0..3000 {
            differences.write(&difference(number));
        }
        let kept = read(&folder.path().join("shadow")).unwrap();
        assert!((1000..2200).contains(&kept.len()), "{}", kept.len());
        assert_eq!(kept.last(), Some(&difference(2999)));
        assert!(kept.windows(2).all(|two| two[0].reference < two[1].reference));
        let files = std::fs::read_dir(folder.path().join("shadow")).unwrap();
        let size: u64 = files.map(|file| file.unwrap().metadata().unwrap().len()).sum();
        assert!(size <= 2 * LARGEST + LONGEST, "{size}");
        let found = find(&folder.path().join("shadow"), "00002999").unwrap();
        assert_eq!(found, Some(difference(2999)));
    }

    #[test]
    fn a_run_goes_on_where_the_last_one_ended_and_broken_lines_are_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        Differences::in_folder(folder.path().to_owned()).write(&difference(1));
        let file = OpenOptions::new().append(true).open(folder.path().join(NEWER));
        file.unwrap().write_all(b"{\"reference\":\n").unwrap();
        Differences::in_folder(folder.path().to_owned()).write(&difference(2));
        assert_eq!(read(folder.path()).unwrap(), [difference(1), difference(2)]);
    }
}
