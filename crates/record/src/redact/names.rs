//! Which names are sensitive. A name is folded first: percent-encoding undone, letters lower-cased, all but letters
//! and digits left out, so that `X-Amz-Security-Token`, `access%5Ftoken` and `user[accessToken]` all have `token`.

use std::collections::BTreeSet;

use super::{RedactionError, RedactionRules};

#[derive(Debug, Clone)]
pub(super) struct Names {
    query_parts: Vec<String>,
    query_whole: BTreeSet<String>,
    query_keep: BTreeSet<String>,
    headers: BTreeSet<String>,
    claims: BTreeSet<String>,
    facts: Vec<String>,
}

impl Names {
    pub(super) fn built_in() -> Self {
        let all = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Self {
            query_parts: QUERY_PARTS.iter().map(|name| (*name).to_owned()).collect(),
            query_whole: all(QUERY_WHOLE),
            query_keep: BTreeSet::new(),
            headers: all(HEADERS),
            claims: BTreeSet::new(),
            facts: Vec::new(),
        }
    }

    pub(super) fn new(rules: RedactionRules) -> Result<Self, RedactionError> {
        let RedactionRules { query, headers, claims, facts, keep } = rules;
        let count = [&query, &headers, &claims, &facts, &keep].into_iter().map(Vec::len).sum();
        if count > MOST_NAMES {
            return Err(RedactionError::TooMany(count));
        }
        let mut names = Self::built_in();
        names.query_parts.extend(checked(query)?);
        names.query_keep.extend(checked(keep)?);
        names.headers.extend(checked(headers)?);
        names.claims.extend(checked(claims)?);
        for path in facts {
            check(&path)?;
            names.facts.push(path);
        }
        Ok(names)
    }

    /// Whether the value of a query parameter of this name is secret, on any reading of it.
    pub(super) fn query(&self, name: &str) -> bool {
        let mut readings = Readings::of(name);
        readings.any(|reading| {
            let folded = fold(&reading);
            !self.query_keep.contains(&folded)
                && (self.query_whole.contains(&folded)
                    || self.query_parts.iter().any(|part| folded.contains(part.as_str())))
        })
    }

    pub(super) fn header(&self, name: &str) -> bool {
        let folded = fold(name);
        self.headers.contains(&folded) || HEADER_PARTS.iter().any(|part| folded.contains(part))
    }

    /// Whether the value of the fact at this path is secret.
    pub(super) fn fact(&self, path: &str) -> bool {
        let listed = self.facts.iter().any(|fact| {
            path.strip_prefix(fact.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        });
        let is_secret_header = || path.strip_prefix(HEADER_FACTS).is_some_and(|name| self.header(name));
        listed || names_a_secret(path) || self.names_a_claim(path) || is_secret_header()
    }

    fn names_a_claim(&self, path: &str) -> bool {
        !self.claims.is_empty() && path.split('.').any(|part| self.claims.contains(&fold(part)))
    }
}

/// A text as sent, and as it reads after each of some rounds of percent-decoding: who decodes twice downstream must
/// not find a secret that who decodes once missed.
pub(super) struct Readings(Option<String>, usize);

impl Readings {
    pub(super) fn of(text: &str) -> Self {
        Self(Some(text.to_owned()), ROUNDS)
    }
}

impl Iterator for Readings {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let reading = self.0.take()?;
        if self.1 > 0 && reading.contains('%') {
            self.1 -= 1;
            self.0 = Some(decoded(&reading)).filter(|next| *next != reading);
        }
        Some(reading)
    }
}

