//! Configuration against logs: which refusal the error log confirms, what its silence means, and what access lines add.

use std::path::{Path, PathBuf};

use super::choose::{inherited_all, is_on};
use super::grammar::Directive;
use super::phases::Phases;
use super::words::{self, Spoken, Word};
use super::{Nginx, Refusal, Speech};
use crate::accessed::Accessed;
use crate::condition::Truth;
use crate::hop::Hop;
use crate::labels;
use crate::logs::{self, AccessLine, Format};
use crate::modes::Worker;
use crate::modsecurity::{self, Setup};
use crate::report::{Clue, Place, Strength};
use crate::source::Files;

/// What the error logs say.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) spoken: Option<Spoken>,
    /// Whether an error log could be read that would have said something.
    pub(crate) listening: bool,
    pub(crate) logs: Vec<(PathBuf, Vec<String>)>,
}

/// Where a log named in a configuration may lie: nginx takes relative names from its prefix, which is not written there.
fn located(site: &Nginx, name: &str) -> Option<PathBuf> {
    let path = Path::new(name);
    if path.is_absolute() {
        return Some(path.to_path_buf());
    }
    let folder = site.root.parent()?;
    let bases = [
        Some(folder),
        folder.parent(),
        folder.parent().and_then(Path::parent),
        Some(Path::new("/usr/share/nginx")),
        Some(Path::new("/var/lib/nginx")),
    ];
    bases.into_iter().flatten().map(|base| base.join(path)).find(|path| path.is_file())
}

/// Access lines for this path, from every access log of the server and its locations: which one applies may itself
/// depend on where the request ended.
pub(crate) fn access(site: &Nginx, server: &Directive, hop: &Hop) -> Accessed {
    let mut named: Vec<&Directive> = Vec::new();
    collect(server.children(), "access_log", &mut named, 0);
    named.extend(site.http().iter().filter(|directive| directive.name == "access_log"));
    let mut found = Accessed::default();
    let mut read: Vec<PathBuf> = Vec::new();
    for directive in named {
        let Some(path) = located(site, directive.arg(0)) else { continue };
        if read.contains(&path) || directive.arg(0).starts_with("syslog:") || read.len() >= 16 {
            continue;
        }
        let format = match directive.arg(1) {
            "" | "combined" => logs::combined(),
            name => format(site, name).unwrap_or_else(logs::combined),
        };
        let Some(lines) = logs::with_rotated(&path) else { continue };
        read.push(path);
        found.learn(
            lines.iter().filter_map(|line| format.line(line).or_else(|| AccessLine::guess(line))),
            hop,
        );
    }
    found.choose(hop);
    found
}

fn format(site: &Nginx, name: &str) -> Option<Format> {
    let directive =
        site.http().iter().find(|directive| directive.name == "log_format" && directive.arg(0) == name)?;
    let text: String =
        directive.args.iter().skip(1).filter(|arg| !arg.starts_with("escape=")).cloned().collect();
    Some(Format::nginx(&text))
}

fn collect<'a>(level: &'a [Directive], name: &str, into: &mut Vec<&'a Directive>, depth: u8) {
    for directive in level {
        if directive.name == name {
            into.push(directive);
        }
        if depth < 8 {
            collect(directive.children(), name, into, depth + 1);
        }
    }
}

/// The folders of all logs that a configuration names.
pub(crate) fn folders_named(site: &Nginx) -> Vec<PathBuf> {
    let mut named = Vec::new();
    collect(&site.tree, "error_log", &mut named, 0);
    collect(&site.tree, "access_log", &mut named, 0);
    let mut folders: Vec<PathBuf> = named
        .iter()
        .filter_map(|directive| located(site, directive.arg(0)))
        .filter_map(|path| path.parent().map(Path::to_path_buf))
        .collect();
    folders.sort();
    folders.dedup();
    folders
}

