//! A verdict as what is said to the caller.
//!
//! INVARIANT: `Ok` is returned only with a permit; whatever else a verdict holds is a refusal.

use std::time::Duration;

use portcullis_decision::{Decision, Permit, Verdict};
use portcullis_identity::{Absence, CredentialFault};
use portcullis_policy::{Policies, PublicReason, ReasonStatus};
use portcullis_response::{Challenge, Refusal, Said};

use crate::ForbidFault;

/// How long a caller should wait before asking again when nobody can decide. Short: sources come back on their own,
/// and a caller who waits longer than an operator's fix waits for nothing.
pub const RETRY_AFTER: Duration = Duration::from_secs(5);

/// What a verdict means: the permit, or why there is none.
///
/// # Errors
/// The refusal to send.
pub fn verdict(
    verdict: &Verdict<'_>,
    policies: &Policies,
    on_forbid_fault: ForbidFault,
) -> Result<Permit, Refusal> {
    match denied(verdict, policies, on_forbid_fault) {
        Some(refusal) => Err(refusal),
        None => verdict.permit().ok_or_else(cannot_decide),
    }
}

/// What is said to the caller of a verdict; `None`: nothing, it allows. Says the same of verdicts that can yield no permit.
#[must_use]
pub fn denied(verdict: &Verdict<'_>, policies: &Policies, on_forbid_fault: ForbidFault) -> Option<Refusal> {
    if !verdict.undecided().is_empty() {
        return Some(cannot_decide());
    }
    match (verdict.decision(), verdict.forbid_erred()) {
        (Decision::Allow, false) => None,
        (Decision::Allow, true) => Some(match on_forbid_fault {
            ForbidFault::Unavailable => cannot_decide(),
            ForbidFault::Refuse => Refusal::Forbidden(said("access_denied")),
        }),
        (Decision::Deny, _) => Some(denial(verdict, policies)),
    }
}

fn cannot_decide() -> Refusal {
    Refusal::Unavailable(said("cannot_decide"), RETRY_AFTER)
}

/// Several forbids may hold at once; one reason is said. What hides comes first, since any other answer would show
/// that there is something; a legal demand before a choice of ours; and a step-up last, since it helps only where
/// nothing else stands in the way.
fn denial(verdict: &Verdict<'_>, policies: &Policies) -> Refusal {
    let nearest = verdict.nearest().first().map(|miss| policies.public_reason(miss.policy));
    verdict
        .reasons()
        .map(|policy| policies.public_reason(policy))
        .min_by_key(|reason| (rank(reason), reason.code == "access_denied"))
        .or(nearest)
        .map_or_else(|| Refusal::Forbidden(said("access_denied")), refusal)
}

fn rank(reason: &PublicReason) -> u8 {
    match reason.status {
        ReasonStatus::Hidden => 0,
        ReasonStatus::Legal { .. } => 1,
        ReasonStatus::Forbidden => 2,
        ReasonStatus::InsufficientScope { .. } => 3,
        ReasonStatus::StepUp(_) => 4,
    }
}

fn refusal(reason: &PublicReason) -> Refusal {
    let said = Said { code: reason.code.clone(), message: reason.message.clone(), help: reason.help.clone() };
    match &reason.status {
        ReasonStatus::Forbidden => Refusal::Forbidden(said),
        ReasonStatus::InsufficientScope { scope } => Refusal::InsufficientScope(said, scope.clone()),
        ReasonStatus::Legal { blocked_by } => Refusal::Legal(said, blocked_by.clone()),
        ReasonStatus::Hidden => Refusal::Hidden,
        ReasonStatus::StepUp(step_up) => Refusal::Unauthenticated(
            said,
            Challenge::StepUp { acr_values: step_up.acr_values.clone(), max_age: step_up.max_age },
        ),
    }
}

/// What the lack of a principal means (RFC 6750 §3.1).
#[must_use]
pub fn absence(absence: &Absence) -> Refusal {
    match absence {
        Absence::NoCredential => {
            Refusal::Unauthenticated(said("credentials_required"), Challenge::Credentials)
        }
        Absence::Malformed(fault) => Refusal::MalformedCredential(fault_said(fault)),
        Absence::Invalid(fault) => Refusal::Unauthenticated(
            fault_said(fault),
            Challenge::InvalidToken { description: fault.public.to_owned() },
        ),
        Absence::Unavailable(fault) => Refusal::Unavailable(said(fault.code), RETRY_AFTER),
    }
}

fn fault_said(fault: &CredentialFault) -> Said {
    Said { code: fault.code.to_owned(), message: None, help: None }
}

/// A code of our own, in the catalogue's words.
#[must_use]
pub fn said(code: &str) -> Said {
    Said { code: code.to_owned(), message: None, help: None }
}

#[cfg(test)]
mod tests;
