//! The model of a report: who answered, which causes, on what evidence, what to do, and what was sent to find out.

use crate::answer::{Answer, Failure};
use crate::credential::redact::Redactor;
use crate::credential::signed;
use crate::evidence::{Evidence, Finding};
use crate::examine::{Ended, Examination};
use crate::infer::reasons;
use crate::probe::{Told, Trial};
use crate::signals::told;

/// A confidence in whole per cent. Nothing that was only looked at from without is certain.
pub(super) fn percent(confidence: f64) -> String {
    format!("{:.0} %", (confidence * 100.0).min(99.0))
}

/// How sure one must be to call a cause found.
pub(super) const SURE: f64 = 0.5;
/// Causes below this are not worth a line.
const FAINTEST: f64 = 0.015;
/// Lines of causes.
const MOST_CAUSES: usize = 5;

/// What it came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// One cause stands out.
    Diagnosed,
    /// None does.
    Undecided,
    /// There is no 403 to explain.
    NotRefused(u16),
    /// Nobody answered.
    Unreachable(Failure),
}

/// One piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evident {
    /// Whether it was seen as such, or follows from what was seen.
    pub observed: bool,
    /// As a sentence.
    pub said: String,
}

/// One cause.
#[derive(Debug, Clone)]
pub struct Cause {
    /// Stable name.
    pub id: String,
    /// Who answers then.
    pub layer: String,
    /// One line.
    pub title: String,
    /// From 0 to 1.
    pub confidence: f64,
    /// Strongest first.
    pub evidence: Vec<Evident>,
    /// What to do.
    pub fix: Vec<String>,
    /// What to type or change.
    pub lines: Option<String>,
    /// How to see that it worked.
    pub verify: String,
    /// Who can mend it.
    pub owner: String,
    /// Where it is written.
    pub links: Vec<String>,
    /// On this system.
    pub on_this_system: Vec<String>,
}

/// One request that was sent.
#[derive(Debug, Clone)]
pub struct Sent {
    /// Which experiment.
    pub what: String,
    /// `GET https://…`
    pub request: String,
    /// The answer's status.
    pub status: Option<u16>,
    /// What it told, or why there is no answer.
    pub told: String,
}

/// All that is told.
#[derive(Debug, Clone)]
pub struct Report {
    /// `GET https://…`
    pub request: String,
    /// Who said no.
    pub layer: String,
    /// How sure that is.
    pub layer_confidence: f64,
    /// How the answer looked, in a line.
    pub answer: Option<String>,
    /// What it came to.
    pub verdict: Verdict,
    /// The likeliest first.
    pub causes: Vec<Cause>,
    /// In the order sent.
    pub probes: Vec<Sent>,
    /// What else the reader should know.
    pub notes: Vec<String>,
    /// The reference of a refusal of Portcullis.
    pub reference: Option<String>,
    /// Why Portcullis refused, in its own words.
    pub why: Option<String>,
    redactor: Redactor,
}

impl Report {
    /// Takes up what Portcullis says of its own refusal, in place of the advice to ask it.
    pub(crate) fn explained(&mut self, why: &str) {
        self.notes.retain(|note| !note.starts_with(OUR_OWN));
        self.why = Some(self.redactor.hide(why));
    }
}

/// How the note begins that somebody has to ask Portcullis.
const OUR_OWN: &str = "this is a refusal of Portcullis";

/// Evidence from the server itself that is told with a cause.
#[derive(Debug, Clone)]
pub struct FromServer {
    /// The cause it speaks for.
    pub cause: String,
    /// As a sentence.
    pub said: String,
    /// What to do just here.
    pub fix: Vec<String>,
    /// Whether it proves the cause by itself.
    pub certain: bool,
}

