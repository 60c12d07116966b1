//! Which decisions are asked for.

use std::collections::HashSet;

use jiff::Timestamp;
use memchr::memmem::{self, Finder};
use portcullis_request::Reference;

use super::glance::{DECISION, Glance};
use crate::archive;

/// Which decisions are asked for: everything that is said must hold, and of several values one.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Whether it was allowed.
    pub allowed: Option<bool>,
    /// The public reason.
    pub reasons: Vec<String>,
    /// The status sent by us, or by the origin.
    pub statuses: Vec<u16>,
    /// Not before this.
    pub since: Option<Timestamp>,
    /// Before this.
    pub until: Option<Timestamp>,
    /// The principal's identifier, as recorded.
    pub principals: Vec<String>,
    /// What the path begins with.
    pub paths: Vec<String>,
    /// The app.
    pub apps: Vec<String>,
    /// A policy that determined it.
    pub policies: Vec<String>,
}

/// What the bytes of a line must have for it to match: one of each.
pub(super) struct Needles(Vec<Vec<Finder<'static>>>);

impl Filter {
    /// Hands over every line of a block that matches, with what was looked at of it. `followed`: decisions whose
    /// outcome has one of the statuses.
    pub(super) fn lines<'b>(
        &self,
        bytes: &'b [u8],
        followed: Option<&HashSet<u128>>,
        mut each: impl FnMut(&'b str, &Glance<'b>),
    ) {
        let needles = self.needles();
        if !needles.are_in(bytes) {
            return;
        }
        let (since, until) = self.times();
        let status = |status: &u16| Finder::new(&format!("\"status\":{status}")).into_owned();
        let statuses: Vec<_> = self.statuses.iter().map(status).collect();
        // Before it is parsed: ours stands in the line, an upstream's among the outcomes.
        let may_have_status = |line: &[u8]| {
            followed.is_none_or(|followed| {
                statuses.iter().any(|status| status.find(line).is_some())
                    || archive::reference(line)
                        .is_some_and(|reference| followed.contains(&reference.as_u128()))
            })
        };
        let mut look = |line: &'b [u8]| {
            if line.starts_with(DECISION)
                && needles.are_in(line)
                && may_have_status(line)
                && let Ok(text) = std::str::from_utf8(line)
                && let Some(glance) = Glance::of(text)
                && self.holds(&glance, since.as_deref(), until.as_deref(), followed)
            {
                each(text, &glance);
            }
        };
        match needles.0.iter().find_map(|any| if let [one] = any.as_slice() { Some(one) } else { None }) {
            Some(needle) => lines_with(bytes, needle, look),
            None => split(bytes, &mut look),
        }
    }

    /// Whether one line matches; its outcome is not known.
    pub(super) fn matches(&self, line: &str) -> bool {
        let (since, until) = self.times();
        self.needles().are_in(line.as_bytes())
            && Glance::of(line)
                .is_some_and(|glance| self.holds(&glance, since.as_deref(), until.as_deref(), None))
    }

    /// Times as lines have them, which compare as texts.
    fn times(&self) -> (Option<String>, Option<String>) {
        let text = |time: Option<Timestamp>| time.map(|time| format!("{time:.6}"));
        (text(self.since), text(self.until))
    }

    /// Built for each block: a block takes a thousand times as long.
    fn needles(&self) -> Needles {
        let finder = |needle: String| Finder::new(&needle).into_owned();
        let quoted = |text: &String| serde_json::Value::from(text.as_str()).to_string();
        let open = |text: &String| quoted(text).strip_suffix('"').unwrap_or_default().to_owned();
        let all = |texts: &[String], name: &str, form: &dyn Fn(&String) -> String| {
            texts.iter().map(|text| finder(format!("{name}{}", form(text)))).collect::<Vec<_>>()
        };
        let denied = match self.allowed {
            Some(false) => DENIED.iter().map(|needle| finder((*needle).to_owned())).collect(),
            Some(true) | None => Vec::new(),
        };
        let needles = [
            denied,
            all(&self.principals, "\"id\":", &quoted),
            all(&self.policies, "", &quoted),
            all(&self.reasons, "\"reason\":", &quoted),
            all(&self.paths, "\"path\":", &open),
            all(&self.apps, "\"app\":", &quoted),
        ];
        Needles(needles.into_iter().filter(|any| !any.is_empty()).collect())
    }

    fn holds(
        &self,
        glance: &Glance<'_>,
        since: Option<&str>,
        until: Option<&str>,
        followed: Option<&HashSet<u128>>,
    ) -> bool {
        let one_of = |wanted: &[String], found: Option<&str>| {
            wanted.is_empty() || found.is_some_and(|found| wanted.iter().any(|wanted| wanted == found))
        };
        let policies = glance.verdict.as_ref().map(|verdict| verdict.policies.as_slice()).unwrap_or_default();
        self.allowed.is_none_or(|allowed| allowed == glance.is_allowed())
            && since.is_none_or(|since| &*glance.time >= since)
            && until.is_none_or(|until| &*glance.time < until)
            && one_of(&self.reasons, glance.reason.as_deref())
            && one_of(&self.apps, glance.app.as_deref())
            && one_of(&self.principals, glance.principal.as_ref().map(|principal| &*principal.id))
            && (self.paths.is_empty()
                || self.paths.iter().any(|path| glance.request.path.starts_with(path.as_str())))
            && (self.policies.is_empty()
                || policies.iter().any(|policy| self.policies.iter().any(|wanted| **wanted == **policy)))
            && (self.statuses.is_empty() || self.has_status(glance, followed))
    }

    fn has_status(&self, glance: &Glance<'_>, followed: Option<&HashSet<u128>>) -> bool {
        if let Some(status) = glance.status {
            return self.statuses.contains(&status);
        }
        let reference = glance.reference.parse::<Reference>();
        followed
            .is_some_and(|followed| reference.is_ok_and(|reference| followed.contains(&reference.as_u128())))
    }
}

impl Needles {
    fn are_in(&self, bytes: &[u8]) -> bool {
        self.0.iter().all(|any| any.iter().any(|needle| needle.find(bytes).is_some()))
    }
}

/// What every denial has one of.
const DENIED: [&str; 5] =
    ["\"reason\":", "\"decision\":\"deny\"", "\"decision\":\"undecided\"", "\"status\":4", "\"status\":5"];

/// The lines that have the needle.
pub(super) fn lines_with<'b>(bytes: &'b [u8], needle: &memmem::Finder<'_>, mut look: impl FnMut(&'b [u8])) {
    let mut from = 0;
    while let Some(rest) = bytes.get(from..)
        && let Some(found) = needle.find(rest)
    {
        let at = from + found;
        let begin = memchr::memrchr(b'\n', bytes.get(..at).unwrap_or_default()).map_or(0, |at| at + 1);
        let end =
            memchr::memchr(b'\n', bytes.get(at..).unwrap_or_default()).map_or(bytes.len(), |end| at + end);
        look(bytes.get(begin..end).unwrap_or_default());
        from = end;
    }
}

fn split<'b>(bytes: &'b [u8], look: &mut impl FnMut(&'b [u8])) {
    let mut from = 0;
    for end in memchr::memchr_iter(b'\n', bytes) {
        look(bytes.get(from..end).unwrap_or_default());
        from = end + 1;
    }
}
