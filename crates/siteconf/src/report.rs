//! What is handed back: clues, the servers that the request went through, and what could not be read.

use std::fmt;
use std::path::PathBuf;

/// Everything that was found.
#[derive(Debug, Clone, Default)]
pub struct SiteReport {
    /// Clues, the strongest first; among equals, the one that decided first.
    pub clues: Vec<Clue>,
    /// The servers that the request went through, outermost first.
    pub servers: Vec<Server>,
    /// What could not be read or understood.
    pub faults: Vec<Fault>,
}

/// How much a clue says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// Speaks against the cause.
    Against,
    /// It could be, among others.
    Suggestive,
    /// It fits, and nothing known speaks against it; something that decides could not be seen.
    Strong,
    /// The configuration, evaluated for this request, or the server's own words say so.
    Decisive,
}

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// Counted from one; zero means the file as a whole.
    pub line: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}", self.file.display()),
            line => write!(f, "{}:{line}", self.file.display()),
        }
    }
}

/// One thing that speaks for or against a cause.
#[derive(Debug, Clone)]
pub struct Clue {
    /// The cause's stable id, `nginx.deny-rule`.
    pub cause: String,
    /// How much it says.
    pub strength: Strength,
    /// Who answered, if this is the cause.
    pub layer: String,
    /// Where it is written.
    pub place: Option<Place>,
    /// One sentence, as observed.
    pub said: String,
    /// The line of a log or of the configuration, as it stands there.
    pub quote: Option<String>,
    /// Lines to change or commands to run.
    pub fix: Vec<String>,
}

impl Clue {
    /// A clue whose layer follows from the cause.
    pub(crate) fn new(cause: &str, strength: Strength, said: impl Into<String>) -> Self {
        Clue {
            cause: cause.to_owned(),
            strength,
            layer: layer_of(cause).to_owned(),
            place: None,
            said: said.into(),
            quote: None,
            fix: Vec::new(),
        }
    }

    pub(crate) fn at(mut self, place: Option<Place>) -> Self {
        self.place = place;
        self
    }

    pub(crate) fn quoting(mut self, quote: Option<String>) -> Self {
        self.quote = quote;
        self
    }

    pub(crate) fn fixed_by(mut self, fix: impl IntoIterator<Item = String>) -> Self {
        self.fix.extend(fix);
        self
    }

    pub(crate) fn by(mut self, layer: &str) -> Self {
        self.layer = layer.to_owned();
        self
    }
}

/// One server on the request's way.
#[derive(Debug, Clone)]
pub struct Server {
    /// Its kind, which is also its layer's id: `nginx`, `apache`, `haproxy` …
    pub kind: String,
    /// The configuration root that it was read from.
    pub root: PathBuf,
    /// The section that governs the request.
    pub section: String,
    /// Where that section begins.
    pub place: Option<Place>,
    /// The file or directory that the URL is mapped to.
    pub file: Option<PathBuf>,
    /// Where the request is passed on to.
    pub next: Vec<String>,
}

/// Something that could not be read or understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// What was wrong.
    pub said: String,
}

/// The layer that answers when a cause holds.
fn layer_of(cause: &str) -> &'static str {
    match cause.split_once('.').map(|(family, _)| family).unwrap_or(cause) {
        "nginx" => "nginx",
        "apache" => "apache",
        "lighttpd" => "lighttpd",
        "caddy" => "caddy",
        "haproxy" => "haproxy",
        "varnish" | "cache" => "varnish",
        "envoy" => "envoy",
        "squid" | "client" => "squid",
        "modsecurity" => "modsecurity",
        "phpfpm" => "php-fpm",
        "none" => "none",
        "tls" | "dns" | "network" => "network",
        _ => "app",
    }
}
