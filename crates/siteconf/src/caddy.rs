//! Caddy: the site block that answers, its directives in Caddy's own order, matchers, what refuses, what is proxied.

mod file;
mod matcher;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use crate::accessed::Accessed;
use crate::beside;
use crate::condition::Truth;
use crate::hop::{Hop, canonical};
use crate::logs::{self, AccessLine};
use crate::modes::{self, Need, Reach, Worker};
use crate::report::{Clue, Place, Server, Strength};
use crate::site::{Judgement, Next, Role, Site};
use crate::source::Files;
use file::Segment;

/// Handlers in the order in which Caddy sorts them; what stands in `route` keeps its own.
const ORDER: [&str; 18] = [
    "root",
    "redir",
    "method",
    "rewrite",
    "uri",
    "try_files",
    "basic_auth",
    "basicauth",
    "forward_auth",
    "handle",
    "handle_path",
    "route",
    "abort",
    "error",
    "respond",
    "reverse_proxy",
    "php_fastcgi",
    "file_server",
];

/// One Caddyfile.
#[derive(Debug)]
pub(crate) struct Caddy {
    root: PathBuf,
    segments: Vec<Segment>,
}

impl Caddy {
    /// Reads a root with its imports.
    pub(crate) fn read(root: &Path, files: &mut Files) -> Caddy {
        Caddy { root: root.to_path_buf(), segments: file::parse(root, files) }
    }

    fn sites(&self) -> impl Iterator<Item = &Segment> {
        self.segments.iter().filter(|segment| {
            segment.has_block && !segment.words.is_empty() && !segment.word(0).starts_with('(')
        })
    }

    fn choose(&self, hop: &Hop) -> Option<&Segment> {
        let rank = |site: &Segment| addresses(site).filter_map(|address| fits(&address, hop)).max();
        self.sites()
            .filter_map(|site| rank(site).map(|rank| (rank, site)))
            .max_by_key(|(rank, _)| *rank)
            .map(|(_, site)| site)
    }
}

fn addresses(site: &Segment) -> impl Iterator<Item = String> + '_ {
    site.words.iter().flat_map(|word| word.split(',')).filter(|word| !word.is_empty()).map(str::to_owned)
}

/// Scheme, host and port of a site's address.
fn address(text: &str) -> (String, u16) {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let rest = rest.split('/').next().unwrap_or(rest);
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port.parse().ok()),
        _ => (rest, None),
    };
    let usual = if scheme == "http" { 80 } else { 443 };
    (host.trim_matches(['[', ']']).to_ascii_lowercase(), port.unwrap_or(usual))
}

/// How well an address fits: an exact name before a wildcard before none.
fn fits(text: &str, hop: &Hop) -> Option<u8> {
    let (host, port) = address(text);
    let http_too = port == 443 && !text.contains("://") && hop.port == 80;
    if port != hop.port && !http_too {
        return None;
    }
    let wanted = hop.host();
    match host.as_str() {
        "" | "*" => Some(1),
        own if own == wanted => Some(3),
        own if own.strip_prefix('*').is_some_and(|suffix| wanted.ends_with(suffix)) => Some(2),
        _ => None,
    }
}

impl Site for Caddy {
    fn kind(&self) -> &'static str {
        "caddy"
    }

    fn root(&self) -> &Path {
        &self.root
    }

    fn listens(&self, _address: &str, port: u16) -> Truth {
        Truth::from(self.sites().flat_map(addresses).any(|text| {
            let (_, own) = address(&text);
            own == port || own == 443 && port == 80 && !text.contains("://")
        }))
    }

    fn judge(&self, hop: &Hop, _files: &mut Files) -> Judgement {
        let logged = self.logged(hop);
        let hop = &logged.refined(hop);
        let Some(site) = self.choose(hop) else { return Judgement::default() };
        let mut way = Way {
            hop: hop.clone(),
            path: hop.path(),
            root: None,
            clues: Vec::new(),
            next: Vec::new(),
            ended: false,
            file: None,
            worker: beside::running_as(&self.root).or_else(|| Worker::named("caddy", None)),
            place: site.place.clone(),
        };
        let named: Vec<Segment> =
            site.block.iter().filter(|segment| segment.word(0).starts_with('@')).cloned().collect();
        way.block(&site.block, &named, false, 0);
        let (mut clues, next) = (way.clues, way.next);
        self.opened(&mut clues, hop);
        let server = Server {
            kind: "caddy".to_owned(),
            root: self.root.clone(),
            section: site.shown(),
            place: Some(way.place),
            file: way.file,
            next: next.iter().map(|next| next.label.clone()).collect(),
        };
        Judgement { clues, server: Some(server), next }
    }
}

