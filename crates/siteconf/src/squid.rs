//! Squid: access lists and `http_access` in order, for the forward proxy on the client's side and for the accelerator in
//! front of a site.

#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use crate::beside;
use crate::condition::Truth;
use crate::hop::Hop;
use crate::logs;
use crate::nginx::access::within;
use crate::pattern;
use crate::report::{Clue, Place, Server, Strength};
use crate::site::{Judgement, Next, Role, Site};
use crate::source::Files;

/// One configuration.
#[derive(Debug)]
pub(crate) struct Squid {
    root: PathBuf,
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    words: Vec<String>,
    text: String,
    place: Place,
}

impl Line {
    fn word(&self, at: usize) -> &str {
        self.words.get(at).map_or("", String::as_str)
    }
}

impl Squid {
    /// Reads a root with its includes.
    pub(crate) fn read(root: &Path, files: &mut Files) -> Squid {
        let mut squid = Squid { root: root.to_path_buf(), lines: Vec::new() };
        squid.file(root, None, files);
        squid
    }

    fn file(&mut self, path: &Path, named_at: Option<&Place>, files: &mut Files) {
        let Some(text) = files.enter(path, named_at) else { return };
        for (at, line) in text.lines().enumerate() {
            let bare =
                if line.trim_start().starts_with('#') { "" } else { line.split(" #").next().unwrap_or(line) };
            let words: Vec<String> = bare.split_whitespace().map(str::to_owned).collect();
            let place = Place { file: path.to_path_buf(), line: u32::try_from(at + 1).unwrap_or(0) };
            match words.first().map(String::as_str) {
                None => {}
                Some("include") => {
                    for pattern in words.iter().skip(1) {
                        let base = path.parent().unwrap_or(Path::new("/")).to_path_buf();
                        for file in files.expand(pattern, &base, Some(&place)) {
                            self.file(&file, Some(&place), files);
                        }
                    }
                }
                Some(_) => self.lines.push(Line { words, text: bare.trim().to_owned(), place }),
            }
        }
        files.leave();
    }

    fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Line> {
        self.lines.iter().filter(move |line| line.word(0) == name)
    }

    fn ports(&self) -> Vec<(u16, bool)> {
        let of = |line: &Line| {
            let place = line.word(1);
            let port = place.rsplit(':').next().and_then(|port| port.parse().ok())?;
            Some((port, line.words.iter().any(|word| matches!(word.as_str(), "accel" | "vhost" | "reverse"))))
        };
        self.named("http_port").chain(self.named("https_port")).filter_map(of).collect()
    }

    /// An access list: lines of one name, any of whose values may hold.
    fn list(&self, name: &str, hop: &Hop, forward: bool) -> Truth {
        let built_in = match name {
            "all" => Some(Truth::Yes),
            "localhost" => Some(Truth::from(hop.client.map(|client| client.is_loopback()))),
            "manager" => Some(Truth::from(
                hop.target.contains("cache_object:") || hop.raw_path().starts_with("/squid-internal-mgr"),
            )),
            "CONNECT" if self.named("acl").all(|line| line.word(1) != "CONNECT") => {
                Some(Truth::from(forward && hop.scheme == "https"))
            }
            "to_localhost" => Some(Truth::from(crate::hop::loopback(&hop.address).is_some())),
            "to_linklocal" => Some(Truth::No),
            _ => None,
        };
        let mut truth = built_in.unwrap_or(Truth::No);
        let mut known = built_in.is_some();
        for line in self.named("acl").filter(|line| line.word(1) == name) {
            known = true;
            truth = truth.or(self.values(line, hop, forward));
        }
        if known { truth } else { Truth::Unknown }
    }