/// What the error logs in effect say about the request.
pub(crate) fn errors(site: &Nginx, phases: &Phases<'_, '_>, hop: &Hop) -> Heard {
    let mut named: Vec<(PathBuf, &str)> = Vec::new();
    let mut all = Vec::new();
    collect(phases.chosen.server.children(), "error_log", &mut all, 0);
    all.extend(inherited_all(&phases.variables.levels, &["error_log"]));
    for directive in all {
        if let Some(path) = located(site, directive.arg(0))
            && !named.iter().any(|(known, _)| *known == path)
        {
            named.push((path, directive.arg(1)));
        }
    }
    let usual = Path::new("/var/log/nginx/error.log");
    if named.is_empty() && site.root.starts_with("/etc/nginx") && usual.is_file() {
        named.push((usual.to_path_buf(), "error"));
    }
    let own = name_in_logs(phases.chosen.server);
    let servers = site.http().iter().filter(|directive| directive.name == "server");
    let others: Vec<String> = servers.map(name_in_logs).filter(|name| *name != own).collect();
    let mut heard = Heard::default();
    for (path, level) in named.into_iter().take(8) {
        let Some(lines) = logs::with_rotated(&path) else { continue };
        heard.listening |= !matches!(level, "crit" | "alert" | "emerg");
        let spoken = words::spoken(&path, &lines, hop, &others);
        heard.spoken = heard.spoken.or(spoken);
        heard.logs.push((path, lines));
    }
    heard
}

/// The first name of a server, as nginx writes it into its error log: of `.a.test` and `~^a` without the first letter.
fn name_in_logs(server: &Directive) -> String {
    let name = server.children().iter().find(|directive| directive.name == "server_name");
    name.map_or("", |directive| directive.arg(0)).trim_start_matches(['.', '~']).to_owned()
}

/// The refusals in the light of the logs.
pub(crate) fn reconcile(phases: &Phases<'_, '_>, heard: &Heard, accessed: &Accessed, hop: &Hop) -> Vec<Clue> {
    let speech = heard.spoken.as_ref().and_then(|spoken| speech(&spoken.word));
    let mut clues = Vec::new();
    let mut confirmed = false;
    for refusal in &phases.refusals {
        let mut clue = refusal.clue.clone();
        match (speech, refusal.speaks) {
            (Some(said), Some(speaks)) if said == speaks => {
                if !confirmed {
                    clue.strength = Strength::Decisive;
                    confirm(&mut clue, heard);
                }
                confirmed = true;
            }
            // The log names another reason than this one.
            (Some(_), _) => clue.strength = clue.strength.min(Strength::Suggestive),
            // A silent refusal fits a silent log; one that would have spoken does not.
            (None, Some(_)) if heard.listening && refusal.certain != Truth::Yes => {
                clue.strength = Strength::Suggestive
            }
            (None, Some(_)) if heard.listening && logged_elsewhere(accessed) => {
                clue.strength = Strength::Strong
            }
            (None, _) => {}
        }
        clues.push(clue);
    }
    if let Some(spoken) = &heard.spoken
        && !confirmed
    {
        clues.extend(unforeseen(phases, spoken, hop));
    }
    // An uncertain and silent refusal that nothing certain follows is the best there is.
    if !phases.certainly_refused() && heard.listening && heard.spoken.is_none() && phases.passes.is_none() {
        let silent: Vec<usize> = (0..phases.refusals.len())
            .filter(|at| phases.refusals.get(*at).is_some_and(|refusal| refusal.speaks.is_none()))
            .collect();
        if let [only] = silent.as_slice()
            && accessed.refused.is_some()
            && let Some(clue) = clues.get_mut(*only)
        {
            clue.strength = Strength::Decisive;
        }
    }
    clues
}

/// Whether the access log has the refusal, so that the error log's silence means something.
fn logged_elsewhere(accessed: &Accessed) -> bool {
    accessed.refused.is_some()
}

fn confirm(clue: &mut Clue, heard: &Heard) {
    if let Some(spoken) = &heard.spoken {
        clue.said = format!("{}; the error log says so", clue.said);
        clue.quote = Some(spoken.line.clone());
        if clue.place.is_none() {
            clue.place = Some(spoken.place.clone());
        }
    }
}

