//! The annotations of one policy, read and checked.

use std::collections::BTreeMap;

use cedar_policy_core::ast::{EntityReference, PrincipalOrResourceConstraint};

use super::{PublicReason, ReasonStatus, StepUp};
use crate::finding::{Findings, Place};
use crate::guards::Declared;
use crate::load::Entry;

/// The family: what is read here, and on what.
const FAMILY: [(&str, On); 11] = [
    ("id", On::Both),
    ("reason", On::Forbid),
    ("message", On::Forbid),
    ("status", On::Forbid),
    ("blocked_by", On::Forbid),
    ("hide", On::Forbid),
    ("otherwise", On::Permit),
    ("otherwise_message", On::Permit),
    ("scope", On::Both),
    ("step_up", On::Both),
    ("help", On::Both),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum On {
    Forbid,
    Permit,
    Both,
}

const CODE: &str = "portcullis::policy::annotation";

/// The public reason that the annotations of a policy make; `None` if they say nothing.
pub(crate) fn read(entry: &Entry, declared: &Declared, findings: &mut Findings) -> Option<PublicReason> {
    let mut given: BTreeMap<&str, (&str, Place)> = BTreeMap::new();
    let tree = entry.tree();
    for (name, annotation) in tree.annotations() {
        let place = entry.within(annotation.loc.as_ref());
        let name: &str = name.as_ref();
        match FAMILY.iter().find(|(known, _)| *known == name) {
            Some((_, on)) => {
                if misplaced(name, *on, entry, &place, findings) {
                    continue;
                }
                given.insert(name, (annotation.val.as_str(), place));
            }
            None => unknown(name, &place, findings),
        }
    }
    given.remove("id");
    if given.is_empty() {
        return None;
    }
    let mut reading = Reading { entry, given, findings };
    let status = reading.status(declared);
    let code = reading.code(if entry.is_forbid() { "reason" } else { "otherwise" });
    let message = reading.sentence(if entry.is_forbid() { "message" } else { "otherwise_message" });
    let help = reading.address("help", &["https://", "http://", "mailto:"]);
    let code = code.unwrap_or_else(|| default_code(&status).to_owned());
    Some(PublicReason { code, message, status, help })
}

fn default_code(status: &ReasonStatus) -> &'static str {
    match status {
        ReasonStatus::Forbidden => "access_denied",
        ReasonStatus::InsufficientScope { .. } => "insufficient_scope",
        ReasonStatus::Legal { .. } => "legal_restriction",
        ReasonStatus::Hidden => "not_found",
        ReasonStatus::StepUp(_) => "step_up_required",
    }
}

fn misplaced(name: &str, on: On, entry: &Entry, place: &Place, findings: &mut Findings) -> bool {
    let (wrong, help) = match (on, entry.is_forbid()) {
        (On::Permit, true) => ("forbid", "a forbid says `@reason` and `@message`"),
        (On::Forbid, false) if matches!(name, "reason" | "message") => {
            ("permit", "a permit says `@otherwise` and `@otherwise_message`: what its absence means")
        }
        (On::Forbid, false) => ("permit", "put it on the forbid that refuses"),
        _ => return false,
    };
    findings.error(CODE, place, format!("`@{name}` does not belong on a {wrong}"), help);
    true
}

/// An annotation that is not of the family: the author's own, unless it is nearly one of ours.
fn unknown(name: &str, place: &Place, findings: &mut Findings) {
    let plain = |name: &str| name.to_ascii_lowercase().replace('_', "");
    let near = FAMILY
        .iter()
        .map(|(known, _)| (strsim::damerau_levenshtein(&plain(known), &plain(name)), *known))
        // One slip in four letters, two at most; short names only if they are ours but for case and underscores.
        .filter(|(distance, known)| *distance <= (known.len() / 4).min(2))
        .min();
    let begun = name.starts_with("otherwise_").then_some("otherwise_message");
    if let Some(known) = near.map(|(_, known)| known).or(begun) {
        findings.error(
            "portcullis::policy::unknown_annotation",
            place,
            format!("there is no annotation `@{name}`"),
            format!("did you mean `@{known}`? an annotation of your own needs a name that is less like it"),
        );
    }
}

