//! Which sections hold for a request, in the order in which Apache merges them: directories with their `.htaccess`, from
//! short to long; directories by pattern; files; locations; conditions.

use std::path::{Path, PathBuf};

use super::expression;
use super::facts::Facts;
use super::grammar::{self, Directive, Tree};
use crate::condition::Truth;
use crate::pattern::{self, glob_matches};
use crate::report::Place;
use crate::source::Files;

/// What a section is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Server,
    Directory,
    Htaccess,
    DirectoryPattern,
    Files,
    Location,
    Condition,
    Proxy,
}

/// One section that holds.
#[derive(Debug, Clone)]
pub(crate) struct Layer<'a> {
    pub(crate) kind: Kind,
    /// As it stands in the file.
    pub(crate) label: String,
    pub(crate) place: Option<Place>,
    pub(crate) directives: Vec<&'a Directive>,
    /// The directory that it is about.
    pub(crate) folder: Option<PathBuf>,
    /// Whether it stands in an `.htaccess`.
    pub(crate) from_override: bool,
}

/// One `.htaccess`.
#[derive(Debug, Clone)]
pub(crate) struct Override {
    pub(crate) folder: PathBuf,
    pub(crate) file: PathBuf,
    pub(crate) directives: Vec<Directive>,
}

impl<'a> Layer<'a> {
    fn new(kind: Kind, section: &'a Directive) -> Layer<'a> {
        Layer {
            kind,
            label: section.shown(),
            place: section.place.clone(),
            directives: section.children().iter().collect(),
            folder: None,
            from_override: false,
        }
    }
}

/// The last of a name over all layers.
pub(crate) fn last<'a>(layers: &[Layer<'a>], name: &str) -> Option<&'a Directive> {
    layers
        .iter()
        .rev()
        .find_map(|layer| layer.directives.iter().rev().find(|directive| directive.name == name).copied())
}

/// The directories from the root to the one that holds the file, which may itself be one.
pub(crate) fn folders(file: &Path) -> Vec<PathBuf> {
    let is_folder = file.is_dir() || file.as_os_str().to_string_lossy().ends_with('/');
    // A slash at the end would make a path differ from its own section's.
    let clean: PathBuf = file.components().collect();
    let start = if is_folder { Some(clean.as_path()) } else { clean.parent() };
    let mut found: Vec<PathBuf> =
        start.map(|start| start.ancestors().map(Path::to_path_buf).collect()).unwrap_or_default();
    found.reverse();
    found.truncate(128);
    found
}

/// The `.htaccess` files on the way to a file, where the configuration lets them speak.
pub(crate) fn overrides(
    servers: &[&[Directive]],
    tree: &Tree,
    file: &Path,
    files: &mut Files,
) -> Vec<Override> {
    let name = servers
        .iter()
        .rev()
        .find_map(|level| level.iter().rev().find(|d| d.name == "accessfilename"))
        .map_or(".htaccess", |d| d.arg(0));
    let mut found = Vec::new();
    for folder in allowing(servers, file) {
        let path = folder.join(name);
        if path.is_file() && crate::source::whole(&path).is_ok() {
            let directives = grammar::parse_override(&path, tree, files);
            found.push(Override { folder, file: path, directives });
        }
    }
    found
}

/// The directories on the way in which `.htaccess` files are looked for.
pub(crate) fn allowing(servers: &[&[Directive]], file: &Path) -> Vec<PathBuf> {
    let mut allowed = false;
    let mut found = Vec::new();
    for folder in folders(file) {
        for section in directory_sections(servers, &folder) {
            if let Some(directive) =
                section.children().iter().rev().find(|inner| inner.name == "allowoverride")
            {
                allowed = !directive.arg(0).eq_ignore_ascii_case("none");
            }
        }
        if allowed {
            found.push(folder);
        }
    }
    found
}

/// The `<Directory>` sections, not by pattern, that are about exactly this directory.
fn directory_sections<'a>(servers: &[&'a [Directive]], folder: &Path) -> Vec<&'a Directive> {
    let shown = folder.display().to_string();
    let is_about = |section: &&Directive| {
        if section.name != "directory" || section.arg(0) == "~" {
            return false;
        }
        let own = section.arg(0).trim_end_matches('/');
        let own = if own.is_empty() { "/" } else { own };
        own == shown || own.contains(['*', '?', '[']) && glob_matches(own, &shown, false)
    };
    servers.iter().flat_map(|level| level.iter()).filter(is_about).collect()
}

/// All sections that hold, merged in Apache's order. `proxied` is the address that the request is proxied to: then no
/// directory speaks.
pub(crate) fn of<'a>(
    servers: &[&'a [Directive]],
    overrides: &'a [Override],
    facts: &Facts,
    proxied: Option<&str>,
) -> Vec<Layer<'a>> {
    let mut layers: Vec<Layer<'a>> = servers
        .iter()
        .map(|level| Layer {
            kind: Kind::Server,
            label: "the server itself".to_owned(),
            place: None,
            directives: level.iter().filter(|directive| directive.block.is_none()).collect(),
            folder: None,
            from_override: false,
        })
        .collect();
    match proxied {
        Some(address) => layers.extend(proxies(servers, address)),
        None => layers.extend(directories(servers, overrides, &facts.file)),
    }
    if proxied.is_none() {
        let nested = files(servers, &layers, &facts.file);
        layers.extend(nested);
    }
    for section in servers.iter().flat_map(|level| level.iter()) {
        if is_location(section, &facts.path) {
            layers.push(Layer::new(Kind::Location, section));
        }
    }
    let conditions = conditions(servers, &layers, facts);
    layers.extend(conditions);
    layers
}