fn speech(word: &Word) -> Option<Speech> {
    match word {
        Word::Forbidden => Some(Speech::Forbidden),
        Word::Index(_) => Some(Speech::Index),
        Word::Permission(_) => Some(Speech::Permission),
        Word::Link(_) => Some(Speech::Link),
        Word::Limiting => Some(Speech::Limiting),
        Word::Script(_) => Some(Speech::Script),
        Word::ModSecurity | Word::ScriptUnreadable(_) | Word::NoPasswords(_) | Word::Lua => None,
    }
}

/// What the log says although the configuration as it stands now does not come to it.
fn unforeseen(phases: &Phases<'_, '_>, spoken: &Spoken, hop: &Hop) -> Option<Clue> {
    let line = || Some(spoken.line.clone());
    let clue = |cause: &str, said: String| {
        Clue::new(cause, Strength::Decisive, said).at(Some(spoken.place.clone())).quoting(line())
    };
    Some(match &spoken.word {
        Word::Forbidden => {
            let who = spoken.client.map_or_else(|| "the client".to_owned(), |client| client.to_string());
            clue(
                "nginx.deny-rule",
                format!("nginx refused {who} by an `allow`/`deny` rule, says its error log"),
            )
            .fixed_by([format!("allow {who};  (before the `deny` in effect)")])
        }
        Word::Index(folder) => clue(
            "nginx.no-index-autoindex-off",
            format!("`{}` has no index and no listing, says nginx's error log", folder.display()),
        )
        .fixed_by([format!("put an index file into {}", folder.display())]),
        Word::Permission(file) => return Some(permission(phases, file, spoken, hop)),
        Word::Link(file) => clue(
            "nginx.disable_symlinks",
            format!("a link on the way to `{}` is forbidden, says nginx's error log", file.display()),
        )
        .fixed_by(["serve the real path, or relax `disable_symlinks`".to_owned()]),
        // Limits that answer 403 were among what was foreseen; this one answers otherwise.
        Word::Limiting if !phases.limits_refuse() => return None,
        Word::Limiting => clue(
            "nginx.limit_req_status-403",
            "the request went over a rate or connection limit, says nginx's error log".to_owned(),
        )
        .fixed_by(["limit_req_status 429;".to_owned(), "raise rate or burst".to_owned()]),
        Word::Script(script) => {
            return Some(
                super::onward::script_refused(script, Strength::Decisive)
                    .at(Some(spoken.place.clone()))
                    .quoting(line()),
            );
        }
        Word::ScriptUnreadable(script) => {
            clue("nginx.fs-permission", format!("PHP-FPM's user may not read `{}`", script.display()))
                .by("php-fpm")
                .fixed_by([format!("chmod o+r {}", crate::modes::quoted(script))])
        }
        Word::NoPasswords(file) => clue(
            "nginx.fs-permission",
            format!("the password file `{}` does not exist: nginx refuses everybody", file.display()),
        )
        .fixed_by([format!("create {} or correct `auth_basic_user_file`", file.display())]),
        Word::Lua => {
            let known =
                phases.refusals.iter().any(|refusal: &Refusal| refusal.clue.cause == "nginx.lua-access");
            let mut found = clue("nginx.lua-access", "a Lua handler wrote this about the request".to_owned());
            found.strength = if known { Strength::Decisive } else { Strength::Suggestive };
            found
        }
        Word::ModSecurity => return None,
    })
}

