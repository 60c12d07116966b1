//! From URL to file, and along the file's path: aliases, proxies, links, modes, indexes, as Apache's walk meets them.

use std::path::{Path, PathBuf};

use super::facts::Facts;
use super::grammar::Directive;
use super::layers::{Kind, Layer, last};
use crate::modes::{self, Denial, Need, Reach, Worker};
use crate::pattern::Pattern;

/// Where a URL leads.
#[derive(Debug, Clone)]
pub(crate) enum Mapped<'a> {
    File {
        file: PathBuf,
        by: Option<&'a Directive>,
    },
    Proxied {
        address: String,
        by: &'a Directive,
    },
    /// `Redirect 403`
    Forbidden(&'a Directive),
    Elsewhere,
}

/// Where the URL's path leads, by the directives of virtual host and server, in this order.
pub(crate) fn mapped<'a>(levels: &[&'a [Directive]], facts: &Facts) -> Mapped<'a> {
    let path = &facts.path;
    if let Some(mapped) = redirected(levels, path).or_else(|| proxied(levels, path)) {
        return mapped;
    }
    for directive in levels.iter().rev().flat_map(|level| level.iter()) {
        let target = match directive.name.as_str() {
            "alias" | "scriptalias" => replaced(directive, path),
            "aliasmatch" | "scriptaliasmatch" => replaced_by_pattern(directive, path),
            _ => None,
        };
        if let Some(target) = target {
            return Mapped::File { file: PathBuf::from(target), by: Some(directive) };
        }
    }
    if let Some(mapped) = of_user(levels, path) {
        return mapped;
    }
    let root = document_root(levels);
    let base = root.map_or("/var/www/html", |directive| directive.arg(0)).trim_end_matches('/');
    Mapped::File { file: PathBuf::from(format!("{base}{path}")), by: root }
}

/// `Redirect` and its kin, of which `Redirect 403` refuses.
fn redirected<'a>(levels: &[&'a [Directive]], path: &str) -> Option<Mapped<'a>> {
    for directive in levels.iter().rev().flat_map(|level| level.iter()) {
        let forbids = directive.arg(0) == "403" || directive.arg(0).eq_ignore_ascii_case("forbidden");
        match directive.name.as_str() {
            "redirect" if forbids && under(directive.arg(1), path).is_some() => {
                return Some(Mapped::Forbidden(directive));
            }
            "redirectmatch" if forbids => {
                let pattern = Pattern::new(directive.arg(1), false);
                if pattern.is_some_and(|pattern| pattern.captures(path).is_some()) {
                    return Some(Mapped::Forbidden(directive));
                }
            }
            "redirect" | "redirectpermanent" | "redirecttemp" => {
                // The status in front of the path may be missing.
                let at = usize::from(directive.args.len() > 2);
                let from = directive.arg(at);
                if directive.args.len() > 1 && from.starts_with('/') && under(from, path).is_some() {
                    return Some(Mapped::Elsewhere);
                }
            }
            _ => {}
        }
    }
    None
}

/// `ProxyPass`, of the server and of locations.
fn proxied<'a>(levels: &[&'a [Directive]], path: &str) -> Option<Mapped<'a>> {
    for directive in levels.iter().rev().flat_map(|level| level.iter()) {
        let target = match directive.name.as_str() {
            "proxypass" => replaced(directive, path),
            "proxypassmatch" => replaced_by_pattern(directive, path),
            _ => None,
        };
        if let Some(address) = target {
            return (directive.arg(1) != "!").then_some(Mapped::Proxied { address, by: directive });
        }
    }
    let sections =
        levels.iter().rev().flat_map(|level| level.iter()).filter(|section| section.name == "location");
    for section in sections {
        let directive =
            section.children().iter().find(|inner| inner.name == "proxypass" && inner.arg(0) != "!");
        if let (Some(directive), Some(rest)) = (directive, under(section.arg(0), path)) {
            return Some(Mapped::Proxied { address: format!("{}{rest}", directive.arg(0)), by: directive });
        }
    }
    None
}

