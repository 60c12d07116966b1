//! What one refusal says, before it takes a form: code, sentence, advice, reference, links.
//!
//! INVARIANT: a refusal that says nothing (hidden, no route) has no reference, and its code is that of a missing page.

use std::fmt::Write as _;

use http::StatusCode;

use crate::fields::absolute;
use crate::html::RefusalPage;
use crate::json::{Content, ShownFault, Spelled};
use crate::render::problem_path;
use crate::words::Speaker;
use crate::{Asked, Challenge, Refusal, Said, catalogue};

/// A refusal in words, for this caller.
pub(crate) struct Answer<'a> {
    pub(crate) status: StatusCode,
    pub(crate) code: &'a str,
    /// In the caller's language.
    pub(crate) message: &'a str,
    /// In the default language, for challenges: their texts are ASCII (RFC 6750 §3).
    pub(crate) description: String,
    /// `None` where nothing may tell decisions apart.
    pub(crate) reference: Option<Spelled>,
    title: &'static str,
    faults: Vec<ShownFault>,
    kind: String,
    help: Option<&'a str>,
    blocked_by: Option<&'a str>,
    speaker: Speaker<'a>,
}

impl<'a> Answer<'a> {
    pub(crate) fn new(refusal: &'a Refusal, asked: &Asked<'_>, speaker: Speaker<'a>) -> Self {
        let status = refusal.status();
        let said = refusal.said();
        let code = refusal.public_code();
        Self {
            status,
            code,
            message: speaker.message(code, status.as_str(), said),
            description: description(refusal, status, said, &speaker),
            reference: (!refusal.is_silent()).then(|| Spelled {
                urn: format!("urn:uuid:{}", asked.reference.uuid()),
                grouped: asked.reference.to_string(),
            }),
            title: title(refusal, code, status),
            faults: refusal.faults().iter().take(MOST_FAULTS).map(ShownFault::new).collect(),
            kind: format!("{}{}", asked.base, problem_path(code, status.as_str())),
            help: said.and_then(|said| said.help.as_deref()).and_then(absolute),
            blocked_by: match refusal {
                Refusal::Legal(_, blocked_by) => blocked_by.as_deref(),
                _ => None,
            },
            speaker,
        }
    }

    /// The `realm` of challenges.
    pub(crate) fn realm(&self) -> &'a str {
        let branding = self.speaker.branding;
        let realm = branding.realm.as_deref().unwrap_or(&branding.name);
        if realm.is_empty() { "portcullis" } else { realm }
    }

    /// The sentence with what is wrong where, for callers that get nothing else.
    pub(crate) fn sentence(&self) -> String {
        let mut sentence = self.message.to_owned();
        for (at, ShownFault { pointer, detail }) in self.faults.iter().enumerate() {
            sentence.push_str(if at == 0 { ": " } else { "; " });
            sentence.extend([pointer.as_str(), if pointer.is_empty() { "" } else { " " }, detail.as_str()]);
        }
        sentence
    }

    pub(crate) fn content(&self) -> Content<'_> {
        Content {
            status: self.status.as_u16(),
            code: self.code,
            title: self.title,
            message: self.message,
            kind: &self.kind,
            reference: self.reference.as_ref(),
            faults: &self.faults,
            help: self.help,
            blocked_by: self.blocked_by,
        }
    }

    pub(crate) fn page(&self) -> RefusalPage<'_> {
        let reference = self.reference.as_ref().map(|reference| reference.grouped.as_str());
        let contact = self.speaker.branding.contact.as_deref();
        RefusalPage {
            language: &self.speaker.words.language,
            brand: &self.speaker.branding.name,
            status: self.status.as_u16(),
            code: self.code,
            message: self.message,
            advice: self.speaker.advice(self.code, self.status.as_str()),
            faults: &self.faults,
            reference,
            reference_spoken: reference.map(spoken),
            help: self.help,
            blocked_by: self.blocked_by,
            blocked_by_link: self.blocked_by.and_then(absolute),
            contact,
            contact_link: contact.and_then(|contact| contact_link(contact, reference)),
            kind: &self.kind,
            labels: self.speaker.labels(),
        }
    }
}

/// The title of the code's page where it has one of this status, else the name of the status. What the origin said has
/// the latter: it is the one thing known about it.
fn title(refusal: &Refusal, code: &str, status: StatusCode) -> &'static str {
    let page = catalogue::find(code).filter(|page| page.is_status(status.as_str()));
    match (refusal, page) {
        (Refusal::OriginSaid(_), _) | (_, None) => status.canonical_reason().unwrap_or("Error"),
        (_, Some(page)) => page.title,
    }
}

/// Only refusals with such a challenge need it.
fn description(refusal: &Refusal, status: StatusCode, said: Option<&Said>, speaker: &Speaker<'_>) -> String {
    match refusal {
        Refusal::MalformedCredential(_)
        | Refusal::InsufficientScope(..)
        | Refusal::Unauthenticated(_, Challenge::StepUp { .. }) => {
            let plain = Speaker { words: speaker.fallback, ..*speaker };
            plain.message(said.map_or("", |said| &said.code), status.as_str(), said).to_owned()
        }
        _ => String::new(),
    }
}

/// `0 6 B Q X 7, M 2 K 4 T, …`: what a screen reader should say.
fn spoken(grouped: &str) -> String {
    let mut out = String::with_capacity(grouped.len() * 2);
    for character in grouped.chars() {
        match character {
            '-' => out.push(','),
            _ if out.is_empty() => out.push(character),
            _ => out.extend([' ', character]),
        }
    }
    out
}

/// A contact as a link: an address of the web as it is, one of mail with the reference as its subject.
fn contact_link(contact: &str, reference: Option<&str>) -> Option<String> {
    if let Some(link) = absolute(contact) {
        return Some(link.to_owned());
    }
    let (name, domain) = contact.split_once('@')?;
    let plain = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._+".contains(&byte))
    };
    if !plain(name) || !plain(domain) {
        return None;
    }
    let mut link = format!("mailto:{contact}");
    if let Some(reference) = reference {
        write!(link, "?subject={reference}").ok()?;
    }
    Some(link)
}

/// Faults that one answer names: as many as somebody corrects at once.
const MOST_FAULTS: usize = 16;
