//! What answers once the request is let in: a file, a directory's index, an upstream; and what of the file system stands
//! in the way.

use std::path::{Path, PathBuf};

use super::choose::{inherited, inherited_all, is_on, modifier};
use super::grammar::Directive;
use super::variables::Variables;
use crate::modes::{self, Denial, Need, Reach, Worker};

/// Folders in which sites keep what is to be served.
const SERVED_BELOW: [&str; 22] = [
    "public",
    "dist",
    "build",
    "public_html",
    "htdocs",
    "html",
    "www",
    "web",
    "out",
    "current",
    "_site",
    "site",
    "output",
    "current/public",
    "current/dist",
    "frontend/dist",
    "client/dist",
    "client/build",
    "app/dist",
    "dist/browser",
    "webroot",
    "pub",
];

/// How content is answered.
#[derive(Debug, Clone)]
pub(crate) enum Content<'a> {
    /// By an upstream of this directive.
    Passed(&'a Directive),
    /// By a module that needs no file, or with an answer that is no refusal.
    Answered,
    /// Not found.
    Missing(PathBuf),
    /// The index was found: on with this URI.
    Redirected(String),
    /// A file that the worker reads.
    Served(PathBuf),
    /// A file or directory that it may not.
    Denied(PathBuf, Denial),
    /// A directory without index, and no listing.
    NoIndex(PathBuf),
    /// A link that `disable_symlinks` forbids.
    Link(PathBuf, PathBuf),
    Unseen(PathBuf),
}

/// The file that a URI is mapped to by `root` or `alias`.
pub(crate) fn mapped(variables: &Variables<'_, '_>, uri: &str) -> PathBuf {
    let level = |level: &&&[Directive]| {
        level.iter().any(|directive| matches!(directive.name.as_str(), "root" | "alias"))
    };
    let Some(level) = variables.levels.iter().rev().find(level) else {
        return relative(uri, Path::new("/usr/share/nginx/html"));
    };
    let Some(directive) = level.iter().find(|directive| matches!(directive.name.as_str(), "root" | "alias"))
    else {
        return PathBuf::from(uri);
    };
    let base = variables_without_file(variables, directive.arg(0));
    if directive.name == "root" {
        return relative(uri, Path::new(&base));
    }
    let location = location_of(variables, level);
    match location.map(modifier) {
        Some(("~" | "~*", _)) => PathBuf::from(base),
        Some((_, prefix)) => PathBuf::from(format!("{base}{}", uri.strip_prefix(prefix).unwrap_or(""))),
        None => PathBuf::from(base),
    }
}

/// The location whose block a level is.
fn location_of<'a>(variables: &Variables<'a, '_>, level: &[Directive]) -> Option<&'a Directive> {
    let all = variables.levels.iter().flat_map(|outer| outer.iter());
    all.into_iter()
        .find(|directive| directive.name == "location" && std::ptr::eq(directive.children(), level))
}

/// `$request_filename` in `root` would never end.
fn variables_without_file(variables: &Variables<'_, '_>, text: &str) -> String {
    if text.contains("request_filename") || text.contains("document_root") || text.contains("realpath_root") {
        return text.to_owned();
    }
    variables.expand(text).text.unwrap_or_else(|| text.to_owned())
}

fn relative(uri: &str, base: &Path) -> PathBuf {
    PathBuf::from(format!("{}{uri}", base.display().to_string().trim_end_matches('/')))
}

/// The directive that hands the request on, if the innermost location has one.
pub(crate) fn passes<'a>(variables: &Variables<'a, '_>) -> Option<&'a Directive> {
    const NAMES: [&str; 6] =
        ["proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass", "memcached_pass"];
    // An upstream is not inherited into a nested location, but an entered `if` is part of its location.
    variables
        .levels
        .iter()
        .rev()
        .take(2)
        .find_map(|level| level.iter().find(|directive| NAMES.contains(&directive.name.as_str())))
}

/// What answers for the URI as it stands.
pub(crate) fn judge<'a>(variables: &Variables<'a, '_>, worker: Option<&Worker>) -> Content<'a> {
    if let Some(directive) = passes(variables) {
        return Content::Passed(directive);
    }
    const MODULES: [&str; 8] = [
        "stub_status",
        "empty_gif",
        "content_by_lua_block",
        "content_by_lua_file",
        "content_by_lua",
        "js_content",
        "perl",
        "api",
    ];
    if variables
        .levels
        .last()
        .is_some_and(|level| level.iter().any(|directive| MODULES.contains(&directive.name.as_str())))
    {
        return Content::Answered;
    }
    let file = mapped(variables, &variables.uri);
    if !matches!(variables.hop.method.as_str(), "GET" | "HEAD" | "POST") {
        return Content::Answered;
    }
    if let Some(link) = forbidden_link(variables, &file) {
        return Content::Link(file, link);
    }
    if variables.uri.ends_with('/') {
        return directory(variables, &file, worker);
    }
    let Some(worker) = worker else { return Content::Unseen(file) };
    match modes::reach(&file, Need::Read, worker) {
        Reach::File => Content::Served(file),
        Reach::Directory => Content::Answered,
        Reach::Missing => Content::Missing(file),
        Reach::Denied(denial) => Content::Denied(file, denial),
        Reach::Unseen => Content::Unseen(file),
    }
}

