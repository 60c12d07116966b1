//! Who asks, by the names that people use.

use portcullis_context::{Directory, Person};

use crate::question::entity;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Caller {
    /// Nobody said who it is.
    Anonymous,
    /// A person.
    User(String),
    /// A program.
    Service(String),
}

impl Caller {
    /// Reads `alice`, `user:alice`, `service:ci`, `User::"alice"` or `anonymous`. A bare name is the user of that name,
    /// unless the directory knows only a service of it.
    ///
    /// # Errors
    /// What to write instead.
    pub fn parse(text: &str, directory: &Directory) -> Result<Self, String> {
        if text.is_empty() || text.len() > LONGEST_NAME || text.chars().any(char::is_control) {
            return Err(format!("a principal has 1 to {LONGEST_NAME} bytes and no control characters"));
        }
        if let Some((kind, id)) = text.contains("::").then(|| entity(text)).flatten() {
            return match kind.as_str() {
                "User" => Ok(Self::User(id)),
                "Service" => Ok(Self::Service(id)),
                "Anonymous" => Ok(Self::Anonymous),
                _ => Err("principals are of the types `User`, `Service` and `Anonymous`".to_owned()),
            };
        }
        Ok(match text.split_once(':') {
            Some(("user", id)) if !id.is_empty() => Self::User(id.to_owned()),
            Some(("service", id)) if !id.is_empty() => Self::Service(id.to_owned()),
            _ if text == "anonymous" && !directory.users.contains_key(text) => Self::Anonymous,
            _ if !directory.users.contains_key(text) && directory.services.contains_key(text) => {
                Self::Service(text.to_owned())
            }
            _ => Self::User(text.to_owned()),
        })
    }

    /// Type and identifier of its entity.
    #[must_use]
    pub fn name(&self) -> (String, String) {
        match self {
            Self::Anonymous => ("Anonymous".to_owned(), "caller".to_owned()),
            Self::User(id) => ("User".to_owned(), id.clone()),
            Self::Service(id) => ("Service".to_owned(), id.clone()),
        }
    }

    /// What the directory says of it.
    #[must_use]
    pub fn person<'d>(&self, directory: &'d Directory) -> Option<&'d Person> {
        match self {
            Self::Anonymous => None,
            Self::User(id) => directory.users.get(id),
            Self::Service(id) => directory.services.get(id),
        }
    }
}

impl std::fmt::Display for Caller {
    /// As it can be read again: `alice`, `service:ci`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Anonymous => f.write_str("anonymous"),
            Self::User(id) if id.contains(':') || id == "anonymous" => write!(f, "User::{id:?}"),
            Self::User(id) => f.write_str(id),
            Self::Service(id) => write!(f, "service:{id}"),
        }
    }
}

const LONGEST_NAME: usize = 512;
