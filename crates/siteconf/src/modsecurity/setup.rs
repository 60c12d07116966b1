//! What a ModSecurity configuration says about itself: whether the engine is on, and where it writes.

use std::path::{Path, PathBuf};

use crate::report::Place;
use crate::source::Files;

/// What was found.
#[derive(Debug, Clone, Default)]
pub(crate) struct Setup {
    /// `On`, `Off`, `DetectionOnly`; the last one counts.
    pub(crate) engine: Option<(String, Place)>,
    pub(crate) audit_logs: Vec<PathBuf>,
    /// Whether any rules are there at all.
    pub(crate) rules: usize,
}

impl Setup {
    /// Whether it can refuse anything.
    pub(crate) fn refuses(&self) -> bool {
        self.engine.as_ref().is_some_and(|(engine, _)| engine.eq_ignore_ascii_case("on"))
    }

    /// One directive, wherever it stands.
    pub(crate) fn learn(&mut self, name: &str, argument: &str, base: &Path, place: &Place) {
        match name.to_ascii_lowercase().as_str() {
            "secruleengine" => self.engine = Some((argument.to_owned(), place.clone())),
            "secauditlog" | "secauditlog2" | "secauditlogstoragedir" => {
                self.audit_logs.push(base.join(argument))
            }
            "secrule" | "secaction" => self.rules += 1,
            _ => {}
        }
    }
}

/// A rules file with what it includes.
pub(crate) fn read_file(path: &Path, named_at: Option<&Place>, setup: &mut Setup, files: &mut Files) {
    let Some(text) = files.enter(path, named_at) else { return };
    read_text(&text, path, 0, setup, files);
    files.leave();
}

/// Rules in line, `modsecurity_rules '…'`, or the text of a file.
pub(crate) fn read_text(text: &str, path: &Path, before: u32, setup: &mut Setup, files: &mut Files) {
    let base = path.parent().unwrap_or(Path::new("/"));
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        let Some((name, rest)) = line.split_once(char::is_whitespace) else { continue };
        let place = Place { file: path.to_path_buf(), line: before + u32::try_from(at + 1).unwrap_or(0) };
        let argument = rest.trim().trim_matches('"');
        if matches!(name.to_ascii_lowercase().as_str(), "include" | "includeoptional") {
            for path in files.expand(argument, base, Some(&place)) {
                read_file(&path, Some(&place), setup, files);
            }
        } else {
            setup.learn(name, argument, base, &place);
        }
    }
}
