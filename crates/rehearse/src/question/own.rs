//! Facts that a record states outside of its facts: what was asked, by whom, when. They are told whether or not the
//! policies of that time asked for them.

use std::borrow::Cow;
use std::net::IpAddr;

use jiff::Timestamp;
use portcullis_decision::Value;
use portcullis_record::{Entry, redact};

/// The members of a record that state facts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OwnMembers<'a> {
    pub(crate) method: &'a str,
    pub(crate) scheme: &'a str,
    pub(crate) host: &'a str,
    pub(crate) path: &'a str,
    pub(crate) client: &'a str,
    pub(crate) time: &'a str,
    /// How the principal was identified, and by whose word; `None`: nobody knows who asked.
    pub(crate) identified: Option<(&'a str, Option<&'a str>)>,
}

/// What they say of one fact.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Own<'a> {
    /// Its value.
    Known(Value<'a>),
    /// It is not there.
    Absent,
    /// Nothing.
    Silent,
}

impl<'a> OwnMembers<'a> {
    pub(crate) fn of(entry: &'a Entry) -> Self {
        let request = &entry.request;
        Self {
            method: &request.method,
            scheme: &request.scheme,
            host: &request.host,
            path: &request.path,
            client: &request.client,
            time: &entry.time,
            identified: entry
                .principal
                .as_ref()
                .map(|principal| (principal.method.as_str(), principal.issuer.as_deref())),
        }
    }

    /// What they say of the fact of this name.
    pub(crate) fn say(&self, path: &str) -> Own<'a> {
        match path {
            "context.request.method" => text(self.method),
            "context.request.scheme" => text(self.scheme),
            "context.request.host" => text(self.host),
            "context.request.path" => text(self.path),
            "context.network.ip" => known(self.client.parse::<IpAddr>().ok().map(Value::Address)),
            "context.time.now" => {
                let instant = self.time.parse::<Timestamp>().ok();
                known(instant.map(|instant| Value::Datetime(instant.as_millisecond())))
            }
            "context.auth.method" => match self.identified {
                None => text("none"),
                Some(("token", _)) => text("jwt"),
                Some(("api_key", _)) => text("api_key"),
                Some(_) => Own::Silent,
            },
            "context.auth.issuer" => match self.identified {
                Some((_, Some(issuer))) => text(issuer),
                None | Some(("api_key", None)) => Own::Absent,
                Some(_) => Own::Silent,
            },
            _ => Own::Silent,
        }
    }
}

fn known(value: Option<Value<'_>>) -> Own<'_> {
    value.map_or(Own::Silent, Own::Known)
}

/// A text, unless it is not the one that was decided on.
fn text(text: &str) -> Own<'_> {
    if text.is_empty() || redact::is_altered_text(text) {
        return Own::Silent;
    }
    Own::Known(Value::String(Cow::Borrowed(text)))
}

impl Own<'_> {
    /// The value on its own.
    #[cfg(test)]
    pub(crate) fn value(&self) -> Option<&Value<'_>> {
        match self {
            Own::Known(value) => Some(value),
            Own::Absent | Own::Silent => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_is_told_unless_it_was_altered() {
        let members = OwnMembers {
            method: "GET",
            scheme: "https",
            host: "shop.test",
            path: "/a/REDACTED",
            client: "192.0.2.7",
            time: "2026-03-03T12:00:00.123456Z",
            identified: Some(("token", Some("https://login.test"))),
        };
        let host = members.say("context.request.host");
        assert_eq!(host.value(), Some(&Value::String("shop.test".into())));
        assert_eq!(members.say("context.request.path"), Own::Silent);
        assert_eq!(members.say("context.network.ip").value(), Some(&Value::Address([192, 0, 2, 7].into())));
        assert_eq!(members.say("context.time.now").value(), Some(&Value::Datetime(1_772_539_200_123)));
        assert_eq!(members.say("context.auth.method").value(), Some(&Value::String("jwt".into())));
        assert_eq!(members.say("context.geo.country"), Own::Silent);
        let nobody = OwnMembers { identified: None, ..members };
        assert_eq!(nobody.say("context.auth.issuer"), Own::Absent);
    }
}
