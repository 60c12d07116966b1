//! What may be forwarded to the caller: what the refusal said to them, and nothing of what stands behind it.
//!
//! INVARIANT: no policy, fact, threshold or name of an attribute; of what is hidden not even that there is something.

use portcullis_policy::{Policies, ReasonStatus};
use portcullis_record::Remembered;
use portcullis_request::Reference;
use portcullis_response::catalogue;

/// A letter to the caller, in plain text.
#[must_use]
pub fn for_caller(remembered: &Remembered, policies: Option<&Policies>) -> String {
    let entry = &remembered.entry;
    let request = &entry.request;
    let asked = format!("{} {}://{}{}", request.method, request.scheme, request.host, request.path);
    let when = entry
        .time
        .get(..16)
        .map_or_else(|| entry.time.clone(), |time| format!("{} UTC", time.replace('T', " ")));
    let mut text = String::new();
    let Some(status) = entry.status else {
        text.push_str(&format!("Your request {asked} at {when} was passed on; it was not refused by us.\n"));
        return text;
    };
    let hidden = entry.reason.as_deref() == Some("hidden");
    if hidden || status == 404 {
        text.push_str(&format!(
            "Your request {asked} at {when} was answered 404: nothing was found at this address.\n"
        ));
        return text;
    }
    let code = entry.reason.as_deref().unwrap_or("access_denied");
    let written = policies.and_then(|policies| written_for(code, remembered, policies));
    let page = catalogue::find(code).or_else(|| catalogue::find(&status.to_string()));
    let sentence = written.as_ref().and_then(|(message, _)| message.clone());
    let sentence = sentence.or_else(|| page.map(|page| page.title.to_owned()));
    text.push_str(&format!("Your request {asked} at {when} was refused ({status}, {code}).\n"));
    if let Some(sentence) = sentence {
        text.push_str(&format!("\n{sentence}\n"));
    }
    if let Some(page) = page {
        text.push_str(&format!("\nWhat you can do:\n{}\n", page.caller));
    }
    if let Some(help) = written.and_then(|(_, help)| help) {
        text.push_str(&format!("\nMore: {help}\n"));
    }
    if let Ok(reference) = entry.reference.parse::<Reference>() {
        text.push_str(&format!("\nReference: {reference}\n"));
    }
    text
}

/// The sentence and the link that a policy's author wrote for the public, of the policy that the code was said for.
fn written_for(
    code: &str,
    remembered: &Remembered,
    policies: &Policies,
) -> Option<(Option<String>, Option<String>)> {
    let verdict = remembered.entry.verdict.as_ref()?;
    let nearest = verdict.nearest.iter().map(|(policy, ..)| policy);
    let mut reasons =
        verdict.policies.iter().chain(nearest).filter_map(|policy| policies.reasons.get(policy));
    let reason = reasons.find(|reason| reason.code == code && reason.status != ReasonStatus::Hidden)?;
    Some((reason.message.clone(), reason.help.clone()))
}
