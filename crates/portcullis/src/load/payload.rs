//! What the bodies of a route must be: its schema is read, and all of it made ready to be asked.

use std::sync::Arc;

use portcullis_payload::{FormField, FormKind, FormSettings, JsonSettings, PayloadRules, PayloadSettings};

use super::Reader;
use crate::config::{Payload, RawField, RawFieldKind, RawForm, with_hint};

impl Reader<'_> {
    pub(super) fn payload(&mut self, payload: &Payload) -> Option<Arc<PayloadRules>> {
        let json = match &payload.json {
            Some(json) => {
                let schema = match &json.schema {
                    Some(file) => {
                        let text = self.text(file)?;
                        let schema = serde_json::from_str(&text.text);
                        Some(schema.map_err(|fault| self.no_json(payload, &text.name, &fault)).ok()?)
                    }
                    None => None,
                };
                Some(JsonSettings { max_depth: json.max_depth, schema })
            }
            None => None,
        };
        let settings = PayloadSettings {
            content_types: payload.content_types.clone(),
            max_size: payload.max_size,
            required: payload.required,
            json,
            form: payload.form.as_ref().map(form),
        };
        match PayloadRules::new(settings) {
            Ok(rules) => Some(Arc::new(rules)),
            Err(fault) => {
                let (message, hint) = with_hint(&fault);
                self.source.error(&payload.place, "portcullis::config::bad_payload", message, hint);
                None
            }
        }
    }

    fn no_json(&mut self, payload: &Payload, name: &str, fault: &serde_json::Error) {
        let message = format!("the schema `{name}` is no JSON: {fault}");
        let help = "write a JSON Schema: `{ \"type\": \"object\", … }`";
        self.source.error(&payload.place, "portcullis::config::bad_payload", message, help);
    }
}

fn form(raw: &RawForm) -> FormSettings {
    let fields = raw.field.iter().map(|(name, raw)| (name.clone(), field(raw))).collect();
    FormSettings { fields, further: raw.further }
}

fn field(raw: &RawField) -> FormField {
    FormField {
        required: raw.required,
        repeated: raw.repeated,
        max_length: usize::try_from(raw.max_length).unwrap_or(usize::MAX),
        pattern: raw.pattern.clone(),
        one_of: raw.one_of.clone(),
        kind: match raw.kind {
            RawFieldKind::Text => FormKind::Text,
            RawFieldKind::Integer => FormKind::Integer,
            RawFieldKind::Number => FormKind::Number,
            RawFieldKind::Boolean => FormKind::Boolean,
            RawFieldKind::Email => FormKind::Email,
        },
    }
}
