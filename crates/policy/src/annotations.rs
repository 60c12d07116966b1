//! Annotations: what a policy's author lets the public hear.

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
