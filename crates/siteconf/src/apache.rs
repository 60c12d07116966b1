//! Apache httpd: one configuration root, read whole; a request is mapped to its file or proxy, the sections that hold are
//! merged in Apache's order, and what refuses is compared with what the error log says.

mod authz;
mod cause;
mod expression;
mod facts;
mod grammar;
mod layers;
mod logged;
mod onward;
mod rewrite;
mod steps;
mod walk;
mod words;

#[cfg(test)]
mod tests;

pub(crate) use authz::covers;

use std::path::{Path, PathBuf};

use crate::condition::Truth;
use crate::hop::Hop;
use crate::modes::Worker;
use crate::pattern::glob_matches;
use crate::report::{Clue, Server};
use crate::site::{Judgement, Site};
use crate::source::Files;
use grammar::{Directive, Tree};
use words::Word;

/// One configuration.
#[derive(Debug)]
pub(crate) struct Apache {
    root: PathBuf,
    tree: Tree,
}

/// A refusal that the configuration comes to, before the logs are asked.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) clue: Clue,
    pub(crate) certain: Truth,
    /// What the error log says when it happens; `None` if Apache refuses in silence.
    pub(crate) speaks: Option<Word>,
}

/// The virtual host that answers, or the main server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chosen<'a> {
    pub(crate) host: Option<&'a Directive>,
}

impl Apache {
    /// Reads a root with its includes.
    pub(crate) fn read(root: &Path, files: &mut Files) -> Apache {
        Apache { root: root.to_path_buf(), tree: grammar::parse(root, files) }
    }

    fn hosts(&self) -> impl Iterator<Item = &Directive> {
        self.tree.directives.iter().filter(|directive| directive.name == "virtualhost")
    }

    /// By address and port, then by name; else the main server.
    fn choose(&self, hop: &Hop) -> Chosen<'_> {
        let specificity = |host: &Directive| host.args.iter().filter_map(|place| fits(place, hop)).max();
        let best = self.hosts().filter_map(specificity).max();
        let at: Vec<&Directive> =
            self.hosts().filter(|host| best.is_some() && specificity(host) == best).collect();
        let name = hop.host();
        let named = at.iter().find(|host| is_named(host, &name)).copied();
        Chosen { host: named.or(at.first().copied()) }
    }

    /// The levels in force: the server's own, then the virtual host's.
    fn levels<'a>(&'a self, chosen: &Chosen<'a>) -> Vec<&'a [Directive]> {
        let mut levels: Vec<&[Directive]> = vec![&self.tree.directives];
        levels.extend(chosen.host.map(Directive::children));
        levels
    }

    fn worker(&self) -> Option<Worker> {
        let of = |name: &str| {
            self.tree
                .directives
                .iter()
                .rev()
                .find(|directive| directive.name == name)
                .map(|directive| directive.arg(0))
        };
        match of("user") {
            Some(user) => Worker::named(user, of("group")),
            None => {
                ["www-data", "apache", "httpd", "daemon"].iter().find_map(|name| Worker::named(name, None))
            }
        }
    }
}

/// How exactly a `<VirtualHost>` address fits: an address before a star.
fn fits(place: &str, hop: &Hop) -> Option<u8> {
    let (address, port) = match place.rsplit_once(':') {
        Some((address, port)) if !port.contains(']') => (address, port),
        _ => (place, "*"),
    };
    if port != "*" && port != hop.port.to_string() {
        return None;
    }
    let bare = address.trim_matches(['[', ']']);
    match bare {
        "*" | "_default_" => Some(1),
        own if own == hop.address => Some(2),
        own if crate::hop::loopback(own).is_some() && crate::hop::loopback(&hop.address).is_some() => Some(2),
        own if own.parse::<std::net::IpAddr>().is_ok() && hop.address.parse::<std::net::IpAddr>().is_ok() => {
            None
        }
        _ => Some(1),
    }
}

fn is_named(host: &Directive, name: &str) -> bool {
    let names = host
        .children()
        .iter()
        .filter(|directive| matches!(directive.name.as_str(), "servername" | "serveralias"))
        .flat_map(|directive| directive.args.iter());
    names
        .map(|own| {
            own.rsplit("://").next().unwrap_or(own).split(':').next().unwrap_or(own).to_ascii_lowercase()
        })
        .any(|own| own == name || own.contains(['*', '?']) && glob_matches(&own, name, true))
}

impl Site for Apache {
    fn kind(&self) -> &'static str {
        "apache"
    }

    fn root(&self) -> &Path {
        &self.root
    }

    fn listens(&self, address: &str, port: u16) -> Truth {
        let fits = |text: &str| match text.rsplit_once(':') {
            Some((own, own_port)) => own_port.parse() == Ok(port) && crate::hop::same_place(own, address),
            None => text.parse() == Ok(port),
        };
        let mut listens =
            self.tree.directives.iter().filter(|directive| directive.name == "listen").peekable();
        if listens.peek().is_none() {
            let hosts = self
                .hosts()
                .flat_map(|host| host.args.iter())
                .any(|place| place.ends_with(&format!(":{port}")));
            return if hosts { Truth::Yes } else { Truth::Unknown };
        }
        Truth::from(listens.any(|listen| fits(listen.arg(0))))
    }

    fn forwards(&self) -> bool {
        let all = self.tree.directives.iter().chain(self.hosts().flat_map(|host| host.children().iter()));
        all.into_iter()
            .any(|directive| directive.name == "proxyrequests" && directive.arg(0).eq_ignore_ascii_case("on"))
    }

    fn log_folders(&self) -> Vec<PathBuf> {
        let all = self.tree.directives.iter().chain(self.hosts().flat_map(|host| host.children().iter()));
        let logs = all.filter(|directive| matches!(directive.name.as_str(), "errorlog" | "customlog"));
        logs.filter_map(|log| self.tree.server_root.join(log.arg(0)).parent().map(Path::to_path_buf))
            .collect()
    }

    fn judge(&self, hop: &Hop, files: &mut Files) -> Judgement {
        let chosen = self.choose(hop);
        let levels = self.levels(&chosen);
        let accessed = logged::access(self, &levels, hop);
        let hop = &accessed.refined(hop);
        let way = steps::run(self, &levels, hop, files);
        let heard = logged::errors(self, &levels, &way, &accessed);
        let mut clues = logged::reconcile(&way, &heard, &accessed);
        clues.extend(logged::modsecurity(self, &levels, &way, &heard, hop));
        clues.extend(onward::balance(&way, &accessed, hop));
        let next = onward::next(&levels, &way, hop, &accessed);
        let place = chosen.host.and_then(|host| host.place.clone());
        let server = Server {
            kind: "apache".to_owned(),
            root: self.root.clone(),
            section: way.section(chosen.host),
            place: way.place.clone().or(place),
            file: way.file.clone(),
            next: next.iter().map(|next| next.label.clone()).collect(),
        };
        Judgement { clues, server: Some(server), next }
    }
}