impl Caddy {
    fn log_files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut left: Vec<&Segment> = self.segments.iter().collect();
        while let Some(segment) = left.pop() {
            if segment.word(0) == "output" && segment.word(1) == "file" {
                found.push(PathBuf::from(segment.word(2)));
            }
            left.extend(&segment.block);
        }
        found.extend(beside::logs(&self.root, "caddy"));
        found.dedup();
        found.truncate(16);
        found
    }

    fn logged(&self, hop: &Hop) -> Accessed {
        let mut accessed = Accessed::default();
        for log in self.log_files() {
            let lines = logs::with_rotated(&log).unwrap_or_default();
            accessed.learn(lines.iter().filter_map(|line| AccessLine::guess(line)), hop);
        }
        accessed.choose(hop);
        accessed
    }

    /// `open …: permission denied` in Caddy's own log.
    fn opened(&self, clues: &mut Vec<Clue>, hop: &Hop) {
        for log in self.log_files() {
            let lines = logs::with_rotated(&log).unwrap_or_default();
            let about = |line: &&(usize, &String)| {
                line.1.contains("permission denied")
                    && (line.1.contains(&format!("\"{}\"", hop.target)) || line.1.contains(hop.raw_path()))
            };
            let found: Vec<(usize, &String)> = lines.iter().enumerate().collect();
            let Some((at, line)) = found.iter().rev().find(about) else { continue };
            let place = Place { file: log.clone(), line: u32::try_from(at + 1).unwrap_or(0) };
            let known = clues.iter_mut().find(|clue| clue.cause == "caddy.fs-permission");
            match known {
                Some(clue) => clue.quote = Some(logs::quote(line)),
                None => clues.push(
                    Clue::new(
                        "caddy.fs-permission",
                        Strength::Decisive,
                        "Caddy's log says that it was not allowed to open the file",
                    )
                    .at(Some(place))
                    .quoting(Some(logs::quote(line)))
                    .fixed_by(["chmod o+r FILE, or chown it to the user that Caddy runs as".to_owned()]),
                ),
            }
            return;
        }
    }
}

/// A request on its way through the handlers.
struct Way {
    hop: Hop,
    path: String,
    root: Option<String>,
    clues: Vec<Clue>,
    next: Vec<Next>,
    ended: bool,
    file: Option<PathBuf>,
    worker: Option<Worker>,
    place: Place,
}

impl Way {
    /// The directives of a block. `in_order` for those of a `route`.
    fn block(&mut self, block: &[Segment], named: &[Segment], in_order: bool, depth: u8) {
        let mut all: Vec<Segment> = named.to_vec();
        all.extend(block.iter().filter(|segment| segment.word(0).starts_with('@')).cloned());
        let known = |segment: &&Segment| ORDER.contains(&segment.word(0));
        let mut directives: Vec<&Segment> = block.iter().filter(known).collect();
        if !in_order {
            directives.sort_by_key(|segment| sorting(segment));
        }
        // Of several `handle` at one level only the first that fits is entered.
        let mut handled = Truth::No;
        let mut missed_address = false;
        for segment in directives {
            if self.ended || depth > 16 {
                return;
            }
            let (matched, taken) = matcher::of(segment, &all, &self.hop, &self.path);
            let handles = matches!(segment.word(0), "handle" | "handle_path");
            if handles && handled == Truth::Yes {
                continue;
            }
            if matched.truth == Truth::No {
                missed_address |= handles && matched.by_address;
                continue;
            }
            if handles {
                handled = handled.or(matched.truth);
            }
            let by_address = matched.by_address || handles && missed_address;
            let before = self.clues.len();
            self.one(segment, taken, matched.truth, by_address, &all, depth);
            if handles && missed_address {
                for clue in self.clues.iter_mut().skip(before).filter(|clue| clue.cause == "caddy.respond") {
                    "caddy.remote_ip".clone_into(&mut clue.cause);
                }
            }
        }
    }

