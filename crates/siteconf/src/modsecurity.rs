//! ModSecurity: which rules refused the request, by its own messages in error and audit logs, and what its
//! configuration says about itself. The Core Rule Set's families are told by the numbers of its rules.

mod audit;
mod messages;
mod setup;

use std::collections::BTreeMap;
use std::path::PathBuf;

pub(crate) use setup::{Setup, read_file, read_text};

use std::time::Duration;

use crate::hop::Hop;
use crate::report::{Clue, Place, Strength};
use messages::Message;

/// How long an audit log is waited for, in all a third of a second.
const WAIT: Duration = Duration::from_millis(110);
const MOST_WAITS: u8 = 3;

/// What the logs say about the request. `None` if no log has a refusal of it.
pub(crate) fn from_logs(error_logs: &[(PathBuf, Vec<String>)], setup: &Setup, hop: &Hop) -> Option<Clue> {
    let mut audited = setup.audit_logs.iter().find_map(|log| audit::transaction(log, hop));
    let in_errors = error_logs.iter().find_map(|(log, lines)| messages::in_error_log(log, lines, hop));
    // The audit log is written after the answer: whoever looks at once may come before it.
    let bare =
        in_errors.as_ref().is_some_and(|messages| messages.iter().all(|message| is_evaluation(message.id)));
    for _ in 0..MOST_WAITS {
        if audited.is_some() || !bare || setup.audit_logs.is_empty() {
            break;
        }
        std::thread::sleep(WAIT);
        audited = setup.audit_logs.iter().find_map(|log| audit::transaction(log, hop));
    }
    let mut messages = audited.unwrap_or_default();
    // The audit log knows rules that the error log leaves out, and the other way round.
    for message in in_errors.unwrap_or_default() {
        if !messages.iter().any(|known| known.id == message.id && known.denied == message.denied) {
            messages.push(message);
        }
    }
    let denial = messages.iter().find(|message| message.denied)?;
    Some(verdict(&messages, denial))
}

/// Which cause the messages of one request come to.
fn verdict(messages: &[Message], denial: &Message) -> Clue {
    let own = !(900_000..1_000_000).contains(&denial.id);
    if own {
        let said = format!("ModSecurity's rule {} refused the request: {}", denial.id, denial.about());
        return clue("modsecurity.custom-rule", said, denial).fixed_by([format!(
            "look rule {} up{} and narrow it, or: SecRuleRemoveById {}",
            denial.id,
            denial.written(),
            denial.id
        )]);
    }
    if !is_evaluation(denial.id) {
        let said = format!("CRS rule {} refused the request at once: {}", denial.id, denial.about());
        return clue(family(denial.id), said, denial).fixed_by(exclusion(denial));
    }
    let mut scores: BTreeMap<&str, (u32, Vec<&Message>)> = BTreeMap::new();
    for message in messages
        .iter()
        .filter(|message| (910_000..950_000).contains(&message.id) && !is_evaluation(message.id))
    {
        let entry = scores.entry(family(message.id)).or_default();
        entry.0 += message.score();
        entry.1.push(message);
    }
    let best = scores.iter().max_by_key(|(cause, (score, _))| (*score, rank(cause)));
    let Some((cause, (score, rules))) = best else {
        let said = format!(
            "ModSecurity refused the request by rule {}, which adds up what other rules found",
            denial.id
        );
        return clue("modsecurity.crs-generic", said, denial);
    };
    let threshold = denial.threshold.unwrap_or(5);
    let ids: Vec<String> =
        messages.iter().filter(|m| !is_evaluation(m.id)).map(|m| m.id.to_string()).collect();
    if *score < threshold && scores.len() > 1 {
        let said = format!(
            "CRS rules {} together reached the threshold of {threshold}; no family of them did so alone",
            ids.join(", ")
        );
        return clue("modsecurity.crs-anomaly", said, denial).fixed_by(
            scores.values().flat_map(|(_, rules)| rules.first().map(|rule| exclusion(rule))).flatten(),
        );
    }
    let Some(first) = rules.first() else { return clue("modsecurity.crs-generic", denial.about(), denial) };
    let said = format!(
        "CRS rules {} scored the request to {score} of {threshold}: {}",
        ids.join(", "),
        first.about()
    );
    let mut found = clue(cause, said, first).fixed_by(exclusion(first));
    found.quote = Some(first.text.clone());
    found
}

fn clue(cause: &str, said: String, message: &Message) -> Clue {
    Clue::new(cause, Strength::Decisive, said)
        .at(Some(message.place.clone()))
        .quoting(Some(message.text.clone()))
}

/// The narrowest exclusion: this rule, for this variable.
fn exclusion(message: &Message) -> Vec<String> {
    let id = message.id;
    match &message.variable {
        Some(variable) => vec![
            format!("SecRuleUpdateTargetById {id} \"!{variable}\""),
            format!(
                "or for one path only: SecRule REQUEST_URI \"@beginsWith {}\" \"id:1000,phase:1,pass,nolog,ctl:ruleRemoveTargetById={id};{variable}\"",
                message.uri
            ),
        ],
        None => {
            vec![format!("SecRuleRemoveById {id}  (better: only for the path, with ctl:ruleRemoveById={id})")]
        }
    }
}

/// Rules that only add up.
fn is_evaluation(id: u32) -> bool {
    matches!(id / 1000, 949 | 959 | 980) || matches!(id / 1000, 901 | 905)
}

/// Between families with equal scores, the more specific one.
fn rank(cause: &str) -> u8 {
    match cause {
        "modsecurity.crs-rce" => 6,
        "modsecurity.crs-sqli" => 5,
        "modsecurity.crs-xss" => 4,
        "modsecurity.crs-lfi" => 3,
        "modsecurity.crs-scanner-ua" => 2,
        "modsecurity.crs-protocol" => 1,
        _ => 0,
    }
}

/// The cause that a rule of the Core Rule Set stands for.
fn family(id: u32) -> &'static str {
    match id / 1000 {
        942 => "modsecurity.crs-sqli",
        941 => "modsecurity.crs-xss",
        930 => "modsecurity.crs-lfi",
        932 | 933 | 934 | 944 => "modsecurity.crs-rce",
        913 => "modsecurity.crs-scanner-ua",
        911 | 920 | 921 | 922 => "modsecurity.crs-protocol",
        _ => "modsecurity.crs-generic",
    }
}

/// A line of a log that a message stands in.
fn place(log: &std::path::Path, at: usize) -> Place {
    Place { file: log.to_path_buf(), line: u32::try_from(at + 1).unwrap_or(0) }
}
