//! The directory: people, services, groups, roles, plans and devices, from TOML files.

use std::collections::{BTreeMap, BTreeSet};

/// A person or service as the directory knows them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Person {
    /// Groups they are in directly.
    pub groups: BTreeSet<String>,
    /// Roles they have directly.
    pub roles: BTreeSet<String>,
    /// Their plan.
    pub tier: Option<String>,
    /// Further Cedar attributes (`name`, `email`, what the schema extension declares): JSON scalars or string arrays.
    pub attributes: BTreeMap<String, serde_json::Value>,
}

/// A group or role and what it is in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Membership {
    /// Groups it is in.
    pub groups: BTreeSet<String>,
    /// Roles it carries.
    pub roles: BTreeSet<String>,
}

/// A device and its posture. `None`: the directory does not say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Device {
    /// Its identifier.
    pub id: String,
    /// Whose it is; where set, it counts for that principal only.
    pub owner: Option<String>,
    /// Enrolled in device management.
    pub managed: Option<bool>,
    /// Reported compliant.
    pub compliant: Option<bool>,
    /// Disk encrypted.
    pub encrypted: Option<bool>,
    /// `macos`, `windows`, …
    pub os: Option<String>,
    /// As reported.
    pub os_version: Option<String>,
    /// Last report, milliseconds since the Unix epoch.
    pub last_seen_ms: Option<i64>,
}

/// Everything the directory files say.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Directory {
    /// People by identifier.
    pub users: BTreeMap<String, Person>,
    /// Programs by identifier.
    pub services: BTreeMap<String, Person>,
    /// Groups by name.
    pub groups: BTreeMap<String, Membership>,
    /// Roles by name; only `roles` of it is used.
    pub roles: BTreeMap<String, Membership>,
    /// Devices by identifier.
    pub devices: BTreeMap<String, Device>,
}
