//! The rules of one route: what its bodies are held against, by the head alone first, then by the whole body. Nothing here
//! waits or reads; both questions are pure.

use crate::error::PayloadRulesError;
use crate::fault::{FieldFault, PayloadFault, shown_bytes};
use crate::form::FormRules;
use crate::json::{self, Keep};
use crate::media::{Accepted, MediaType, Reader};
use crate::schema::Schema;
use crate::settings::{DEEPEST, DEFAULT_CHECKED_SIZE, PayloadSettings};

/// What the bodies of a route must be, checked and compiled. Immutable; share it by `Arc`.
pub struct PayloadRules {
    /// Empty: any type, or none.
    accepted: Vec<Accepted>,
    /// As configured, for the refusal.
    names: Vec<String>,
    max_size: Option<u64>,
    required: bool,
    json: Option<JsonRules>,
    form: Option<FormRules>,
}

struct JsonRules {
    max_depth: usize,
    schema: Option<Schema>,
}

/// What the door must do with a body whose head is in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Nothing: forward it, or there is none.
    Nothing,
    /// Forward it as it comes, but no more bytes than this: then it is [`PayloadFault::TooLarge`].
    Limited(u64),
    /// Read it whole, no more bytes than this (then it is [`PayloadFault::TooLarge`]), and ask [`PayloadRules::check`]
    /// before the origin sees a byte.
    Whole(u64),
}

impl PayloadRules {
    /// Checks and compiles `settings`.
    ///
    /// # Errors
    /// What is wrong with them, by JSON pointer where it is the schema.
    pub fn new(settings: PayloadSettings) -> Result<Self, PayloadRulesError> {
        let PayloadSettings { content_types: mut names, max_size, required, json, form } = settings;
        if names.is_empty() {
            let json = json.iter().flat_map(|_| ["application/json", "application/*+json"]);
            let form = form.iter().map(|_| "application/x-www-form-urlencoded");
            names = json.chain(form).map(str::to_owned).collect();
        }
        let accepted: Vec<_> = names.iter().map(|name| Accepted::read(name)).collect::<Result<_, _>>()?;
        let reached = |reader| accepted.iter().any(|accepted| accepted.may_reach(reader));
        if json.is_some() && !reached(Reader::Json) {
            return Err(PayloadRulesError::NeverRead { kind: "JSON", example: "application/json" });
        }
        if form.is_some() && !reached(Reader::Form) {
            let example = "application/x-www-form-urlencoded";
            return Err(PayloadRulesError::NeverRead { kind: "forms", example });
        }
        if form.is_some() && accepted.iter().any(Accepted::is_multipart) {
            return Err(PayloadRulesError::Multipart);
        }
        let json = json.map(|json| {
            let max_depth = json.max_depth;
            if !(1..=DEEPEST).contains(&max_depth) {
                return Err(PayloadRulesError::Depth { given: max_depth });
            }
            Ok(JsonRules { max_depth, schema: json.schema.as_ref().map(Schema::compile).transpose()? })
        });
        let (json, form) = (json.transpose()?, form.map(FormRules::new).transpose()?);
        let promised = json.as_ref().is_some_and(|json| json.schema.is_some())
            || form.as_ref().is_some_and(FormRules::has_required_field);
        Ok(Self { accepted, names, max_size, required: required.unwrap_or(promised), json, form })
    }

