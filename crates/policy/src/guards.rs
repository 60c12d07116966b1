//! Guards: the short requirements of a route's configuration, and the Cedar they become.
//!
//! `access` is what lets callers in; `require` only ever restricts. A guard's permit is
//! `permit(principal, action, resource in …)`; each requirement is a `forbid … unless { … }` with a public reason of
//! its own, so that a refusal names exactly the requirement that failed.

/// Where a guard applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Every route of an app: `resource in App::"shop"`.
    App(String),
    /// One route: `resource == Route::"shop/premium"`.
    Route {
        /// The app's name.
        app: String,
        /// The route's name within the app.
        route: String,
    },
}

/// Who is let in where no written policy says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Access {
    /// Nobody: the written policies decide. The default, because nothing passes by default.
    #[default]
    Policies,
    /// Every identified caller, subject to `require` and the written forbids.
    Identified,
    /// Everyone, known or not: a public route. Still decided, still recorded.
    Anyone,
}

/// What must hold besides. Empty lists and `None` require nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Require {
    /// In one of these roles.
    pub role: Vec<String>,
    /// In one of these groups.
    pub group: Vec<String>,
    /// On one of these plans.
    pub tier: Vec<String>,
    /// In one of these countries (ISO 3166-1 alpha-2).
    pub country: Vec<String>,
    /// In none of these countries; a caller whose country is not known is let in.
    pub not_country: Vec<String>,
    /// In one of these named network zones.
    pub network: Vec<String>,
    /// On a device of which all this holds.
    pub device: DeviceNeeds,
    /// With every one of these OAuth scopes.
    pub scope: Vec<String>,
    /// Authenticated at one of these levels (`acr` values), else step-up.
    pub acr: Vec<String>,
    /// Authenticated at most this many seconds ago, else step-up.
    pub max_age: Option<u32>,
    /// Within these hours, in the configuration's time zone.
    pub hours: Option<Hours>,
}

/// What a route asks of the caller's device. A device that is not known meets none of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeviceNeeds {
    /// Enrolled in device management.
    pub managed: bool,
    /// Reported compliant by it.
    pub compliant: bool,
    /// Its disk encrypted.
    pub encrypted: bool,
    /// Last report at most this many days ago.
    pub seen_within_days: Option<u32>,
}

/// A daily window, `from` inclusive to `until` exclusive, in minutes after midnight; `from > until` crosses midnight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    /// Minute of the day at which it opens, 0..1440.
    pub from: u16,
    /// Minute of the day at which it closes, 0..=1440.
    pub until: u16,
    /// ISO weekdays on which it holds, 1 = Monday … 7 = Sunday; empty: every day.
    pub weekdays: Vec<u8>,
}

/// One app's or route's guards, with where they are written.
#[derive(Debug, Clone)]
pub struct Guard {
    /// Where it applies.
    pub scope: Scope,
    /// Who is let in.
    pub access: Access,
    /// What must hold besides.
    pub require: Require,
    /// The author's own sentence for callers, by requirement (`country` → "Content unavailable in your location").
    pub messages: std::collections::BTreeMap<String, String>,
    /// The configuration file this guard is written in.
    pub file: String,
    /// Byte range of the app's or route's table in that file.
    pub span: std::ops::Range<usize>,
    /// Whether the app's own 404 is rendered by us, which `@hide` needs.
    pub renders_404: bool,
}