/// `/~dana/notes` by `UserDir`: a folder in the user's home, or one that the name is put into.
fn of_user<'a>(levels: &[&'a [Directive]], path: &str) -> Option<Mapped<'a>> {
    let after = path.strip_prefix("/~")?;
    let user = after.split('/').next().filter(|user| !user.is_empty() && !user.starts_with('.'))?;
    let rest = after.strip_prefix(user)?;
    let all = || {
        levels
            .iter()
            .rev()
            .flat_map(|level| level.iter().rev())
            .filter(|directive| directive.name == "userdir")
    };
    let says = |directive: &Directive, word: &str| directive.arg(0).eq_ignore_ascii_case(word);
    let names_user = |directive: &Directive| directive.args.iter().skip(1).any(|name| name == user);
    let enabled = all().any(|directive| says(directive, "enabled") && names_user(directive));
    let disabled = all().any(|directive| {
        says(directive, "disabled") && (directive.args.len() == 1 && !enabled || names_user(directive))
    });
    if disabled {
        return None;
    }
    let by = all().find(|directive| !says(directive, "enabled") && !says(directive, "disabled"))?;
    let folder = by.arg(0).trim_end_matches('/');
    if folder.contains("://") {
        return Some(Mapped::Elsewhere);
    }
    let base = match (folder.contains('*'), folder.starts_with('/')) {
        (true, _) => PathBuf::from(folder.replace('*', user)),
        (false, true) => PathBuf::from(format!("{folder}/{user}")),
        (false, false) => modes::home(user)?.join(folder),
    };
    Some(Mapped::File { file: PathBuf::from(format!("{}{rest}", base.display())), by: Some(by) })
}

/// The second argument in the place of the first, which the path begins with.
fn replaced(directive: &Directive, path: &str) -> Option<String> {
    under(directive.arg(0), path).map(|rest| format!("{}{rest}", directive.arg(1)))
}

fn replaced_by_pattern(directive: &Directive, path: &str) -> Option<String> {
    let groups = Pattern::new(directive.arg(0), false)?.captures(path)?;
    Some(with_groups(directive.arg(1), &groups))
}

pub(crate) fn document_root<'a>(levels: &[&'a [Directive]]) -> Option<&'a Directive> {
    levels
        .iter()
        .rev()
        .find_map(|level| level.iter().rev().find(|directive| directive.name == "documentroot"))
}

/// What is left of a path below a prefix that ends at a boundary.
fn under<'p>(prefix: &str, path: &'p str) -> Option<&'p str> {
    let rest = path.strip_prefix(prefix)?;
    (rest.is_empty() || rest.starts_with('/') || prefix.ends_with('/')).then_some(rest)
}

fn with_groups(text: &str, groups: &[(Option<String>, String)]) -> String {
    let mut out = text.to_owned();
    for (at, (_, group)) in groups.iter().enumerate().take(10) {
        out = out.replace(&format!("${at}"), group);
    }
    out
}

/// The file without what follows it in the path: `/app.php/list` runs `/app.php`.
pub(crate) fn real_file(file: &Path) -> PathBuf {
    let mut shorter = file.to_path_buf();
    while !shorter.exists() {
        if shorter.is_file() || !shorter.pop() {
            return file.to_path_buf();
        }
        if shorter.is_file() {
            return shorter;
        }
        if shorter.is_dir() {
            return file.to_path_buf();
        }
    }
    file.to_path_buf()
}

/// What stands in the way along the path.
#[derive(Debug, Clone)]
pub(crate) enum Obstacle {
    /// A link that is not followed; whether its owner is the reason.
    Link { link: PathBuf, owner: bool },
    /// A directory that may not be searched.
    Search(Denial),
    /// An `.htaccess` that may not be read, or could not be looked for.
    Override { file: PathBuf, denial: Denial },
}