    fn values(&self, line: &Line, hop: &Hop, forward: bool) -> Truth {
        let mut values: Vec<String> = Vec::new();
        let mut ignore_case = false;
        for word in line.words.iter().skip(3) {
            if word == "-i" {
                ignore_case = true;
            } else if let Some(file) = word.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
                let text = crate::source::whole(&self.root.parent().unwrap_or(Path::new("/")).join(file))
                    .unwrap_or_default();
                values.extend(
                    text.lines()
                        .map(str::trim)
                        .filter(|own| !own.is_empty() && !own.starts_with('#'))
                        .map(str::to_owned),
                );
            } else if !word.starts_with("--") {
                values.push(word.clone());
            }
        }
        let any =
            |test: &dyn Fn(&str) -> Truth| values.iter().map(|value| test(value)).fold(Truth::No, Truth::or);
        let connects = forward && hop.scheme == "https";
        let method = if connects { "CONNECT" } else { hop.method.as_str() };
        let host = if forward { hop.address.to_ascii_lowercase() } else { hop.host() };
        let url = if connects {
            format!("{host}:{}", hop.port)
        } else {
            format!("{}://{host}:{}{}", hop.scheme, hop.port, hop.target)
        };
        let header = |name: &str| hop.header(name).unwrap_or("").to_owned();
        match line.word(2) {
            "src" => any(&|net| in_range(net, hop.client)),
            "dst" => match host.parse::<IpAddr>().ok().or_else(|| crate::hop::loopback(&host)) {
                Some(address) => any(&|net| in_range(net, Some(address))),
                None => Truth::Unknown,
            },
            "dstdomain" => any(&|own| Truth::from(domain_fits(own, &host))),
            "dstdom_regex" => any(&|regex| pattern::matches(regex, ignore_case, &host)),
            "port" => any(&|range| Truth::from(port_fits(range, hop.port))),
            "method" => any(&|own| Truth::from(own.eq_ignore_ascii_case(method))),
            "proto" => any(&|own| Truth::from(own.eq_ignore_ascii_case(&hop.scheme))),
            "url_regex" => any(&|regex| pattern::matches(regex, ignore_case, &url)),
            "urlpath_regex" if connects => Truth::No,
            "urlpath_regex" => any(&|regex| pattern::matches(regex, ignore_case, &hop.target)),
            "browser" => any(&|regex| pattern::matches(regex, ignore_case, &header("User-Agent"))),
            "referer_regex" => any(&|regex| pattern::matches(regex, ignore_case, &header("Referer"))),
            "req_header" => {
                let Some((name, patterns)) = values.split_first() else { return Truth::Unknown };
                patterns
                    .iter()
                    .map(|regex| pattern::matches(regex, ignore_case, &header(name)))
                    .fold(Truth::No, Truth::or)
            }
            "localport" | "myportname" | "localip" | "time" | "proxy_auth" | "external" | "maxconn" => {
                Truth::Unknown
            }
            _ => Truth::Unknown,
        }
    }

    /// The rule that decides, whether it refuses, and what of it is about ports.
    fn decided(&self, hop: &Hop, forward: bool) -> Option<(&Line, Truth)> {
        let mut certain = Truth::Yes;
        let mut last = None;
        for line in self.named("http_access") {
            last = Some(line);
            let mut all = Truth::Yes;
            for name in line.words.iter().skip(2) {
                let (name, negated) =
                    name.strip_prefix('!').map_or((name.as_str(), false), |name| (name, true));
                let truth = self.list(name, hop, forward);
                all = all.and(if negated { !truth } else { truth });
            }
            match (all, line.word(1) == "deny") {
                (Truth::No, _) => {}
                (Truth::Yes, true) => return Some((line, certain)),
                (Truth::Yes, false) => return None,
                (Truth::Unknown, _) => certain = Truth::Unknown,
            }
        }
        // Without a match the opposite of the last rule holds.
        last.filter(|line| line.word(1) == "allow").map(|line| (line, certain))
    }

    fn about_ports(&self, line: &Line) -> bool {
        line.words.iter().skip(2).any(|name| {
            let bare = name.trim_start_matches('!');
            self.named("acl").any(|acl| acl.word(1) == bare && acl.word(2) == "port")
        })
    }

    fn accessed(&self, hop: &Hop, forward: bool) -> Option<String> {
        let declared = self
            .named("access_log")
            .filter_map(|line| line.words.iter().skip(1).find(|word| word.contains('/')));
        let mut paths: Vec<PathBuf> =
            declared.map(|word| PathBuf::from(word.rsplit(':').next().unwrap_or(word))).collect();
        if paths.is_empty() {
            paths = beside::logs(&self.root, "squid");
        }
        let wanted = if forward && hop.scheme == "https" {
            format!("CONNECT {}:{}", hop.address, hop.port)
        } else {
            format!(
                "{} {}",
                hop.method,
                if forward { format!("http://{}", hop.address) } else { String::new() }
            )
        };
        for path in paths {
            let lines = logs::with_rotated(&path).unwrap_or_default();
            let found = lines.iter().rev().find(|line| {
                line.contains("/403 ")
                    && line.contains(wanted.trim_end())
                    && (wanted.starts_with("CONNECT") || line.contains(hop.raw_path()))
            });
            if let Some(line) = found {
                return Some(line.clone());
            }
        }
        None
    }
}

fn in_range(net: &str, client: Option<IpAddr>) -> Truth {
    let Some(client) = client else { return Truth::Unknown };
    if let Some((first, last)) = net.split_once('-')
        && let (Ok(first), Ok(last)) = (first.parse::<IpAddr>(), last.parse::<IpAddr>())
    {
        return Truth::from((first..=last).contains(&client));
    }
    Truth::from(crate::apache::covers(net, client) || within(net, client) == Some(true))
}

