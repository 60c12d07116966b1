//! The record of one request while its way is not yet over: every stage notes what it found.
//!
//! INVARIANT: text from the caller enters only escaped, cut and redacted; credentials never do.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

use http::HeaderMap;
use jiff::fmt::temporal::DateTimePrinter;
use portcullis_context::Person;
use portcullis_decision::program::Reads;
use portcullis_decision::{Decision, Facts, Verdict};
use portcullis_identity::{Absence, How, Principal};
use portcullis_measure::Stage as Timed;
use portcullis_record::{
    Door, Entry, Fact, Gathered, Gathering, PrincipalEntry, Redaction, RequestEntry, Stage, VerdictEntry,
};
use portcullis_request::{CanonicalRequest, Connection, Reference, discreet};

use crate::bind::facts;
use crate::traced::Traced;
use crate::{App, Route, ShadowQuestion, Snapshot, Unreadable};

/// Writes times: RFC 3339, UTC, microseconds.
const TIMES: DateTimePrinter = DateTimePrinter::new().precision(Some(6));

/// Longest text from the caller that a record keeps of any one field, in characters.
const LONGEST_TEXT: usize = 512;

/// Stages on the way of a request.
const STAGES: usize = 8;

/// How many near misses a record keeps: the first is what the caller hears, a few more serve the operator.
const NEAREST_KEPT: usize = 3;

/// How many erring policies a record has the words of. One missing fact can make a thousand err, and to find the words
/// of each takes as long as to parse it.
const ERRORS_KEPT: usize = 16;

/// A record under way.
pub struct Draft {
    pub(crate) reference: Reference,
    pub(crate) received: SystemTime,
    pub(crate) started: Instant,
    pub(crate) entry: Entry<Gathered>,
    /// What the answer says of ours beside everything else, whoever gives it: where the caller's limits stand.
    pub(crate) told: HeaderMap,
    /// The limit that was used up, if one was.
    pub(crate) limit: Option<String>,
    /// What the shadow policies are to be asked, if there are any.
    pub(crate) shadow: Option<Box<ShadowQuestion>>,
    /// How long each stage took, in their order; those not reached are missing.
    pub(crate) took: Vec<(Timed, Duration)>,
    /// The trace it is in, where traces are kept.
    pub(crate) traced: Option<Traced>,
    /// When the last of them ended.
    last: Instant,
}

impl Draft {
    /// Opens the record of a request that nobody has looked at yet. It says what was asked once it was admitted, or else
    /// `as_sent`.
    #[must_use]
    pub fn open(head: &http::request::Parts, from: &Connection, door: Door, snapshot: &str) -> Self {
        let received = SystemTime::now();
        let reference = Reference::new(received);
        let entry = Entry {
            reference: reference.uuid(),
            time: jiff::Timestamp::try_from(received)
                .map(|time| TIMES.timestamp_to_string(&time))
                .unwrap_or_default(),
            door,
            stage: Stage::Admit,
            request: RequestEntry {
                method: cut(head.method.as_str()),
                scheme: if from.tls.is_some() { "https" } else { "http" }.to_owned(),
                host: String::new(),
                path: String::new(),
                query: None,
                client: String::new(),
                peer: None,
                user_agent: head
                    .headers
                    .get(http::header::USER_AGENT)
                    .map(|agent| cut(&escaped(agent.as_bytes()))),
            },
            app: None,
            route: None,
            principal: None,
            absence: None,
            facts: Gathered::default(),
            missing: BTreeMap::new(),
            complete: false,
            verdict: None,
            reason: None,
            status: None,
            detail: None,
            snapshot: snapshot.to_owned(),
            decided_us: 0,
        };
        let started = Instant::now();
        let (told, took) = (HeaderMap::new(), Vec::with_capacity(STAGES));
        let (limit, shadow, traced) = (None, None, None);
        Self { reference, received, started, entry, told, limit, shadow, took, traced, last: started }
    }