fn directory<'a>(variables: &Variables<'a, '_>, folder: &Path, worker: Option<&Worker>) -> Content<'a> {
    let root = Worker { name: "root".to_owned(), uid: 0, groups: vec![0] };
    let worker = worker.unwrap_or(&root);
    for name in index_names(variables) {
        if let Some(uri) = name.strip_prefix('/') {
            return Content::Redirected(format!("/{uri}"));
        }
        let file = PathBuf::from(format!("{}{name}", folder.display()));
        match modes::reach(&file, Need::Look, worker) {
            Reach::File => return Content::Redirected(format!("{}{name}", variables.uri)),
            Reach::Denied(denial) => return Content::Denied(file, denial),
            Reach::Directory | Reach::Missing | Reach::Unseen => {}
        }
    }
    let need = if is_on(&variables.levels, "autoindex") { Need::Read } else { Need::Look };
    match modes::reach(folder, need, worker) {
        Reach::Directory if need == Need::Read => Content::Served(folder.to_path_buf()),
        Reach::Directory => Content::NoIndex(folder.to_path_buf()),
        Reach::Denied(denial) => Content::Denied(folder.to_path_buf(), denial),
        Reach::Unseen => Content::Unseen(folder.to_path_buf()),
        Reach::File | Reach::Missing => Content::Missing(folder.to_path_buf()),
    }
}

pub(crate) fn index_names(variables: &Variables<'_, '_>) -> Vec<String> {
    let said = inherited_all(&variables.levels, &["index"]);
    let names: Vec<String> = said
        .iter()
        .flat_map(|directive| directive.args.iter())
        .filter_map(|name| variables.expand(name).text)
        .collect();
    if names.is_empty() { vec!["index.html".to_owned()] } else { names }
}

/// A link on the way that `disable_symlinks` does not let pass.
pub(crate) fn forbidden_link(variables: &Variables<'_, '_>, file: &Path) -> Option<PathBuf> {
    let directive = inherited(&variables.levels, "disable_symlinks")?;
    let owners = match directive.arg(0) {
        "on" => false,
        "if_not_owner" => true,
        _ => return None,
    };
    let from = directive.args.iter().find_map(|arg| arg.strip_prefix("from="));
    let from = from.and_then(|from| variables.expand(from).text).map(PathBuf::from);
    modes::links(file).into_iter().find(|link| {
        let checked = from.as_ref().is_none_or(|from| link.starts_with(from) && link != from);
        let differs = modes::link_owners(link).is_none_or(|(own, target)| own != target);
        checked && (!owners || differs)
    })
}

/// Where the site's index lies, if the directory that the URI is mapped to is the wrong one.
pub(crate) fn index_elsewhere(variables: &Variables<'_, '_>, folder: &Path) -> Option<PathBuf> {
    let mut names = index_names(variables);
    names.extend(["index.html", "index.htm", "index.php"].map(str::to_owned));
    let has = |place: &Path| names.iter().any(|name| place.join(name.trim_start_matches('/')).is_file());
    let trimmed = PathBuf::from(folder.display().to_string().trim_end_matches('/'));
    let (at_base, own) = at_base(variables, &trimmed);
    if !at_base {
        // `root` in a location where `alias` was meant: the location's path is appended once too often.
        let base = own.as_ref()?;
        return (trimmed.starts_with(base) && trimmed != *base && has(base)).then(|| base.clone());
    }
    if has(&trimmed) {
        // `alias` without its slash looks for `…/docs` + `index.html`; otherwise it is `index` that lacks the name.
        return (!folder.display().to_string().ends_with('/')).then_some(trimmed);
    }
    let mut below: Vec<PathBuf> = SERVED_BELOW.iter().map(|name| trimmed.join(name)).collect();
    if let [only] = folders_in(&trimmed).as_slice() {
        below.push(only.clone());
        below.extend(folders_in(only));
    }
    if let Some(parent) = trimmed.parent() {
        below.extend(SERVED_BELOW.iter().map(|name| parent.join(name)));
        below.extend(folders_in(parent).into_iter().filter(|place| similar(place, &trimmed)));
        below.push(parent.to_path_buf());
    }
    below.into_iter().find(|place| *place != trimmed && has(place))
}

/// Whether the directory is the one that `root` or `alias` names; and the `root` that a location itself names.
fn at_base(variables: &Variables<'_, '_>, folder: &Path) -> (bool, Option<PathBuf>) {
    let is_base = |directive: &&Directive| matches!(directive.name.as_str(), "root" | "alias");
    let found = variables
        .levels
        .iter()
        .enumerate()
        .rev()
        .find_map(|(at, level)| level.iter().find(is_base).map(|base| (at, base)));
    let Some((at, directive)) = found else { return (false, None) };
    let base = PathBuf::from(variables_without_file(variables, directive.arg(0)).trim_end_matches('/'));
    // Levels: main, http, server, then locations.
    let own = (directive.name == "root" && at > 2).then(|| base.clone());
    (base == folder, own)
}

/// A neighbour whose name looks like a version or a misspelling of the folder's.
fn similar(place: &Path, folder: &Path) -> bool {
    let name = |path: &Path| {
        path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default()
    };
    let (one, other) = (name(place), name(folder));
    let common = one.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    common >= 3 || one.contains(&other) || other.contains(&one)
}

fn folders_in(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries
        .take(500)
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    found
}