fn directories<'a>(servers: &[&'a [Directive]], overrides: &'a [Override], file: &Path) -> Vec<Layer<'a>> {
    let mut layers = Vec::new();
    for folder in folders(file) {
        for section in directory_sections(servers, &folder) {
            layers.push(Layer { folder: Some(folder.clone()), ..Layer::new(Kind::Directory, section) });
        }
        for own in overrides.iter().filter(|own| own.folder == folder) {
            layers.push(Layer {
                kind: Kind::Htaccess,
                label: own.file.display().to_string(),
                place: Some(Place { file: own.file.clone(), line: 0 }),
                directives: own.directives.iter().collect(),
                folder: Some(folder.clone()),
                from_override: true,
            });
        }
    }
    let shown = file.display().to_string();
    let parent = file.parent().map(|parent| format!("{}/", parent.display())).unwrap_or_default();
    for section in servers.iter().flat_map(|level| level.iter()) {
        let regex = match (section.name.as_str(), section.arg(0)) {
            ("directorymatch", regex) => regex,
            ("directory", "~") => section.arg(1),
            _ => continue,
        };
        if [shown.as_str(), parent.as_str()]
            .iter()
            .any(|text| pattern::matches(regex, false, text) == Truth::Yes)
        {
            layers.push(Layer::new(Kind::DirectoryPattern, section));
        }
    }
    layers
}

/// `<Files>` of the server, then those within the directories that hold.
fn files<'a>(servers: &[&'a [Directive]], layers: &[Layer<'a>], file: &Path) -> Vec<Layer<'a>> {
    if file.as_os_str().to_string_lossy().ends_with('/') {
        return Vec::new();
    }
    let Some(name) = file.file_name().map(|name| name.to_string_lossy().into_owned()) else {
        return Vec::new();
    };
    let fits = |section: &Directive| match (section.name.as_str(), section.arg(0)) {
        ("filesmatch", regex) => pattern::matches(regex, false, &name) == Truth::Yes,
        ("files", "~") => pattern::matches(section.arg(1), false, &name) == Truth::Yes,
        ("files", mask) => mask == name || glob_matches(mask, &name, true),
        _ => false,
    };
    let own = servers
        .iter()
        .flat_map(|level| level.iter())
        .filter(|section| fits(section))
        .map(|section| Layer::new(Kind::Files, section));
    let nested = layers.iter().filter(|layer| layer.kind != Kind::Server).flat_map(|layer| {
        let (from_override, folder) = (layer.from_override, layer.folder.clone());
        layer.directives.iter().copied().filter(|section| fits(section)).map(move |section| Layer {
            from_override,
            folder: folder.clone(),
            ..Layer::new(Kind::Files, section)
        })
    });
    own.chain(nested).collect()
}

fn is_location(section: &Directive, path: &str) -> bool {
    let (text, regex) = match (section.name.as_str(), section.arg(0)) {
        ("locationmatch", regex) => (regex, true),
        ("location", "~") => (section.arg(1), true),
        ("location", text) => (text, false),
        _ => return false,
    };
    if regex {
        return pattern::matches(text, false, path) == Truth::Yes;
    }
    if text.contains(['*', '?', '[']) {
        return glob_matches(text, path, false)
            || glob_matches(&format!("{}/**", text.trim_end_matches('/')), path, true);
    }
    match path.strip_prefix(text) {
        Some(rest) => rest.is_empty() || rest.starts_with('/') || text.ends_with('/'),
        None => false,
    }
}

fn proxies<'a>(servers: &[&'a [Directive]], address: &str) -> Vec<Layer<'a>> {
    let fits = |section: &&Directive| match (section.name.as_str(), section.arg(0)) {
        ("proxymatch", regex) => pattern::matches(regex, false, address) == Truth::Yes,
        ("proxy", "~") => pattern::matches(section.arg(1), false, address) == Truth::Yes,
        ("proxy", "*") => true,
        ("proxy", mask) => {
            address.starts_with(mask.trim_end_matches('*')) || glob_matches(mask, address, true)
        }
        _ => false,
    };
    servers
        .iter()
        .flat_map(|level| level.iter())
        .filter(fits)
        .map(|section| Layer::new(Kind::Proxy, section))
        .collect()
}

/// `<If>`, `<ElseIf>`, `<Else>`, of the server and within what holds.
fn conditions<'a>(servers: &[&'a [Directive]], layers: &[Layer<'a>], facts: &Facts) -> Vec<Layer<'a>> {
    let mut found = Vec::new();
    let mut search = |directives: &mut dyn Iterator<Item = &'a Directive>, from_override: bool| {
        let mut before = Truth::Yes;
        for section in directives {
            let holds = match section.name.as_str() {
                "if" => expression::holds(&inner(section), facts),
                "elseif" => (!before).and(expression::holds(&inner(section), facts)),
                "else" => !before,
                _ => continue,
            };
            before = if section.name == "if" { holds } else { before.or(holds) };
            if holds == Truth::Yes {
                found.push(Layer { from_override, ..Layer::new(Kind::Condition, section) });
            }
        }
    };
    for level in servers {
        search(&mut level.iter(), false);
    }
    for layer in layers.iter().filter(|layer| layer.kind != Kind::Server) {
        search(&mut layer.directives.iter().copied(), layer.from_override);
    }
    found
}

/// The expression of a condition: in quotes usually, and then one word.
fn inner(section: &Directive) -> String {
    match section.args.as_slice() {
        [only] => only.clone(),
        _ => section.text.split_once(char::is_whitespace).map_or("", |(_, rest)| rest).to_owned(),
    }
}
