//! Reading the files of a configuration: bounded, in order, and named as people know them.

use std::io::{Error, Read};
use std::path::{Path, PathBuf};

/// Largest file read. The largest geo databases in use are half of it.
const LARGEST_FILE: u64 = 1024 * 1024 * 1024;

/// Most files of one folder. More were put there by accident.
const MOST_FILES: usize = 10_000;

/// Files of a folder.
pub(super) struct Files;

impl Files {
    /// The files below a folder that end in `.extension` (any, if it is empty), by name. Hidden files are left out:
    /// editors keep half-written copies in them.
    pub(super) fn below(folder: &Path, extension: &str) -> Result<Vec<PathBuf>, Error> {
        let mut found = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder)? {
                let entry = entry?;
                let path = entry.path();
                if entry.file_name().to_string_lossy().starts_with('.') {
                    continue;
                }
                if entry.file_type()?.is_dir() {
                    folders.push(path);
                } else if extension.is_empty() || path.extension().is_some_and(|there| there == extension) {
                    found.push(path);
                }
                if found.len().saturating_add(folders.len()) > MOST_FILES {
                    return Err(Error::other(format!("more than {MOST_FILES} files")));
                }
            }
        }
        found.sort();
        Ok(found)
    }
}

/// A file's content.
pub(super) fn bytes(path: &Path) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(LARGEST_FILE + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > LARGEST_FILE) {
        return Err(Error::other(format!("it is larger than {LARGEST_FILE} bytes")));
    }
    Ok(bytes)
}

/// A path as the configuration would write it.
pub(super) fn shown(base: &Path, path: &Path) -> String {
    path.strip_prefix(base).unwrap_or(path).display().to_string()
}
