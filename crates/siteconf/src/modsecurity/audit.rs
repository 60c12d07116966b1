//! Audit logs: serial ones in sections or JSON, and concurrent ones, of which the newest transactions are read.

use std::path::{Path, PathBuf};

use super::messages::Message;
use crate::hop::Hop;
use crate::logs::{self, Fit};

/// Transactions of a concurrent log that are opened.
const MOST_OPENED: usize = 200;

/// The messages of the transaction in an audit log that fits the request best.
pub(crate) fn transaction(log: &Path, hop: &Hop) -> Option<Vec<Message>> {
    let lines = if log.is_dir() { concurrent(log) } else { logs::tail(log)? };
    let mut found: Vec<(Fit, Option<jiff::Timestamp>, Vec<Message>)> = Vec::new();
    let mut open: Option<(Option<Fit>, Vec<Message>)> = None;
    let mut section = ' ';
    for (at, line) in lines.iter().enumerate() {
        if line.starts_with('{') {
            if let Some((fit, messages)) = json(line, log, at, hop) {
                found.push((fit, None, messages));
            }
            continue;
        }
        if let Some(letter) = boundary(line) {
            section = letter;
            if letter == 'A' {
                close(open.take(), &mut found);
                open = Some((None, Vec::new()));
            }
            if letter == 'Z' {
                close(open.take(), &mut found);
            }
            continue;
        }
        let Some((fit, messages)) = open.as_mut() else { continue };
        match section {
            'B' if fit.is_none() => {
                let (method, target) = logs::request_line(line);
                *fit = logs::fit(hop, method, target);
                section = 'b';
            }
            'H' => messages.extend(Message::read(line, super::place(log, at))),
            _ => {}
        }
    }
    close(open, &mut found);
    found.retain(|(_, _, messages)| messages.iter().any(|message| message.denied));
    logs::best(found, None)
}

fn close(
    open: Option<(Option<Fit>, Vec<Message>)>,
    found: &mut Vec<(Fit, Option<jiff::Timestamp>, Vec<Message>)>,
) {
    if let Some((Some(fit), messages)) = open {
        found.push((fit, None, messages));
    }
}

/// `--a1b2c3-H--` and `---a1b2c3---H--`.
fn boundary(line: &str) -> Option<char> {
    let inner = line.trim_end().strip_prefix("--")?.strip_suffix("--")?;
    let (id, letter) = inner.rsplit_once('-')?;
    let mut letters = letter.chars();
    let letter = letters.next().filter(char::is_ascii_uppercase)?;
    (letters.next().is_none() && id.len() >= 4 && !id.contains(' ')).then_some(letter)
}

/// A transaction as one JSON object, as version 3 writes it.
fn json(line: &str, log: &Path, at: usize, hop: &Hop) -> Option<(Fit, Vec<Message>)> {
    let value: serde_json::Value = serde_json::from_str(line).ok()?;
    let transaction = value.get("transaction")?;
    let request = transaction.get("request")?;
    let text = |value: &serde_json::Value, name: &str| {
        value.get(name).and_then(|part| part.as_str()).unwrap_or("").to_owned()
    };
    let fit = logs::fit(hop, &text(request, "method"), &text(request, "uri"))?;
    let refused = transaction
        .get("response")
        .and_then(|response| response.get("http_code"))
        .and_then(serde_json::Value::as_u64);
    let mut messages = Vec::new();
    for message in transaction.get("messages")?.as_array()?.iter().take(500) {
        let details = message.get("details")?;
        let line = format!(
            "{} {} [id \"{}\"] [msg \"{}\"] [data \"{}\"] [severity \"{}\"] [file \"{}\"] [line \"{}\"]",
            text(message, "message"),
            text(details, "match"),
            text(details, "ruleId"),
            text(message, "message"),
            text(details, "data").replace('"', "'"),
            text(details, "severity"),
            text(details, "file"),
            text(details, "lineNumber"),
        );
        messages.extend(Message::read(&line, super::place(log, at)));
    }
    // The object does not say which rule refused: an evaluation, or the last one that matched.
    let evaluated = messages.iter().position(|message| super::is_evaluation(message.id));
    if refused == Some(403)
        && let Some(message) = evaluated.or(messages.len().checked_sub(1)).and_then(|at| messages.get_mut(at))
    {
        message.denied = true;
    }
    Some((fit, messages))
}

/// The newest transactions below a storage folder, oldest first.
fn concurrent(folder: &Path) -> Vec<String> {
    let mut files: Vec<(std::time::SystemTime, PathBuf)> = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    let mut seen = 0_usize;
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries.filter_map(Result::ok) {
            seen += 1;
            if seen > 20_000 {
                break;
            }
            match entry.metadata() {
                Ok(about) if about.is_dir() => folders.push(entry.path()),
                Ok(about) if about.is_file() => {
                    files.push((about.modified().unwrap_or(std::time::UNIX_EPOCH), entry.path()));
                }
                _ => {}
            }
        }
    }
    files.sort();
    let newest = files.len().saturating_sub(MOST_OPENED);
    files
        .into_iter()
        .skip(newest)
        .filter_map(|(_, file)| crate::source::whole(&file).ok())
        .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .collect()
}
