//! What is compared: an answer of the official authorizer, and one of the engine told in the same words.

use std::fmt;

use cedar_policy::{AuthorizationError, Authorizer, Effect, Entities, PolicyId, PolicySet, Request};
use portcullis_decision::{Decision, Verdict};

/// Decision, determining policies, errors; both lists by policy id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Whether it is allowed.
    pub allow: bool,
    /// The policies that decided.
    pub reasons: Vec<String>,
    /// The policies that erred, and the text.
    pub errors: Vec<(String, String)>,
}

/// What the engine says beyond that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What is compared with the official answer, lists in the order of the verdict.
    pub answer: Answer,
    /// The facts that leave the request undecided.
    pub undecided: Vec<String>,
    /// Near misses: policy, failed clauses, clauses.
    pub nearest: Vec<(String, usize, usize)>,
    /// Whether there is a permit.
    pub permit: bool,
}

/// The answer of the official authorizer.
#[must_use]
pub fn official(request: &Request, set: &PolicySet, entities: &Entities) -> Answer {
    let response = Authorizer::new().is_authorized(request, set, entities);
    let mut reasons: Vec<String> = response.diagnostics().reason().map(ToString::to_string).collect();
    let mut errors: Vec<(String, String)> = response
        .diagnostics()
        .errors()
        .map(|error| {
            let AuthorizationError::PolicyEvaluationError(of) = error;
            (of.policy_id().to_string(), error.to_string())
        })
        .collect();
    reasons.sort();
    errors.sort();
    Answer { allow: response.decision() == cedar_policy::Decision::Allow, reasons, errors }
}

/// The verdict of the engine. The one place that looks into a verdict.
#[must_use]
pub fn told(verdict: &Verdict<'_>) -> Told {
    Told {
        answer: Answer {
            allow: verdict.decision() == Decision::Allow,
            reasons: verdict.reasons().map(str::to_owned).collect(),
            errors: verdict
                .errors()
                .iter()
                .map(|fault| (fault.policy.to_string(), fault.message.to_string()))
                .collect(),
        },
        undecided: verdict.undecided().iter().map(ToString::to_string).collect(),
        nearest: verdict
            .nearest()
            .iter()
            .map(|miss| (miss.policy.to_string(), miss.failed, miss.clauses))
            .collect(),
        permit: verdict.permit().is_some(),
    }
}

impl Answer {
    /// Whether a `forbid` of the set is among those that erred: then an allowing answer is no permit.
    #[must_use]
    pub fn forbid_erred(&self, set: &PolicySet) -> bool {
        self.errors.iter().any(|(id, _)| {
            set.policy(&PolicyId::new(id)).is_some_and(|policy| policy.effect() == Effect::Forbid)
        })
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}, reasons {:?}", if self.allow { "allow" } else { "deny" }, self.reasons)?;
        for (policy, text) in &self.errors {
            write!(to, "\n    `{policy}` erred: {text}")?;
        }
        Ok(())
    }
}
