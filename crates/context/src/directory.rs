//! The directory: people, services, groups, roles, plans and devices, from TOML files.
//!
//! It holds who is directly in what; closing memberships over nesting is left to Cedar. INVARIANT: every group, role and
//! owner that a loaded directory names is declared in it, and nesting has no cycles.

mod finding;
mod link;
mod read;

use std::collections::{BTreeMap, BTreeSet};

use portcullis_identity::PrincipalKind;

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

impl Directory {
    /// Reads the directory from files, each a name (for messages) and its text, and checks them together.
    ///
    /// # Errors
    /// Everything that is wrong, each with file, place and what to write instead; at most a hundred.
    pub fn load(files: &[(String, String)]) -> Result<Self, Vec<miette::Report>> {
        let mut findings = finding::Findings::new(files);
        let entries = read::read(files, &mut findings);
        link::check(&entries, &mut findings);
        let directory = entries.into_directory();
        findings.into_result().map(|()| directory)
    }

    /// The user or service with this identifier.
    #[must_use]
    pub fn person(&self, kind: PrincipalKind, id: &str) -> Option<&Person> {
        match kind {
            PrincipalKind::User => self.users.get(id),
            PrincipalKind::Service => self.services.get(id),
        }
    }

    /// Users, then services, each by identifier.
    pub fn people(&self) -> impl Iterator<Item = (PrincipalKind, &str, &Person)> {
        let users = self.users.iter().map(|(id, person)| (PrincipalKind::User, id.as_str(), person));
        let services = self.services.iter().map(|(id, person)| (PrincipalKind::Service, id.as_str(), person));
        users.chain(services)
    }

    /// The groups a user or service is in directly, sorted.
    pub fn groups_of(&self, kind: PrincipalKind, id: &str) -> impl Iterator<Item = &str> {
        self.person(kind, id).into_iter().flat_map(|person| &person.groups).map(String::as_str)
    }
}

#[cfg(test)]
mod tests;
