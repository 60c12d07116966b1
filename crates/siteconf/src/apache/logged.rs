//! Configuration against logs, for Apache: which refusal the error log confirms, and what it says beside.

use std::path::{Path, PathBuf};

use super::grammar::Directive;
use super::steps::Way;
use super::words::{self, Spoken, Word};
use super::{Apache, cause};
use crate::accessed::Accessed;
use crate::condition::Truth;
use crate::hop::Hop;
use crate::labels;
use crate::logs::{self, AccessLine, Format};
use crate::modsecurity::{self, Setup};
use crate::report::{Clue, Place, Strength};

/// What the error logs say.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) spoken: Option<Spoken>,
    pub(crate) listening: bool,
    pub(crate) logs: Vec<(PathBuf, Vec<String>)>,
}

fn located(site: &Apache, name: &str) -> Option<PathBuf> {
    (!name.starts_with(['|']) && !name.starts_with("syslog")).then(|| site.tree.server_root.join(name))
}

/// Access lines for the request's path.
pub(crate) fn access(site: &Apache, levels: &[&[Directive]], hop: &Hop) -> Accessed {
    let mut accessed = Accessed::default();
    for directive in levels
        .iter()
        .rev()
        .flat_map(|level| level.iter())
        .filter(|directive| matches!(directive.name.as_str(), "customlog" | "transferlog" | "globallog"))
        .take(8)
    {
        let Some(path) = located(site, directive.arg(0)) else { continue };
        let declared = directive.arg(1);
        let format = levels
            .iter()
            .flat_map(|level| level.iter())
            .find(|other| other.name == "logformat" && other.arg(1) == declared && !declared.is_empty());
        let format = match format {
            Some(format) => Format::apache(format.arg(0)),
            None if declared.contains('%') => Format::apache(declared),
            None => logs::combined(),
        };
        let Some(lines) = logs::with_rotated(&path) else { continue };
        accessed.learn(
            lines.iter().filter_map(|line| format.line(line).or_else(|| AccessLine::guess(line))),
            hop,
        );
    }
    accessed.choose(hop);
    accessed
}

/// What the error log in force says about the request.
pub(crate) fn errors(site: &Apache, levels: &[&[Directive]], way: &Way, accessed: &Accessed) -> Heard {
    let mut heard = Heard::default();
    let named = levels
        .iter()
        .rev()
        .find_map(|level| level.iter().rev().find(|directive| directive.name == "errorlog"));
    let mut paths: Vec<PathBuf> = match named {
        Some(directive) => located(site, directive.arg(0)).into_iter().collect(),
        None => {
            ["logs/error_log", "logs/error.log"].iter().map(|name| site.tree.server_root.join(name)).collect()
        }
    };
    // What belongs to no virtual host is written to the main server's.
    paths.extend(
        levels
            .first()
            .and_then(|level| level.iter().rev().find(|directive| directive.name == "errorlog"))
            .and_then(|directive| located(site, directive.arg(0))),
    );
    paths.dedup();
    let file = way.file.clone().unwrap_or_default();
    let refused = accessed.refused.as_ref().and_then(|line| line.when);
    for path in paths {
        let Some(lines) = logs::with_rotated(&path) else { continue };
        heard.listening = true;
        let all = words::all(&path, &lines);
        heard.spoken = heard.spoken.or_else(|| words::chosen(&all, &file, &way.path, refused));
        heard.logs.push((path, lines));
    }
    heard
}

