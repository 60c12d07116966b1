//! HAProxy: the frontend that listens, its rules in order, the backend that is chosen, that one's rules, its servers.

mod acl;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use crate::accessed::Accessed;
use crate::beside;
use crate::condition::Truth;
use crate::hop::Hop;
use crate::logs::{self, AccessLine};
use crate::report::{Clue, Place, Server, Strength};
use crate::site::{Judgement, Next, Role, Site};
use crate::source::Files;
use acl::About;

/// One configuration.
#[derive(Debug)]
pub(crate) struct HAProxy {
    root: PathBuf,
    sections: Vec<Section>,
}

/// `frontend web` with its lines.
#[derive(Debug)]
struct Section {
    kind: String,
    name: String,
    lines: Vec<Line>,
    place: Place,
}

/// One line.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) words: Vec<String>,
    pub(crate) text: String,
    pub(crate) place: Place,
}

impl Line {
    pub(crate) fn word(&self, at: usize) -> &str {
        self.words.get(at).map_or("", String::as_str)
    }

    /// The words of the condition, and whether it is turned round. Empty if there is none.
    fn condition(&self) -> (&[String], bool) {
        let Some(at) = self.words.iter().position(|word| word == "if" || word == "unless") else {
            return (&[], false);
        };
        (self.words.get(at + 1..).unwrap_or(&[]), self.word(at) == "unless")
    }

    fn after(&self, names: &[&str]) -> Option<&str> {
        let at = self.words.iter().position(|word| names.contains(&word.as_str()))?;
        self.words.get(at + 1).map(String::as_str)
    }
}

impl HAProxy {
    /// Reads a root.
    pub(crate) fn read(root: &Path, files: &mut Files) -> HAProxy {
        let mut site = HAProxy { root: root.to_path_buf(), sections: Vec::new() };
        let text = files.text(root, None).unwrap_or_default();
        const KINDS: [&str; 14] = [
            "global",
            "defaults",
            "frontend",
            "backend",
            "listen",
            "userlist",
            "peers",
            "resolvers",
            "mailers",
            "cache",
            "program",
            "ring",
            "http-errors",
            "fcgi-app",
        ];
        for (at, line) in text.lines().enumerate() {
            let words = words(line);
            let Some(first) = words.first().cloned() else { continue };
            let place = Place { file: root.to_path_buf(), line: u32::try_from(at + 1).unwrap_or(0) };
            if KINDS.contains(&first.as_str()) && !line.starts_with([' ', '\t']) {
                let name = words.get(1).cloned().unwrap_or_default();
                site.sections.push(Section { kind: first, name, lines: Vec::new(), place });
            } else if let Some(section) = site.sections.last_mut() {
                section.lines.push(Line { words, text: line.trim().to_owned(), place });
            }
        }
        site
    }

    fn frontends(&self) -> impl Iterator<Item = &Section> {
        self.sections.iter().filter(|section| section.kind == "frontend" || section.kind == "listen")
    }

    fn section(&self, kinds: &[&str], name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| kinds.contains(&section.kind.as_str()) && section.name == name)
    }

    /// Whether a user list has this user with this password; unknown where passwords are hashed.
    pub(crate) fn password_fits(&self, list: &str, user: &str, password: &str) -> Option<bool> {
        let list = self.section(&["userlist"], list)?;
        let line = list.lines.iter().find(|line| line.word(0) == "user" && line.word(1) == user);
        let Some(line) = line else { return Some(false) };
        line.after(&["insecure-password"]).map(|kept| kept == password)
    }

    /// The lines of a section, after those of the defaults before it.
    fn lines<'a>(&'a self, section: &'a Section) -> Vec<&'a Line> {
        let before = self.sections.iter().take_while(|other| !std::ptr::eq(*other, section));
        let defaults = before.filter(|other| other.kind == "defaults").last();
        let default_lines = defaults.into_iter().flat_map(|defaults| defaults.lines.iter());
        default_lines.chain(section.lines.iter()).collect()
    }
}

