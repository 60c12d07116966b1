//! What the origin learns from us: who the caller is, and the reference of the decision.
//!
//! INVARIANT: a caller's copy of these names never reaches an origin (`portcullis_request::headers` removes it by folded
//! name), and values are percent-encoded, so a claim can neither end a field nor start another (compare Envoy
//! CVE-2023-27493).

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use portcullis_context::{Fact, Situation};
use portcullis_identity::Principal;
use portcullis_request::Reference;

use crate::bind::facts::kind;

/// Encoded in values: controls, everything beyond ASCII, `%` itself, `,` since lists are joined by it, and spaces, since
/// readers trim them: `alice ` must not arrive as `alice`.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'%').add(b',');

/// Headers for the origin. Without a caller (public routes) there is the reference alone.
#[must_use]
pub fn of(caller: Option<&Principal>, situation: &Situation, reference: Reference) -> HeaderMap {
    let mut headers = HeaderMap::new();
    put(&mut headers, "x-portcullis-ref", &reference.to_string());
    if let Some(caller) = caller {
        put(&mut headers, "x-portcullis-user", &encoded(&caller.id));
        put(&mut headers, "x-portcullis-kind", kind(caller.kind));
        if !caller.groups.is_empty() {
            let groups: Vec<_> = caller.groups.iter().map(|group| encoded(group)).collect();
            put(&mut headers, "x-portcullis-groups", &groups.join(","));
        }
        if let Fact::Known(tier) = &situation.tier {
            put(&mut headers, "x-portcullis-tier", &encoded(tier));
        }
    }
    headers
}

fn encoded(text: &str) -> Cow<'_, str> {
    utf8_percent_encode(text, ENCODED).into()
}

fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    // Encoded text is visible ASCII and spaces, which is always a valid field value.
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::SystemTime;

    use portcullis_context::{Moment, Place};
    use portcullis_identity::{How, PrincipalKind};

    use super::*;

    fn situation(tier: Fact<String>) -> Situation {
        let nowhere = || "no database".to_owned();
        Situation {
            place: Place {
                country: Fact::Absent(nowhere()),
                region: Fact::Absent(nowhere()),
                asn: Fact::Absent(nowhere()),
            },
            zones: Vec::new(),
            device: Fact::Absent("none named".to_owned()),
            tier,
            moment: Moment { unix_ms: 0, minute: 0, weekday: 4 },
        }
    }

    fn caller(id: &str, groups: &[&str]) -> Principal {
        Principal {
            kind: PrincipalKind::User,
            id: id.to_owned(),
            how: How::ApiKey { prefix: "abc".to_owned() },
            attributes: BTreeMap::new(),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            roles: Vec::new(),
            tier: None,
            device: None,
            scopes: Vec::new(),
            acr: None,
            amr: Vec::new(),
            auth_time: None,
            expires: None,
        }
    }

    /// threats.md 17: claims with CR, LF, NUL or bytes beyond ASCII in identity headers.
    #[test]
    fn hostile_claims_stay_one_value() {
        let reference = Reference::new(SystemTime::now());
        let hostile = caller("a\r\nX-Admin: 1\0ü%", &["x,y", "z"]);
        let headers = of(Some(&hostile), &situation(Fact::Known("gold\n".to_owned())), reference);
        assert_eq!(headers["x-portcullis-user"], "a%0D%0AX-Admin:%201%00%C3%BC%25");
        assert_eq!(headers["x-portcullis-groups"], "x%2Cy,z");
        assert_eq!(headers["x-portcullis-tier"], "gold%0A");
        assert_eq!(headers["x-portcullis-kind"], "User");
        assert_eq!(headers.len(), 5);
    }

    #[test]
    fn strangers_have_a_reference_and_no_name() {
        let reference = Reference::new(SystemTime::now());
        let headers = of(None, &situation(Fact::Absent("nobody".to_owned())), reference);
        assert_eq!(headers.len(), 1);
        assert_eq!(headers["x-portcullis-ref"], reference.to_string());
    }
}