    fn one(
        &mut self,
        segment: &Segment,
        taken: usize,
        truth: Truth,
        by_address: bool,
        named: &[Segment],
        depth: u8,
    ) {
        let certain = truth == Truth::Yes;
        let words = segment.words.get(1 + taken..).unwrap_or(&[]);
        match segment.word(0) {
            "root" => self.root = words.first().cloned().or_else(|| Some(segment.word(1).to_owned())),
            "redir" | "basic_auth" | "basicauth" if certain => {
                let signed_in = segment.word(0).starts_with("basic") && self.hop.basic().is_some();
                self.ended = !signed_in;
            }
            "rewrite" | "try_files" if certain && segment.word(0) == "rewrite" => {
                if let Some(target) = words.last().filter(|target| !target.contains('{')) {
                    self.path = canonical(target.split('?').next().unwrap_or(target));
                }
            }
            "uri" if certain && words.first().is_some_and(|word| word == "strip_prefix") => {
                let prefix = words.get(1).map_or("", String::as_str);
                self.path = self.path.strip_prefix(prefix).unwrap_or(&self.path).to_owned();
            }
            "handle" | "route" | "handle_path" => {
                let (before, place) = (self.path.clone(), segment.place.clone());
                if segment.word(0) == "handle_path" {
                    let prefix = segment.word(1).trim_end_matches('*').trim_end_matches('/');
                    self.path = canonical(self.path.strip_prefix(prefix).unwrap_or(&self.path));
                }
                let clues = self.clues.len();
                self.place = place;
                self.block(&segment.block, named, segment.word(0) == "route", depth + 1);
                for clue in self.clues.iter_mut().skip(clues) {
                    if by_address && clue.cause == "caddy.respond" {
                        "caddy.remote_ip".clone_into(&mut clue.cause);
                    }
                    if !certain {
                        clue.strength = clue.strength.min(Strength::Strong);
                    }
                }
                if certain && segment.word(0) != "route" {
                    self.ended = true;
                } else if !certain {
                    self.path = before;
                    self.ended = false;
                }
            }
            "respond" | "error" => self.answer(segment, words, truth, by_address),
            "abort" => self.ended = certain,
            "forward_auth" => self.proxied(segment, words, Role::Authorizer),
            "reverse_proxy" | "php_fastcgi" => {
                let role = if segment.word(0) == "php_fastcgi" { Role::Php } else { Role::Origin };
                self.proxied(segment, words, role);
                self.ended = certain;
            }
            "file_server" => {
                self.files(words);
                self.ended = certain;
            }
            _ => {}
        }
    }

    fn answer(&mut self, segment: &Segment, words: &[String], truth: Truth, by_address: bool) {
        let usual = if segment.word(0) == "error" { 500 } else { 200 };
        let status = words
            .iter()
            .rev()
            .find_map(|word| word.parse::<u16>().ok().filter(|status| (100..600).contains(status)))
            .unwrap_or(usual);
        if status == 403 {
            let cause = if by_address { "caddy.remote_ip" } else { "caddy.respond" };
            let strength = if truth == Truth::Yes { Strength::Decisive } else { Strength::Strong };
            let client = self.hop.client.map_or_else(|| "the client".to_owned(), |client| client.to_string());
            let fix = if by_address {
                vec![format!(
                    "add {client} to the ranges of the matcher; behind a proxy use client_ip with trusted_proxies"
                )]
            } else {
                vec![format!("narrow the matcher of `{}`", segment.shown())]
            };
            let said = format!("`{}` answers this request", segment.shown());
            self.clues.push(
                Clue::new(cause, strength, said)
                    .at(Some(segment.place.clone()))
                    .quoting(Some(segment.shown()))
                    .fixed_by(fix),
            );
        }
        self.ended |= truth == Truth::Yes;
    }