/// Where a frontend listens: `127.0.0.1:80,:8080`.
fn binds(section: &Section, address: &str, port: u16) -> bool {
    let fits = |place: &str| {
        let Some((own, ports)) = place.rsplit_once(':') else { return false };
        let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
        let in_range = first.parse::<u16>().is_ok_and(|first| first <= port)
            && last.parse::<u16>().is_ok_and(|last| port <= last);
        in_range
            && crate::hop::same_place(own.trim_start_matches("ipv4@").trim_start_matches("ipv6@"), address)
    };
    let of_lines =
        section.lines.iter().filter(|line| line.word(0) == "bind").flat_map(|line| line.word(1).split(','));
    of_lines.into_iter().any(fits) || section.kind == "listen" && fits(&section.name)
}

impl Site for HAProxy {
    fn kind(&self) -> &'static str {
        "haproxy"
    }

    fn root(&self) -> &Path {
        &self.root
    }

    fn listens(&self, address: &str, port: u16) -> Truth {
        Truth::from(self.frontends().any(|section| binds(section, address, port)))
    }

    fn judge(&self, hop: &Hop, _files: &mut Files) -> Judgement {
        let entry = self
            .frontends()
            .find(|section| binds(section, &hop.address, hop.port))
            .or_else(|| self.frontends().next());
        let Some(frontend) = entry else { return Judgement::default() };
        let accessed = self.accessed(hop);
        let mut hop = accessed.refined(hop);
        let mut way = Way { site: self, hop: &mut hop, clues: Vec::new(), certain: false };
        let lines = self.lines(frontend);
        way.rules(&lines, frontend);
        let backend = if way.certain { None } else { way.backend(&lines, frontend) };
        if let Some(backend) = backend.filter(|backend| !std::ptr::eq(*backend, frontend)) {
            let lines = self.lines(backend);
            way.rules(&lines, backend);
            way.error_file(&lines, backend);
        }
        let (clues, certain) = (way.clues, way.certain);
        let mut clues = self.confirmed(clues, &accessed);
        let place = backend.unwrap_or(frontend);
        clues.extend(accessed.one_of_many(Some(place.place.clone()), &hop));
        let next = if certain {
            Vec::new()
        } else {
            backend.map(|backend| self.servers(backend, &hop, &accessed)).unwrap_or_default()
        };
        let section = match backend {
            Some(backend) if !std::ptr::eq(backend, frontend) => {
                format!("{} {} > backend {}", frontend.kind, frontend.name, backend.name)
            }
            _ => format!("{} {}", frontend.kind, frontend.name),
        };
        let server = Server {
            kind: "haproxy".to_owned(),
            root: self.root.clone(),
            section,
            place: Some(frontend.place.clone()),
            file: None,
            next: next.iter().map(|next| next.label.clone()).collect(),
        };
        Judgement { clues, server: Some(server), next }
    }
}

impl HAProxy {
    fn accessed(&self, hop: &Hop) -> Accessed {
        let mut accessed = Accessed::default();
        for log in beside::logs(&self.root, "haproxy") {
            let lines = logs::with_rotated(&log).unwrap_or_default();
            accessed.learn(lines.iter().filter_map(|line| AccessLine::guess(line)).map(with_server), hop);
        }
        accessed.choose(hop);
        accessed
    }

    /// `PR--` in the log: the proxy refused by a rule. A server's name: that one answered.
    fn confirmed(&self, mut clues: Vec<Clue>, accessed: &Accessed) -> Vec<Clue> {
        let Some(line) = &accessed.refused else { return clues };
        let own =
            line.text.contains(" PR-- ") || line.text.contains("/<NOSRV> ") || line.text.contains(" LR-- ");
        for clue in &mut clues {
            if own {
                clue.strength = Strength::Decisive;
                clue.said = format!("{}; its log has the termination state of a rule", clue.said);
                break;
            } else if !line.upstream.is_empty() {
                clue.strength = Strength::Against;
            }
        }
        clues
    }

