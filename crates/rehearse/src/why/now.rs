//! The same request, asked again now: the same credential from the same address on the same device, and what directory,
//! databases and clock say of these by now.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::SystemTime;

use portcullis_context::{Device, Directory, Fact, Situator};
use portcullis_decision::Value;
use portcullis_identity::PrincipalKind;
use portcullis_record::Entry;

use crate::Question;
use crate::question::{FactPath, entity, shown, typed};

/// A fact that is otherwise now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Its name; `principal` for what the caller is in.
    pub fact: String,
    /// What it was, for people; `None`: not there.
    pub then: Option<String>,
    /// What it is.
    pub now: Option<String>,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "absent".to_owned());
        write!(f, "{}: {} then, {} now", self.fact, side(&self.then), side(&self.now))
    }
}

/// The question as it would be asked now; `None` where the record does not say from which address.
pub(super) fn refreshed(
    question: &Question,
    entry: &Entry,
    directory: &Directory,
    situator: &Situator,
    now: SystemTime,
) -> Option<Question> {
    let client: IpAddr = entry.request.client.parse().ok()?;
    let situation = situator.situate(None, client, now);
    let mut asked = question.clone();
    principal(&mut asked, entry, directory);
    let text = |text: &String| Value::String(text.clone().into());
    put(&mut asked, &["geo", "country"], &situation.place.country, text);
    put(&mut asked, &["geo", "region"], &situation.place.region, text);
    put(&mut asked, &["geo", "asn"], &situation.place.asn, |asn| Value::Long(i64::from(*asn)));
    let zones = situation.zones.iter().map(|zone| Value::String(zone.clone().into())).collect();
    asked.set(&FactPath::context(&["network", "zones"]), Value::Set(zones));
    let known = asked.get(&FactPath::context(&["device", "id"])).cloned();
    if let Some(Value::String(id)) = known {
        match directory.devices.get(id.as_ref()) {
            Some(device) => posture(&mut asked, device),
            None => asked.set(&FactPath::context(&["device"]), Value::Record(Vec::new())),
        }
    }
    let moment = situation.moment;
    asked.set(&FactPath::context(&["time", "now"]), Value::Datetime(moment.unix_ms));
    asked.set(&FactPath::context(&["time", "minute"]), Value::Long(i64::from(moment.minute)));
    asked.set(&FactPath::context(&["time", "weekday"]), Value::Long(i64::from(moment.weekday)));
    Some(asked)
}

/// What the directory says of the principal by now; what only the credential said stays.
fn principal(asked: &mut Question, entry: &Entry, directory: &Directory) {
    let kind = match asked.principal.0.as_str() {
        "User" => PrincipalKind::User,
        "Service" => PrincipalKind::Service,
        _ => return,
    };
    let credential = entry.facts.get("principal.in").and_then(serde_json::Value::as_array);
    let credential = credential.into_iter().flatten().filter_map(serde_json::Value::as_str);
    asked.parents = credential.filter_map(entity).collect();
    let Some(person) = directory.person(kind, &asked.principal.1) else { return };
    let groups = person.groups.iter().map(|group| ("Group".to_owned(), group.clone()));
    asked.parents.extend(groups.chain(person.roles.iter().map(|role| ("Role".to_owned(), role.clone()))));
    if let Some(tier) = &person.tier {
        asked.set(&FactPath::principal("tier"), Value::String(tier.clone().into()));
    }
    for (name, value) in &person.attributes {
        let path = FactPath::principal(name);
        // What the request said of an attribute went before what the directory says, and is not told apart in a record.
        if asked.get(&path).is_none()
            && let Some(value) = typed(&path.to_string(), value)
        {
            asked.set(&path, value);
        }
    }
}

fn posture(asked: &mut Question, device: &Device) {
    let mut put = |name: &str, value: Option<Value<'static>>| {
        let path = FactPath::context(&["device", name]);
        match value {
            Some(value) => asked.set(&path, value),
            None => asked.remove(&path),
        }
    };
    let text = |text: &Option<String>| text.clone().map(|text| Value::String(text.into()));
    put("managed", device.managed.map(Value::Bool));
    put("compliant", device.compliant.map(Value::Bool));
    put("encrypted", device.encrypted.map(Value::Bool));
    put("os", text(&device.os));
    put("os_version", text(&device.os_version));
    put("last_seen", device.last_seen_ms.map(Value::Datetime));
}

fn put<T>(asked: &mut Question, path: &[&str], fact: &Fact<T>, value: impl Fn(&T) -> Value<'static>) {
    let path = FactPath::context(path);
    match fact {
        Fact::Known(known) => asked.set(&path, value(known)),
        Fact::Absent(_) => asked.remove(&path),
        Fact::Unavailable(why) => {
            asked.remove(&path);
            asked.unknown.insert(path, why.clone());
        }
    }
}

/// What differs between two askings, beside the clock; facts that were not known at one of them are no difference.
pub(super) fn differences(then: &Question, now: &Question) -> Vec<Difference> {
    let mut found = Vec::new();
    let groups = |question: &Question| {
        let names: Vec<_> = question.parents.iter().map(|(kind, id)| format!("{kind}::{id:?}")).collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    if then.parents != now.parents {
        found.push(Difference { fact: "principal in".to_owned(), then: groups(then), now: groups(now) });
    }
    let paths: BTreeSet<FactPath> = leaves(then).into_iter().chain(leaves(now)).collect();
    let differs = paths.into_iter().filter(|path| {
        !path.is_in(&["time"])
            && then.get(path) != now.get(path)
            && !then.unknown.contains_key(path)
            && !now.unknown.contains_key(path)
            // What was not recorded was not read, and is no difference either.
            && (then.get(path).is_some() || then.absent.contains_key(&path.to_string()))
    });
    found.extend(differs.map(|path| Difference {
        fact: path.to_string(),
        then: then.get(&path).map(shown),
        now: now.get(&path).map(shown),
    }));
    found
}

/// Every fact that is no record.
fn leaves(question: &Question) -> Vec<FactPath> {
    let mut leaves: Vec<FactPath> =
        question.attributes.keys().map(|name| FactPath::principal(name)).collect();
    let mut open: Vec<(Vec<&str>, &Value<'static>)> =
        question.context.iter().map(|(name, value)| (vec![name.as_ref()], value)).collect();
    while let Some((path, value)) = open.pop() {
        match value {
            Value::Record(fields) => open.extend(
                fields.iter().map(|(name, value)| ([path.as_slice(), &[name.as_ref()]].concat(), value)),
            ),
            _ => leaves.push(FactPath::context(&path)),
        }
    }
    leaves
}
