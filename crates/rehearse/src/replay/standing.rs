//! Where a request stood by its record, where it stands by the candidate, and what that comes to.

use portcullis_record::Stage;
use serde::Serialize;

/// A difference that a candidate makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It was refused and would go on.
    NewlyAllowed,
    /// It went on and would be refused.
    NewlyRefused,
    /// It was refused and would be refused with another public reason or status.
    ChangedReason,
    /// The record does not say what the candidate asks for.
    Unknown,
}

impl Kind {
    /// Every kind, in the order in which they are told.
    pub const ALL: [Self; 4] = [Self::NewlyAllowed, Self::NewlyRefused, Self::ChangedReason, Self::Unknown];

    /// As it is written on a command line and in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NewlyAllowed => "newly-allowed",
            Self::NewlyRefused => "newly-refused",
            Self::ChangedReason => "changed-reason",
            Self::Unknown => "unknown",
        }
    }
}

/// What the caller was told, or would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing<'a> {
    /// Nothing: the request went on.
    Allowed,
    /// This public reason with this status.
    Refused(&'a str, u16),
}

impl<'a> Standing<'a> {
    /// By a record: its verdict, public reason and status. A limit that was used up is no word of the policies: they let the
    /// request go on.
    #[must_use]
    pub fn recorded(decision: &str, reason: Option<&'a str>, status: Option<u16>) -> Self {
        match (decision, status) {
            ("allow", None | Some(429)) => Self::Allowed,
            (_, status) => Self::Refused(reason.unwrap_or("access_denied"), status.unwrap_or(403)),
        }
    }

    /// What the change from this standing to another one is; `None`: there is none. A gRPC caller is refused with status
    /// 200, so that a recorded 200 says nothing of the status of the refusal.
    #[must_use]
    pub fn change(self, to: Standing<'_>) -> Option<Kind> {
        match (self, to) {
            (Self::Allowed, Standing::Allowed) => None,
            (Self::Allowed, Standing::Refused(..)) => Some(Kind::NewlyRefused),
            (Self::Refused(..), Standing::Allowed) => Some(Kind::NewlyAllowed),
            (Self::Refused(reason, status), Standing::Refused(other, other_status)) => {
                let same = reason == other && (status == other_status || status == 200);
                (!same).then_some(Kind::ChangedReason)
            }
        }
    }
}

impl std::fmt::Display for Standing<'_> {
    /// `allowed`, `403 region_restricted`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Allowed => f.write_str("allowed"),
            Self::Refused(reason, status) => write!(f, "{status} {reason}"),
        }
    }
}

/// A stage as a record writes it.
pub(super) fn stage(text: &str) -> Stage {
    match text {
        "admit" => Stage::Admit,
        "route" => Stage::Route,
        "identify" => Stage::Identify,
        "decide" => Stage::Decide,
        _ => Stage::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_and_what_would_be_is_compared_as_the_caller_sees_it() {
        let denied = Standing::Refused("region_restricted", 403);
        for (was, would, kind) in [
            (Standing::Allowed, Standing::Allowed, None),
            (Standing::Allowed, denied, Some(Kind::NewlyRefused)),
            (denied, Standing::Allowed, Some(Kind::NewlyAllowed)),
            (denied, denied, None),
            (denied, Standing::Refused("region_restricted", 451), Some(Kind::ChangedReason)),
            (denied, Standing::Refused("tier_required", 403), Some(Kind::ChangedReason)),
            (Standing::Refused("region_restricted", 200), denied, None),
            (Standing::Refused("cannot_decide", 503), Standing::Allowed, Some(Kind::NewlyAllowed)),
        ] {
            assert_eq!(was.change(would), kind, "{was} {would}");
        }
        assert_eq!(Standing::recorded("allow", Some("rate_limited"), Some(429)), Standing::Allowed);
        assert_eq!(Standing::recorded("allow", None, None), Standing::Allowed);
        let erring = Standing::recorded("allow", Some("cannot_decide"), Some(503));
        assert_eq!(erring, Standing::Refused("cannot_decide", 503));
    }
}
