//! Patterns as servers write them: PCRE, with a bound on backtracking; and shell patterns.

use fancy_regex::RegexBuilder;

use crate::condition::Truth;

/// Steps of backtracking before a match is given up.
const MOST_STEPS: usize = 200_000;

/// A compiled pattern.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    regex: fancy_regex::Regex,
}

impl Pattern {
    /// `None` for what is not a pattern, or one of a kind that is not understood here.
    pub(crate) fn new(text: &str, ignore_case: bool) -> Option<Pattern> {
        let regex = RegexBuilder::new(&translated(text))
            .case_insensitive(ignore_case)
            .backtrack_limit(MOST_STEPS)
            .delegate_size_limit(1 << 22)
            .build()
            .ok()?;
        Some(Pattern { regex })
    }

    pub(crate) fn matches(&self, text: &str) -> Truth {
        self.regex.is_match(text).map_or(Truth::Unknown, Truth::from)
    }

    /// The captured groups, the whole match first, with the names of named groups.
    pub(crate) fn captures(&self, text: &str) -> Option<Vec<(Option<String>, String)>> {
        let found = self.regex.captures(text).ok().flatten()?;
        let names = self.regex.capture_names();
        Some(
            names
                .enumerate()
                .map(|(at, name)| {
                    let text = found.get(at).map_or("", |group| group.as_str());
                    (name.map(str::to_owned), text.to_owned())
                })
                .collect(),
        )
    }

    /// The text with the first match replaced; `$1` and `\1` in the replacement stand for groups.
    pub(crate) fn replaced(&self, text: &str, with: &str) -> String {
        match self.regex.find(text) {
            Ok(Some(found)) => {
                let head = text.get(..found.start()).unwrap_or("");
                let tail = text.get(found.end()..).unwrap_or("");
                format!("{head}{with}{tail}")
            }
            _ => text.to_owned(),
        }
    }
}

/// Whether a pattern matches; unknown if it cannot be compiled.
pub(crate) fn matches(pattern: &str, ignore_case: bool, text: &str) -> Truth {
    Pattern::new(pattern, ignore_case).map_or(Truth::Unknown, |pattern| pattern.matches(text))
}

/// Whether a shell pattern matches. With `across`, `*` and `?` also match `/`.
pub(crate) fn glob_matches(pattern: &str, text: &str, across: bool) -> bool {
    let options = glob::MatchOptions {
        case_sensitive: true,
        require_literal_separator: !across,
        require_literal_leading_dot: false,
    };
    match glob::Pattern::new(pattern) {
        Ok(glob) => glob.matches_with(text, options),
        Err(_) => pattern == text,
    }
}

/// What PCRE allows and the library does not: `\/` and the like are escapes of ordinary characters.
fn translated(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(next) = rest.next() {
        if next != '\\' {
            out.push(next);
            continue;
        }
        match rest.next() {
            // Escapes that mean nothing in PCRE but the character itself.
            Some(plain @ ('/' | '"' | '\'' | ':' | ';' | ',' | '=' | '@' | '!' | '%' | ' ' | '_' | '`')) => {
                out.push(plain)
            }
            Some(other) => {
                out.push('\\');
                out.push(other);
            }
            None => out.push_str("\\\\"),
        }
    }
    out
}