/// Makes the report.
#[must_use]
pub fn make(
    evidence: &Evidence,
    examination: &Examination,
    from_server: &[FromServer],
    notes: Vec<String>,
) -> Report {
    let redactor = Redactor::new(&examination.asked);
    let hide = |text: &str| redactor.hide(text);
    let mut report = Report {
        request: hide(&format!("{} {}", examination.asked.method, examination.asked.url)),
        layer: "none".to_owned(),
        layer_confidence: 1.0,
        answer: examination.exhibit.as_ref().map(|answer| hide(&line_of(answer))),
        verdict: Verdict::Undecided,
        causes: Vec::new(),
        probes: examination.trials.iter().map(|trial| sent(trial, examination, &hide)).collect(),
        notes: notes.iter().map(|note| hide(note)).collect(),
        reference: examination.exhibit.as_ref().and_then(portcullis_reference),
        why: None,
        redactor: redactor.clone(),
    };
    let local = !from_server.is_empty();
    match &examination.ended {
        Ended::NotRefused(status) => {
            report.verdict = Verdict::NotRefused(*status);
            report.answer = last_answer(examination).map(|answer| hide(&line_of(answer)));
            return report;
        }
        Ended::Unreachable(failure) if !local => {
            report.verdict = Verdict::Unreachable(failure.clone());
            return report;
        }
        Ended::Refused | Ended::Unsent | Ended::Unreachable(_) => {}
    }
    report.causes = examination
        .ranking
        .causes
        .iter()
        .take(MOST_CAUSES)
        .filter(|(_, confidence)| *confidence >= FAINTEST)
        .filter_map(|(cause, confidence)| {
            let finding = evidence.findings.get(*cause)?;
            Some(cause_of(evidence, examination, finding, *cause, *confidence, from_server, &hide))
        })
        .collect();
    if let Some(first) = report.causes.first() {
        report.layer.clone_from(&first.layer);
        let layers = examination.ranking.layers(evidence);
        report.layer_confidence =
            layers.iter().find(|(layer, _)| *layer == first.layer).map_or(0.0, |(_, confidence)| *confidence);
        report.verdict = if first.confidence >= SURE { Verdict::Diagnosed } else { Verdict::Undecided };
    }
    report.notes.extend(notes_of(evidence, examination, &report));
    report
}

fn cause_of(
    evidence: &Evidence,
    examination: &Examination,
    finding: &Finding,
    index: usize,
    confidence: f64,
    from_server: &[FromServer],
    hide: &impl Fn(&str) -> String,
) -> Cause {
    let mut clues: Vec<_> = from_server.iter().filter(|clue| clue.cause == finding.id).collect();
    clues.sort_by_key(|clue| !clue.certain);
    let mut evident: Vec<Evident> =
        clues.iter().map(|clue| Evident { observed: true, said: hide(&clue.said) }).collect();
    if let Some(quote) = examination.exhibit.as_ref().and_then(quote) {
        evident.push(Evident { observed: true, said: format!("it says: \u{201c}{}\u{201d}", hide(&quote)) });
    }
    for (signal, ratio) in reasons(evidence, &examination.seen, index).into_iter().take(6) {
        if let Some(signal) = evidence.signals.get(signal) {
            evident.push(Evident { observed: ratio > 0.5, said: signal.what.clone() });
        }
    }
    evident.extend(particulars(examination, finding));
    let mut fix: Vec<String> = clues.iter().flat_map(|clue| clue.fix.iter().map(|fix| hide(fix))).collect();
    // Where the lines to change are known for certain, steps that say how to find them are beside the point.
    let known = clues.iter().any(|clue| clue.certain && !clue.fix.is_empty());
    if !known {
        fix.extend(finding.steps.iter().cloned());
    }
    let on = finding.on.clone().unwrap_or_default();
    let on_this_system = match std::env::consts::OS {
        "windows" => on.windows,
        "macos" => on.macos,
        _ => on.linux,
    };
    Cause {
        id: finding.id.clone(),
        layer: finding.layer.clone(),
        title: finding.title.clone(),
        confidence: (confidence * 1000.0).round() / 1000.0,
        evidence: evident,
        fix,
        lines: finding.lines.clone().filter(|_| !known),
        verify: finding.verify.clone(),
        owner: finding.owner.clone(),
        links: finding.links.clone(),
        on_this_system,
    }
}

/// What a token or signed address says in numbers; never the thing itself.
fn particulars(examination: &Examination, finding: &Finding) -> Vec<Evident> {
    let mut evident = Vec::new();
    let when = |seconds: i64| {
        jiff::Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |at| at.to_string())
    };
    if (finding.id.starts_with("app.jwt") || finding.id == "app.insufficient-scope")
        && let Some(token) = crate::signals::token_of(&examination.asked)
    {
        let mut parts = Vec::new();
        parts.extend(token.expires.map(|at| format!("expires {}", when(at))));
        parts.extend(token.issuer.as_ref().map(|issuer| format!("issuer {issuer}")));
        if !token.audience.is_empty() {
            parts.push(format!("audience {}", token.audience.join(", ")));
        }
        if !token.scopes.is_empty() {
            parts.push(format!("scopes {}", token.scopes.join(" ")));
        }
        if !parts.is_empty() {
            evident.push(Evident { observed: true, said: format!("the token says: {}", parts.join("; ")) });
        }
    }
    if let Some(signed) = signed::of_url(&examination.asked.url)
        && let Some(expires) = signed.expires
        && (finding.id.contains("expired")
            || finding.id.contains("sign")
            || finding.id.contains("azure")
            || finding.id.contains("secure_link"))
    {
        evident.push(Evident {
            observed: true,
            said: format!("the address is valid until {}; it is {}", when(expires), when(examination.now)),
        });
    }
    evident
}