    fn servers(&self, backend: &Section, hop: &Hop, accessed: &Accessed) -> Vec<Next> {
        let lines = self.lines(backend);
        let forwarded = lines.iter().any(|line| line.word(0) == "option" && line.word(1) == "forwardfor");
        let usable = |line: &&&Line| {
            line.word(0) == "server" && !line.words.iter().any(|word| word == "disabled" || word == "backup")
        };
        lines
            .iter()
            .filter(usable)
            .take(32)
            .map(|line| {
                let place = line.word(2);
                let (address, port) = place
                    .rsplit_once(':')
                    .map_or((place, 80), |(address, port)| (address, port.parse().unwrap_or(80)));
                let mut next = hop.onward(address, port);
                if !forwarded {
                    let before = hop.header("X-Forwarded-For").unwrap_or("").to_owned();
                    next.set_header("X-Forwarded-For", &before);
                }
                if line.words.iter().any(|word| word.starts_with("send-proxy")) {
                    next.client = hop.client;
                }
                next.scheme =
                    if line.words.iter().any(|word| word == "ssl") { "https" } else { "http" }.to_owned();
                let logged = accessed.refused.as_ref().filter(|line| !line.upstream.is_empty());
                let refused = match logged {
                    Some(logged) => Truth::from(logged.upstream.ends_with(&format!("/{}", line.word(1)))),
                    None => Truth::Unknown,
                };
                Next { label: place.to_owned(), hop: next, socket: None, role: Role::Origin, refused }
            })
            .collect()
    }
}

/// HAProxy's log names backend and server between frontend and timers.
fn with_server(mut line: AccessLine) -> AccessLine {
    let after = line.text.split_once("] ").map_or("", |(_, rest)| rest);
    let server = after.split(' ').nth(1).unwrap_or("").to_owned();
    if server.contains('/') && !server.contains("<NOSRV>") {
        line.upstream = server;
        line.upstream_status = line.status.to_string();
    }
    line
}

/// The rules of a request's way.
struct Way<'a, 'h> {
    site: &'a HAProxy,
    hop: &'h mut Hop,
    clues: Vec<Clue>,
    certain: bool,
}