    /// Holds the head of a request against the rules, before anything of its body is read.
    ///
    /// `content_type` and `content_encoding` are the fields' values, several lines joined by commas; `has_body` is whether
    /// the framing says that one follows, be it empty.
    ///
    /// # Errors
    /// 415 or 413 by the head alone; 422 where a body must be there and is not.
    pub fn head(
        &self,
        method: &str,
        content_type: Option<&[u8]>,
        content_encoding: Option<&[u8]>,
        content_length: Option<u64>,
        has_body: bool,
    ) -> Result<Wanted, PayloadFault> {
        if !has_body || content_length == Some(0) {
            let missing = self.required && matches!(method, "POST" | "PUT" | "PATCH");
            return if missing { Err(self.missing()) } else { Ok(Wanted::Nothing) };
        }
        let reader = self.reader(content_type)?;
        if reader != Reader::None
            && let Some(encoding) = content_encoding.filter(|encoding| !is_identity(encoding))
        {
            return Err(PayloadFault::Encoded { sent: shown_bytes(encoding) });
        }
        let limit = self.limit(reader);
        if let Some(limit) = limit.filter(|limit| content_length.is_some_and(|length| length > *limit)) {
            return Err(PayloadFault::TooLarge { limit });
        }
        Ok(match limit {
            None => Wanted::Nothing,
            Some(limit) if reader == Reader::None => Wanted::Limited(limit),
            Some(limit) => Wanted::Whole(limit),
        })
    }

    /// Holds a whole body against the rules. A body that [`PayloadRules::head`] did not want whole passes by its type and
    /// size.
    ///
    /// A body of a few KiB takes microseconds; the dearest of [`DEFAULT_CHECKED_SIZE`] some 85 milliseconds (measured on a
    /// busy machine by `examples/check.rs`), for which a thread that serves others should not be used.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, content_type: Option<&[u8]>, body: &[u8]) -> Result<(), PayloadFault> {
        let reader = self.reader(content_type)?;
        let size = u64::try_from(body.len()).unwrap_or(u64::MAX);
        if let Some(limit) = self.limit(reader).filter(|limit| size > *limit) {
            return Err(PayloadFault::TooLarge { limit });
        }
        match (reader, &self.json, &self.form) {
            (Reader::Json, Some(rules), _) => rules.check(body),
            (Reader::Form, _, Some(rules)) => rules.check(body),
            _ => Ok(()),
        }
    }

    /// What reads bodies of this type here; [`Reader::None`] where nothing does.
    fn reader(&self, content_type: Option<&[u8]>) -> Result<Reader, PayloadFault> {
        if self.accepted.is_empty() {
            return Ok(Reader::None);
        }
        let refused = || PayloadFault::Unsupported {
            sent: content_type.map(shown_bytes),
            accepted: self.names.clone(),
        };
        let media = content_type.and_then(MediaType::read).ok_or_else(refused)?;
        if !self.accepted.iter().any(|accepted| accepted.takes(&media)) {
            return Err(refused());
        }
        match media.reader() {
            Reader::Multipart if self.form.is_some() => Err(refused()),
            Reader::Json if self.json.is_some() => {
                media.is_utf8().then_some(Reader::Json).ok_or_else(refused)
            }
            Reader::Form if self.form.is_some() => {
                media.is_utf8().then_some(Reader::Form).ok_or_else(refused)
            }
            _ => Ok(Reader::None),
        }
    }

    fn limit(&self, reader: Reader) -> Option<u64> {
        let checked = (reader != Reader::None).then_some(DEFAULT_CHECKED_SIZE);
        self.max_size.or(checked)
    }

    fn missing(&self) -> PayloadFault {
        let types =
            if self.names.is_empty() { String::new() } else { format!(": {}", self.names.join(", ")) };
        PayloadFault::Invalid(vec![FieldFault::new("", format!("a body is required{types}"))])
    }
}

impl JsonRules {
    fn check(&self, body: &[u8]) -> Result<(), PayloadFault> {
        let Some(schema) = &self.schema else {
            return json::read(body, self.max_depth, Keep::Nothing).map(drop);
        };
        let document = json::read(body, self.max_depth, Keep::Values)?;
        let faults = schema.faults(&document);
        if faults.is_empty() { Ok(()) } else { Err(PayloadFault::Invalid(faults)) }
    }
}

/// RFC 9110 §8.4: no coding, or the one that changes nothing.
fn is_identity(encoding: &[u8]) -> bool {
    let encoding = encoding.trim_ascii();
    encoding.is_empty() || encoding.eq_ignore_ascii_case(b"identity")
}

#[cfg(test)]
mod tests;