/// `Permission denied` although modes as seen from here allow it, or for a file that the configuration does not lead to.
fn permission(phases: &Phases<'_, '_>, file: &Path, spoken: &Spoken, hop: &Hop) -> Clue {
    use crate::modes::{Need, Reach, reach};
    let worker = phases.worker.clone().unwrap_or(Worker {
        name: "nginx".to_owned(),
        uid: u32::MAX,
        groups: Vec::new(),
    });
    let shown = crate::modes::quoted(file);
    let base = match reach(file, Need::Read, &worker) {
        Reach::Denied(denial) if denial.parent => Clue::new(
            "nginx.fs-parent-dir-execute-bit",
            Strength::Decisive,
            format!("`{}` may not search `{}`", worker.name, denial.shown()),
        )
        .fixed_by(denial.fix(&worker)),
        Reach::Denied(denial) => Clue::new(
            "nginx.fs-permission",
            Strength::Decisive,
            format!("`{}` may not read `{}`", worker.name, denial.shown()),
        )
        .fixed_by(denial.fix(&worker)),
        _ => {
            let mut clue = Clue::new(
                "nginx.fs-permission",
                Strength::Decisive,
                format!("the kernel refused `{}` to nginx, while its mode allows it now", file.display()),
            );
            let other = labels::audited(file, &folders(&spoken.place)).or_else(|| labels::label(file));
            match other {
                Some(refusal) => {
                    clue.said = format!("{}: {}", clue.said, refusal.said);
                    clue = clue.fixed_by(refusal.fix);
                }
                None if labels::has_access_list(file) => {
                    clue = clue.fixed_by([
                        format!("getfacl {shown}"),
                        format!("setfacl -m u:{}:r {shown}", worker.name),
                    ]);
                }
                None => {
                    // Behind a proxy that may keep answers, an old line may tell of an old refusal.
                    clue.strength = if hop.depth > 0 { Strength::Strong } else { Strength::Decisive };
                    clue = clue.fixed_by([
                        format!("namei -l {shown}"),
                        format!("ls -Z {shown}  (SELinux: restorecon -Rv {shown})"),
                    ])
                }
            }
            clue
        }
    };
    base.at(Some(spoken.place.clone())).quoting(Some(spoken.line.clone()))
}

fn folders(place: &Place) -> Vec<PathBuf> {
    place.file.parent().map(Path::to_path_buf).into_iter().collect()
}

/// ModSecurity, if it is on for this section.
pub(crate) fn modsecurity(
    site: &Nginx,
    phases: &Phases<'_, '_>,
    heard: &Heard,
    hop: &Hop,
    files: &mut Files,
) -> Vec<Clue> {
    let levels = &phases.variables.levels;
    if !is_on(levels, "modsecurity") {
        return Vec::new();
    }
    let mut setup = Setup::default();
    for level in levels {
        for directive in level.iter() {
            let place = directive.place.as_ref();
            match directive.name.as_str() {
                "modsecurity_rules_file" => {
                    let path = site.root.parent().unwrap_or(Path::new("/")).join(directive.arg(0));
                    modsecurity::read_file(&path, place, &mut setup, files);
                }
                "modsecurity_rules" => {
                    let (path, line) =
                        place.map_or((site.root.clone(), 0), |place| (place.file.clone(), place.line));
                    modsecurity::read_text(directive.arg(0), &path, line, &mut setup, files);
                }
                _ => {}
            }
        }
    }
    if let Some(clue) = modsecurity::from_logs(&heard.logs, &setup, hop) {
        return vec![clue];
    }
    let Some((_, place)) = setup.engine.clone().filter(|_| setup.refuses() && setup.rules > 0) else {
        return Vec::new();
    };
    let logs_seen = heard.listening || setup.audit_logs.iter().any(|log| log.exists());
    let strength = if logs_seen { Strength::Against } else { Strength::Suggestive };
    let said = if logs_seen {
        "ModSecurity is on, and its logs have no refusal of this request"
    } else {
        "ModSecurity is on here, and no log of it can be read"
    };
    vec![Clue::new("modsecurity.crs-generic", strength, said).at(Some(place))]
}

/// Refusals of the mapped file by SELinux or AppArmor, where nothing else explains the answer.
pub(crate) fn kernel(_site: &Nginx, phases: &Phases<'_, '_>, heard: &Heard) -> Vec<Clue> {
    let Some(file) = phases.file.as_ref().filter(|_| phases.passes.is_none()) else { return Vec::new() };
    let beside: Vec<PathBuf> =
        heard.logs.iter().filter_map(|(log, _)| log.parent().map(Path::to_path_buf)).collect();
    let (refusal, strength) = match labels::audited(file, &beside) {
        Some(refusal) => (refusal, Strength::Decisive),
        None => match labels::label(file) {
            Some(refusal) => (refusal, Strength::Suggestive),
            None => return Vec::new(),
        },
    };
    let place = refusal.log.map(|file| Place { file, line: 0 });
    vec![
        Clue::new("nginx.fs-permission", strength, refusal.said)
            .at(place)
            .quoting(refusal.quote)
            .fixed_by(refusal.fix),
    ]
}