    fn proxied(&mut self, segment: &Segment, words: &[String], role: Role) {
        let inner = segment
            .block
            .iter()
            .filter(|inner| inner.word(0) == "to")
            .flat_map(|inner| inner.words.iter().skip(1));
        let targets: Vec<String> = words.iter().chain(inner).cloned().collect();
        let uri =
            segment.block.iter().find(|inner| inner.word(0) == "uri").map(|inner| inner.word(1).to_owned());
        for target in targets.iter().take(32) {
            let (scheme, rest) = target.split_once("://").unwrap_or(("http", target));
            let socket = rest
                .strip_prefix("unix/")
                .or(target.strip_prefix("unix//"))
                .map(|path| PathBuf::from(format!("/{}", path.trim_start_matches('/'))));
            let usual = if scheme == "https" { 443 } else { 80 };
            let rest = rest.split('/').next().unwrap_or(rest);
            let (host, port) = rest
                .rsplit_once(':')
                .map_or((rest, usual), |(host, port)| (host, port.parse().unwrap_or(usual)));
            let host = if host.is_empty() { "127.0.0.1" } else { host };
            let mut next = self.hop.onward(host, port);
            next.scheme = scheme.to_owned();
            if self.path != self.hop.path() {
                let query = self.hop.query();
                next.target =
                    if query.is_empty() { self.path.clone() } else { format!("{}?{query}", self.path) };
            }
            for inner in segment.block.iter().filter(|inner| inner.word(0) == "header_up") {
                let value = match inner.word(2) {
                    "{upstream_hostport}" | "{http.reverse_proxy.upstream.hostport}" => {
                        format!("{host}:{port}")
                    }
                    "{host}" | "{http.request.host}" => self.hop.host(),
                    value => value.to_owned(),
                };
                if let Some(name) = inner.word(1).strip_prefix('-') {
                    next.set_header(name, "");
                } else if !value.contains('{') {
                    next.set_header(inner.word(1), &value);
                }
            }
            if role == Role::Authorizer {
                next.method = "GET".to_owned();
                next.target = uri.clone().unwrap_or_else(|| self.hop.target.clone());
            }
            if role == Role::Php {
                next.set_header(
                    "x-script-filename",
                    &format!("{}{}", self.root.clone().unwrap_or_default(), self.path),
                );
            }
            let label = format!("{host}:{port}");
            self.next.push(Next { label, hop: next, socket, role, refused: Truth::Unknown });
        }
    }

    fn files(&mut self, words: &[String]) {
        let browses = words.iter().any(|word| word == "browse");
        let root = self.root.clone().unwrap_or_else(|| ".".to_owned());
        let file = PathBuf::from(format!("{}{}", root.trim_end_matches('/'), self.path));
        let Some(worker) = self.worker.clone() else {
            self.file = Some(file);
            return;
        };
        let mut wanted = file.clone();
        if file.is_dir() && !browses {
            wanted = ["index.html", "index.txt"]
                .iter()
                .map(|name| file.join(name))
                .find(|index| index.exists())
                .unwrap_or(file.clone());
        }
        if let Reach::Denied(denial) = modes::reach(&wanted, Need::Read, &worker) {
            let said =
                format!("Caddy runs as `{}` and may not read or search `{}`", worker.name, denial.shown());
            self.clues.push(
                Clue::new("caddy.fs-permission", Strength::Decisive, said)
                    .quoting(Some(denial.shown()))
                    .fixed_by(denial.fix(&worker)),
            );
        }
        self.file = Some(wanted);
    }
}

/// Caddy's order of directives; among equals the longer path first, and those with a matcher before those without.
fn sorting(segment: &Segment) -> (usize, std::cmp::Reverse<usize>, bool) {
    let word = segment.word(0);
    // `handle` and `handle_path` are sorted among each other, as one.
    let name = if word == "handle_path" { "handle" } else { word };
    let at = ORDER.iter().position(|own| *own == name).unwrap_or(ORDER.len());
    let path = if segment.word(1).starts_with('/') { segment.word(1).trim_end_matches('*').len() } else { 0 };
    let bare = !segment.word(1).starts_with(['/', '@']);
    (at, std::cmp::Reverse(path), bare)
}
