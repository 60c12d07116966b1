//! Apache's grammar: lines with arguments, sections, includes in place, `IfModule`, `IfDefine`, `Define` and `${…}`
//! resolved while reading, as Apache does.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::report::Place;
use crate::source::{Files, files_in};

/// Directives read in one run.
const MOST_DIRECTIVES: usize = 200_000;
/// Sections within sections.
const MOST_NESTING: usize = 32;

/// One directive or section.
#[derive(Debug, Clone, Default)]
pub(crate) struct Directive {
    /// In lower case: Apache does not mind.
    pub(crate) name: String,
    pub(crate) args: Vec<String>,
    /// The line as it stands, without a section's brackets.
    pub(crate) text: String,
    pub(crate) block: Option<Vec<Directive>>,
    pub(crate) place: Option<Place>,
}

impl Directive {
    pub(crate) fn arg(&self, at: usize) -> &str {
        self.args.get(at).map_or("", String::as_str)
    }

    pub(crate) fn children(&self) -> &[Directive] {
        self.block.as_deref().unwrap_or(&[])
    }

    pub(crate) fn shown(&self) -> String {
        if self.block.is_some() { format!("<{}>", self.text) } else { self.text.clone() }
    }
}

/// What reading a root came to.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    pub(crate) directives: Vec<Directive>,
    pub(crate) server_root: PathBuf,
    /// Names of loaded modules, `rewrite_module` and `mod_rewrite.c`. Empty if the root loads none: a part of a
    /// configuration, whose modules are not known.
    pub(crate) modules: BTreeSet<String>,
}

impl Tree {
    /// Whether a module is there; unknown modules are taken to be.
    pub(crate) fn has(&self, module: &str) -> bool {
        self.modules.is_empty() || self.modules.contains(module)
    }
}

/// Reads a root with its includes.
pub(crate) fn parse(root: &Path, files: &mut Files) -> Tree {
    let folder = root.parent().unwrap_or(Path::new("/"));
    let mut parser = Parser {
        files,
        tree: Tree { server_root: folder.to_path_buf(), ..Tree::default() },
        defined: environment(folder),
        read: 0,
    };
    parser.tree.directives = parser.file(root, None, 0);
    parser.tree
}

/// Reads one `.htaccess`, in the light of the modules that are loaded.
pub(crate) fn parse_override(path: &Path, tree: &Tree, files: &mut Files) -> Vec<Directive> {
    let mut parser = Parser {
        files,
        tree: Tree {
            server_root: tree.server_root.clone(),
            modules: tree.modules.clone(),
            directives: Vec::new(),
        },
        defined: BTreeMap::new(),
        read: 0,
    };
    parser.file(path, None, 0)
}

/// Debian's `envvars`: `export APACHE_LOG_DIR=/var/log/apache2$SUFFIX`.
fn environment(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let text = crate::source::whole(&folder.join("envvars")).unwrap_or_default();
    for line in text.lines() {
        let Some((name, value)) = line.trim().strip_prefix("export ").and_then(|rest| rest.split_once('='))
        else {
            continue;
        };
        found.insert(name.trim().to_owned(), value.trim().trim_matches(['"', '\'']).replace("$SUFFIX", ""));
    }
    for (name, value) in [
        ("APACHE_LOG_DIR", "/var/log/apache2"),
        ("APACHE_RUN_USER", "www-data"),
        ("APACHE_RUN_GROUP", "www-data"),
        ("APACHE_RUN_DIR", "/var/run/apache2"),
    ] {
        found.entry(name.to_owned()).or_insert_with(|| value.to_owned());
    }
    found
}

struct Parser<'a> {
    files: &'a mut Files,
    tree: Tree,
    defined: BTreeMap<String, String>,
    read: usize,
}

/// The lines of a file, joined where they are continued.
struct Lines {
    lines: std::vec::IntoIter<(u32, String)>,
}

