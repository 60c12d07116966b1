//! Reading configuration files: bounded in size, number and depth, with what could not be read kept as faults.
//!
//! INVARIANT: only regular files are opened, so that a pipe or device named by an include cannot hold the reader up.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::report::{Fault, Place};

/// No configuration file is larger; what is is not configuration.
const MOST_BYTES: u64 = 4 << 20;
/// Files read in one run, over all roots.
const MOST_FILES: usize = 2_000;
/// Includes within includes.
const MOST_DEPTH: usize = 32;
/// Faults kept; a broken tree would otherwise repeat one fault for ever.
const MOST_FAULTS: usize = 200;

/// The files of one run.
#[derive(Debug, Default)]
pub(crate) struct Files {
    read: usize,
    /// The includes that are open now, to see cycles.
    open: Vec<PathBuf>,
    pub(crate) faults: Vec<Fault>,
}

impl Files {
    /// A whole file as text. Bytes that are not UTF-8 are replaced.
    pub(crate) fn text(&mut self, path: &Path, named_at: Option<&Place>) -> Option<String> {
        if self.read >= MOST_FILES {
            self.fault(
                named_at,
                path,
                format!("more than {MOST_FILES} files: `{}` is not read", path.display()),
            );
            return None;
        }
        self.read += 1;
        match whole(path) {
            Ok(text) => Some(text),
            Err(said) => {
                self.fault(named_at, path, said);
                None
            }
        }
    }

    /// Opens an include, unless it is already open or too deep. Every success is followed by [`Files::leave`].
    pub(crate) fn enter(&mut self, path: &Path, named_at: Option<&Place>) -> Option<String> {
        let true_path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        if self.open.contains(&true_path) {
            self.fault(named_at, path, format!("`{}` includes itself", path.display()));
            return None;
        }
        if self.open.len() >= MOST_DEPTH {
            self.fault(named_at, path, format!("includes go deeper than {MOST_DEPTH}"));
            return None;
        }
        let text = self.text(path, named_at)?;
        self.open.push(true_path);
        Some(text)
    }

    pub(crate) fn leave(&mut self) {
        self.open.pop();
    }

    /// The files that an include names: itself, or what a glob matches, sorted. A directory yields what is in it.
    pub(crate) fn expand(&mut self, pattern: &str, base: &Path, named_at: Option<&Place>) -> Vec<PathBuf> {
        let full = base.join(pattern);
        let text = full.to_string_lossy().into_owned();
        if !text.contains(['*', '?', '[']) {
            return vec![full];
        }
        match glob::glob(&text) {
            Ok(found) => {
                found.filter_map(Result::ok).filter(|path| path.is_file()).take(MOST_FILES).collect()
            }
            Err(fault) => {
                self.fault(named_at, &full, format!("`{pattern}` is not a pattern: {fault}"));
                Vec::new()
            }
        }
    }

    pub(crate) fn fault(&mut self, named_at: Option<&Place>, path: &Path, said: impl Into<String>) {
        let place = named_at.cloned().unwrap_or_else(|| Place { file: path.to_path_buf(), line: 0 });
        let fault = Fault { place, said: said.into() };
        if self.faults.len() < MOST_FAULTS && !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }
}

/// A whole regular file of bounded size.
pub(crate) fn whole(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let about = std::fs::metadata(path).map_err(|fault| format!("cannot read `{shown}`: {fault}"))?;
    if !about.is_file() {
        return Err(format!("`{shown}` is not a file"));
    }
    if about.len() > MOST_BYTES {
        return Err(format!("`{shown}` is larger than {MOST_BYTES} bytes and is not read"));
    }
    let file = File::open(path).map_err(|fault| format!("cannot read `{shown}`: {fault}"))?;
    let mut bytes = Vec::new();
    file.take(MOST_BYTES)
        .read_to_end(&mut bytes)
        .map_err(|fault| format!("cannot read `{shown}`: {fault}"))?;
    // A byte order mark would become part of the first word.
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned())
}

/// The files directly in a folder, sorted; at most so many entries are looked at.
pub(crate) fn files_in(folder: &Path, most: usize) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.take(most).filter_map(Result::ok).map(|entry| entry.path());
    let mut found: Vec<PathBuf> = paths.filter(|path| path.is_file()).collect();
    found.sort();
    found
}