struct Reading<'a> {
    entry: &'a Entry,
    given: BTreeMap<&'a str, (&'a str, Place)>,
    findings: &'a mut Findings,
}

impl Reading<'_> {
    fn error(&mut self, place: &Place, message: impl Into<String>, help: impl Into<String>) {
        self.findings.error(CODE, place, message, help);
    }

    fn code(&mut self, name: &str) -> Option<String> {
        let (code, place) = self.given.get(name).cloned()?;
        let mut characters = code.chars();
        let starts = characters.next().is_some_and(|first| first.is_ascii_lowercase());
        let goes_on = |rest: char| rest.is_ascii_lowercase() || rest.is_ascii_digit() || rest == '_';
        if !starts || !characters.all(goes_on) || code.len() > 64 {
            self.error(
                &place,
                format!("`{}` is no public code", code.escape_debug()),
                "use small letters, digits and `_`, at most 64: `region_restricted`",
            );
        }
        Some(code.to_owned())
    }

    fn sentence(&mut self, name: &str) -> Option<String> {
        let (sentence, place) = self.given.get(name).cloned()?;
        if let Err(hint) = speakable(sentence) {
            self.error(&place, format!("the text of `@{name}` cannot be said to callers"), hint);
        }
        Some(sentence.to_owned())
    }

    /// An address that goes into a header or a page.
    fn address(&mut self, name: &str, schemes: &[&str]) -> Option<String> {
        let (address, place) = self.given.get(name).cloned()?;
        let rest = schemes.iter().find_map(|scheme| address.strip_prefix(scheme));
        let plain = |byte: u8| {
            byte.is_ascii_graphic()
                && !matches!(byte, b'<' | b'>' | b'"' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}')
        };
        if rest.is_none_or(str::is_empty) || !address.bytes().all(plain) || address.len() > 2_000 {
            self.error(
                &place,
                format!("`{}` is no address for `@{name}`", address.escape_debug()),
                format!("write an absolute one, beginning with {}", schemes.join(" or ")),
            );
        }
        Some(address.to_owned())
    }

    fn status(&mut self, declared: &Declared) -> ReasonStatus {
        let exclusive: Vec<&str> = ["status", "hide", "scope", "step_up"]
            .into_iter()
            .filter(|name| self.given.contains_key(name))
            .collect();
        if let [_, second, ..] = exclusive.as_slice()
            && let Some((_, place)) = self.given.get(second).cloned()
        {
            let names: Vec<String> = exclusive.iter().map(|name| format!("`@{name}`")).collect();
            self.error(
                &place,
                format!("{} contradict each other", names.join(" and ")),
                "a refusal has one status: keep one",
            );
        }
        let legal = self.given.get("status").cloned().is_some_and(|(status, place)| {
            if status != "451" && status != "403" {
                self.error(
                    &place,
                    format!("`{}` is no status that a policy can ask for", status.escape_debug()),
                    "`\"451\"` for a legal demand; hide with `@hide`, ask for more with `@step_up`",
                );
            }
            status == "451"
        });
        if let Some((_, place)) = self.given.get("blocked_by").cloned().filter(|_| !legal) {
            self.error(
                &place,
                "`@blocked_by` says who makes a legal demand",
                "add `@status(\"451\")`, or take it out",
            );
        }
        if legal {
            return ReasonStatus::Legal { blocked_by: self.address("blocked_by", &["https://", "http://"]) };
        }
        if self.given.contains_key("hide") {
            self.hide(declared);
            return ReasonStatus::Hidden;
        }
        if let Some((scope, place)) = self.given.get("scope").cloned() {
            return ReasonStatus::InsufficientScope { scope: self.scope(scope, &place) };
        }
        if let Some((asked, place)) = self.given.get("step_up").cloned() {
            return ReasonStatus::StepUp(self.step_up(asked, &place));
        }
        ReasonStatus::Forbidden
    }

    fn scope(&mut self, scope: &str, place: &Place) -> String {
        if scope.split(' ').any(|token| !is_token(token)) {
            self.error(
                place,
                format!("`{}` is no list of OAuth scopes", scope.escape_debug()),
                "separate them by one space: `@scope(\"orders:read orders:write\")`",
            );
        }
        scope.to_owned()
    }

    fn step_up(&mut self, asked: &str, place: &Place) -> StepUp {
        let mut step_up = StepUp::default();
        let mut wrong = asked.is_empty();
        for part in asked.split(';').map(str::trim) {
            match part.split_once('=') {
                Some(("acr", levels)) if step_up.acr_values.is_empty() => {
                    step_up.acr_values =
                        levels.split(' ').filter(|level| !level.is_empty()).map(str::to_owned).collect();
                    wrong |= step_up.acr_values.is_empty()
                        || !step_up.acr_values.iter().all(|level| is_token(level));
                }
                Some(("max_age", seconds)) if step_up.max_age.is_none() => match seconds.parse() {
                    Ok(seconds) => step_up.max_age = Some(seconds),
                    Err(_) => wrong = true,
                },
                _ => wrong = true,
            }
        }
        if wrong {
            self.error(
                place,
                format!("`{}` is no step-up", asked.escape_debug()),
                "name levels, an age in seconds, or both: `@step_up(\"acr=mfa;max_age=300\")`",
            );
        }
        step_up
    }

    /// Hiding works only where a missing page looks the same, and only if nothing is said.
    fn hide(&mut self, declared: &Declared) {
        for name in ["message", "help"] {
            if let Some((_, place)) = self.given.get(name).cloned() {
                self.error(
                    &place,
                    format!("`@hide` and `@{name}` contradict each other"),
                    "what does not exist says nothing: keep one",
                );
            }
        }
        let Some((_, place)) = self.given.get("hide").cloned() else { return };
        let tree = self.entry.tree();
        let pinned = match tree.resource_constraint().as_inner() {
            PrincipalOrResourceConstraint::Eq(EntityReference::EUID(uid))
            | PrincipalOrResourceConstraint::In(EntityReference::EUID(uid))
            | PrincipalOrResourceConstraint::IsIn(_, EntityReference::EUID(uid)) => Some(uid),
            _ => None,
        };
        let id = pinned.map(|uid| AsRef::<str>::as_ref(uid.eid()));
        let app = match (pinned.map(|uid| uid.entity_type().to_string()).as_deref(), id) {
            (Some("App"), Some(id)) => Some(id),
            (Some("Route"), Some(id)) => declared.routes.get(id).map(String::as_str),
            _ => None,
        };
        if pinned.is_none() {
            self.findings.error(
                "portcullis::policy::hide_needs_404",
                &place,
                "`@hide` on a policy that is for no app in particular",
                "pin the resource: `resource == Route::\"shop/internal\"` or `resource in App::\"shop\"`",
            );
        } else if app.and_then(|app| declared.apps.get(app)) != Some(&true) {
            let name = app.or(id).unwrap_or_default();
            self.findings.error(
                "portcullis::policy::hide_needs_404",
                &place,
                format!(
                    "`@hide` hides nothing in `{name}`: a page that does not exist there looks different"
                ),
                "set `renders_404 = true` on the app, so that its own 404 is ours too",
            );
        }
    }
}

/// RFC 6749 §3.3 `scope-token`; the same characters are safe in `acr_values`.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

/// Whether a text can go to callers: in pages, JSON and headers' neighbours.
///
/// # Errors
/// What to do about it.
pub(crate) fn speakable(text: &str) -> Result<(), &'static str> {
    if text.trim().is_empty() {
        Err("write a sentence, or take it out")
    } else if text.chars().count() > 500 {
        Err("keep it within 500 characters; `@help` can lead to more")
    } else if text.chars().any(char::is_control) {
        Err("take out line breaks and control characters")
    } else {
        Ok(())
    }
}