fn line_of(answer: &Answer) -> String {
    let server = answer.header("server").map_or_else(String::new, |server| format!(", server: {server}"));
    let media = answer.header("content-type").map_or_else(String::new, |media| format!(", {media}"));
    let size =
        if answer.cut { "more than is kept".to_owned() } else { format!("{} bytes", answer.body.len()) };
    format!(
        "{} {}{}{server}{media}, {size}",
        answer.version,
        answer.status,
        if answer.reason.is_empty() { String::new() } else { format!(" {}", answer.reason) }
    )
}

/// The sentence of the refusal, short enough for a line.
fn quote(answer: &Answer) -> Option<String> {
    let text = answer.text();
    let plain = if text.trim_start().starts_with('<') || text.contains("</") {
        crate::signals::readable(&answer.body).plain
    } else {
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let short: String = plain.chars().filter(|c| !c.is_control()).take(160).collect();
    (!short.is_empty()).then(|| if short.len() < plain.len() { format!("{short} …") } else { short })
}

fn last_answer(examination: &Examination) -> Option<&Answer> {
    examination.trials.iter().rev().find_map(|trial| trial.outcome.as_ref().ok())
}

fn sent(trial: &Trial, examination: &Examination, hide: &impl Fn(&str) -> String) -> Sent {
    let exhibit = examination.exhibit.as_ref();
    let told = told(&trial.outcome, exhibit, &trial.sent.url, &examination.asked.url);
    Sent {
        what: trial.probe.what(),
        request: hide(&format!("{} {}", trial.sent.method, trial.sent.url)),
        status: trial.outcome.as_ref().ok().map(|answer| answer.status),
        told: match (&trial.outcome, told) {
            (Err(failure), _) => hide(&failure.to_string()),
            (_, Told::Same) => "refused in the same way".to_owned(),
            (_, Told::Other) => "refused in another way".to_owned(),
            (_, Told::Passes) => "let through".to_owned(),
            (_, Told::Missing) => "not found".to_owned(),
            (_, Told::Challenge) => "asked to sign in".to_owned(),
            (_, Told::Method) => "wrong method".to_owned(),
            (_, Told::Redirects) => "redirected to what is refused".to_owned(),
            (_, Told::Odd | Told::Nothing) => "another answer".to_owned(),
        },
    }
}

fn notes_of(evidence: &Evidence, examination: &Examination, report: &Report) -> Vec<String> {
    let mut notes = Vec::new();
    for to in &examination.redirects {
        notes.push(format!("redirected to {}://{}{}", to.scheme.as_str(), to.authority(), to.path));
    }
    if examination.ended == Ended::Unsent {
        notes.push(format!(
            "{} was not sent again, because it may change something; `--repeat-unsafe` sends it, and `--exchange FILE` reads a saved answer to it",
            examination.asked.method
        ));
    }
    if let Some(reference) = &report.reference {
        notes.push(format!("{OUR_OWN}: run `portcullis why {reference}`"));
    }
    let unverified = examination
        .exhibit
        .as_ref()
        .and_then(|exhibit| exhibit.tls.as_ref())
        .and_then(|tls| tls.fault.as_ref());
    if let Some(fault) = unverified {
        notes.push(format!("whose server this is was not verified (`-k`): {fault}"));
    }
    if let [first, second, ..] = report.causes.as_slice() {
        let near = second.confidence * 3.0 > first.confidence;
        let known =
            evidence.finding(&first.id).is_some_and(|finding| finding.confused_with.contains(&second.id));
        if near || known && second.confidence > 0.08 {
            notes.push(format!(
                "from outside `{}` and `{}` cannot be told apart for certain: run this on the server with `--local`, or send the report to whoever runs it",
                first.id, second.id
            ));
        }
    }
    notes
}

/// The reference of a refusal of Portcullis.
fn portcullis_reference(answer: &Answer) -> Option<String> {
    let reference = answer.header("x-portcullis-ref")?;
    let plain = reference.len() <= 64 && reference.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    plain.then(|| reference.to_owned())
}