/// The first obstacle on the way to a file.
pub(crate) fn obstacle(
    file: &Path,
    layers: &[Layer<'_>],
    looked_in: &[PathBuf],
    name: &str,
    worker: &Worker,
) -> Option<Obstacle> {
    let mut here = PathBuf::from("/");
    for part in file.components().skip(1) {
        // Files for overrides are opened in each directory before the next component is looked at.
        if looked_in.contains(&here) {
            let own = here.join(name);
            match modes::reach(&own, Need::Read, worker) {
                Reach::Denied(denial) => return Some(Obstacle::Override { file: own, denial }),
                Reach::File | Reach::Directory | Reach::Missing | Reach::Unseen => {}
            }
        }
        let next = here.join(part);
        if let Reach::Denied(denial) = modes::reach(&next, Need::Look, worker) {
            return Some(Obstacle::Search(denial));
        }
        if std::fs::symlink_metadata(&next).is_ok_and(|about| about.is_symlink()) {
            let options = options(layers, &here);
            if !options.follow {
                let differs = modes::link_owners(&next).is_none_or(|(own, target)| own != target);
                if !options.follow_owner || differs {
                    return Some(Obstacle::Link { link: next, owner: options.follow_owner });
                }
            }
        }
        here = next;
    }
    if looked_in.contains(&here) {
        let own = here.join(name);
        if let Reach::Denied(denial) = modes::reach(&own, Need::Read, worker) {
            return Some(Obstacle::Override { file: own, denial });
        }
    }
    None
}

/// `Options`, merged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    pub(crate) indexes: bool,
    pub(crate) follow: bool,
    pub(crate) follow_owner: bool,
    pub(crate) cgi: bool,
}

/// The options in a directory: those of the sections about it and what is above it.
pub(crate) fn options(layers: &[Layer<'_>], folder: &Path) -> Options {
    let mut options = Options { indexes: false, follow: true, follow_owner: false, cgi: false };
    for layer in layers {
        let about = layer.folder.as_ref().is_none_or(|own| folder.starts_with(own));
        if !about {
            continue;
        }
        for directive in layer.directives.iter().filter(|directive| directive.name == "options") {
            let relative = directive.args.iter().any(|word| word.starts_with(['+', '-']));
            if !relative {
                options = Options { indexes: false, follow: false, follow_owner: false, cgi: false };
            }
            for word in &directive.args {
                let on = !word.starts_with('-');
                match word.trim_start_matches(['+', '-']).to_ascii_lowercase().as_str() {
                    "indexes" => options.indexes = on,
                    "followsymlinks" => options.follow = on,
                    "symlinksifownermatch" => options.follow_owner = on,
                    "execcgi" => options.cgi = on,
                    "all" => options = Options { indexes: on, follow: on, follow_owner: false, cgi: on },
                    "none" => {
                        options = Options { indexes: false, follow: false, follow_owner: false, cgi: false }
                    }
                    _ => {}
                }
            }
        }
    }
    options
}

/// The names of index files in force.
pub(crate) fn index_names(layers: &[Layer<'_>]) -> Vec<String> {
    let directive = last(layers, "directoryindex");
    let names: Vec<String> =
        directive.map(|directive| directive.args.clone()).unwrap_or_else(|| vec!["index.html".to_owned()]);
    names.into_iter().filter(|name| name != "disabled").collect()
}

/// Whether a file is run as CGI, and by which line.
pub(crate) fn runs_as_cgi<'a>(
    file: &Path,
    layers: &[Layer<'a>],
    by: Option<&'a Directive>,
) -> Option<&'a Directive> {
    if let Some(alias) = by.filter(|directive| directive.name.starts_with("scriptalias")) {
        return Some(alias);
    }
    let ending = file.extension().map(|ending| ending.to_string_lossy().into_owned()).unwrap_or_default();
    for layer in layers.iter().rev() {
        for directive in layer.directives.iter().rev() {
            let cgi = directive.arg(0).eq_ignore_ascii_case("cgi-script");
            let hit = match directive.name.as_str() {
                "sethandler" if layer.kind != Kind::Server || cgi => return cgi.then_some(directive),
                "addhandler" => directive
                    .args
                    .iter()
                    .skip(1)
                    .any(|own| own.trim_start_matches('.').eq_ignore_ascii_case(&ending)),
                _ => false,
            };
            if hit {
                return cgi.then_some(directive);
            }
        }
    }
    None
}

/// The FastCGI address that a handler hands scripts to.
pub(crate) fn php_handler<'a>(layers: &[Layer<'a>]) -> Option<&'a Directive> {
    let handler = last(layers, "sethandler")?;
    (handler.arg(0).starts_with("proxy:") && handler.arg(0).contains("fcgi:")).then_some(handler)
}
