//! What Apache's error log says about a request. It names files, not URLs, so lines are tied to the request by the file
//! that the URL maps to, or by the second in which the access log has the refusal.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::logs;
use crate::nginx::words::between;
use crate::report::Place;

/// What a line names as the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    /// AH01630
    Denied,
    /// AH01797
    DeniedOld,
    /// AH01631
    Person,
    /// AH01276
    Index,
    /// AH00132
    FileMode,
    /// AH00035
    Search,
    /// AH00529
    Override,
    /// AH00037
    Link,
    /// AH02219, AH02229
    Secure,
    /// AH02809 and its kin
    Cgi,
    /// `client denied` by `mod_evasive`
    Evasive,
    Rewrite,
    Script,
    /// A directory that cannot be opened for listing.
    Listing,
}

/// One line.
#[derive(Debug, Clone)]
pub(crate) struct Spoken {
    pub(crate) word: Word,
    pub(crate) about: PathBuf,
    pub(crate) line: String,
    pub(crate) place: Place,
    pub(crate) when: Option<Timestamp>,
}

/// All lines that name a reason.
pub(crate) fn all(log: &Path, lines: &[String]) -> Vec<Spoken> {
    let said = |(at, line): (usize, &String)| {
        let word = word(line)?;
        let place = Place { file: log.to_path_buf(), line: u32::try_from(at + 1).unwrap_or(0) };
        Some(Spoken { word, about: about(word, line), line: logs::quote(line), place, when: when(line) })
    };
    lines.iter().enumerate().filter_map(said).collect()
}

/// The line that belongs to the request: the last about its file; else one of the same second as the refusal.
pub(crate) fn chosen(all: &[Spoken], file: &Path, path: &str, refused: Option<Timestamp>) -> Option<Spoken> {
    let trimmed = |path: &Path| path.display().to_string().trim_end_matches('/').to_owned();
    let wanted = trimmed(file);
    let fits = |spoken: &&Spoken| {
        let about = trimmed(&spoken.about);
        if about.is_empty() {
            return false;
        }
        about == wanted
            || about.starts_with("proxy:") && about.contains(path)
            || path.len() > 1 && about == path.trim_end_matches('/')
            || wanted.starts_with(&format!("{about}/"))
                && matches!(spoken.word, Word::Link | Word::Override | Word::Search | Word::FileMode)
            || about
                .strip_prefix(&wanted)
                .is_some_and(|rest| rest.starts_with("/index") || rest.starts_with("/.htaccess"))
    };
    let near = |spoken: &&Spoken| match (spoken.when, refused) {
        (Some(said), Some(refused)) => (said.as_second() - refused.as_second()).abs() <= 1,
        _ => false,
    };
    all.iter()
        .rev()
        .find(|spoken| fits(spoken) && near(spoken))
        .or_else(|| all.iter().rev().find(fits))
        .or_else(|| {
            // Only when nothing else happened in that second.
            let mut same = all.iter().filter(near);
            let one = same.next();
            one.filter(|_| same.next().is_none())
        })
        .cloned()
}

fn word(line: &str) -> Option<Word> {
    let has = |text: &str| line.contains(text);
    Some(if has("AH01630") || has("client denied by server configuration") && has("[authz_core:") {
        Word::Denied
    } else if has("AH01797") || has("client denied by server configuration") && has("[access_compat:") {
        Word::DeniedOld
    } else if has("client denied by server configuration") {
        Word::Evasive
    } else if has("AH01631") {
        Word::Person
    } else if has("AH01276") || has("No matching DirectoryIndex") {
        Word::Index
    } else if has("AH00132") || has("file permissions deny server access") {
        Word::FileMode
    } else if has("AH00035") || has("search permissions are missing") {
        Word::Search
    } else if has("AH00529") || has("unable to check htaccess file") {
        Word::Override
    } else if has("AH00037") || has("AH00036") || has("Symbolic link not allowed") {
        Word::Link
    } else if has("SSL connection required")
        || has("SSL requirement expression")
        || has("AH02219")
        || has("AH02229")
    {
        Word::Secure
    } else if has("ExecCGI is off")
        || has("AH02809")
        || has("permissions deny server execution")
        || has("attempt to invoke directory as script")
    {
        Word::Cgi
    } else if has("security.limit_extensions") {
        Word::Script
    } else if has("Can't open directory for index") || has("AH01275") {
        Word::Listing
    } else if has("[rewrite:") && has("forcing '") {
        Word::Rewrite
    } else {
        return None;
    })
}

/// The file or URL that a line is about.
fn about(word: Word, line: &str) -> PathBuf {
    let line = line.split(", referer:").next().unwrap_or(line);
    let text = match word {
        Word::Search => between(line, "filesystem path '", "'").or(between(line, "access to ", " denied")),
        Word::Override => line
            .split(": ")
            .find(|part| part.contains(" pcfg_openfile") || part.contains("/.htaccess"))
            .and_then(|part| part.split(" pcfg").next())
            .map(|part| part.split(' ').next_back().unwrap_or(part)),
        Word::Index => between(line, "Cannot serve directory ", ":"),
        Word::Script => between(line, "script '", "'"),
        Word::Secure => between(line, "access to ", " failed"),
        Word::Person => between(line, "failure for \"", "\""),
        Word::Rewrite => between(line, "forcing '", "'"),
        _ => line.rsplit_once(": ").map(|(_, rest)| rest),
    };
    PathBuf::from(text.unwrap_or("").trim())
}

/// `[Fri Nov 27 10:00:00.123456 2026]`, in the server's time zone, taken to be this machine's.
fn when(line: &str) -> Option<Timestamp> {
    let stamp = between(line, "[", "]")?;
    let local = DateTime::strptime("%a %b %d %H:%M:%S%.f %Y", stamp).ok()?;
    TimeZone::system().to_timestamp(local).ok()
}
