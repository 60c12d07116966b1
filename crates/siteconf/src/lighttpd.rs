//! lighttpd: the conditionals that hold, the settings that they come to, what of these refuses, and the file system.

mod file;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::accessed::Accessed;
use crate::beside;
use crate::condition::Truth;
use crate::hop::Hop;
use crate::logs::{self, AccessLine};
use crate::modes::{self, Need, Reach, Worker};
use crate::nginx::access::within;
use crate::pattern;
use crate::report::{Clue, Place, Server, Strength};
use crate::site::{Judgement, Next, Role, Site};
use crate::source::Files;
use file::{Item, Value};

/// One configuration.
#[derive(Debug)]
pub(crate) struct Lighttpd {
    root: PathBuf,
    items: Vec<Item>,
}

/// A setting in force, with where it stands and whether the conditions around it are known to hold.
#[derive(Debug, Clone)]
struct Setting {
    value: Value,
    place: Place,
    certain: Truth,
    condition: String,
}

type Settings = BTreeMap<String, Setting>;

impl Lighttpd {
    /// Reads a root with its includes.
    pub(crate) fn read(root: &Path, files: &mut Files) -> Lighttpd {
        Lighttpd { root: root.to_path_buf(), items: file::parse(root, files) }
    }

    /// What is set at the top, whatever the request.
    fn plain(&self, name: &str) -> Option<&Value> {
        self.items.iter().rev().find_map(|item| match item {
            Item::Set { name: own, value, .. } if own == name => Some(value),
            _ => None,
        })
    }

    fn ports(&self) -> Vec<u16> {
        let mut found: Vec<u16> =
            self.plain("server.port").and_then(|value| value.text().parse().ok()).into_iter().collect();
        for item in &self.items {
            let Item::If(branches) = item else { continue };
            for (condition, ..) in branches {
                if let Some((subject, _, operand)) = condition
                    && subject.starts_with("$SERVER socket")
                {
                    found.extend(operand.rsplit(':').next().and_then(|port| port.parse::<u16>().ok()));
                }
            }
        }
        if found.is_empty() { vec![80] } else { found }
    }

    fn settings(&self, hop: &Hop) -> Settings {
        let mut settings = Settings::new();
        apply(&self.items, hop, Truth::Yes, "", &mut settings, 0);
        settings
    }
}

fn apply(items: &[Item], hop: &Hop, certain: Truth, around: &str, settings: &mut Settings, depth: u8) {
    for item in items {
        match item {
            Item::Set { name, add, value, place } => {
                let mut value = value.clone();
                if *add && let (Some(before), Value::List(more)) = (settings.get(name), &value) {
                    let mut all = before.value.entries().to_vec();
                    all.extend(more.iter().cloned());
                    value = Value::List(all);
                }
                settings.insert(
                    name.clone(),
                    Setting { value, place: place.clone(), certain, condition: around.to_owned() },
                );
            }
            Item::If(branches) if depth < 24 => {
                let mut open = Truth::Yes;
                for (condition, body, _) in branches {
                    let (holds, shown) = match condition {
                        Some((subject, operator, operand)) => (
                            holds(subject, operator, operand, hop),
                            format!("{subject} {operator} \"{operand}\""),
                        ),
                        None => (Truth::Yes, "else".to_owned()),
                    };
                    let here = open.and(holds);
                    if here != Truth::No {
                        let shown = if around.is_empty() { shown } else { format!("{around}, {shown}") };
                        apply(body, hop, certain.and(here), &shown, settings, depth + 1);
                    }
                    open = open.and(!holds);
                }
            }
            Item::If(_) => {}
        }
    }
}

fn holds(subject: &str, operator: &str, operand: &str, hop: &Hop) -> Truth {
    let (kind, name) = subject.split_once(' ').unwrap_or((subject, ""));
    let value = match (kind, name) {
        ("$HTTP", "url") => Some(hop.path()),
        ("$HTTP", "host") => Some(hop.header("Host").unwrap_or("").to_owned()),
        ("$HTTP", "useragent" | "user-agent") => Some(hop.header("User-Agent").unwrap_or("").to_owned()),
        ("$HTTP", "referer") => Some(hop.header("Referer").unwrap_or("").to_owned()),
        ("$HTTP", "cookie") => Some(hop.header("Cookie").unwrap_or("").to_owned()),
        ("$HTTP", "querystring" | "query-string") => Some(hop.query().to_owned()),
        ("$HTTP", "request-method") => Some(hop.method.clone()),
        ("$HTTP", "scheme") => Some(hop.scheme.clone()),
        ("$HTTP", "language") => Some(hop.header("Accept-Language").unwrap_or("").to_owned()),
        ("$HTTP", "remoteip" | "remote-ip") => hop.client.map(|client| client.to_string()),
        ("$REQUEST_HEADER", name) => Some(hop.header(name).unwrap_or("").to_owned()),
        ("$SERVER", "socket") => {
            let port = operand.rsplit(':').next().and_then(|port| port.parse::<u16>().ok());
            return Truth::from(port == Some(hop.port));
        }
        _ => None,
    };
    let Some(value) = value else { return Truth::Unknown };
    let equal = || {
        if name.starts_with("remote") {
            return Truth::from(value.parse().ok().and_then(|address| within(operand, address)));
        }
        if name == "host" {
            let bare = hop.host();
            return Truth::from(value.eq_ignore_ascii_case(operand) || bare == operand.to_ascii_lowercase());
        }
        Truth::from(value == operand)
    };
    match operator {
        "==" => equal(),
        "!=" => !equal(),
        "=~" => pattern::matches(operand, false, &value),
        "!~" => !pattern::matches(operand, false, &value),
        "=^" => Truth::from(value.starts_with(operand)),
        "=$" => Truth::from(value.ends_with(operand)),
        _ => Truth::Unknown,
    }
}

