//! Pseudonyms: a keyed hash in the place of what names a person. One person has the same one in every record, so that
//! it can be followed, and who has no key cannot tell whose it is by trying names.
//!
//! INVARIANT: what is hashed under one field stands nowhere else in the record as a fact of its own.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use serde_json::Value;

use crate::entry::Entry;
use crate::facts::FactSet;

/// What of a record is given a pseudonym.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HashedField {
    /// The principal's identifier, wherever the record has it.
    Principal,
    /// The caller's address, wherever the record has it.
    Client,
    /// The program the caller uses.
    UserAgent,
    /// A fact, by its path: `principal.email`.
    Fact(String),
}

impl std::str::FromStr for HashedField {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "principal" => Ok(Self::Principal),
            "client" => Ok(Self::Client),
            "user_agent" => Ok(Self::UserAgent),
            path if path.contains('.') && !path.contains(char::is_whitespace) => {
                Ok(Self::Fact(path.to_owned()))
            }
            _ => Err(
                "name `principal`, `client`, `user_agent` or the path of a fact, such as `principal.email`",
            ),
        }
    }
}

/// Whether a recorded text is a pseudonym.
pub(crate) fn is_one(text: &str) -> bool {
    text.strip_prefix(MARK)
        .is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

/// The key of pseudonyms.
#[derive(Clone)]
pub struct Pseudonyms {
    key: [u8; 32],
}

impl std::fmt::Debug for Pseudonyms {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("Pseudonyms")
    }
}

impl Pseudonyms {
    pub(crate) fn new(key: [u8; 32]) -> Self {
        Self { key }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut key = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        for (index, byte) in key.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(index * 2..index * 2 + 2)?, 16).ok()?;
        }
        Some(Self { key })
    }

    pub(crate) fn secret(&self) -> String {
        self.key.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The pseudonym of a name: `~` and 32 hexadecimal digits.
    #[must_use]
    pub fn of(&self, name: &str) -> String {
        let tag = sign(&Key::new(HMAC_SHA256, &self.key), name.as_bytes());
        tag.as_ref().iter().take(16).fold(MARK.to_owned(), |text, byte| text + &format!("{byte:02x}"))
    }

    /// Gives pseudonyms to what is named. What has one already keeps it.
    pub(crate) fn apply<F: FactSet>(&self, fields: &[HashedField], entry: &mut Entry<F>) {
        for field in fields {
            match field {
                HashedField::Principal => self.principal(entry),
                HashedField::Client => {
                    let client = std::mem::take(&mut entry.request.client);
                    entry.request.client = self.of(&client);
                    self.everywhere(entry, &client);
                }
                HashedField::UserAgent => {
                    if let Some(agent) = entry.request.user_agent.take() {
                        entry.request.user_agent = Some(self.of(&agent));
                        self.everywhere(entry, &agent);
                    }
                }
                HashedField::Fact(path) => entry.facts.change(&mut |name, value| {
                    if name == path {
                        let hidden = match &*value {
                            Value::String(text) => self.of(text),
                            other => self.of(&other.to_string()),
                        };
                        *value = hidden.into();
                    }
                }),
            }
        }
    }

    fn principal<F: FactSet>(&self, entry: &mut Entry<F>) {
        let Some(principal) = &mut entry.principal else { return };
        let id = std::mem::take(&mut principal.id);
        principal.id = self.of(&id);
        let (kind, pseudonym) = (principal.kind.clone(), principal.id.clone());
        let (entity, hidden) = (format!("{kind}::{id:?}"), format!("{kind}::{pseudonym:?}"));
        entry.facts.change(&mut |_, value| {
            replace(value, &entity, &hidden);
            replace(value, &id, &pseudonym);
        });
        // Keys are named after whom they were made for.
        for text in [&mut entry.detail, &mut entry.absence].into_iter().flatten() {
            if text.contains(&id) {
                *text = text.replace(&id, &pseudonym);
            }
        }
    }

    fn everywhere<F: FactSet>(&self, entry: &mut Entry<F>, name: &str) {
        let pseudonym = self.of(name);
        entry.facts.change(&mut |_, value| replace(value, name, &pseudonym));
    }
}

/// Replaces every text in a fact that is the name, and no part of a text.
fn replace(value: &mut Value, name: &str, pseudonym: &str) {
    match value {
        Value::String(text) if text == name => pseudonym.clone_into(text),
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, name, pseudonym)),
        Value::Object(members) => members.values_mut().for_each(|member| replace(member, name, pseudonym)),
        _ => {}
    }
}

/// Stands before every pseudonym: no identifier is taken for one.
const MARK: &str = "~";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{entry, reference_in};

    #[test]
    fn one_name_has_one_pseudonym_under_one_key() {
        let (one, other) = (Pseudonyms::new([1; 32]), Pseudonyms::new([2; 32]));
        assert_eq!(one.of("alice"), Pseudonyms::parse(&one.secret()).unwrap().of("alice"));
        assert_eq!(one.of("alice").len(), 33);
        assert_ne!(one.of("alice"), one.of("bob"));
        assert_ne!(one.of("alice"), other.of("alice"));
        assert!(Pseudonyms::parse("12").is_none() && Pseudonyms::parse(&"é".repeat(32)).is_none());
    }

    #[test]
    fn nothing_of_what_is_hashed_is_left() {
        let pseudonyms = Pseudonyms::new([7; 32]);
        let mut record = entry(reference_in(0));
        record.facts.insert("principal".to_owned(), json!("User::\"alice\""));
        record
            .facts
            .insert("principal.names".to_owned(), json!({"login": "alice", "all": ["alice", "malice"]}));
        record.facts.insert("principal.email".to_owned(), json!("a@shop.test"));
        record.facts.insert("context.network.ip".to_owned(), json!("192.0.2.1"));
        record.detail = Some("the key of alice".to_owned());
        let fields: Vec<HashedField> = ["principal", "client", "user_agent", "principal.email"]
            .iter()
            .map(|field| field.parse().unwrap())
            .collect();
        pseudonyms.apply(&fields, &mut record);
        let text = serde_json::to_string(&record).unwrap();
        assert!(!text.replace("malice", "").contains("alice"), "{text}");
        for gone in ["192.0.2.1", "curl/8", "a@shop.test"] {
            assert!(!text.contains(gone), "{gone} in {text}");
        }
        assert_eq!(record.principal.unwrap().id, pseudonyms.of("alice"));
        assert_eq!(record.facts["context.network.ip"], json!(pseudonyms.of("192.0.2.1")));
        assert!("who".parse::<HashedField>().is_err());
    }
}
