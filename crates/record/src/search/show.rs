//! A decision as a row: for people, as CSV, as an event of the Open Cybersecurity Schema Framework.
//!
//! INVARIANT: no control character of a record reaches a terminal or breaks a row.

use jiff::Timestamp;
use portcullis_request::Reference;
use serde_json::{Value, json};

use super::glance::Glance;

/// One line for people: when, what became of it, what was asked, who, why, the reference.
#[must_use]
pub fn line(glance: &Glance<'_>) -> String {
    let request = &glance.request;
    let time = glance.time.get(..MILLISECONDS).unwrap_or(&glance.time);
    let verdict = if glance.is_allowed() { "allowed" } else { "denied" };
    let status = glance.status.map_or_else(|| "→".to_owned(), |status| status.to_string());
    let who = match (&glance.principal, &glance.absence) {
        (Some(principal), _) => format!("{} {}", &*principal.kind, &*principal.id),
        (None, Some(absence)) => format!("nobody ({})", absence.split(':').next().unwrap_or_default()),
        (None, None) => "nobody".to_owned(),
    };
    let reason = glance.reason.as_deref().map(|reason| format!("  {reason}")).unwrap_or_default();
    let reference = shown(&glance.reference);
    let asked = format!("{} {}{}", &*request.method, &*request.host, &*request.path);
    clean(&format!("{time}Z  {verdict:7} {status:>3}  {asked}  {who}{reason}  {reference}"))
}

/// The columns of [`csv`].
pub const CSV_HEADER: &str = "time,reference,decision,status,reason,method,scheme,host,path,app,route,principal_kind,\
                              principal,client,user_agent,policies,decided_us";

/// One row of CSV (RFC 4180), without its line end.
#[must_use]
pub fn csv(glance: &Glance<'_>) -> String {
    let request = &glance.request;
    let principal = glance.principal.as_ref();
    let policies = glance.verdict.as_ref().map(|verdict| {
        verdict.policies.iter().map(|policy| policy.to_string()).collect::<Vec<_>>().join(" ")
    });
    let status = glance.status.map(|status| status.to_string()).unwrap_or_default();
    let decided = glance.decided_us.to_string();
    let fields = [
        &*glance.time,
        &shown(&glance.reference),
        if glance.is_allowed() { "allowed" } else { "denied" },
        &status,
        glance.reason.as_deref().unwrap_or_default(),
        &request.method,
        &request.scheme,
        &request.host,
        &request.path,
        glance.app.as_deref().unwrap_or_default(),
        glance.route.as_deref().unwrap_or_default(),
        principal.map_or("", |principal| &principal.kind),
        principal.map_or("", |principal| &principal.id),
        &request.client,
        request.user_agent.as_deref().unwrap_or_default(),
        policies.as_deref().unwrap_or_default(),
        &decided,
    ];
    fields.map(field).join(",")
}

/// One event of the class HTTP Activity (4002), with the profiles `host` (for the actor) and `security_control`.
#[must_use]
pub fn ocsf(glance: &Glance<'_>) -> Value {
    let request = &glance.request;
    let allowed = glance.is_allowed();
    let activity = match &*request.method {
        "CONNECT" => 1,
        "DELETE" => 2,
        "GET" => 3,
        "HEAD" => 4,
        "OPTIONS" => 5,
        "POST" => 6,
        "PUT" => 7,
        "TRACE" => 8,
        _ => 99,
    };
    let time = glance.time.parse::<Timestamp>().map_or(0, Timestamp::as_millisecond);
    let policies = glance.verdict.as_ref().map(|verdict| verdict.policies.as_slice()).unwrap_or_default();
    let decision = if allowed { "allow" } else { "deny" };
    let authorizations: Vec<_> = policies
        .iter()
        .map(|policy| json!({"decision": decision, "policy": {"name": &**policy, "is_applied": true}}))
        .collect();
    let mut event = json!({
        "category_uid": 4, "class_uid": 4002, "activity_id": activity, "type_uid": 400_200 + activity,
        "severity_id": if allowed { 1 } else { 2 },
        "time": time,
        "action_id": if allowed { 1 } else { 2 },
        "disposition_id": if allowed { 1 } else { 2 },
        "status_id": if allowed { 1 } else { 2 },
        "metadata": {
            "version": "1.3.0", "profiles": ["host", "security_control"], "uid": &*glance.reference,
            "product": {"name": "Portcullis", "vendor_name": "Portcullis", "feature": {"name": &*glance.door}},
        },
        "http_request": {
            "uid": &*glance.reference, "http_method": &*request.method,
            "user_agent": request.user_agent.as_deref(),
            "url": {"scheme": &*request.scheme, "hostname": &*request.host, "path": &*request.path},
        },
        "src_endpoint": {"ip": &*request.client},
        "dst_endpoint": {"hostname": &*request.host, "svc_name": glance.app.as_deref()},
        "authorizations": authorizations,
        "actor": glance.principal.as_ref().map(|principal| {
            json!({"user": {"uid": &*principal.id, "type": &*principal.kind}})
        }),
        "http_response": glance.status.map(|status| json!({"code": status})),
        "status_code": glance.reason.as_deref(),
    });
    without_nulls(&mut event);
    event
}

/// A text without what a terminal or a reader would take for more than text.
#[must_use]
pub fn clean(text: &str) -> String {
    let hidden = |character: char| {
        character.is_control()
            || matches!(character, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
    };
    let mut cleaned = String::with_capacity(text.len());
    for character in text.chars() {
        if hidden(character) {
            cleaned.extend(character.escape_unicode());
        } else {
            cleaned.push(character);
        }
    }
    cleaned
}

/// A field of CSV. What a spreadsheet would take for a formula gets a quote before it: callers choose paths and names.
#[must_use]
pub fn field(text: &str) -> String {
    let mut text = clean(text);
    if text.starts_with(['=', '+', '-', '@']) {
        text.insert(0, '\'');
    }
    if text.contains([',', '"']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text
}

/// The reference as people have it; as recorded, if it is none.
fn shown(uuid: &str) -> String {
    uuid.parse::<Reference>().map_or_else(|_| uuid.to_owned(), |reference| reference.to_string())
}

fn without_nulls(value: &mut Value) {
    if let Value::Object(members) = value {
        members.retain(|_, member| !member.is_null());
        members.values_mut().for_each(without_nulls);
    }
}

/// `2026-11-24T01:30:00.123`.
const MILLISECONDS: usize = 23;
