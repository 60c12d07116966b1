//! PHP-FPM pools: where they listen, whom they run as, and which files they agree to run.

use std::path::{Path, PathBuf};

use crate::condition::Truth;
use crate::hop::Hop;
use crate::logs;
use crate::modes::{self, Need, Reach, Worker};
use crate::nginx::{PHP_EXTENSIONS, opened, script_refused};
use crate::report::{Clue, Place, Server, Strength};
use crate::site::{Judgement, Site};
use crate::source::Files;

/// One configuration with its pools.
#[derive(Debug)]
pub(crate) struct Fpm {
    root: PathBuf,
    pools: Vec<Pool>,
    error_log: Option<PathBuf>,
}

/// One pool.
#[derive(Debug, Clone, Default)]
struct Pool {
    name: String,
    listen: String,
    user: Option<String>,
    group: Option<String>,
    extensions: Option<(Vec<String>, Place)>,
    place: Option<Place>,
}

impl Fpm {
    pub(crate) fn read(root: &Path, files: &mut Files) -> Fpm {
        let mut fpm = Fpm { root: root.to_path_buf(), pools: Vec::new(), error_log: None };
        fpm.file(root, None, files);
        fpm
    }

    fn file(&mut self, path: &Path, named_at: Option<&Place>, files: &mut Files) {
        let Some(text) = files.enter(path, named_at) else { return };
        for (at, line) in text.lines().enumerate() {
            let line = line.split(';').next().unwrap_or(line).trim();
            let place = Place { file: path.to_path_buf(), line: u32::try_from(at + 1).unwrap_or(0) };
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                if name != "global" {
                    self.pools.push(Pool { name: name.to_owned(), place: Some(place), ..Pool::default() });
                }
                continue;
            }
            let Some((key, value)) = line.split_once('=') else { continue };
            let value = value.trim().trim_matches('"').to_owned();
            match (key.trim(), self.pools.last_mut()) {
                ("include", _) => {
                    let base = path.parent().unwrap_or(Path::new("/")).to_path_buf();
                    for path in files.expand(&value, &base, Some(&place)) {
                        self.file(&path, Some(&place), files);
                    }
                }
                ("error_log", _) => self.error_log = Some(PathBuf::from(value)),
                ("listen", Some(pool)) => pool.listen = value,
                ("user", Some(pool)) => pool.user = Some(value),
                ("group", Some(pool)) => pool.group = Some(value),
                ("security.limit_extensions", Some(pool)) => {
                    pool.extensions = Some((value.split_whitespace().map(str::to_owned).collect(), place));
                }
                _ => {}
            }
        }
        files.leave();
    }

    fn pool(&self, hop: &Hop) -> Option<&Pool> {
        let wanted = format!(":{}", hop.port);
        let by_port = self
            .pools
            .iter()
            .find(|pool| pool.listen.ends_with(&wanted) || pool.listen == hop.port.to_string());
        by_port.or_else(|| {
            self.pools.iter().find(|pool| pool.listen.starts_with('/') && hop.address.ends_with(&pool.listen))
        })
    }
}

impl Site for Fpm {
    fn kind(&self) -> &'static str {
        "php-fpm"
    }

    fn root(&self) -> &Path {
        &self.root
    }

    fn listens(&self, _address: &str, port: u16) -> Truth {
        let wanted = format!(":{port}");
        Truth::from(
            self.pools.iter().any(|pool| pool.listen.ends_with(&wanted) || pool.listen == port.to_string()),
        )
    }

    fn listens_at(&self, socket: &Path) -> bool {
        self.pools.iter().any(|pool| Path::new(&pool.listen) == socket)
    }

    fn judge(&self, hop: &Hop, _files: &mut Files) -> Judgement {
        let pool = self.pool(hop).cloned().unwrap_or_default();
        let script = hop.header("x-script-filename").unwrap_or("").to_owned();
        let spoken = self.error_log.as_ref().and_then(|log| logs::tail(log)).and_then(|lines| {
            lines
                .into_iter()
                .rev()
                .find(|line| line.contains("security.limit_extensions") && line.contains(&script))
        });
        let refused = if spoken.is_some() { Truth::Yes } else { Truth::Unknown };
        let mut clues: Vec<Clue> = Vec::new();
        if let Some(mut clue) =
            judged(&script, pool.extensions.as_ref().map(|(list, _)| list.as_slice()), refused)
        {
            clue.place = pool.extensions.as_ref().map(|(_, place)| place.clone()).or(pool.place.clone());
            clue.quote = spoken.as_deref().map(logs::quote);
            clue.strength = Strength::Decisive;
            clues.push(clue);
        } else if let Some(worker) =
            pool.user.as_deref().and_then(|user| Worker::named(user, pool.group.as_deref()))
            && let Reach::Denied(denial) = modes::reach(Path::new(&script), Need::Read, &worker)
        {
            let said = format!(
                "the pool `{}` runs as `{}`, which may not pass `{}` to read `{script}`",
                pool.name,
                worker.name,
                denial.shown()
            );
            let cause = if denial.parent { "nginx.fs-parent-dir-execute-bit" } else { "nginx.fs-permission" };
            clues.push(
                Clue::new(cause, Strength::Decisive, said)
                    .by("php-fpm")
                    .at(pool.place.clone())
                    .quoting(Some(denial.shown()))
                    .fixed_by(denial.fix(&worker)),
            );
        } else {
            let said = format!("`{script}` is run by the pool `{}`; what it answers is its own", pool.name);
            clues.push(Clue::new("app.unspecified", Strength::Suggestive, said));
        }
        let server = Server {
            kind: "php-fpm".to_owned(),
            root: self.root.clone(),
            section: format!("pool [{}]", pool.name),
            place: pool.place.clone(),
            file: Some(PathBuf::from(&script)),
            next: Vec::new(),
        };
        Judgement { clues, server: Some(server), next: Vec::new() }
    }
}

/// The refusal of a script by its ending, if its ending is not one that is run.
pub(crate) fn judged(script: &str, extensions: Option<&[String]>, refused: Truth) -> Option<Clue> {
    let file = opened(script);
    let name = file.to_string_lossy().into_owned();
    let runs = match extensions {
        Some(list) => list.is_empty() || list.iter().any(|ending| name.ends_with(ending.as_str())),
        None => PHP_EXTENSIONS.iter().any(|ending| name.ends_with(ending)),
    };
    if runs || script.is_empty() {
        return None;
    }
    let strength =
        if refused == Truth::Yes || file.is_file() { Strength::Decisive } else { Strength::Strong };
    Some(script_refused(&file, strength))
}