/// One round of percent-decoding; what is no valid escape stays as it is.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escape = match (first, after) {
            (b'%', [high, low, left @ ..]) => digit(*high).zip(digit(*low)).map(|pair| (pair, left)),
            _ => None,
        };
        match escape {
            Some(((high, low), left)) => {
                bytes.push(high << 4 | low);
                rest = left;
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn digit(character: u8) -> Option<u8> {
    char::from(character).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn fold(name: &str) -> String {
    name.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Whether any part of a path has one of [`FACT_PARTS`] in its folded form. Asked of every fact of every request, so nothing
/// is folded that is ASCII: a word is looked for where it may begin, past whatever folding would leave out.
fn names_a_secret(path: &str) -> bool {
    if !path.is_ascii() {
        return path.split('.').map(fold).any(|part| FACT_PARTS.iter().any(|secret| part.contains(secret)));
    }
    let bytes = path.as_bytes();
    bytes.iter().enumerate().any(|(at, first)| {
        let first = first.to_ascii_lowercase();
        let rest = || bytes.get(at..).unwrap_or_default();
        // Most letters begin none of them.
        matches!(first, b'a' | b'c' | b'p' | b's' | b't')
            && FACT_PARTS
                .iter()
                .any(|secret| secret.as_bytes().first() == Some(&first) && begins_with(rest(), secret))
    })
}

/// Whether a word stands at the start of a text, folded, before the next dot.
fn begins_with(text: &[u8], word: &str) -> bool {
    let mut letters = word.bytes();
    let Some(mut next) = letters.next() else { return true };
    for byte in text.iter().take_while(|byte| **byte != b'.').filter(|byte| byte.is_ascii_alphanumeric()) {
        if byte.to_ascii_lowercase() != next {
            return false;
        }
        match letters.next() {
            Some(letter) => next = letter,
            None => return true,
        }
    }
    false
}

fn checked(names: Vec<String>) -> Result<Vec<String>, RedactionError> {
    names.into_iter().map(|name| check(&name)).collect()
}

fn check(name: &str) -> Result<String, RedactionError> {
    if name.len() > LONGEST_NAME {
        return Err(RedactionError::TooLong(name.chars().take(32).collect()));
    }
    match fold(name) {
        folded if folded.is_empty() => Err(RedactionError::Nameless(name.to_owned())),
        folded => Ok(folded),
    }
}

/// Secret wherever they stand in a parameter's name. Rather too many: a word lost from the log is a nuisance, a
/// credential in it is a breach.
const QUERY_PARTS: &[&str] = &[
    "assertion",
    "auth",
    "bearer",
    "code",
    "cookie",
    "credential",
    "csrf",
    "jwt",
    "key",
    "logintoken",
    "magic",
    "nonce",
    "passphrase",
    "passwd",
    "password",
    "saml",
    "secret",
    "session",
    "signature",
    "ticket",
    "token",
    "xsrf",
];

/// Secret as whole names: within others they mean nothing (`sig` is in `design`, `pin` in `shipping`).
const QUERY_WHOLE: &[&str] = &[
    "hmac",
    "jsessionid",
    "mac",
    "otp",
    "pass",
    "phpsessid",
    "pin",
    "pw",
    "pwd",
    "sid",
    "sig",
    "state",
    "totp",
];

const HEADERS: &[&str] = &["authorization", "cookie", "proxyauthorization", "setcookie", "xapikey"];

/// Where the facts stand that are headers.
const HEADER_FACTS: &str = "context.request.headers.";

const HEADER_PARTS: &[&str] =
    &["apikey", "credential", "jwt", "password", "secret", "session", "signature", "token"];

/// Secret in any part of a fact's path. Stricter words than for queries: facts are named by us and by policy authors.
/// [`names_a_secret`] knows their first letters.
const FACT_PARTS: &[&str] = &["apikey", "credential", "passphrase", "passwd", "password", "secret", "token"];

const ROUNDS: usize = 3;
const MOST_NAMES: usize = 1000;
const LONGEST_NAME: usize = 256;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn names_of_facts_are_read_alike_in_either_way(
            name in "[a-zA-Z0-9_.ſK-]{0,70}|[A-Za-z_-]{0,9}(token|Secret|API_key|pass-wd|PASSphrase|credential|password)[a-z]{0,9}"
        ) {
            let slow = name.split('.').any(|part| FACT_PARTS.iter().any(|secret| fold(part).contains(secret)));
            prop_assert_eq!(Names::built_in().fact(&name), slow);
        }
    }

    #[test]
    fn every_word_is_found_by_its_first_letter() {
        for word in FACT_PARTS {
            let (first, rest) = word.split_at(1);
            assert!(names_a_secret(word) && names_a_secret(&format!("the{first}_{rest}s")), "{word}");
            assert!(!names_a_secret(&format!("{first}.{rest}")), "{word}");
        }
    }
}