    /// The request could not be admitted: what it asked for is what was sent, escaped, cut and without what may be secret.
    pub(crate) fn as_sent(&mut self, head: &http::request::Parts, from: &Connection) {
        let field = head.headers.get(http::header::HOST).map(http::HeaderValue::as_bytes);
        let host = field.or_else(|| head.uri.authority().map(|authority| authority.as_str().as_bytes()));
        let line = &mut self.entry.request;
        line.host = host.map(|host| cut(&discreet(&escaped(host)))).unwrap_or_default();
        line.path = cut(&discreet(&escaped_text(head.uri.path())));
        line.client = from.peer.ip().to_canonical().to_string();
    }

    /// Nothing there could be read as a request.
    pub(crate) fn unreadable(&mut self, unreadable: &Unreadable, from: &Connection) {
        let part =
            |text: &Option<String>| text.as_deref().map(|text| cut(&discreet(text))).unwrap_or_default();
        let line = &mut self.entry.request;
        line.method = part(&unreadable.method);
        line.path = part(&unreadable.target);
        line.host = part(&unreadable.host);
        line.client = from.peer.ip().to_canonical().to_string();
        self.detail(&unreadable.detail);
    }

    /// The request proved to be exactly one.
    pub fn admitted(&mut self, request: &CanonicalRequest, redaction: &Redaction) {
        self.entry.stage = Stage::Route;
        let line = &mut self.entry.request;
        line.scheme = facts::scheme(request.scheme).to_owned();
        line.host = request.host.as_str().to_owned();
        line.path = request.path.as_str().to_owned();
        line.query = request.query.as_deref().map(|query| redaction.query(query));
        line.client = request.client.to_string();
        line.peer = (request.peer.ip() != request.client).then(|| request.peer.ip().to_string());
    }

    /// It is for this route of this app.
    pub fn routed(&mut self, app: &App, route: &Route) {
        self.entry.stage = Stage::Identify;
        self.entry.app = Some(app.name.clone());
        self.entry.route = Some(route.name.clone());
    }

    /// The caller is known.
    pub fn identified(&mut self, caller: &Principal) {
        let (method, issuer, key) = match &caller.how {
            How::Token { issuer, key_id } => ("token", Some(issuer.clone()), key_id.clone()),
            How::ApiKey { prefix } => ("api_key", None, Some(prefix.clone())),
        };
        self.entry.principal = Some(PrincipalEntry {
            kind: facts::kind(caller.kind).to_owned(),
            id: caller.id.clone(),
            method: method.to_owned(),
            issuer,
            key,
        });
    }

    /// The caller is not known, and why.
    pub fn unidentified(&mut self, absence: &Absence) {
        self.entry.absence = Some(match absence {
            Absence::NoCredential => "no_credential".to_owned(),
            Absence::Malformed(fault) | Absence::Invalid(fault) | Absence::Unavailable(fault) => {
                cut(&format!("{}: {}", fault.code, fault.detail))
            }
        });
    }

    /// A stage ended; the next one begins.
    pub(crate) fn ended(&mut self, stage: Timed) {
        let now = Instant::now();
        self.took.push((stage, now - self.last));
        self.last = now;
    }

