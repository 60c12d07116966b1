//! How many decisions match, by what they have in common and by time.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use super::filter::Filter;
use super::glance::Glance;
use super::{outcomes_with, scan};
use crate::entry::Gap;
use crate::log::sample::Sampled;
use crate::read::ReadError;

/// What decisions are grouped by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// `allowed` or `denied`.
    Decision,
    /// The public reason.
    Reason,
    /// The status that we sent.
    Status,
    /// The app.
    App,
    /// The route.
    Route,
    /// The principal.
    Principal,
    /// The path.
    Path,
    /// The method.
    Method,
    /// The host.
    Host,
    /// The caller's address.
    Client,
    /// The first policy that determined it.
    Policy,
    /// A fact, by its path.
    Fact(String),
}

impl std::str::FromStr for Field {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "decision" => Self::Decision,
            "reason" => Self::Reason,
            "status" => Self::Status,
            "app" => Self::App,
            "route" => Self::Route,
            "principal" => Self::Principal,
            "path" => Self::Path,
            "method" => Self::Method,
            "host" => Self::Host,
            "client" => Self::Client,
            "policy" => Self::Policy,
            "country" => Self::Fact("context.geo.country".to_owned()),
            "tier" => Self::Fact("principal.tier".to_owned()),
            "device" => Self::Fact("context.device.id".to_owned()),
            path if path.contains('.') => Self::Fact(path.to_owned()),
            _ => {
                return Err(
                    "group by decision, reason, status, app, route, principal, path, method, host, client, \
                     policy, country, tier, device, or the path of a fact such as `context.auth.acr`"
                        .to_owned(),
                );
            }
        })
    }
}

impl Field {
    /// A decision's value of it; empty where it has none.
    fn write(&self, glance: &Glance<'_>, to: &mut String) {
        let text = |text: Option<&str>, to: &mut String| to.push_str(text.unwrap_or_default());
        match self {
            Self::Decision => to.push_str(if glance.is_allowed() { "allowed" } else { "denied" }),
            Self::Reason => text(glance.reason.as_deref(), to),
            Self::Status => to.push_str(&glance.status.map(|status| status.to_string()).unwrap_or_default()),
            Self::App => text(glance.app.as_deref(), to),
            Self::Route => text(glance.route.as_deref(), to),
            Self::Principal => text(glance.principal.as_ref().map(|principal| &*principal.id), to),
            Self::Path => to.push_str(&glance.request.path),
            Self::Method => to.push_str(&glance.request.method),
            Self::Host => to.push_str(&glance.request.host),
            Self::Client => to.push_str(&glance.request.client),
            Self::Policy => {
                let policies = glance.verdict.as_ref().and_then(|verdict| verdict.policies.first());
                text(policies.map(|policy| &**policy), to);
            }
            Self::Fact(path) => to.push_str(&glance.fact(path).unwrap_or_default()),
        }
    }
}

/// How many there are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// By the time their span begins, if spans were asked for, and what they have in common.
    pub groups: BTreeMap<(Option<Timestamp>, Vec<String>), u64>,
    /// In all.
    pub total: u64,
    /// Decisions that rules left out of the log in that time. Nobody knows which of them would match.
    pub left_out: u64,
    /// Decisions that are missing from the log in that time.
    pub missing: u64,
    /// Groups beyond those that are kept count here.
    pub other: u64,
}

/// Counts the decisions that match.
pub fn count(
    folder: &Path,
    filter: &Filter,
    by: &[Field],
    per: Option<SignedDuration>,
) -> Result<Counts, ReadError> {
    let followed = outcomes_with(folder, filter)?;
    let per = per.map(|per| per.as_micros().max(1)).and_then(|per| i64::try_from(per).ok());
    let work = |bytes: &[u8]| {
        let mut part = Part::default();
        let mut key = String::new();
        filter.lines(bytes, followed.as_ref(), |_, glance| {
            key.clear();
            if let Some(per) = per {
                let at = glance.time.parse::<Timestamp>().map_or(0, Timestamp::as_microsecond);
                key.push_str(&at.div_euclid(per).to_string());
            }
            for field in by {
                key.push(BETWEEN);
                field.write(glance, &mut key);
            }
            match part.groups.get_mut(key.as_str()) {
                Some(count) => *count += 1,
                None => drop(part.groups.insert(key.clone(), 1)),
            }
        });
        part.told(bytes, filter);
        part
    };
    let mut counts = Counts::default();
    scan(folder, filter, work, |part| {
        counts.left_out = counts.left_out.saturating_add(part.left_out);
        counts.missing = counts.missing.saturating_add(part.missing);
        for (key, count) in part.groups {
            counts.add(&key, count, per);
        }
        ControlFlow::Continue(())
    })?;
    Ok(counts)
}

impl Counts {
    fn add(&mut self, key: &str, count: u64, per: Option<i64>) {
        self.total = self.total.saturating_add(count);
        let mut parts = key.split(BETWEEN);
        let span = parts.next().and_then(|span| span.parse::<i64>().ok());
        let begins =
            span.zip(per).and_then(|(span, per)| Timestamp::from_microsecond(span.checked_mul(per)?).ok());
        let group = (begins, parts.map(str::to_owned).collect());
        let room = self.groups.len() < MOST_GROUPS;
        match self.groups.get_mut(&group) {
            Some(known) => *known = known.saturating_add(count),
            None if room => drop(self.groups.insert(group, count)),
            None => self.other = self.other.saturating_add(count),
        }
    }
}

/// What comes of one block.
#[derive(Default)]
struct Part {
    groups: HashMap<String, u64>,
    left_out: u64,
    missing: u64,
}

impl Part {
    /// Adds what the log says that it does not have.
    fn told(&mut self, bytes: &[u8], filter: &Filter) {
        let within = |time: &str| {
            let time = time.parse::<Timestamp>().ok();
            time.is_some_and(|time| {
                filter.since.is_none_or(|since| time >= since)
                    && filter.until.is_none_or(|until| time < until)
            })
        };
        let told = [SAMPLED, GAP].into_iter().flat_map(|kind| memchr::memmem::find_iter(bytes, kind));
        for at in told {
            let rest = bytes.get(at..).unwrap_or_default();
            let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
            if let Ok(sampled) = serde_json::from_slice::<Sampled>(line) {
                if within(&sampled.time) {
                    self.left_out = self.left_out.saturating_add(sampled.decisions);
                }
            } else if let Ok(gap) = serde_json::from_slice::<Gap>(line)
                && within(&gap.time)
            {
                self.missing = self.missing.saturating_add(gap.decisions);
            }
        }
    }
}

const SAMPLED: &[u8] = b"{\"kind\":\"sampled\"";
const GAP: &[u8] = b"{\"kind\":\"gap\"";

/// Stands between the parts of a key; no text of a record has it but an escaped one.
const BETWEEN: char = '\u{0}';

/// Groups that are kept: what a person can look at, many times over.
const MOST_GROUPS: usize = 100_000;
