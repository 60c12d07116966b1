//! Forms (`application/x-www-form-urlencoded`, URL Standard §5): read strictly, field by field. What two servers read
//! differently is malformed: a broken escape, other text than UTF-8, `;` beside `&`.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::percent_decode;
use regex::Regex;

use crate::error::PayloadRulesError;
use crate::fault::{FieldFault, MOST_FAULTS, MOST_SHOWN, PayloadFault, shown};
use crate::settings::{FormField, FormKind, FormSettings, MOST_FORM_FIELDS};

/// What a form must be.
pub(crate) struct FormRules {
    fields: BTreeMap<String, FieldRules>,
    further: bool,
}

struct FieldRules {
    settings: FormField,
    pattern: Option<Regex>,
    email: Option<Regex>,
}

impl FormRules {
    pub(crate) fn new(settings: FormSettings) -> Result<Self, PayloadRulesError> {
        let mut fields = BTreeMap::new();
        for (name, field) in settings.fields {
            let rules = FieldRules::new(&name, field)?;
            fields.insert(name, rules);
        }
        Ok(Self { fields, further: settings.further })
    }

    pub(crate) fn has_required_field(&self) -> bool {
        self.fields.values().any(|field| field.settings.required)
    }

    pub(crate) fn check(&self, body: &[u8]) -> Result<(), PayloadFault> {
        let fields = read(body)?;
        // Ordered and without repetition: by pointer, then message.
        let mut faults = BTreeSet::new();
        let mut seen = BTreeSet::new();
        for (name, value) in &fields {
            match self.fields.get(name.as_ref()) {
                None if self.further => {}
                None => {
                    faults.insert((pointer(name), "is not a field of this form".to_owned()));
                }
                Some(field) => {
                    if !seen.insert(name) && !field.settings.repeated {
                        faults.insert((pointer(name), "must be there only once".to_owned()));
                    }
                    faults.extend(field.fault(value).map(|message| (pointer(name), message)));
                }
            }
        }
        for (name, field) in &self.fields {
            if field.settings.required && !seen.contains(&Cow::Borrowed(name.as_str())) {
                faults.insert((pointer(name), "is required".to_owned()));
            }
        }
        if faults.is_empty() {
            return Ok(());
        }
        let told = faults.into_iter().take(MOST_FAULTS);
        Err(PayloadFault::Invalid(
            told.map(|(pointer, message)| FieldFault::new(&pointer, message)).collect(),
        ))
    }
}

impl FieldRules {
    fn new(name: &str, settings: FormField) -> Result<Self, PayloadRulesError> {
        let pattern = settings.pattern.as_deref().map(anchored).transpose();
        let pattern = pattern.map_err(|fault| PayloadRulesError::Pattern {
            field: name.to_owned(),
            detail: fault.to_string(),
        })?;
        let email = (settings.kind == FormKind::Email).then(|| Regex::new(EMAIL)).transpose();
        let email = email.map_err(|fault| PayloadRulesError::Pattern {
            field: name.to_owned(),
            detail: fault.to_string(),
        })?;
        let mut rules = Self { settings, pattern, email };
        // Each option must pass the rest of the rules, or it could never be sent.
        let options = std::mem::take(&mut rules.settings.one_of);
        for option in &options {
            if let Some(reason) = rules.fault(option) {
                let (field, option) = (name.to_owned(), option.clone());
                return Err(PayloadRulesError::Option { field, option, reason });
            }
        }
        rules.settings.one_of = options;
        Ok(rules)
    }

    fn fault(&self, value: &str) -> Option<String> {
        let settings = &self.settings;
        let longest = settings.max_length;
        if value.chars().count() > longest {
            return Some(format!("must be at most {longest} characters long"));
        }
        let kind = match settings.kind {
            FormKind::Text if value.chars().any(is_refused_control) => {
                Some("must not contain control characters")
            }
            FormKind::Integer if value.starts_with('+') || value.parse::<i64>().is_err() => {
                Some("must be a whole number")
            }
            FormKind::Number if !is_number(value) => Some("must be a number"),
            FormKind::Boolean if !matches!(value, "true" | "false" | "on") => {
                Some("must be `true` or `false`")
            }
            FormKind::Email if !self.email.as_ref().is_some_and(|email| email.is_match(value)) => {
                Some("must be an e-mail address")
            }
            _ => None,
        };
        if let Some(kind) = kind {
            return Some(kind.to_owned());
        }
        if !settings.one_of.is_empty() && !settings.one_of.iter().any(|option| option == value) {
            return Some(format!("must be one of {}", shown(&settings.one_of.join(", "), MOST_SHOWN)));
        }
        let pattern = self.pattern.as_ref().filter(|pattern| !pattern.is_match(value))?;
        let written = settings.pattern.as_deref().unwrap_or(pattern.as_str());
        Some(format!("must match `{}`", shown(written, MOST_SHOWN)))
    }
}

/// A form's names and values in the order sent.
type Fields<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

fn read(body: &[u8]) -> Result<Fields<'_>, PayloadFault> {
    if let Some(place) = broken_escape(body) {
        return Err(malformed("`%` is not followed by two hexadecimal digits", place));
    }
    // Threat: older servers separate fields by `;` too, and would see other fields than were checked. Browsers escape it.
    if let Some(place) = body.iter().position(|byte| *byte == b';') {
        return Err(malformed("`;` must be written `%3B`", place));
    }
    // The separators are ASCII, so the whole is UTF-8 exactly if each name and value is.
    let decoded: Cow<'_, [u8]> = percent_decode(body).into();
    if let Err(fault) = std::str::from_utf8(&decoded) {
        return Err(malformed("not UTF-8", place_before_decoding(body, fault.valid_up_to())));
    }
    if body.split(|byte| *byte == b'&').filter(|field| !field.is_empty()).count() > MOST_FORM_FIELDS {
        let message = format!("must have at most {MOST_FORM_FIELDS} fields");
        return Err(PayloadFault::Invalid(vec![FieldFault::new("", message)]));
    }
    Ok(form_urlencoded::parse(body).collect())
}

fn broken_escape(body: &[u8]) -> Option<usize> {
    let escapes = body.iter().enumerate().filter(|(_, byte)| **byte == b'%');
    let mut places = escapes.map(|(place, _)| place);
    places.find(|place| {
        let digits = body.get(place + 1..place + 3);
        !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

/// Where the byte stands in `body` that is number `decoded` once escapes are replaced. All escapes are whole.
fn place_before_decoding(body: &[u8], decoded: usize) -> usize {
    let mut place = 0;
    for _ in 0..decoded {
        place += if body.get(place) == Some(&b'%') { 3 } else { 1 };
    }
    place
}

fn malformed(detail: &str, place: usize) -> PayloadFault {
    PayloadFault::Malformed { detail: detail.to_owned(), line: 1, column: place + 1 }
}

/// A pattern for the whole value. It must be one by itself: `a)|(b` would reach out of the group.
fn anchored(pattern: &str) -> Result<Regex, regex::Error> {
    Regex::new(pattern)?;
    Regex::new(&format!(r"\A(?:{pattern})\z"))
}

fn pointer(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn is_refused_control(character: char) -> bool {
    character.is_control() && !matches!(character, '\t' | '\r' | '\n')
}

fn is_number(value: &str) -> bool {
    // The library skips white space around a value.
    let bare = !value.contains(|character: char| character.is_ascii_whitespace());
    bare && serde_json::from_str::<serde_json::Number>(value).is_ok()
}

/// The expression of the HTML Standard, §4.10.5.1.5.
const EMAIL: &str = r"\A[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*\z";

#[cfg(test)]
mod tests;