/// The refusals in the light of the logs.
pub(crate) fn reconcile(way: &Way, heard: &Heard, accessed: &Accessed) -> Vec<Clue> {
    let word = heard.spoken.as_ref().map(|spoken| spoken.word);
    let mut clues = Vec::new();
    let mut confirmed = false;
    let certain = way.certainly_refused();
    for refusal in &way.refusals {
        let mut clue = refusal.clue.clone();
        let fits =
            word.zip(refusal.speaks).is_some_and(|(said, speaks)| said == speaks || alike(said, speaks));
        if fits && !confirmed {
            clue.strength = Strength::Decisive;
            if let Some(spoken) = &heard.spoken {
                clue.said = format!("{}; the error log says so", clue.said);
                clue.quote = Some(spoken.line.clone());
            }
            confirmed = true;
        } else if word.is_some() && refusal.speaks.is_some_and(|speaks| speaks != Word::Rewrite) {
            clue.strength = clue.strength.min(Strength::Suggestive);
        } else if refusal.speaks == Some(Word::Evasive) && !certain {
            if turned(accessed) {
                clue.said = format!("{}; the access log shows it served before it refused", clue.said);
                clue.strength = Strength::Decisive;
            } else {
                clue.strength = clue.strength.max(Strength::Strong);
            }
        }
        clues.push(clue);
    }
    let silent = way
        .refusals
        .iter()
        .any(|refusal| refusal.certain == Truth::Yes && matches!(refusal.speaks, None | Some(Word::Rewrite)));
    if let Some(spoken) = &heard.spoken
        && !confirmed
        && !silent
    {
        clues.push(unforeseen(way, spoken, heard));
    }
    clues
}

/// Words that Apache uses for each other's cases.
fn alike(said: Word, speaks: Word) -> bool {
    let modes = [Word::FileMode, Word::Search, Word::Listing];
    modes.contains(&said) && modes.contains(&speaks)
}

/// Whether the same path was served to the same client before it was refused.
fn turned(accessed: &Accessed) -> bool {
    let Some(refused) = &accessed.refused else { return false };
    accessed.lines.iter().any(|line| line.status < 400 && line.client == refused.client)
}

fn unforeseen(way: &Way, spoken: &Spoken, heard: &Heard) -> Clue {
    let (cause, said) = cause::of_word(spoken.word);
    let mut clue = Clue::new(
        cause,
        Strength::Decisive,
        format!("{said}, says Apache's error log: `{}`", spoken.about.display()),
    )
    .at(Some(spoken.place.clone()))
    .quoting(Some(spoken.line.clone()));
    let shown = crate::modes::quoted(&spoken.about);
    match spoken.word {
        Word::FileMode | Word::Search | Word::Listing => {
            let beside: Vec<PathBuf> =
                heard.logs.iter().filter_map(|(log, _)| log.parent().map(Path::to_path_buf)).collect();
            let file = way.file.clone().unwrap_or_else(|| spoken.about.clone());
            match labels::audited(&file, &beside).or_else(|| labels::label(&file)) {
                Some(refusal) => {
                    clue.said = format!("{}; {}", clue.said, refusal.said);
                    clue = clue.fixed_by(refusal.fix);
                }
                None => clue = clue.fixed_by([format!("namei -l {shown}"), format!("chmod o+rX {shown}")]),
            }
        }
        Word::Denied => {
            clue = clue.fixed_by([
                "find the <Directory> or <Location> in effect: apachectl -t -D DUMP_VHOSTS".to_owned(),
            ])
        }
        Word::Script => clue = clue.fixed_by(["hand only *.php to PHP-FPM".to_owned()]),
        _ => {}
    }
    clue
}

/// ModSecurity, by its logs.
pub(crate) fn modsecurity(
    site: &Apache,
    levels: &[&[Directive]],
    way: &Way,
    heard: &Heard,
    hop: &Hop,
) -> Vec<Clue> {
    let mut setup = Setup::default();
    let root = Place { file: site.root.clone(), line: 0 };
    for directive in levels.iter().flat_map(|level| level.iter()) {
        setup.learn(
            &directive.name,
            directive.arg(0),
            &site.tree.server_root,
            directive.place.as_ref().unwrap_or(&root),
        );
    }
    if setup.engine.is_none() && setup.rules == 0 {
        return Vec::new();
    }
    if let Some(clue) = modsecurity::from_logs(&heard.logs, &setup, hop) {
        return vec![clue];
    }
    if !setup.refuses() || way.certainly_refused() {
        return Vec::new();
    }
    let place = setup.engine.map(|(_, place)| place);
    let (strength, said) = if heard.listening {
        (Strength::Against, "ModSecurity is on, and its logs have no refusal of this request")
    } else {
        (Strength::Suggestive, "ModSecurity is on here, and no log of it can be read")
    };
    vec![Clue::new("modsecurity.crs-generic", strength, said).at(place)]
}