impl Site for Lighttpd {
    fn kind(&self) -> &'static str {
        "lighttpd"
    }

    fn root(&self) -> &Path {
        &self.root
    }

    fn listens(&self, address: &str, port: u16) -> Truth {
        let bound = self.plain("server.bind").map_or("", Value::text);
        Truth::from(self.ports().contains(&port) && crate::hop::same_place(bound, address))
    }

    fn judge(&self, hop: &Hop, _files: &mut Files) -> Judgement {
        let accessed = self.accessed(hop);
        let hop = &accessed.refined(hop);
        let settings = self.settings(hop);
        let mut clues: Vec<Clue> = Vec::new();
        clues.extend(denied(&settings, hop));
        let refused = clues.iter().any(|clue| clue.strength == Strength::Decisive);
        let next = if refused { Vec::new() } else { proxied(&settings, hop) };
        let file = mapped(&settings, &hop.path());
        if !refused && next.is_empty() {
            clues.extend(self.content(&settings, hop, &file));
        }
        clues.extend(accessed.one_of_many(None, hop));
        let server = Server {
            kind: "lighttpd".to_owned(),
            root: self.root.clone(),
            section: settings
                .get("server.document-root")
                .map_or_else(String::new, |root| format!("document root {}", root.value.text())),
            place: clues.first().and_then(|clue| clue.place.clone()),
            file: next.is_empty().then_some(file),
            next: next.iter().map(|next| next.label.clone()).collect(),
        };
        Judgement { clues, server: Some(server), next }
    }
}

/// `url.access-deny` and its kin.
fn denied(settings: &Settings, hop: &Hop) -> Option<Clue> {
    let loaded =
        settings.get("server.modules").is_none_or(|modules| modules.value.texts().contains(&"mod_access"));
    let path = hop.path().to_lowercase();
    let ends = |setting: &Setting| {
        setting
            .value
            .texts()
            .into_iter()
            .find(|ending| path.ends_with(&ending.to_lowercase()))
            .map(str::to_owned)
    };
    if let Some(allow) = settings.get("url.access-allow").filter(|_| loaded) {
        if ends(allow).is_some() {
            return None;
        }
        return Some(clue(
            allow,
            "url.access-allow",
            format!("`url.access-allow` does not list an ending of `{}`", hop.path()),
        ));
    }
    let deny = settings.get("url.access-deny").filter(|_| loaded)?;
    let ending = ends(deny)?;
    let what = if ending.is_empty() {
        "refuses every URL".to_owned()
    } else {
        format!("refuses URLs that end in `{ending}`")
    };
    Some(clue(deny, "url.access-deny", format!("`url.access-deny` {what}")))
}

fn clue(setting: &Setting, name: &str, said: String) -> Clue {
    let strength = if setting.certain == Truth::Yes { Strength::Decisive } else { Strength::Strong };
    let under =
        if setting.condition.is_empty() { String::new() } else { format!(" under `{}`", setting.condition) };
    let list: Vec<String> = setting.value.texts().iter().map(|text| format!("\"{text}\"")).collect();
    Clue::new("lighttpd.access-deny", strength, format!("{said}{under}"))
        .at(Some(setting.place.clone()))
        .quoting(Some(format!("{name} = ( {} )", list.join(", "))))
        .fixed_by([if setting.condition.is_empty() {
            "take the ending out of the list".to_owned()
        } else {
            format!("change the condition `{}`", setting.condition)
        }])
}