impl Parser<'_> {
    fn file(&mut self, path: &Path, named_at: Option<&Place>, nesting: usize) -> Vec<Directive> {
        let Some(text) = self.files.enter(path, named_at) else { return Vec::new() };
        let mut lines = joined(&text);
        let mut found = Vec::new();
        while self.block(&mut lines, path, "", &mut found, nesting) {
            self.files.fault(None, path, "a section is closed that was not opened");
        }
        self.files.leave();
        found
    }

    /// Lines up to the end of a section (`true`) or of the file (`false`).
    fn block(
        &mut self,
        lines: &mut Lines,
        path: &Path,
        section: &str,
        into: &mut Vec<Directive>,
        nesting: usize,
    ) -> bool {
        while let Some((number, line)) = lines.lines.next() {
            let place = Place { file: path.to_path_buf(), line: number };
            if self.read >= MOST_DIRECTIVES || nesting > MOST_NESTING {
                self.files.fault(
                    Some(&place),
                    path,
                    "too many directives, or sections nest too deep: the rest is not read",
                );
                return false;
            }
            self.read += 1;
            let line = self.expanded(&line);
            if let Some(name) = line.strip_prefix("</") {
                let name = name.trim_end_matches('>').trim();
                if !section.is_empty() && !name.eq_ignore_ascii_case(section) {
                    self.files.fault(Some(&place), path, format!("`</{name}>` closes `<{section}>`"));
                }
                return true;
            }
            if let Some(inner) = line.strip_prefix('<') {
                let inner = inner.trim().strip_suffix('>').unwrap_or(inner).trim();
                self.section(lines, path, inner, place, into, nesting);
            } else {
                self.simple(&line, place, into, nesting);
            }
        }
        if !section.is_empty() {
            self.files.fault(None, path, format!("`<{section}>` is not closed"));
        }
        false
    }

    fn section(
        &mut self,
        lines: &mut Lines,
        path: &Path,
        inner: &str,
        place: Place,
        into: &mut Vec<Directive>,
        nesting: usize,
    ) {
        let (name, rest) = inner.split_once(char::is_whitespace).unwrap_or((inner, ""));
        let lower = name.to_ascii_lowercase();
        let args = words(rest);
        let holds = match lower.as_str() {
            "ifmodule" => Some(self.condition(rest, |parser, name| parser.tree.has(name))),
            "ifdefine" => Some(self.condition(rest, |parser, name| parser.defined.contains_key(name))),
            "ifversion" => Some(true),
            "iffile" => Some(args.first().is_some_and(|file| self.tree.server_root.join(file).exists())),
            "ifdirective" | "ifsection" => Some(true),
            _ => None,
        };
        if let Some(holds) = holds {
            let mut inside = Vec::new();
            // What does not apply is read for its end only, with what it defines undone.
            let (modules, defined) = (self.tree.modules.clone(), self.defined.clone());
            self.block(lines, path, name, &mut inside, nesting + 1);
            if holds {
                into.append(&mut inside);
            } else {
                self.tree.modules = modules;
                self.defined = defined;
            }
            return;
        }
        let mut inside = Vec::new();
        self.block(lines, path, name, &mut inside, nesting + 1);
        into.push(Directive {
            name: lower,
            args,
            text: inner.to_owned(),
            block: Some(inside),
            place: Some(place),
        });
    }

    fn condition(&self, rest: &str, holds: impl Fn(&Self, &str) -> bool) -> bool {
        let name = rest.trim().trim_matches('"');
        match name.strip_prefix('!') {
            Some(name) => !holds(self, name.trim()),
            None => holds(self, name),
        }
    }

    fn simple(&mut self, line: &str, place: Place, into: &mut Vec<Directive>, nesting: usize) {
        let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let lower = name.to_ascii_lowercase();
        let args = words(rest);
        match lower.as_str() {
            "include" | "includeoptional" => {
                for pattern in &args {
                    let base = self.tree.server_root.clone();
                    let mut found = self.files.expand(pattern, &base, Some(&place));
                    found = found.into_iter().flat_map(below).collect();
                    for file in found {
                        if lower == "includeoptional" && !file.exists() {
                            continue;
                        }
                        let more = self.file(&file, Some(&place), nesting + 1);
                        into.extend(more);
                    }
                }
                return;
            }
            "define" => {
                let value = args.get(1).cloned().unwrap_or_default();
                self.defined.insert(args.first().cloned().unwrap_or_default(), value);
            }
            "undefine" => {
                self.defined.remove(args.first().map_or("", String::as_str));
            }
            "serverroot" => self.tree.server_root = PathBuf::from(args.first().map_or("/", String::as_str)),
            "loadmodule" => self.load(&args),
            _ => {}
        }
        into.push(Directive { name: lower, args, text: line.to_owned(), block: None, place: Some(place) });
    }

    fn load(&mut self, args: &[String]) {
        if self.tree.modules.is_empty() {
            // Built in nearly everywhere; without them `IfModule` would leave out what is in force.
            let built_in = [
                "core.c",
                "mod_so.c",
                "http_core.c",
                "mod_log_config.c",
                "mod_unixd.c",
                "mod_version.c",
                "log_config_module",
                "unixd_module",
                "version_module",
            ];
            self.tree.modules.extend(built_in.map(str::to_owned));
        }
        if let [name, file, ..] = args {
            self.tree.modules.insert(name.clone());
            let stem = Path::new(file)
                .file_stem()
                .map(|stem| stem.to_string_lossy().into_owned())
                .unwrap_or_default();
            self.tree.modules.insert(format!("{stem}.c"));
        }
    }

    /// `${NAME}` for what is defined.
    fn expanded(&self, line: &str) -> String {
        if !line.contains("${") {
            return line.to_owned();
        }
        let mut out = line.to_owned();
        for (name, value) in &self.defined {
            out = out.replace(&format!("${{{name}}}"), value);
        }
        out
    }
}

/// A directory that is included means all files in it.
fn below(path: PathBuf) -> Vec<PathBuf> {
    if path.is_dir() { files_in(&path, 2_000) } else { vec![path] }
}

fn joined(text: &str) -> Lines {
    let mut lines = Vec::new();
    let mut open: Option<(u32, String)> = None;
    for (at, line) in text.lines().enumerate() {
        let (number, mut whole) = open.take().unwrap_or((u32::try_from(at + 1).unwrap_or(0), String::new()));
        let line = line.trim_end();
        if let Some(head) = line.strip_suffix('\\') {
            whole.push_str(head);
            open = Some((number, whole));
            continue;
        }
        whole.push_str(line);
        lines.push((number, whole.trim().to_owned()));
    }
    lines.extend(open.map(|(number, whole)| (number, whole.trim().to_owned())));
    lines.retain(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    Lines { lines: lines.into_iter() }
}

/// The words of a line; quotes hold blanks together.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text.chars().peekable();
    loop {
        while rest.next_if(|c| c.is_whitespace()).is_some() {}
        let Some(first) = rest.peek().copied() else { return found };
        let mut word = String::new();
        if first == '"' || first == '\'' {
            rest.next();
            while let Some(letter) = rest.next() {
                match letter {
                    '\\' if rest.peek() == Some(&first) => word.extend(rest.next()),
                    '\\' if rest.peek() == Some(&'\\') => {
                        word.push('\\');
                        rest.next();
                    }
                    letter if letter == first => break,
                    letter => word.push(letter),
                }
            }
        } else {
            while let Some(letter) = rest.next_if(|c| !c.is_whitespace()) {
                word.push(letter);
            }
        }
        found.push(word);
    }
}