impl<'a> Way<'a, '_> {
    fn holds(&self, line: &Line, lines: &[&Line]) -> (Truth, About) {
        let (words, negated) = line.condition();
        if words.is_empty() {
            return (Truth::Yes, About::Nothing);
        }
        let (truth, about) = acl::condition(words, lines, self.site, self.hop);
        (if negated { !truth } else { truth }, about)
    }

    fn rules(&mut self, lines: &[&Line], section: &Section) {
        for line in lines {
            let action = match (line.word(0), line.word(1)) {
                ("http-request", action) => action.to_owned(),
                ("block", _) => "deny".to_owned(),
                ("redirect", _) => "redirect".to_owned(),
                ("reqdeny" | "reqideny", pattern) => {
                    let request = format!("{} {} HTTP/1.1", self.hop.method, self.hop.target);
                    if crate::pattern::matches(pattern, line.word(0) == "reqideny", &request) == Truth::Yes {
                        self.refuse(line, section, Truth::Yes, About::Request);
                        return;
                    }
                    continue;
                }
                _ => continue,
            };
            let (truth, about) = self.holds(line, lines);
            if truth == Truth::No {
                continue;
            }
            let usual = match action.as_str() {
                "deny" => "403",
                "tarpit" => "500",
                "return" => "200",
                _ => "",
            };
            if !usual.is_empty() {
                let status = line.after(&["deny_status", "status"]).unwrap_or(usual);
                if status == "403" {
                    self.refuse(line, section, truth, about);
                }
                if truth == Truth::Yes {
                    self.certain = true;
                    return;
                }
                continue;
            }
            if truth == Truth::Yes && self.changed(&action, line) {
                return;
            }
        }
    }

    /// Applies what changes the request; `true` if the rules end here.
    fn changed(&mut self, action: &str, line: &Line) -> bool {
        let value = line.word(3).to_owned();
        let literal = !value.contains("%[");
        match action {
            "allow" => return true,
            "auth" | "reject" | "silent-drop" | "redirect" => {
                self.certain = true;
                return true;
            }
            "set-header" if literal => self.hop.set_header(line.word(2), &value),
            "add-header" if literal => self.hop.headers.push((line.word(2).to_owned(), value)),
            "del-header" => self.hop.set_header(line.word(2), ""),
            "set-path" | "set-uri" if !line.word(2).contains("%[") => {
                self.hop.target = line.word(2).to_owned()
            }
            "set-src" => {
                let header = line
                    .word(2)
                    .split_once('(')
                    .map(|(_, rest)| rest.trim_end_matches(')').split(',').next().unwrap_or(""));
                let address = header
                    .and_then(|name| self.hop.header(name))
                    .and_then(|value| value.split(',').next_back()?.trim().parse().ok());
                self.hop.client = address.or(self.hop.client);
            }
            _ => {}
        }
        false
    }

    fn refuse(&mut self, line: &Line, section: &Section, truth: Truth, about: About) {
        let cause = match about {
            About::Rate => "haproxy.rate-deny",
            About::UserAgent => "haproxy.ua-block",
            About::Address => "haproxy.acl-src",
            About::Request | About::Nothing => "haproxy.http-request-deny",
        };
        let client =
            self.hop.client.map_or_else(|| "the client's address".to_owned(), |client| client.to_string());
        let fix = match about {
            About::Rate => "raise the threshold of the rate, and answer it with: deny_status 429".to_owned(),
            About::UserAgent => "narrow the ACL on User-Agent".to_owned(),
            About::Address => format!(
                "add {client} to the ACL or its file; behind another proxy take the address from the PROXY protocol or X-Forwarded-For"
            ),
            About::Request | About::Nothing => "narrow the ACLs of this line".to_owned(),
        };
        let acls: Vec<String> = self.acls(line, section);
        let quote = acls.into_iter().chain([line.text.clone()]).collect::<Vec<_>>().join("\n");
        // A rate is known to the running process only.
        let strength = if truth == Truth::Yes { Strength::Decisive } else { Strength::Strong };
        let said = format!("`{}` in {} {} refuses the request", line.text, section.kind, section.name);
        self.clues.push(
            Clue::new(cause, strength, said)
                .at(Some(line.place.clone()))
                .quoting(Some(quote))
                .fixed_by([fix]),
        );
        self.certain |= truth == Truth::Yes;
    }

    fn acls(&self, line: &Line, section: &Section) -> Vec<String> {
        let (words, _) = line.condition();
        let named = |own: &&Line| {
            own.word(0) == "acl" && words.iter().any(|word| word.trim_start_matches('!') == own.word(1))
        };
        section.lines.iter().filter(named).map(|own| own.text.clone()).collect()
    }

    fn backend(&self, lines: &[&Line], frontend: &'a Section) -> Option<&'a Section> {
        for line in lines.iter().filter(|line| line.word(0) == "use_backend") {
            if self.holds(line, lines).0 != Truth::Yes {
                continue;
            }
            // A computed name that leads nowhere, or cannot be known, leaves the choice to the next rule.
            let computed = line.word(1).starts_with("%[");
            let name = if computed { acl::expression(line.word(1), self.site, self.hop) } else { None };
            let name = name.as_deref().unwrap_or(line.word(1));
            match self.site.section(&["backend", "listen"], name) {
                None if computed => {}
                found => return found,
            }
        }
        let default =
            lines.iter().rev().find(|line| line.word(0) == "default_backend").map(|line| line.word(1));
        match default {
            Some(name) => self.site.section(&["backend", "listen"], name),
            None => (frontend.kind == "listen").then_some(frontend),
        }
    }

    /// A backend without servers whose page for 503 is a 403 in truth.
    fn error_file(&mut self, lines: &[&Line], backend: &Section) {
        if self.certain || backend.lines.iter().any(|line| line.word(0).starts_with("server")) {
            return;
        }
        let Some(line) = lines.iter().rev().find(|line| line.word(0) == "errorfile" && line.word(1) == "503")
        else {
            return;
        };
        let text = crate::source::whole(Path::new(line.word(2))).unwrap_or_default();
        if text.lines().next().is_some_and(|status| status.contains(" 403")) {
            self.refuse(line, backend, Truth::Yes, About::Nothing);
        }
    }
}

/// The words of a line; `#` starts a comment, quotes and backslashes hold together.
fn words(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut word = String::new();
    let mut open = None;
    let mut any = false;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match (letter, open) {
            ('\\', None | Some('"')) => {
                // A backslash keeps what follows; patterns keep it themselves.
                let next = letters.next().unwrap_or('\\');
                if !matches!(next, ' ' | '"' | '\'' | '\\' | '#') {
                    word.push('\\');
                }
                word.push(next);
            }
            ('#', None) => break,
            (quote @ ('"' | '\''), None) => {
                open = Some(quote);
                any = true;
            }
            (quote, Some(opened)) if quote == opened => open = None,
            (blank, None) if blank.is_whitespace() => {
                if any || !word.is_empty() {
                    found.push(std::mem::take(&mut word));
                    any = false;
                }
            }
            (letter, _) => word.push(letter),
        }
    }
    if any || !word.is_empty() {
        found.push(word);
    }
    found
}