/// The file that a path is mapped to.
fn mapped(settings: &Settings, path: &str) -> PathBuf {
    if let Some(alias) = settings.get("alias.url") {
        for (prefix, target) in alias.value.entries() {
            if let Some(rest) = path.strip_prefix(prefix.as_str()) {
                return PathBuf::from(format!("{}{rest}", target.text()));
            }
        }
    }
    let root = settings.get("server.document-root").map_or("/var/www/html", |root| root.value.text());
    PathBuf::from(format!("{}{path}", root.trim_end_matches('/')))
}

fn proxied(settings: &Settings, hop: &Hop) -> Vec<Next> {
    let mut found = Vec::new();
    for (name, role) in [("proxy.server", Role::Origin), ("fastcgi.server", Role::Php)] {
        let Some(setting) = settings.get(name) else { continue };
        for (key, hosts) in setting.value.entries() {
            let path = hop.path();
            if !(key.is_empty()
                || if key.starts_with('/') {
                    path.starts_with(key.as_str())
                } else {
                    path.ends_with(key.as_str())
                })
            {
                continue;
            }
            for (_, host) in hosts.entries() {
                let of = |name: &str| {
                    host.entries()
                        .iter()
                        .find(|(key, _)| key == name)
                        .map(|(_, value)| value.text().to_owned())
                };
                let socket = of("socket").map(PathBuf::from);
                let address = of("host").unwrap_or_else(|| "127.0.0.1".to_owned());
                let port = of("port").and_then(|port| port.parse().ok()).unwrap_or(80);
                let mut next = hop.onward(&address, port);
                if role == Role::Php {
                    next.set_header("x-script-filename", &mapped(settings, &path).display().to_string());
                }
                let label = socket
                    .as_ref()
                    .map_or_else(|| format!("{address}:{port}"), |socket| socket.display().to_string());
                found.push(Next { label, hop: next, socket, role, refused: Truth::Unknown });
            }
        }
    }
    found
}

impl Lighttpd {
    fn accessed(&self, hop: &Hop) -> Accessed {
        let mut accessed = Accessed::default();
        let named = self.plain("accesslog.filename").map(|value| PathBuf::from(value.text()));
        for log in named.into_iter().chain(beside::logs(&self.root, "lighttpd")) {
            let lines = logs::with_rotated(&log).unwrap_or_default();
            accessed.learn(lines.iter().filter_map(|line| AccessLine::guess(line)), hop);
        }
        accessed.choose(hop);
        accessed
    }

    fn worker(&self) -> Option<Worker> {
        match self.plain("server.username") {
            Some(user) => Worker::named(user.text(), self.plain("server.groupname").map(Value::text)),
            None => beside::running_as(&self.root).or_else(|| Worker::named("www-data", None)),
        }
    }

    fn content(&self, settings: &Settings, hop: &Hop, file: &Path) -> Option<Clue> {
        let worker = self.worker()?;
        let on = |name: &str| settings.get(name).is_some_and(|setting| setting.value.text() == "enable");
        let mut wanted = file.to_path_buf();
        if hop.path().ends_with('/') && file.is_dir() {
            let names = settings.get("index-file.names").or_else(|| settings.get("server.indexfiles"));
            let index = names.and_then(|names| {
                names.value.texts().into_iter().map(|name| file.join(name)).find(|index| index.exists())
            });
            match index {
                Some(index) => wanted = index,
                None if on("dir-listing.activate") || on("server.dir-listing") => return None,
                None => {
                    let said = format!("`{}` has no index file, and listings are off", file.display());
                    return Some(Clue::new("lighttpd.no-index", Strength::Decisive, said).at(names.map(|names| names.place.clone())).fixed_by([
                        format!("put an index file into {}, or name the one that is there in index-file.names", file.display()),
                        "only if a listing is wanted: dir-listing.activate = \"enable\"".to_owned(),
                    ]));
                }
            }
        }
        if let Reach::Denied(denial) = modes::reach(&wanted, Need::Read, &worker) {
            let said =
                format!("lighttpd runs as `{}` and may not read or search `{}`", worker.name, denial.shown());
            return Some(
                Clue::new("lighttpd.fs-permission", Strength::Decisive, said)
                    .quoting(Some(denial.shown()))
                    .fixed_by(denial.fix(&worker)),
            );
        }
        if let Some(excluded) = settings.get("static-file.exclude-extensions")
            && wanted.is_file()
            && excluded.value.texts().iter().any(|ending| wanted.to_string_lossy().ends_with(ending))
        {
            let said = format!(
                "`static-file.exclude-extensions` keeps `{}` from being sent, and nothing runs it",
                wanted.display()
            );
            return Some(
                Clue::new("lighttpd.access-deny", Strength::Decisive, said)
                    .at(Some(excluded.place.clone()))
                    .fixed_by([
                        "configure the handler (fastcgi.server) for this ending, or take it out of the list"
                            .to_owned(),
                    ]),
            );
        }
        None
    }
}
