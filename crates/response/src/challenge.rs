//! `WWW-Authenticate`: what would let the caller in (RFC 9110 §11.6.1, RFC 6750 §3, RFC 9470 §3).
//!
//! INVARIANT: whatever texts come in, a challenge is one field line of visible ASCII, and no text can close the
//! quotes it stands in.

use http::HeaderValue;

use crate::{Challenge, Refusal};

/// The challenge that goes with a refusal: always with 401, and with 400 and 403 where other credentials would help.
pub(crate) fn of(refusal: &Refusal, realm: &str, description: &str) -> Option<HeaderValue> {
    let mut bearer = Bearer::realm(realm);
    match refusal {
        Refusal::Unauthenticated(_, Challenge::Credentials) => {}
        Refusal::Unauthenticated(_, Challenge::InvalidToken { description }) => {
            bearer.error("invalid_token", description);
        }
        Refusal::Unauthenticated(_, Challenge::StepUp { acr_values, max_age }) => {
            bearer.error("insufficient_user_authentication", description);
            bearer.tokens("acr_values", acr_values.iter().flat_map(|value| value.split_ascii_whitespace()));
            if let Some(seconds) = max_age {
                bearer.parameter("max_age", &seconds.to_string());
            }
        }
        Refusal::MalformedCredential(_) => bearer.error("invalid_request", description),
        Refusal::InsufficientScope(_, scope) => {
            bearer.error("insufficient_scope", description);
            bearer.tokens("scope", scope.split_ascii_whitespace());
        }
        _ => return None,
    }
    bearer.value()
}

struct Bearer(String);

impl Bearer {
    fn realm(realm: &str) -> Self {
        let mut bearer = Self("Bearer".to_owned());
        bearer.push(" realm", realm.chars().take(LONGEST_TEXT), quotable);
        bearer
    }

    fn error(&mut self, code: &str, description: &str) {
        self.parameter("error", code);
        if !description.is_empty() {
            self.parameter("error_description", description);
        }
    }

    fn parameter(&mut self, name: &str, text: &str) {
        self.push(&format!(", {name}"), text.chars().take(LONGEST_TEXT), describable);
    }

    /// A list of `scope-token`s (RFC 6749 §3.3): whole ones only, and none that would have to be altered.
    fn tokens<'a>(&mut self, name: &str, tokens: impl Iterator<Item = &'a str>) {
        let mut list = String::new();
        for token in tokens.filter(|token| token.bytes().all(|byte| is_describable(char::from(byte)))) {
            if list.len() + token.len() >= LONGEST_LIST {
                break;
            }
            if !list.is_empty() {
                list.push(' ');
            }
            list.push_str(token);
        }
        if !list.is_empty() {
            self.push(&format!(", {name}"), list.chars(), describable);
        }
    }

    fn push(&mut self, name: &str, text: impl Iterator<Item = char>, write: fn(char, &mut String)) {
        self.0.push_str(name);
        self.0.push_str("=\"");
        text.for_each(|character| write(character, &mut self.0));
        self.0.push('"');
    }

    fn value(self) -> Option<HeaderValue> {
        HeaderValue::try_from(self.0).ok()
    }
}

/// `quoted-string` of RFC 9110 §5.6.4, kept to ASCII: what a reader makes of other bytes there is anybody's guess.
fn quotable(character: char, out: &mut String) {
    match character {
        '"' | '\\' => out.extend(['\\', character]),
        ' '..='~' => out.push(character),
        _ => out.push('?'),
    }
}

/// The characters that RFC 6750 §3 allows in `error_description` and `scope`: no quotes, no backslash, no escapes.
fn describable(character: char, out: &mut String) {
    match character {
        '"' | '“' | '”' | '‘' | '’' => out.push('\''),
        _ if is_describable(character) => out.push(character),
        _ => out.push('?'),
    }
}

fn is_describable(character: char) -> bool {
    matches!(character, ' '..='~') && !matches!(character, '"' | '\\')
}

/// Characters of one text: a sentence.
const LONGEST_TEXT: usize = 200;

/// Bytes of one list: far below what any client takes as one field line.
const LONGEST_LIST: usize = 1024;

#[cfg(test)]
mod tests;
