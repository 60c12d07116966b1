//! Claims into principal attributes, by the issuer's [`ClaimNames`]. Runs after the signature held.
//!
//! INVARIANT: a mapped claim is absent, or it has the right type, or the token is refused. None is ignored, because a
//! policy could not tell an ignored claim from an absent one.

use std::collections::BTreeMap;
use std::time::UNIX_EPOCH;

use serde_json::{Map, Value};

use super::times::Times;
use crate::{Absence, ClaimNames, How, IssuerSettings, Principal, fault, text};

pub(super) fn principal(
    payload: &Map<String, Value>,
    issuer: &IssuerSettings,
    how: How,
    times: &Times,
) -> Result<Principal, Absence> {
    let names = &issuer.claims;
    let claims = Claims(payload);
    claims.check_nothing_is_elsewhere(names)?;
    let id = match claims.find(&names.id)? {
        Some(Value::String(id)) if text::is_plain(id, LONGEST_ID) => id,
        Some(_) => {
            let detail =
                format!("`{}` is not a text of 1 to {LONGEST_ID} bytes without control characters", names.id);
            return Err(fault::TOKEN_SUBJECT.because(detail));
        }
        None => return Err(fault::TOKEN_SUBJECT.because(format!("it has no `{}`", names.id))),
    };
    let mut attributes = BTreeMap::new();
    for (attribute, claim) in &names.attributes {
        if let Some(value) = claims.attribute(claim)? {
            attributes.insert(attribute.clone(), value);
        }
    }
    Ok(Principal {
        kind: issuer.kind,
        id: format!("{}{id}", issuer.id_prefix),
        how,
        attributes,
        groups: claims.texts(names.groups.as_deref())?,
        roles: claims.texts(names.roles.as_deref())?,
        tier: claims.text(names.tier.as_deref())?,
        device: claims.text(names.device.as_deref())?,
        scopes: claims.scopes(&names.scopes)?,
        acr: claims.text(Some("acr"))?,
        amr: claims.array("amr")?,
        auth_time: times.authenticated.map(|since| UNIX_EPOCH + since),
        expires: Some(UNIX_EPOCH + times.expires),
    })
}

struct Claims<'p>(&'p Map<String, Value>);

