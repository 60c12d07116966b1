//! nginx: one configuration root, read whole; a request is taken through the phases as nginx takes it, and what refuses
//! it on the way is compared with what the error log says.

pub(crate) mod access;
mod cause;
mod choose;
mod content;
mod geo;
pub(crate) mod grammar;
mod logged;
mod onward;
mod phases;
mod rewrite;
mod signed;
mod variables;
pub(crate) mod words;

#[cfg(test)]
mod tests;

pub(crate) use onward::{PHP_EXTENSIONS, opened, script_refused};

use std::path::{Path, PathBuf};

use crate::condition::Truth;
use crate::hop::Hop;
use crate::report::{Clue, Server, Strength};
use crate::site::{Judgement, Role, Site};
use crate::source::Files;
use grammar::Directive;

/// One configuration.
#[derive(Debug)]
pub(crate) struct Nginx {
    root: PathBuf,
    tree: Vec<Directive>,
}

impl Nginx {
    /// Reads a root with its includes.
    pub(crate) fn read(root: &Path, files: &mut Files) -> Nginx {
        let prefix = root.parent().unwrap_or(Path::new("/"));
        Nginx { root: root.to_path_buf(), tree: grammar::parse(root, prefix, files) }
    }

    /// The level of `http`; a root that is a part of a configuration is taken for it.
    fn http(&self) -> &[Directive] {
        self.tree.iter().find(|directive| directive.name == "http").map_or(&self.tree, Directive::children)
    }

    fn servers(&self) -> Vec<&Directive> {
        self.http()
            .iter()
            .filter(|directive| directive.name == "server" && directive.block.is_some())
            .collect()
    }
}

impl Site for Nginx {
    fn kind(&self) -> &'static str {
        "nginx"
    }

    fn root(&self) -> &Path {
        &self.root
    }

    fn listens(&self, address: &str, port: u16) -> Truth {
        let all: Vec<choose::Listen> = self.servers().into_iter().flat_map(choose::listens).collect();
        let fits = |listen: &choose::Listen| {
            listen.port == port
                && listen.socket.is_none()
                && listen.address.as_deref().is_none_or(|own| crate::hop::same_place(own, address))
        };
        if all.is_empty() { Truth::Unknown } else { Truth::from(all.iter().any(fits)) }
    }

    fn listens_at(&self, socket: &Path) -> bool {
        let all = self.servers().into_iter().flat_map(choose::listens);
        all.into_iter().any(|listen| listen.socket.as_deref().is_some_and(|own| Path::new(own) == socket))
    }

    fn log_folders(&self) -> Vec<PathBuf> {
        logged::folders_named(self)
    }

    fn judge(&self, hop: &Hop, files: &mut Files) -> Judgement {
        let servers = self.servers();
        let Some(chosen) = choose::server(&servers, hop) else { return Judgement::default() };
        // The log knows whom the server saw and what a guessed header really was.
        let level_logs = logged::access(self, chosen.server, hop);
        let hop = &level_logs.refined(hop);
        let mut phases = phases::run(self, &chosen, hop);
        let spoken = logged::errors(self, &phases, hop);
        let mut clues = logged::reconcile(&phases, &spoken, &level_logs, hop);
        clues.extend(logged::modsecurity(self, &phases, &spoken, hop, files));
        let next = onward::next(self, &phases, hop, &level_logs);
        clues.extend(onward::cached(&phases, &level_logs));
        clues.extend(onward::balance(&phases, &level_logs, hop));
        if !chosen.certain && spoken.spoken.is_none() {
            // Nothing here listens where the request was sent; something in between maps the port.
            for clue in &mut clues {
                clue.strength = clue.strength.min(Strength::Strong);
            }
        }
        if clues.iter().all(|clue| clue.strength < Strength::Decisive) {
            clues.extend(logged::kernel(self, &phases, &spoken));
        }
        let origins = next.iter().filter(|next| next.role == Role::Origin).count();
        if origins > 1 && clues.iter().all(|clue| clue.strength < Strength::Decisive) {
            clues.extend(level_logs.changing(origins));
        }
        let place = phases.located.last().map_or(chosen.server, |location| location).place.clone();
        let server = Server {
            kind: "nginx".to_owned(),
            root: self.root.clone(),
            section: phases.section(),
            place,
            file: phases.file.take(),
            next: next.iter().map(|next| next.label.clone()).collect(),
        };
        Judgement { clues, server: Some(server), next }
    }
}

/// A refusal that the configuration comes to, before the logs are asked.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) clue: Clue,
    pub(crate) certain: Truth,
    /// What the error log says when it happens; `None` if nginx refuses in silence.
    pub(crate) speaks: Option<Speech>,
}

/// The kinds of lines that refusals leave behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speech {
    Forbidden,
    Index,
    Permission,
    Link,
    Limiting,
    Script,
}
