//! Annotations: what a policy's author lets the public hear.
//!
//! | annotation | on | says |
//! |---|---|---|
//! | `@id("…")` | both | the policy's id |
//! | `@reason("code")` | forbid | why it refuses, `[a-z][a-z0-9_]*` |
//! | `@message("…")` | forbid | the sentence for callers |
//! | `@status("451")` | forbid | a legal demand (RFC 7725); `"403"` is what goes out anyway |
//! | `@blocked_by("https://…")` | forbid, with status 451 | by whom |
//! | `@hide` | forbid | answer as if there were nothing; the resource must be pinned to apps whose 404 is ours |
//! | `@otherwise("code")` | permit | the reason when this permit was the nearest and did not hold |
//! | `@otherwise_message("…")` | permit | the sentence for that |
//! | `@scope("a b")` | both | the OAuth scopes that would help (RFC 6750 §3.1) |
//! | `@step_up("acr=mfa;max_age=300")` | both | the authentication that would help (RFC 9470) |
//! | `@help("https://…")` | both | where to read or ask more |
//!
//! A permit cannot be a legal demand or hide: the lack of a permission is neither. Status, hiding, scope and step-up
//! exclude each other. Other annotations (`@owner`, `@ticket`, `@description`) are the author's own and mean nothing
//! here; one that is nearly one of these is an error, because a reason that is misspelt is a reason nobody hears.

mod read;

pub(crate) use read::{read, speakable};

/// The public reason of a policy: all a caller may learn when it decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicReason {
    /// Stable machine code: `region_restricted`; `access_denied` where the author wrote none.
    pub code: String,
    /// The author's sentence for callers.
    pub message: Option<String>,
    /// With which status the refusal goes out.
    pub status: ReasonStatus,
    /// Where to read or ask more (`@help`).
    pub help: Option<String>,
}

/// How a refusal for this reason is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReasonStatus {
    /// 403.
    Forbidden,
    /// 403 with `error="insufficient_scope"` and the scopes needed (`@scope`).
    InsufficientScope {
        /// The scopes the request needs, space-separated.
        scope: String,
    },
    /// 451 (`@status("451")`): a legal demand.
    Legal {
        /// Who blocks (`@blocked_by`), an absolute URI.
        blocked_by: Option<String>,
    },
    /// 404 (`@hide`), indistinguishable from the app's own.
    Hidden,
    /// 401 (`@step_up`): authenticate again, better or more recently.
    StepUp(StepUp),
}

/// What a step-up asks for (RFC 9470).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StepUp {
    /// Acceptable `acr` values, in order of preference.
    pub acr_values: Vec<String>,
    /// Allowed age of the authentication in seconds.
    pub max_age: Option<u32>,
}

/// The public reason of a policy whose author wrote none.
pub static ACCESS_DENIED: std::sync::LazyLock<PublicReason> = std::sync::LazyLock::new(|| PublicReason {
    code: "access_denied".to_owned(),
    message: None,
    status: ReasonStatus::Forbidden,
    help: None,
});

#[cfg(test)]
mod tests;
