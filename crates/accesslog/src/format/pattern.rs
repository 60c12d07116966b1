//! Formats that are a row of fields with fixed text between them: nginx's `log_format`, Apache's `LogFormat`, and those of
//! balancers, which are written here in nginx's way. A W3C log's `#Fields:` line is one too.
//!
//! A field ends where the text that follows it begins, so a line is read once from left to right.

use std::borrow::Cow;

use super::names::{self, Meaning};
use crate::entry::{Entry, Stamp, said};

/// A row of fields and the text between them.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Text(String),
    Field(Option<Meaning>),
    /// Fields parted by blanks, however many: W3C.
    Blank,
}

/// Most parts of a pattern: more is no log format.
const MOST_PARTS: usize = 256;

/// HAProxy's `option httplog`, after what the system log puts before it; captured headers stand in braces.
pub(crate) const HAPROXY: &str = "$client [$accept] $frontend $backend $tq/$tw/$tc/$tr/$tt $status $bytes $c1 $c2 \
    $termination_state $conns $queues $rest\"$request\"";
/// An Application Load Balancer's.
pub(crate) const ALB: &str = "$kind $time $elb $client $backend $t1 $t2 $t3 $elb_status_code $origin_status $in $bytes \
    \"$request\" \"$user_agent\" $cipher $tls $group \"$trace\" \"$domain\" \"$certificate\" $priority $created \
    \"$actions_executed\" \"$redirect\" \"$error_reason\"";
/// Envoy's default.
pub(crate) const ENVOY: &str = "[$time] \"$request\" $status $flags $in $bytes $duration_ms $x \"$x_forwarded_for\" \
    \"$user_agent\" \"$id\" \"$authority\" \"$upstream\"";

impl Pattern {
    /// Reads a format as nginx (`$status`) or Apache (`%>s`) writes it.
    ///
    /// # Errors
    /// Says what is missing: a format without a status explains nothing.
    pub fn compile(format: &str) -> Result<Self, String> {
        let parts =
            if format.contains('%') && !format.contains('$') { of_apache(format)? } else { of_nginx(format) };
        if parts.len() > MOST_PARTS {
            return Err(format!("the format has more than {MOST_PARTS} parts"));
        }
        if !parts.contains(&Part::Field(Some(Meaning::Status))) {
            return Err("the format names no status (`$status` in nginx, `%>s` in Apache)".to_owned());
        }
        let mut pairs = parts.windows(2);
        if pairs.any(|pair| matches!(pair, [Part::Field(_), Part::Field(_)])) {
            return Err("two fields of the format follow one another with nothing between them".to_owned());
        }
        Ok(Self { parts })
    }

    /// Reads the fields of a W3C log's `#Fields:` line (IIS, CloudFront).
    pub(crate) fn of_w3c(fields: &str) -> Option<Self> {
        let mut parts = Vec::new();
        for name in fields.split_ascii_whitespace().take(MOST_PARTS) {
            if !parts.is_empty() {
                parts.push(Part::Blank);
            }
            let meaning = match name {
                "time" => Some(Meaning::Clock),
                "cs(User-Agent)" => Some(Meaning::Agent),
                "cs(Referer)" => Some(Meaning::Referrer),
                "x-forwarded-for" => Some(Meaning::BetterAddress),
                "cs(Host)" | "x-host-header" => Some(Meaning::Host),
                "time-taken" | "x-edge-location" | "cs(Cookie)" => None,
                "x-edge-result-type" => Some(Meaning::Note),
                name => names::meaning(name),
            };
            parts.push(Part::Field(meaning));
        }
        parts.contains(&Part::Field(Some(Meaning::Status))).then_some(Self { parts })
    }

    /// Takes a line apart.
    pub(crate) fn entry<'a>(&self, line: &'a str) -> Option<Entry<'a>> {
        let mut entry = Entry::default();
        let (mut date, mut rest) = ("", line);
        for (at, part) in self.parts.iter().enumerate() {
            match part {
                Part::Text(text) => rest = rest.strip_prefix(text.as_str())?,
                Part::Blank => rest = rest.trim_start_matches([' ', '\t']),
                Part::Field(meaning) => {
                    let end = match self.parts.get(at + 1) {
                        Some(Part::Text(text)) => end_of(rest, text)?,
                        Some(_) => rest.find([' ', '\t'])?,
                        None => rest.len(),
                    };
                    let (value, after) = rest.split_at_checked(end)?;
                    rest = after;
                    match meaning {
                        Some(Meaning::Date) => date = value,
                        Some(Meaning::Clock) => entry.time = of_day(date, value),
                        Some(meaning) => store(*meaning, value, self.is_w3c(), &mut entry),
                        None => {}
                    }
                }
            }
        }
        (entry.status != 0).then_some(entry)
    }

    fn is_w3c(&self) -> bool {
        self.parts.contains(&Part::Blank)
    }
}

