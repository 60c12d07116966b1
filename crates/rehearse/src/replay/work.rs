//! One worker: lines in, counts out.

use std::ops::ControlFlow;

use portcullis_decision::{EntityName, Facts};
use portcullis_gate::bind;
use portcullis_record::pieces::Piece;
use portcullis_record::{ReadError, Stage, redact};

use super::Settings;
use super::candidate::{Candidate, Found};
use super::line::{self, Json, Line, Recorded, Said, Text};
use super::plan::Plan;
use super::put::{self, Put, Scratch};
use super::report::{Difference, Report, Tally};
use super::standing::{self, Kind, Standing};

/// One thread's share of a replay.
pub(super) struct Worker<'c> {
    candidate: &'c Candidate,
    plan: Plan,
    scratch: Scratch,
    buffer: Vec<u8>,
    tally: Tally,
    /// The bounds of the time asked for, as records write it.
    since: Option<String>,
    until: Option<String>,
}

/// What the candidate says, and what that changes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) kind: Kind,
    /// Where the request would stand.
    pub(super) would: String,
    /// What decided.
    pub(super) by: Vec<String>,
    /// What the principal was in.
    pub(super) groups: Vec<String>,
}

/// Policies of one decision that it is counted under.
const POLICIES: usize = 4;

/// Groups of one principal that it is counted under.
const GROUPS: usize = 16;

impl<'c> Worker<'c> {
    pub(super) fn new(candidate: &'c Candidate, settings: &Settings) -> Self {
        let written = |instant: jiff::Timestamp| format!("{instant:.6}");
        Self {
            candidate,
            plan: Plan::new(candidate.program.reads()),
            scratch: Scratch::default(),
            buffer: Vec::new(),
            tally: Tally::new(settings.examples),
            since: settings.since.map(written),
            until: settings.until.map(written),
        }
    }

    pub(super) fn piece(&mut self, piece: &Piece) -> Result<(), ReadError> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let passed = piece.each_line(&mut buffer, &mut |line| {
            self.line(line);
            ControlFlow::Continue(())
        });
        self.buffer = buffer;
        self.tally.report.broken += passed?.broken;
        Ok(())
    }

    pub(super) fn finish(self) -> Tally {
        self.tally
    }

    fn line(&mut self, line: &[u8]) {
        match line::parse(line) {
            Ok(Line::Decision(recorded)) => self.decision(*recorded),
            Ok(Line::Newer) => self.tally.report.newer += 1,
            Ok(Line::Other) => {}
            Err(_) => self.tally.report.broken += 1,
        }
    }

    fn decision(&mut self, mut recorded: Recorded<'_>) {
        let time = recorded.time.as_str();
        if self.since.as_ref().is_some_and(|since| time < since.as_str())
            || self.until.as_ref().is_some_and(|until| time >= until.as_str())
        {
            return;
        }
        let report = &mut self.tally.report;
        report.decisions += 1;
        let Some(said) = recorded.verdict.take() else {
            let stage = match standing::stage(recorded.stage.as_str()) {
                Stage::Admit => "admit",
                Stage::Route => "route",
                Stage::Identify => "identify",
                Stage::Decide | Stage::Unknown => "unknown",
            };
            *report.before_policies.entry(stage).or_default() += 1;
            return;
        };
        report.replayed += 1;
        let reason = recorded.reason.take();
        let was =
            Standing::recorded(said.decision.as_str(), reason.as_ref().map(Text::as_str), recorded.status);
        let facts = std::mem::take(&mut recorded.facts.0);
        self.scratch.prepare(&facts, &recorded, &mut self.plan);
        let asking = Asking { candidate: self.candidate, recorded: &recorded, was, said: &said };
        let Some(change) = asking.ask(facts, &self.plan, &mut self.scratch, report) else {
            report.same += 1;
            return;
        };
        if change.kind == Kind::Unknown {
            change.by.iter().for_each(|fact| self.tally.not_recorded(fact));
        }
        let request = &recorded.request;
        self.tally.add(&Difference {
            kind: change.kind,
            reference: recorded.reference.as_str(),
            policies: change.by.get(..POLICIES).unwrap_or(&change.by),
            path: beginning(request.host.as_str(), request.path.as_str()),
            groups: &change.groups,
            answer: format!("{was} → {}", change.would),
        });
    }
}

/// One record, put to the candidate.
pub(super) struct Asking<'q, 'r> {
    pub(super) candidate: &'q Candidate,
    pub(super) recorded: &'q Recorded<'r>,
    pub(super) was: Standing<'q>,
    pub(super) said: &'q Said<'r>,
}