    /// The policies of this snapshot were asked.
    pub(crate) fn decided(
        &mut self,
        (bound, mut missing): (&Facts<'_>, BTreeMap<String, String>),
        verdict: &Verdict<'_>,
        person: Option<&Person>,
        snapshot: &Snapshot,
    ) {
        self.entry.stage = Stage::Decide;
        let reads = snapshot.named_facts();
        self.entry.complete = reads.is_none();
        let mut gathering = snapshot.redaction.gather();
        facts::gather(bound, reads, &mut gathering);
        if let Some(person) = person {
            known_of(person, reads, &mut gathering);
        }
        facts::keep_read(&mut missing, reads);
        let mut path = String::new();
        for name in reads.iter().flat_map(|reads| reads.principal.members()) {
            path.clear();
            path.extend(["principal.", name]);
            if !gathering.has(&path) && !missing.contains_key(&path) {
                let why = "absent: neither the credential nor the directory says";
                missing.insert(path.clone(), why.to_owned());
            }
        }
        self.entry.facts = gathering.done();
        self.entry.missing = missing;
        self.entry.verdict = Some(VerdictEntry {
            decision: match (verdict.undecided().is_empty(), verdict.decision()) {
                (false, _) => "undecided",
                (true, Decision::Allow) => "allow",
                (true, Decision::Deny) => "deny",
            }
            .to_owned(),
            policies: verdict.reasons().map(str::to_owned).collect(),
            nearest: verdict
                .nearest()
                .iter()
                .take(NEAREST_KEPT)
                .map(|miss| (miss.policy.to_owned(), miss.failed, miss.clauses))
                .collect(),
            errors: errors(verdict),
            undecided: verdict.undecided().to_vec(),
        });
    }

    /// What an operator should know beyond the public reason.
    pub fn detail(&mut self, detail: &str) {
        self.entry.detail = Some(cut(detail));
    }

    /// The record as it goes to the log: with the status we send, or none where the request goes on to the origin. It goes
    /// there once: what the draft keeps is what it is counted by.
    #[must_use]
    pub fn close(&mut self, reason: Option<&str>, status: Option<u16>) -> Entry<Gathered> {
        let under_way = &mut self.entry;
        let request = std::mem::take(&mut under_way.request);
        under_way.request.method.clone_from(&request.method);
        Entry {
            reference: std::mem::take(&mut under_way.reference),
            time: std::mem::take(&mut under_way.time),
            door: under_way.door,
            stage: under_way.stage,
            request,
            app: under_way.app.clone(),
            route: under_way.route.clone(),
            principal: under_way.principal.take(),
            absence: under_way.absence.take(),
            facts: std::mem::take(&mut under_way.facts),
            missing: std::mem::take(&mut under_way.missing),
            complete: under_way.complete,
            verdict: under_way.verdict.take(),
            reason: reason.map(str::to_owned),
            status,
            detail: under_way.detail.take(),
            snapshot: std::mem::take(&mut under_way.snapshot),
            decided_us: u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX),
        }
    }
}

/// A door as it is counted.
pub(crate) fn counted_door(door: Door) -> portcullis_measure::Door {
    match door {
        Door::ForwardAuth => portcullis_measure::Door::ForwardAuth,
        Door::Proxy | Door::Unknown => portcullis_measure::Door::Proxy,
    }
}

/// What the directory says of the principal and the request does not: attributes, and what they are in directly. What
/// the credential says they are in stands in `principal.in`.
fn known_of(person: &Person, reads: Option<&Reads>, facts: &mut Gathering<'_>) {
    let mut path = String::new();
    for (name, value) in person.attributes.iter().filter(|(name, _)| facts::reads_attribute(reads, name)) {
        path.clear();
        path.extend(["principal.", name]);
        if !facts.has(&path) {
            facts.put(&path, value.into());
        }
    }
    let groups = person.groups.iter().map(|group| facts::written("Group", group));
    let all: Vec<_> = groups.chain(person.roles.iter().map(|role| facts::written("Role", role))).collect();
    if !all.is_empty() {
        facts.put("principal.in (directory)", Fact::Other(all.into()));
    }
}

fn cut(text: &str) -> String {
    if text.len() <= LONGEST_TEXT {
        return text.to_owned();
    }
    text.chars().take(LONGEST_TEXT).collect()
}

/// The words on policies that erred, and how many more there were.
fn errors(verdict: &Verdict<'_>) -> Vec<(String, String)> {
    let mut errors: Vec<_> =
        verdict.first_errors(ERRORS_KEPT).into_iter().map(|fault| (fault.policy, fault.message)).collect();
    let further = verdict.erring().len().saturating_sub(ERRORS_KEPT);
    if further > 0 {
        errors.push((String::new(), format!("and {further} more policies erred")));
    }
    errors
}

/// Bytes as one line of ASCII. Most have nothing to be escaped.
fn escaped(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) if is_plain(text) => Cow::Borrowed(text),
        _ => Cow::Owned(bytes.escape_ascii().to_string()),
    }
}

/// A text on one line.
fn escaped_text(text: &str) -> Cow<'_, str> {
    if is_plain(text) { Cow::Borrowed(text) } else { Cow::Owned(text.escape_debug().to_string()) }
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'\\' | b'\'' | b'"'))
}
