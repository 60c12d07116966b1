//! What was asked for, in names that a rule could be written for: path prefixes and endings, parameters and words of queries,
//! the host of a referrer.

use super::agent::Tag;

/// Deepest prefix that is told apart.
const DEEPEST: usize = 5;
/// Most words of one query.
const MOST_WORDS: usize = 24;

/// Endings of what pages embed.
const STATIC: &[&str] = &[
    "js", "css", "png", "jpg", "jpeg", "gif", "svg", "webp", "avif", "ico", "woff", "woff2", "ttf", "otf",
    "mp4", "webm", "mp3", "pdf", "map",
];

/// The name of what pages embed, all kinds together.
const EMBEDDED: &str = "images, styles, scripts and fonts";

/// The names of a path: each prefix, its ending, and whether it is a directory.
pub(crate) fn path_tags(path: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    if path == "/" {
        return vec![("/ itself".to_owned(), 2)];
    }
    let mut end = 0;
    for depth in 0..DEEPEST {
        let Some(rest) = path.get(end + 1..).filter(|rest| !rest.is_empty()) else { break };
        end = rest.find('/').map_or(path.len(), |at| end + 1 + at);
        let prefix = path.get(..end.min(200)).unwrap_or(path);
        // Among prefixes that hold the same requests the longest is what was seen.
        tags.push((prefix.to_owned(), 10 - depth as u8));
    }
    if let Some(ending) = ending(path) {
        tags.push((format!("*.{}", ending.to_ascii_lowercase()), 12));
        if is_static(path) {
            tags.push((EMBEDDED.to_owned(), 13));
        }
    } else if path.ends_with('/') {
        tags.push(("*/ (directories)".to_owned(), 12));
    }
    tags
}

fn ending(path: &str) -> Option<&str> {
    let name = path.rsplit('/').next()?;
    let (stem, ending) = name.rsplit_once('.')?;
    let plain = (1..=5).contains(&ending.len()) && ending.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (plain && !stem.is_empty()).then_some(ending)
}

/// Whether a path is of what pages embed.
pub(crate) fn is_static(path: &str) -> bool {
    ending(path).is_some_and(|ending| STATIC.contains(&ending.to_ascii_lowercase().as_str()))
}

/// The names of a query: parameters, words, and characters that filters look for.
pub(crate) fn query_tags(target: &str) -> Vec<Tag> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut tags = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()).take(12) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if name.len() <= 40 {
            tags.push((format!("{name}="), 4));
        }
        words(&decoded(value), &mut tags);
    }
    if path.contains('%') || path.contains("..") {
        special(&decoded(path), &mut tags);
    }
    tags.sort();
    tags.dedup_by(|next, kept| next.0 == kept.0);
    tags.truncate(MOST_WORDS);
    tags
}

fn words(value: &str, tags: &mut Vec<Tag>) {
    for word in value.split(|letter: char| !letter.is_alphanumeric()).take(10) {
        if (2..=30).contains(&word.len()) && !word.bytes().all(|byte| byte.is_ascii_digit()) {
            tags.push((word.to_lowercase(), 2));
        }
    }
    special(value, tags);
}

/// Characters that mean something to a database, a shell or a browser.
fn special(value: &str, tags: &mut Vec<Tag>) {
    for letter in value.chars() {
        if matches!(
            letter,
            '\'' | '"'
                | '<'
                | '>'
                | ';'
                | '('
                | ')'
                | '{'
                | '}'
                | '['
                | ']'
                | '|'
                | '`'
                | '\\'
                | '$'
                | '*'
                | '!'
                | '#'
                | '&'
                | '%'
        ) {
            let mut escape = String::new();
            for byte in letter.to_string().bytes() {
                escape.push_str(&format!("%{byte:02X}"));
            }
            tags.push((format!("{letter} ({escape})"), 0));
        }
    }
    if value.contains("..") {
        tags.push(("..".to_owned(), 0));
    }
    if value.contains("://") {
        tags.push(("://".to_owned(), 0));
    }
}

/// A value with its escapes undone, as text.
pub(crate) fn decoded(value: &str) -> String {
    let value = value.get(..value.len().min(400)).unwrap_or(value);
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let mut ahead = rest.clone();
                let digits = ahead.next().zip(ahead.next());
                match digits.and_then(|(high, low)| Some((hex(high)? << 4) | hex(low)?)) {
                    Some(byte) => {
                        bytes.push(byte);
                        rest = ahead;
                    }
                    None => bytes.push(b'%'),
                }
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// The host of a referrer, without `www.` and port.
pub(crate) fn referrer_host(referrer: &str) -> &str {
    let rest = referrer.split_once("://").map_or(referrer, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let host = host.split(':').next().unwrap_or(host);
    host.strip_prefix("www.").unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(tags: Vec<Tag>) -> Vec<String> {
        tags.into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn a_path_is_all_its_prefixes() {
        assert_eq!(names(path_tags("/img/p/1.JPG")), ["/img", "/img/p", "/img/p/1.JPG", "*.jpg", EMBEDDED]);
        assert_eq!(names(path_tags("/docs/")), ["/docs", "*/ (directories)"]);
        assert_eq!(names(path_tags("/")), ["/ itself"]);
        assert_eq!(names(path_tags("")), [] as [&str; 0]);
    }

    #[test]
    fn a_query_is_its_words_and_what_filters_look_for() {
        let tags = names(query_tags("/search?q=o%27neill+jacket&page=2"));
        for name in ["' (%27)", "neill", "jacket", "q=", "page="] {
            assert!(tags.contains(&name.to_owned()), "{name} in {tags:?}");
        }
    }

    #[test]
    fn a_referrer_is_its_host() {
        assert_eq!(referrer_host("https://www.example.org:8443/a?b"), "example.org");
    }

    #[test]
    fn broken_escapes_stay() {
        assert_eq!(decoded("a%2"), "a%2");
        assert_eq!(decoded("%zz%41"), "%zzA");
    }
}
