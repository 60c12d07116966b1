//! What of a log's line may be shown: no secrets of queries and paths, no characters that a terminal would obey.

/// Longest line that is shown.
const LONGEST: usize = 400;
/// A value of a query this long is taken for a secret if it looks like one.
const SECRET: usize = 20;

/// Names of parameters whose values are never shown.
const SECRETS: &[&str] = &[
    "token",
    "key",
    "secret",
    "password",
    "passwd",
    "pwd",
    "pass",
    "sig",
    "signature",
    "auth",
    "code",
    "session",
    "sid",
    "jwt",
    "credential",
    "hmac",
    "hash",
    "md5",
    "otp",
    "pin",
    "state",
    "nonce",
    "email",
    "mail",
    "ticket",
    "samlresponse",
];

/// A line of a log.
pub(crate) fn line(text: &str) -> String {
    let mut shown = String::with_capacity(text.len().min(LONGEST));
    for (at, word) in text.split_inclusive([' ', '"', '\'', ',']).enumerate() {
        if at > 400 || shown.len() > LONGEST {
            shown.push('…');
            break;
        }
        shown.push_str(&target(word));
    }
    printable(&shown, LONGEST)
}

/// A part of a line: if it has a query, its secrets are taken out; so are tokens in a path.
fn target(word: &str) -> String {
    let Some((path, query)) = word.split_once('?') else { return segments(word) };
    let pairs = query.split_inclusive(['&', ';', ' ', '"', ',', '\'']).map(|pair| {
        let end = pair.trim_end_matches(['&', ';', ' ', '"', ',', '\'']);
        let tail = pair.get(end.len()..).unwrap_or_default();
        match end.split_once('=') {
            Some((name, value)) if is_secret(name, value) => format!("{name}=…{tail}"),
            None if looks_random(end) => format!("…{tail}"),
            _ => pair.to_owned(),
        }
    });
    segments(path) + "?" + &pairs.collect::<String>()
}

fn segments(word: &str) -> String {
    if word.len() < SECRET || !word.contains("eyJ") && !word.contains('/') {
        return word.to_owned();
    }
    let shown = word.trim_end_matches([' ', '"', '\'', ',']);
    let tail = word.get(shown.len()..).unwrap_or_default();
    let parts = shown.split('/').map(|part| if part.len() >= 32 && looks_random(part) { "…" } else { part });
    parts.collect::<Vec<_>>().join("/") + tail
}

fn is_secret(name: &str, value: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let named = SECRETS.iter().any(|secret| {
        name == *secret
            || name.ends_with(&format!("_{secret}"))
            || name.ends_with(&format!("-{secret}"))
            || (secret.len() > 3 && name.contains(secret))
    });
    (named && !value.is_empty()) || looks_random(value) || value.contains('@') || value.contains("%40")
}

/// Long, without spaces, letters and digits mixed: a token rather than words.
fn looks_random(value: &str) -> bool {
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let letters = value.bytes().filter(u8::is_ascii_alphabetic).count();
    let plain = value.bytes().all(|byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'=' | b'~' | b'%' | b'+')
    });
    value.starts_with("eyJ") && value.len() >= SECRET
        || (value.len() >= SECRET && plain && digits >= 3 && letters >= 3)
}

/// A text without what a terminal would obey, at most so long.
pub(crate) fn printable(text: &str, longest: usize) -> String {
    let mut shown: String = text
        .chars()
        .take(longest)
        .map(|letter| if letter.is_control() || is_invisible(letter) { '·' } else { letter })
        .collect();
    if text.chars().nth(longest).is_some() {
        shown.push('…');
    }
    shown
}

/// Characters that turn or hide text.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_queries_are_removed_and_words_stay() {
        let shown = line(
            r#"1.2.3.4 - - [t] "GET /search?q=o%27neill+jacket&access_token=abc&x=9f8e7d6c5b4a39281706f5 HTTP/1.1" 403 1"#,
        );
        assert!(shown.contains("q=o%27neill+jacket&access_token=…&x=… HTTP/1.1"), "{shown}");
        let shown = line("/reset?email=a%40b.org");
        assert_eq!(shown, "/reset?email=…");
        let token = line("GET /i/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc HTTP/1.1");
        assert_eq!(token, "GET /i/… HTTP/1.1");
    }

    #[test]
    fn a_terminal_has_nothing_to_obey() {
        assert_eq!(line("a\u{1b}[31mb\u{202e}"), "a·[31mb·");
        assert!(line(&"x".repeat(9_000)).chars().count() <= LONGEST + 1);
    }
}
