//! The identified caller.

use std::time::SystemTime;

/// What kind of caller it is; becomes the Cedar entity type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PrincipalKind {
    /// A person: `User`.
    User,
    /// A program on its own behalf: `Service`.
    Service,
}

/// How the caller was identified. Never holds the credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// A bearer JWT.
    Token {
        /// The configured issuer that vouches.
        issuer: String,
        /// The `kid` of the verifying key, if it has one.
        key_id: Option<String>,
    },
    /// An API key.
    ApiKey {
        /// Its public prefix.
        prefix: String,
    },
}

/// The identified caller and what its credential says.
#[derive(Debug, Clone, PartialEq)]
pub struct Principal {
    /// User or service.
    pub kind: PrincipalKind,
    /// Its identifier, the issuer's configured prefix included.
    pub id: String,
    /// How we know.
    pub how: How,
    /// Attributes mapped from claims (`attribute → claim` in configuration): JSON scalars or arrays of strings.
    pub attributes: std::collections::BTreeMap<String, serde_json::Value>,
    /// Groups the credential names; the directory may know more.
    pub groups: Vec<String>,
    /// Roles the credential names.
    pub roles: Vec<String>,
    /// The plan the credential names.
    pub tier: Option<String>,
    /// The device the credential names.
    pub device: Option<String>,
    /// OAuth scopes.
    pub scopes: Vec<String>,
    /// Authentication context class (`acr`).
    pub acr: Option<String>,
    /// Authentication methods (`amr`).
    pub amr: Vec<String>,
    /// When the person authenticated (`auth_time`).
    pub auth_time: Option<SystemTime>,
    /// When the credential ends.
    pub expires: Option<SystemTime>,
}
