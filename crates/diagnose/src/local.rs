//! Evidence from the server itself: its configuration, logs and file modes, read by `portcullis-siteconf`. A clue there is a
//! hint for or against one cause, weighted by how much it says, and is told with file and line.

use std::path::{Path, PathBuf};

use portcullis_siteconf::{Asked as SiteAsked, Server, SiteReport, Strength};

use crate::asked::Asked;
use crate::evidence::Evidence;
use crate::infer::{DECISIVE, Hint};
use crate::report::FromServer;

/// What the server says of itself.
#[derive(Debug, Default)]
pub struct Local {
    /// For the ranking.
    pub hints: Vec<Hint>,
    /// For the report.
    pub told: Vec<FromServer>,
    /// What could not be read.
    pub notes: Vec<String>,
}

/// Reads the roots; where none are named, those that are found on this machine.
#[must_use]
pub fn read(evidence: &Evidence, roots: &[PathBuf], asked: &Asked) -> Local {
    let found: Vec<PathBuf>;
    let roots = if roots.is_empty() {
        found = portcullis_siteconf::find_roots();
        &found
    } else {
        roots
    };
    if roots.is_empty() {
        let note = "no configuration was found in the usual places: name it, `--local FILE`".to_owned();
        return Local { notes: vec![note], ..Local::default() };
    }
    let mut headers = asked.headers.clone();
    // A header that was left out on purpose is known to have been empty.
    headers.extend(asked.left_out.iter().map(|name| (name.clone(), String::new())));
    let question = SiteAsked {
        method: asked.method.clone(),
        scheme: asked.url.scheme.as_str().to_owned(),
        host: asked.url.host.clone(),
        port: asked.url.port,
        target: asked.url.target(),
        headers,
        client: client(asked),
        at: Some(jiff::Timestamp::now()),
        status: Some(403),
    };
    weigh(evidence, portcullis_siteconf::read(roots, &question))
}

/// Asked from the server itself, the caller is usually the server.
fn client(asked: &Asked) -> Option<std::net::IpAddr> {
    let host = asked.url.host.parse::<std::net::IpAddr>().ok().filter(std::net::IpAddr::is_loopback);
    host.or_else(|| {
        (asked.url.host == "localhost").then_some(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST))
    })
}

fn weigh(evidence: &Evidence, report: SiteReport) -> Local {
    let mut local = Local::default();
    for clue in report.clues {
        let weight = match clue.strength {
            Strength::Decisive => DECISIVE,
            Strength::Strong => 4.5,
            Strength::Suggestive => 1.5,
            Strength::Against => -4.0,
        };
        let Some(cause) = evidence.cause(&clue.cause) else {
            local
                .notes
                .push(format!("the configuration speaks of `{}`, which is no known cause", clue.cause));
            continue;
        };
        // Several clues for one cause say the same in several places: the strongest counts.
        match local.hints.iter_mut().find(|hint| hint.cause == cause && (hint.weight > 0.0) == (weight > 0.0))
        {
            Some(hint) if hint.weight.abs() < f64::abs(weight) => hint.weight = weight,
            Some(_) => {}
            None => local.hints.push(Hint { cause, weight }),
        }
        if weight > 0.0 {
            let place = clue.place.map(|place| format!("{place}: ")).unwrap_or_default();
            let quote = clue.quote.map(|quote| format!(" (`{}`)", short(&quote))).unwrap_or_default();
            local.told.push(FromServer {
                cause: clue.cause,
                said: format!("{place}{}{quote}", clue.said),
                fix: clue.fix,
                certain: clue.strength == Strength::Decisive,
            });
        }
    }
    local.hints.extend(silences(evidence, &report.servers, &local.hints));
    for server in &report.servers {
        let place = server.place.as_ref().map(|place| format!(" at {place}")).unwrap_or_default();
        local.notes.push(format!(
            "{}: `{}`{place} governs this request",
            server.kind,
            short(&server.section)
        ));
    }
    for fault in report.faults.iter().take(MOST_FAULTS) {
        local.notes.push(format!("{}: {}", fault.place, fault.said));
    }
    local
}

/// A configuration that was read, and followed for this request, speaks by its silence too: the rules of that server that
/// it does not come to are unlikely, the more so where it, or a log, names what refused.
fn silences(evidence: &Evidence, servers: &[Server], spoken: &[Hint]) -> Vec<Hint> {
    let explained = spoken.iter().any(|hint| hint.weight >= DECISIVE);
    let weight = if explained { -3.5 } else { -2.0 };
    let read = |id: &str| {
        servers.iter().any(|server| id.split('.').next().is_some_and(|family| family == server.kind))
    };
    let causes = evidence.findings.iter().enumerate();
    causes
        .filter(|(cause, finding)| read(&finding.id) && spoken.iter().all(|hint| hint.cause != *cause))
        .map(|(cause, _)| Hint { cause, weight })
        .collect()
}

fn short(text: &str) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() > 160 { line.chars().take(160).chain(" …".chars()).collect() } else { line }
}

/// Lines of a report that say what could not be read.
const MOST_FAULTS: usize = 5;

/// Whether a path that was named can be opened at all; told before anything is sent.
#[must_use]
pub fn missing(roots: &[PathBuf]) -> Option<&Path> {
    roots.iter().map(PathBuf::as_path).find(|root| !root.exists())
}
