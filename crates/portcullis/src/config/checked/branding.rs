//! How an app's refusals look, checked: what is written here goes into header fields and onto pages.

use portcullis_response::{Branding, Shape};

use super::Checker;
use crate::config::finding::quoted;
use crate::config::raw::{RawApp, RawShape};
use crate::config::source::{below, element};

impl Checker<'_> {
    pub(super) fn branding(&mut self, path: &str, raw: &RawApp) -> Branding {
        let shown = [
            ("display_name", raw.display_name.as_ref()),
            ("contact", raw.contact.as_ref()),
            ("realm", raw.realm.as_ref()),
        ];
        for (key, text) in shown {
            self.plain_text(&below(path, key), text.map_or("-", String::as_str));
        }
        let texts = below(path, "texts");
        for (key, text) in &raw.texts {
            self.plain_text(&below(&texts, key), text);
        }
        self.cors_origins(&below(path, "cors_origins"), &raw.cors_origins);
        Branding {
            name: raw.display_name.clone().or_else(|| raw.name.clone()).unwrap_or_default(),
            shape: match raw.shape {
                RawShape::Problem => Shape::Problem,
                RawShape::Simple => Shape::Simple,
                RawShape::Nested => Shape::Nested,
            },
            realm: raw.realm.clone().or_else(|| raw.name.clone()),
            contact: raw.contact.clone(),
            texts: raw.texts.clone(),
            cors_origins: raw.cors_origins.clone(),
        }
    }

    /// These stand in header fields and on pages.
    pub(super) fn plain_text(&mut self, path: &str, text: &str) {
        if text.trim().is_empty() || text.chars().any(char::is_control) {
            let message = format!("{} cannot be shown to callers", quoted(text));
            let help = "write one line of text, or leave it out";
            self.source.error(path, "portcullis::config::bad_text", message, help);
        }
    }

    fn cors_origins(&mut self, path: &str, origins: &[String]) {
        for (index, origin) in origins.iter().enumerate() {
            let uri: Option<http::Uri> = origin.parse().ok();
            let is_origin = uri.as_ref().is_some_and(|uri| {
                matches!(uri.scheme_str(), Some("http" | "https"))
                    && uri.authority().is_some_and(|authority| {
                        format!(
                            "{}://{}",
                            uri.scheme_str().unwrap_or_default(),
                            authority.as_str().to_lowercase()
                        ) == *origin
                    })
            });
            if !is_origin {
                let message = format!("{} is no origin", quoted(origin));
                let help = if matches!(origin.as_str(), "*" | "null") {
                    "name each origin: answers to requests with credentials may not be readable by everybody"
                } else {
                    "write scheme and host in lower case, and nothing behind: `https://shop.example`"
                };
                self.source.error(&element(path, index), "portcullis::config::bad_origin", message, help);
            }
        }
    }
}