fn store<'a>(meaning: Meaning, value: &'a str, is_w3c: bool, entry: &mut Entry<'a>) {
    let value = match meaning {
        // W3C logs have no blanks in their fields: IIS writes `+`, CloudFront percent signs.
        Meaning::Agent if is_w3c => plain(value),
        _ => Cow::Borrowed(said(value)),
    };
    names::store(meaning, value, entry);
}

fn plain(value: &str) -> Cow<'_, str> {
    if !value.contains(['+', '%']) {
        return Cow::Borrowed(said(value));
    }
    Cow::Owned(value.replace("%2520", " ").replace("%20", " ").replace('+', " "))
}

/// Where a field ends: before the text that follows it. A quote inside a quoted field is escaped.
fn end_of(rest: &str, text: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + rest.get(from..)?.find(text)?;
        let slashes = rest.as_bytes().get(..at)?.iter().rev().take_while(|byte| **byte == b'\\').count();
        if !text.starts_with('"') || slashes % 2 == 0 {
            return Some(at);
        }
        from = at + 1;
    }
}

fn of_day(date: &str, clock: &str) -> Option<Stamp> {
    if date.len() != 10 {
        return None;
    }
    super::stamp::read(format!("{date} {clock}").as_bytes())
}

/// `'$remote_addr - $remote_user [$time_local] "$request"'`.
fn of_nginx(format: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut rest = format;
    while let Some((before, after)) = rest.split_once('$') {
        text.push_str(before);
        if !text.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut text)));
        }
        let braced = after.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let (name, after) = braced.unwrap_or_else(|| {
            let end = after.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
            after.split_at(end.unwrap_or(after.len()))
        });
        parts.push(Part::Field(names::meaning(name)));
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
    }
    parts
}

/// `%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"`.
fn of_apache(format: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut rest = format;
    while let Some((before, after)) = rest.split_once('%') {
        let mut before = before.replace("\\\"", "\"");
        let after =
            after.trim_start_matches(['>', '<', '!', ',', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
        let (argument, after) = match after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some((argument, after)) => (argument, after),
            None => ("", after),
        };
        let letter = after.chars().next().ok_or("the format ends in a lone `%`")?;
        rest = after.get(letter.len_utf8()..).unwrap_or_default();
        let meaning = match letter {
            'h' => Some(Meaning::Address),
            'a' => Some(Meaning::BetterAddress),
            'u' => Some(Meaning::User),
            't' => Some(Meaning::Time),
            'r' => Some(Meaning::Request),
            's' => Some(Meaning::Status),
            'b' | 'B' | 'O' => Some(Meaning::Size),
            'm' => Some(Meaning::Method),
            'U' => Some(Meaning::Target),
            'q' => None,
            'v' | 'V' => Some(Meaning::Host),
            'D' => Some(Meaning::Microseconds),
            'T' => Some(Meaning::Seconds),
            'H' => Some(Meaning::Protocol),
            'i' if argument.eq_ignore_ascii_case("referer") => Some(Meaning::Referrer),
            'i' | 'e' | 'o' => names::meaning(argument),
            _ => None,
        };
        // Apache writes the brackets of its time itself.
        let is_time = meaning == Some(Meaning::Time) && argument.is_empty();
        if is_time {
            before.push('[');
        }
        if !before.is_empty() {
            parts.push(Part::Text(before));
        }
        parts.push(Part::Field(meaning));
        if is_time {
            rest_with(&mut parts, &mut rest);
        }
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.replace("\\\"", "\"")));
    }
    Ok(parts)
}

/// The bracket that ends Apache's time, and the text up to the next field with it.
fn rest_with(parts: &mut Vec<Part>, rest: &mut &str) {
    let end = rest.find('%').unwrap_or(rest.len());
    let (text, after) = rest.split_at(end);
    parts.push(Part::Text(format!("]{}", text.replace("\\\"", "\""))));
    *rest = after;
}