impl<'q> Asking<'q, '_> {
    /// What changes; `None`: nothing.
    pub(super) fn ask(
        &self,
        facts: Vec<(Text<'q>, Json<'q>)>,
        plan: &'q Plan,
        scratch: &mut Scratch,
        report: &mut Report,
    ) -> Option<Change> {
        let put = match put::put(self.recorded, facts, plan, scratch) {
            Ok(put) => put,
            Err(why) => {
                let fact = match why {
                    put::Unanswerable::Incomplete => "(the request)",
                    put::Unanswerable::AnyAttribute => "principal",
                };
                return Some(self.unknown(vec![fact.to_owned()], &[]));
            }
        };
        let Put { mut facts, broken_then } = put;
        if self.candidate.names_people && redact::is_altered_text(&facts.principal.id) {
            // A pseudonym: whether it is the one that a policy names, nobody can say.
            return Some(self.unknown(vec!["principal".to_owned()], &parents(&facts)));
        }
        let mut public = true;
        if facts.resource.kind == "Route" {
            let request = &self.recorded.request;
            let (host, method, path) =
                (request.host.as_str(), request.method.as_str(), request.path.as_str());
            match self.candidate.route(&facts.resource.id, host, method, path) {
                Found::Same(is_public) => public = is_public,
                Found::Other(entity, is_public) => {
                    report.rerouted += 1;
                    facts.resource = EntityName::new("Route", entity);
                    public = is_public;
                }
                gone @ (Found::NoHost | Found::NoRoute) => {
                    report.rerouted += 1;
                    report.unrouted += 1;
                    let would = match gone {
                        Found::NoHost => Standing::Refused("misdirected", 421),
                        _ => Standing::Refused("not_found", 404),
                    };
                    return self.change(would, &facts, || vec!["(no route)".to_owned()]);
                }
            }
        }
        let world = self.candidate.world(&facts.principal);
        let verdict = self.candidate.program.decide_facts(&world, &facts);
        let undecided = verdict.undecided();
        if undecided.iter().any(|fact| !broken_then.contains(&fact.as_str())) {
            return Some(self.unknown(undecided.to_vec(), &parents(&facts)));
        }
        let refusal =
            bind::refusal::denied(&verdict, &self.candidate.policies, self.candidate.on_forbid_fault);
        let would = refusal.as_ref().map_or(Standing::Allowed, |refusal| {
            Standing::Refused(refusal.code(), refusal.status().as_u16())
        });
        if self.recorded.principal.is_none() && !public && would != Standing::Refused("hidden", 404) {
            // Who is not known is challenged, whatever the policies say, unless they hide what was asked for.
            let would = Standing::Refused(self.challenge(), 401);
            return self.change(would, &facts, || vec!["(identity)".to_owned()]);
        }
        self.change(would, &facts, || match verdict.reasons().len() {
            0 => self.no_longer(),
            _ => verdict.reasons().map(str::to_owned).collect(),
        })
    }

    fn change(
        &self,
        would: Standing<'_>,
        facts: &Facts<'_>,
        by: impl FnOnce() -> Vec<String>,
    ) -> Option<Change> {
        let kind = self.was.change(would)?;
        Some(Change { kind, would: would.to_string(), by: by(), groups: self.groups(&parents(facts)) })
    }

    fn unknown(&self, facts: Vec<String>, parents: &[String]) -> Change {
        let (kind, would) = (Kind::Unknown, "unknown".to_owned());
        Change { kind, would, by: facts, groups: self.groups(parents) }
    }

    /// What the principal was in, or that it was in nothing.
    fn groups(&self, parents: &[String]) -> Vec<String> {
        let mut groups = parents.to_vec();
        groups.sort();
        groups.dedup();
        groups.truncate(GROUPS);
        if groups.is_empty() {
            let known = self.recorded.principal.is_some();
            groups.push(if known { "(none)" } else { "(unknown caller)" }.to_owned());
        }
        groups
    }

    /// The code of what a caller without identity is told: what was wrong with the credential, or that there is none.
    fn challenge(&self) -> &str {
        let why = self.recorded.absence.as_ref().map_or("", Text::as_str);
        match why.split(':').next() {
            None | Some("no_credential" | "") => "credentials_required",
            Some(code) => code,
        }
    }

    /// The permits that let it go on and no longer do.
    fn no_longer(&self) -> Vec<String> {
        if self.was != Standing::Allowed || self.said.policies.is_empty() {
            return vec!["(no permit)".to_owned()];
        }
        self.said.policies.iter().map(|policy| format!("(no permit; was {})", policy.as_str())).collect()
    }
}

fn parents(facts: &Facts<'_>) -> Vec<String> {
    let parents = facts.overlay.iter().flat_map(|overlay| &overlay.parents);
    parents.map(|name| format!("{}::{:?}", name.kind, name.id)).collect()
}

/// Segments of a path that are told apart.
const SEGMENTS: usize = 2;

/// `shop.example/api/orders/…`
fn beginning(host: &str, path: &str) -> String {
    let mut slashes = path.match_indices('/').skip(SEGMENTS);
    let end = slashes.next().map(|(at, _)| at);
    match end.and_then(|end| path.get(..end)) {
        Some(beginning) => format!("{host}{beginning}/…"),
        None => format!("{host}{path}"),
    }
}