fn domain_fits(own: &str, host: &str) -> bool {
    let own = own.to_ascii_lowercase();
    match own.strip_prefix('.') {
        Some(bare) => host == bare || host.ends_with(&own),
        None => host == own,
    }
}

fn port_fits(range: &str, port: u16) -> bool {
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    first.parse::<u16>().is_ok_and(|first| first <= port)
        && last.parse::<u16>().is_ok_and(|last| port <= last)
}

impl Site for Squid {
    fn kind(&self) -> &'static str {
        "squid"
    }

    fn root(&self) -> &Path {
        &self.root
    }

    fn listens(&self, _address: &str, port: u16) -> Truth {
        Truth::from(self.ports().iter().any(|(own, _)| *own == port))
    }

    fn forwards(&self) -> bool {
        self.ports().iter().any(|(_, accelerates)| !accelerates) || self.ports().is_empty()
    }

    fn judge(&self, hop: &Hop, _files: &mut Files) -> Judgement {
        let forward = self.listens(&hop.address, hop.port) != Truth::Yes;
        let logged = self.accessed(hop, forward);
        let denied = logged.as_ref().is_some_and(|line| line.contains("_DENIED"));
        let passed = logged.as_ref().is_some_and(|line| !line.contains("_DENIED"));
        let mut clues = Vec::new();
        if let Some((line, certain)) = self.decided(hop, forward) {
            let cause = if self.about_ports(line) { "squid.unsafe-port" } else { "squid.acl-deny" };
            let strength = match (denied, passed, certain) {
                (true, ..) => Strength::Decisive,
                (_, true, _) => Strength::Against,
                (.., Truth::Yes) => Strength::Decisive,
                _ => Strength::Strong,
            };
            let acls: Vec<String> = self
                .named("acl")
                .filter(|acl| {
                    line.words.iter().skip(2).any(|name| name.trim_start_matches('!') == acl.word(1))
                })
                .map(|acl| acl.text.clone())
                .collect();
            let what =
                if forward { format!("`{}:{}`", hop.address, hop.port) } else { format!("`{}`", hop.target) };
            let said = format!("Squid refuses {what} by `{}`", line.text);
            let fix = if cause == "squid.unsafe-port" {
                vec![format!("acl Safe_ports port {0}  (for https also: acl SSL_ports port {0})", hop.port)]
            } else {
                vec![
                    format!("above it: acl wanted dstdomain {}  and: http_access allow wanted", hop.address),
                    format!("or go round the proxy, where that is permitted: no_proxy={}", hop.address),
                ]
            };
            let quote = logged.clone().unwrap_or_else(|| {
                acls.into_iter().chain([line.text.clone()]).collect::<Vec<_>>().join("\n")
            });
            clues.push(
                Clue::new(cause, strength, said)
                    .at(Some(line.place.clone()))
                    .quoting(Some(quote))
                    .fixed_by(fix),
            );
        } else if let Some(line) = logged.filter(|_| denied) {
            let said = "Squid's log says that it refused the request (TCP_DENIED)";
            clues.push(
                Clue::new("squid.acl-deny", Strength::Decisive, said).quoting(Some(logs::quote(&line))),
            );
        }
        let refused = clues.iter().any(|clue| clue.strength == Strength::Decisive);
        let next: Vec<Next> = if refused { Vec::new() } else { self.next(hop, forward, passed) };
        let server = Server {
            kind: "squid".to_owned(),
            root: self.root.clone(),
            section: if forward { "forward proxy" } else { "accelerator" }.to_owned(),
            place: clues.first().and_then(|clue| clue.place.clone()),
            file: None,
            next: next.iter().map(|next| next.label.clone()).collect(),
        };
        Judgement { clues, server: Some(server), next }
    }
}

impl Squid {
    fn next(&self, hop: &Hop, forward: bool, passed: bool) -> Vec<Next> {
        let refused = if passed { Truth::Yes } else { Truth::Unknown };
        if forward {
            let label = format!("{}:{}", hop.address, hop.port);
            return vec![Next {
                label,
                hop: hop.onward(&hop.address, hop.port),
                socket: None,
                role: Role::Origin,
                refused,
            }];
        }
        self.named("cache_peer")
            .map(|line| {
                let port = line.word(3).parse().unwrap_or(80);
                let label = format!("{}:{port}", line.word(1));
                Next { label, hop: hop.onward(line.word(1), port), socket: None, role: Role::Origin, refused }
            })
            .collect()
    }
}
