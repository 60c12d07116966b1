//! The texts of refusals in each language, and which of them is used.
//!
//! Nothing here escapes anything: whoever writes a text into a body does that.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{Branding, Said};

/// The texts of one language.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Words {
    /// `de`, as `Accept-Language` names it.
    #[serde(skip)]
    pub(crate) language: String,
    /// By code or status: the sentence that says what happened.
    #[serde(default)]
    message: BTreeMap<String, String>,
    /// By code or status: what the person can do.
    #[serde(default)]
    advice: BTreeMap<String, String>,
    /// By name: the fixed texts of the page.
    #[serde(default)]
    label: BTreeMap<String, String>,
}

impl Words {
    /// # Errors
    /// Not TOML, or not of the three tables.
    pub(crate) fn parse(language: &str, text: &str) -> Result<Self, toml::de::Error> {
        Ok(Self { language: language.to_owned(), ..toml::from_str(text)? })
    }

    /// The languages of the program. The first is the one used where a caller asks for none of them.
    pub(crate) fn embedded() -> Vec<Self> {
        [
            ("en", include_str!("catalogue/messages.en.toml")),
            ("de", include_str!("catalogue/messages.de.toml")),
        ]
        .into_iter()
        .filter_map(|(language, text)| Self::parse(language, text).ok())
        .collect()
    }

    /// Takes over what another set of texts says.
    pub(crate) fn overlay(&mut self, other: Self) {
        self.message.extend(other.message);
        self.advice.extend(other.advice);
        self.label.extend(other.label);
    }

    #[cfg(test)]
    pub(crate) fn has_message(&self, key: &str) -> bool {
        self.message.contains_key(key)
    }

    #[cfg(test)]
    pub(crate) fn keys(&self) -> Vec<(&str, &str)> {
        [("message", &self.message), ("advice", &self.advice), ("label", &self.label)]
            .into_iter()
            .flat_map(|(name, table)| table.keys().map(move |key| (name, key.as_str())))
            .collect()
    }

    /// Labels that no page of ours has.
    pub(crate) fn unknown_labels(&self, known: &Self) -> Vec<String> {
        self.label.keys().filter(|name| !known.label.contains_key(*name)).cloned().collect()
    }
}

/// The texts for one answer: a language, the default language behind it, and the app's own in front.
pub(crate) struct Speaker<'a> {
    pub(crate) words: &'a Words,
    pub(crate) fallback: &'a Words,
    pub(crate) branding: &'a Branding,
}

impl<'a> Speaker<'a> {
    /// What happened. An app's text in the caller's language comes before the policy author's sentence, whose language
    /// is unknown; the author's sentence before anything that is not about this policy.
    pub(crate) fn message(&self, code: &str, status: &str, said: Option<&'a Said>) -> &'a str {
        self.own_translated(code)
            .or_else(|| said.and_then(|said| said.message.as_deref()))
            .or_else(|| self.own(code))
            .or_else(|| self.first(|words| &words.message, &[code, status]))
            .unwrap_or_default()
    }

    /// What the person can do.
    pub(crate) fn advice(&self, code: &str, status: &str) -> Option<&'a str> {
        let key = format!("advice.{code}");
        self.own_translated(&key)
            .or_else(|| self.own(&key))
            .or_else(|| self.first(|words| &words.advice, &[code, status]))
            .filter(|text| !text.is_empty())
    }

    /// A fixed text of the page.
    pub(crate) fn label(&self, name: &str) -> &'a str {
        let key = format!("label.{name}");
        self.own_translated(&key)
            .or_else(|| self.own(&key))
            .or_else(|| self.first(|words| &words.label, &[name]))
            .unwrap_or_default()
    }

    /// Every fixed text by its name.
    pub(crate) fn labels(&self) -> BTreeMap<&'a str, &'a str> {
        self.fallback.label.keys().map(|name| (&**name, self.label(name))).collect()
    }

    fn own(&self, key: &str) -> Option<&'a str> {
        self.branding.texts.get(key).map(String::as_str)
    }

    fn own_translated(&self, key: &str) -> Option<&'a str> {
        if self.branding.texts.is_empty() {
            return None;
        }
        self.own(&format!("{key}.{}", self.words.language))
    }

    /// The particular before the general, and within each the caller's language before the default.
    fn first(&self, table: fn(&Words) -> &BTreeMap<String, String>, keys: &[&str]) -> Option<&'a str> {
        let of = |words: &'a Words, key: &str| {
            let table: &'a BTreeMap<String, String> = table(words);
            table.get(key).map(String::as_str)
        };
        keys.iter().find_map(|key| of(self.words, key).or_else(|| of(self.fallback, key)))
    }
}