impl<'p> Claims<'p> {
    /// A claim by its whole name, else by its path into objects.
    fn find(&self, name: &str) -> Result<Option<&'p Value>, Absence> {
        if let Some(value) = self.0.get(name) {
            return Ok(Some(value));
        }
        let mut steps = name.split('.');
        let mut value = steps.next().and_then(|first| self.0.get(first));
        for step in steps {
            value = match value {
                None => return Ok(None),
                Some(Value::Object(members)) => members.get(step),
                Some(_) => return Err(wrong(name, "goes through something that is not an object")),
            };
        }
        Ok(value)
    }

    fn text(&self, name: Option<&str>) -> Result<Option<String>, Absence> {
        let Some(name) = name else { return Ok(None) };
        match self.find(name)? {
            None => Ok(None),
            Some(Value::String(value)) if text::is_plain(value, LONGEST_TEXT) => Ok(Some(value.clone())),
            Some(_) => Err(wrong(name, "is not a text of reasonable length without control characters")),
        }
    }

    /// An array of texts, or one text.
    fn texts(&self, name: Option<&str>) -> Result<Vec<String>, Absence> {
        let Some(name) = name else { return Ok(Vec::new()) };
        match self.find(name)? {
            Some(Value::String(_)) => Ok(self.text(Some(name))?.into_iter().collect()),
            _ => self.array(name),
        }
    }

    fn array(&self, name: &str) -> Result<Vec<String>, Absence> {
        match self.find(name)? {
            None => Ok(Vec::new()),
            Some(Value::Array(values)) => values.iter().map(|value| plain(value, name)).collect(),
            Some(_) => Err(wrong(name, "is not an array of texts")),
        }
    }

    /// A space-separated text (RFC 6749 §3.3, RFC 8693 §4.2) or an array of scopes.
    fn scopes(&self, name: &str) -> Result<Vec<String>, Absence> {
        let listed: Vec<&str> = match self.find(name)? {
            None => return Ok(Vec::new()),
            Some(Value::String(joined)) => joined.split(' ').filter(|scope| !scope.is_empty()).collect(),
            Some(Value::Array(values)) => values
                .iter()
                .map(Value::as_str)
                .collect::<Option<_>>()
                .ok_or_else(|| wrong(name, "holds something that is not a text"))?,
            Some(_) => return Err(wrong(name, "is neither a text nor an array of texts")),
        };
        if listed.iter().all(|scope| text::is_scope(scope)) {
            return Ok(listed.into_iter().map(str::to_owned).collect());
        }
        Err(wrong(name, "holds something that is not an OAuth scope"))
    }

    fn attribute(&self, name: &str) -> Result<Option<Value>, Absence> {
        let value = match self.find(name)? {
            None => return Ok(None),
            Some(value @ Value::Bool(_)) => value.clone(),
            // Cedar has whole numbers of 64 bits. What is none would vanish on the way to a policy, and a forbid that
            // asks for it would not hold.
            Some(Value::Number(number)) if number.as_i64().is_none() => {
                return Err(wrong(name, "is no whole number of 64 bits"));
            }
            Some(value @ Value::Number(_)) => value.clone(),
            Some(value @ Value::String(_)) => Value::String(plain(value, name)?),
            Some(Value::Array(_)) => self.array(name)?.into(),
            Some(_) => return Err(wrong(name, "is neither a scalar nor an array of texts")),
        };
        Ok(Some(value))
    }

    /// Claims that the token says are held elsewhere: Entra's group overage (`hasgroups`, or `_claim_names.groups`
    /// with an address in `_claim_sources`), and aggregated or distributed claims at large (OpenID Connect Core
    /// §5.6.2). The address is not followed, and calling them absent would be wrong, so they are unavailable.
    fn check_nothing_is_elsewhere(&self, names: &ClaimNames) -> Result<(), Absence> {
        let elsewhere = match self.0.get("_claim_names") {
            None => None,
            Some(Value::Object(elsewhere)) => Some(elsewhere),
            Some(_) => return Err(wrong("_claim_names", "is not an object")),
        };
        let is_elsewhere = |name: &str| {
            let first = name.split('.').next().unwrap_or(name);
            elsewhere.is_some_and(|elsewhere| elsewhere.contains_key(name) || elsewhere.contains_key(first))
        };
        if let Some(groups) = &names.groups {
            // Older Entra tokens write the text "true".
            let has_groups = match self.0.get("hasgroups") {
                None | Some(Value::Bool(false)) => false,
                Some(Value::Bool(true)) => true,
                Some(Value::String(text)) => text == "true",
                Some(_) => return Err(wrong("hasgroups", "is not a boolean")),
            };
            if (has_groups && self.find(groups)?.is_none()) || is_elsewhere(groups) {
                let detail = "the issuer left the groups out of the token because there are too many; have it send \
                              only the groups assigned to the application, or map roles";
                return Err(fault::GROUPS_OVERAGE.because(detail));
            }
        }
        let single = [&names.roles, &names.tier, &names.device].into_iter().flatten();
        let fixed = ["acr", "amr", "auth_time"];
        let mapped = single.chain([&names.id, &names.scopes]).chain(names.attributes.values());
        match mapped.map(String::as_str).chain(fixed).find(|name| is_elsewhere(name)) {
            None => Ok(()),
            Some(name) => {
                Err(fault::CLAIMS_ELSEWHERE.because(format!("`{name}` is only named in `_claim_names`")))
            }
        }
    }
}

fn plain(value: &Value, name: &str) -> Result<String, Absence> {
    match value {
        Value::String(value) if text::is_plain(value, LONGEST_TEXT) => Ok(value.clone()),
        _ => Err(wrong(
            name,
            "holds something that is not a text of reasonable length without control characters",
        )),
    }
}

fn wrong(name: &str, why: &str) -> Absence {
    fault::TOKEN_CLAIM.because(format!("`{name}` {why}"))
}

/// OpenID Connect Core §2 bounds `sub` so.
const LONGEST_ID: usize = 255;
const LONGEST_TEXT: usize = 1_024;
