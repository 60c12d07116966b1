//! What nginx's error log says about a request, in nginx's own words.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::hop::Hop;
use crate::logs;
use crate::report::Place;

/// What a line names as the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Word {
    /// `access forbidden by rule`
    Forbidden,
    /// `directory index of "…" is forbidden`
    Index(PathBuf),
    /// `… (13: Permission denied)`
    Permission(PathBuf),
    /// `… (40: Too many levels of symbolic links)` and its kin
    Link(PathBuf),
    /// `limiting requests`, `limiting connections`
    Limiting,
    /// `ModSecurity: Access denied`
    ModSecurity,
    /// `Access to the script '…' has been denied`
    Script(PathBuf),
    /// PHP-FPM's own refusal to open a script.
    ScriptUnreadable(PathBuf),
    /// A file of passwords that is not there.
    NoPasswords(PathBuf),
    /// A line that a Lua handler wrote itself.
    Lua,
}

/// One line about the request.
#[derive(Debug, Clone)]
pub(crate) struct Spoken {
    pub(crate) word: Word,
    pub(crate) line: String,
    pub(crate) place: Place,
    pub(crate) client: Option<IpAddr>,
}

/// What an error log says about the request, except what the servers with these names wrote: several share one log, and
/// all of them are asked for `/`.
pub(crate) fn spoken(log: &Path, lines: &[String], hop: &Hop, others: &[String]) -> Option<Spoken> {
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let by = between(line, ", server: ", ",");
        if by.is_some_and(|by| others.iter().any(|other| other.eq_ignore_ascii_case(by))) {
            continue;
        }
        let Some(request) = between(line, "request: \"", "\"") else { continue };
        let (method, target) = logs::request_line(request);
        let Some(fit) = logs::fit(hop, method, target) else { continue };
        let Some(word) = word(line) else { continue };
        let place = Place { file: log.to_path_buf(), line: u32::try_from(at + 1).unwrap_or(0) };
        let client = between(line, "client: ", ",").and_then(|client| client.parse().ok());
        found.push((fit, when(line), Spoken { word, line: logs::quote(line), place, client }));
    }
    logs::best(found, hop.at)
}

fn word(line: &str) -> Option<Word> {
    let path = || PathBuf::from(between(line, "\"", "\"").unwrap_or(""));
    let has = |text: &str| line.contains(text);
    if has("access forbidden by rule") {
        Some(Word::Forbidden)
    } else if has("directory index of") && has("is forbidden") {
        Some(Word::Index(path()))
    } else if has("ModSecurity: Access denied") {
        Some(Word::ModSecurity)
    } else if has("limiting requests, excess") && !has("delaying") || has("limiting connections by zone") {
        Some(Word::Limiting)
    } else if has("security.limit_extensions") {
        Some(Word::Script(PathBuf::from(between(line, "script '", "'").unwrap_or(""))))
    } else if has("FastCGI sent in stderr") && has("Permission denied") {
        Some(Word::ScriptUnreadable(PathBuf::from(
            between(line, "script '", "'").or(between(line, "script: ", " ")).unwrap_or(""),
        )))
    } else if has("(40: Too many") || has("(31: Too many") || has("(1: Operation not permitted)") {
        Some(Word::Link(path()))
    } else if has("(13: Permission denied)") && !has("connect() to") {
        Some(Word::Permission(path()))
    } else if has("open() \"")
        && has("(2: No such file")
        && (has("htpasswd") || has("passwd") || has("users"))
    {
        Some(Word::NoPasswords(path()))
    } else if has("[lua]") {
        Some(Word::Lua)
    } else {
        None
    }
}

/// `2026/11/27 09:55:34`, in the server's time zone, which is taken to be this machine's.
fn when(line: &str) -> Option<Timestamp> {
    let stamp = line.get(..19)?;
    let local = DateTime::strptime("%Y/%m/%d %H:%M:%S", stamp).ok()?;
    TimeZone::system().to_timestamp(local).ok()
}

pub(crate) fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    text.split_once(from)?.1.split_once(to).map(|(part, _)| part)
}
