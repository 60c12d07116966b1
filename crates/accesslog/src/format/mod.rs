//! Formats: which one a file is in, and reading a line in it.
//!
//! INVARIANT: no line makes reading fail. What cannot be read in the file's own format is tried in the others, because
//! logs are mixed by rotation, by log daemons and by people; what fits none is counted as broken.

pub(crate) mod errors;
mod json;
mod names;
mod pattern;
mod stamp;
#[cfg(test)]
mod tests;
mod text;

use std::borrow::Cow;

pub(crate) use errors::ErrorLine;
pub use pattern::Pattern;

use crate::entry::{Entry, Glance};

/// A format.
#[derive(Debug, Clone, PartialEq)]
pub enum Format {
    /// Common, combined, and what has a virtual host before or more fields behind.
    Text,
    /// A JSON object a line.
    Json,
    /// HAProxy's `option httplog`.
    Haproxy(Pattern),
    /// An Application Load Balancer's.
    Alb(Pattern),
    /// Envoy's default.
    Envoy(Pattern),
    /// W3C extended, as IIS and CloudFront write it, with the fields its header names.
    W3c(Option<Pattern>),
    /// One that was given: `log_format` of nginx or `LogFormat` of Apache.
    Given(Pattern),
    /// An error log of nginx or Apache.
    Errors,
}

/// What a line is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Line<'a> {
    /// A request.
    Request(Box<Entry<'a>>),
    /// An error.
    Error(ErrorLine<'a>),
    /// A header or comment: nothing to count.
    Remark,
}

impl<'a> Line<'a> {
    fn request(entry: Entry<'a>) -> Self {
        Self::Request(Box::new(entry))
    }
}

/// What is remembered between the lines of one block.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    last: text::LastMoment,
}

impl Format {
    /// The formats that have names.
    pub const NAMES: &'static [&'static str] = &[
        "combined",
        "common",
        "json",
        "caddy",
        "traefik",
        "haproxy",
        "alb",
        "envoy",
        "w3c",
        "iis",
        "cloudfront",
        "error",
    ];

    /// A format by its name, or by the format string itself.
    ///
    /// # Errors
    /// Says what is wrong with the string.
    pub fn named(text: &str) -> Result<Self, String> {
        Ok(match text {
            "combined" | "common" | "vhost_combined" | "clf" => Self::Text,
            "json" | "caddy" | "traefik" => Self::Json,
            "haproxy" => Self::Haproxy(Pattern::compile(pattern::HAPROXY)?),
            "alb" => Self::Alb(Pattern::compile(pattern::ALB)?),
            "envoy" => Self::Envoy(Pattern::compile(pattern::ENVOY)?),
            "w3c" | "iis" | "cloudfront" => Self::W3c(None),
            "error" => Self::Errors,
            other if other.contains(['$', '%']) => Self::Given(Pattern::compile(other)?),
            other => {
                return Err(format!(
                    "no format is called `{other}`; there are {}, or give the `log_format` string itself",
                    Self::NAMES.join(", ")
                ));
            }
        })
    }

    /// What people call it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Text => "combined or alike",
            Self::Json => "JSON",
            Self::Haproxy(_) => "HAProxy",
            Self::Alb(_) => "load balancer",
            Self::Envoy(_) => "Envoy",
            Self::W3c(_) => "W3C extended",
            Self::Given(_) => "as given",
            Self::Errors => "error log",
        }
    }

    /// The format of most of the lines that a file begins with.
    pub(crate) fn of(beginning: &[u8]) -> Self {
        let mut candidates = Self::all();
        if let Some(fields) = header(beginning) {
            candidates.insert(0, Self::W3c(Some(fields)));
        }
        let lines: Vec<Cow<'_, str>> =
            beginning.split(|byte| *byte == b'\n').take(200).map(String::from_utf8_lossy).collect();
        let fits = |format: &Self| lines.iter().filter(|line| format.read(line).is_some()).count();
        // The first of several that fit equally well: they stand from the particular to the general.
        let best = candidates.into_iter().map(|format| (fits(&format), format));
        let best = best.reduce(|best, next| if next.0 > best.0 { next } else { best });
        best.filter(|(fits, _)| *fits > 0).map_or(Self::Text, |(_, format)| format)
    }

    /// Those that are found without being given, from the particular to the general.
    fn all() -> Vec<Self> {
        let named = |name| Self::named(name).ok();
        let mut all = vec![Self::Errors, Self::Json];
        all.extend(["envoy", "alb", "haproxy"].into_iter().filter_map(named));
        all.push(Self::Text);
        all
    }

    /// When and which status, for lines that need no more: `None` says that [`Self::read`] has to look.
    #[inline]
    pub(crate) fn glance(&self, line: &[u8], reader: &mut Reader) -> Option<Glance> {
        match self {
            Self::Text => text::glance(line, &mut reader.last),
            _ => None,
        }
    }

    /// Reads a line in this format alone.
    pub(crate) fn read<'a>(&self, line: &'a str) -> Option<Line<'a>> {
        let line = line.trim_end_matches('\r');
        let pattern = match self {
            Self::Text => return text::entry(line).map(Line::request),
            Self::Json => return line.starts_with('{').then(|| json::entry(line))?.map(Line::request),
            Self::Errors => return errors::read(line).map(Line::Error),
            Self::Haproxy(pattern) => return pattern.entry(after_daemon(line)?).map(Line::request),
            Self::W3c(_) if line.starts_with('#') => return Some(Line::Remark),
            Self::W3c(pattern) => pattern.as_ref()?,
            Self::Alb(pattern) | Self::Envoy(pattern) | Self::Given(pattern) => pattern,
        };
        pattern.entry(line).map(Line::request)
    }

    /// Reads a line in this format or, failing that, in any of the others; and whether it was another.
    pub(crate) fn read_anyhow<'a>(&self, line: &'a str) -> Option<(Line<'a>, bool)> {
        if let Some(read) = self.read(line) {
            return Some((read, false));
        }
        OTHERS.with(|others| others.iter().find_map(|other| other.read(line))).map(|read| (read, true))
    }

    /// Takes over the fields that a header names, where the format has headers.
    pub(crate) fn take_header(&mut self, line: &[u8]) {
        if let Self::W3c(pattern) = self
            && let Some(fields) = header(line)
        {
            *pattern = Some(fields);
        }
    }
}

thread_local! {
    static OTHERS: Vec<Format> = Format::all();
}

/// The fields that the first `#Fields:` line names.
fn header(text: &[u8]) -> Option<Pattern> {
    let line = text.split(|byte| *byte == b'\n').take(50).find_map(|line| line.strip_prefix(b"#Fields:"))?;
    Pattern::of_w3c(&String::from_utf8_lossy(line))
}

/// HAProxy's part of a line: after the log daemon's `Mar  3 14:30:00 host haproxy[123]: `, where there is one.
fn after_daemon(line: &str) -> Option<&str> {
    let head = line.get(..line.len().min(200)).unwrap_or(line);
    let own = head.find("]: ").filter(|at| head.get(..*at).is_some_and(|before| before.contains('[')));
    own.map_or(Some(line), |at| line.get(at + 3..))
}

/// A moment as people write it, in seconds since 1970.
pub(crate) fn read_moment(text: &str) -> Option<i64> {
    stamp::read(text.as_bytes()).map(|stamp| stamp.seconds)
}
