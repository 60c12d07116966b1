//! One request, its caller and its situation as the facts to decide on.
//!
//! Every fact lands in exactly one of three places: known (context or overlay), absent (nowhere, and in `missing`
//! with its reason), unavailable (named, so that the engine can tell whether it matters, and in `missing`).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use portcullis_context::{Device, Fact, Situation};
use portcullis_decision::program::{Named, Reads};
use portcullis_decision::{EntityName, EntityOverlay, Facts, Ticket, Value};
use portcullis_identity::{How, Principal, PrincipalKind};
use portcullis_policy::ReadHeader;
use portcullis_record::{Fact as Recorded, Gathering};
use portcullis_request::{CanonicalRequest, Scheme};

use crate::Route;

/// The facts of one request, and why some are missing (by path: `context.geo.country`).
#[derive(Debug)]
pub struct Bound<'a> {
    /// What to decide on.
    pub facts: Facts<'a>,
    /// Facts that are not there, with "absent: …" or "unavailable: …".
    pub missing: BTreeMap<String, String>,
}

/// The records of the context.
const PARTS: usize = 6;

type Record<'a> = Vec<(Cow<'a, str>, Value<'a>)>;

/// What there is to bind.
#[derive(Debug, Clone, Copy)]
pub struct Read<'a> {
    /// The facts that policies name; `None`: all.
    pub facts: Option<&'a Reads>,
    /// The headers that they may read.
    pub headers: &'a [ReadHeader],
}

/// Binds one request: the facts that `read` names, or all. No other could change a decision by policies that read no
/// more. `ticket` is what a permit would be bound to.
#[must_use]
pub fn bind<'a>(
    request: &'a CanonicalRequest,
    route: &'a Route,
    caller: Option<&'a Principal>,
    situation: &'a Situation,
    read: Read<'a>,
    ticket: Option<Ticket>,
) -> Bound<'a> {
    let reads = read.facts;
    let mut gaps = Gaps::default();
    let principal = principal_name(caller);
    let mut attributes: Record<'a> = Vec::new();
    if let Some(caller) = caller {
        for (name, value) in caller.attributes.iter().filter(|(name, _)| reads_attribute(reads, name)) {
            match json(value) {
                Some(value) => attributes.push((Cow::Borrowed(name.as_str()), value)),
                None => gaps.unavailable_principal(name, "its value has no Cedar type"),
            }
        }
        match &situation.tier {
            _ if !reads_attribute(reads, "tier") => {}
            Fact::Known(tier) => attributes.push(("tier".into(), text(tier))),
            Fact::Absent(why) => gaps.absent("principal.tier", why),
            Fact::Unavailable(why) => gaps.unavailable_principal("tier", why),
        }
    }
    let wanted = reads.map_or(Named::WHOLE, |reads| &reads.context);
    let mut context: Record<'a> = Vec::with_capacity(PARTS);
    if let Some(wanted) = wanted.member("geo") {
        context.push(("geo".into(), Value::Record(geo(situation, wanted, &mut gaps))));
    }
    if wanted.member("network").is_some() {
        context.push(("network".into(), Value::Record(network(request, situation))));
    }
    match &situation.device {
        _ if wanted.member("device").is_none() => {}
        Fact::Known(device) => context.push(("device".into(), Value::Record(posture(device, &mut gaps)))),
        Fact::Absent(why) => {
            gaps.absent("context.device", why);
            context.push(("device".into(), Value::Record(Vec::new())));
        }
        Fact::Unavailable(why) => gaps.unavailable(&["device"], why),
    }
    if wanted.member("auth").is_some() {
        context.push(("auth".into(), Value::Record(authentication(caller, &mut gaps))));
    }
    if let Some(wanted) = wanted.member("request") {
        let mut asked = http_request(request);
        if let Some(wanted) = wanted.member("headers") {
            asked.push(("headers".into(), Value::Record(headers(request, read.headers, wanted, &mut gaps))));
        }
        context.push(("request".into(), Value::Record(asked)));
    }
    if wanted.member("time").is_some() {
        context.push(("time".into(), Value::Record(clock(situation))));
    }

    let parents = caller.map(parents).unwrap_or_default();
    let facts = Facts {
        overlay: vec![EntityOverlay { name: principal.clone(), attributes, parents }],
        principal,
        action: EntityName::new("Action", action(&request.method)),
        resource: EntityName::new("Route", route.entity.as_str()),
        context,
        unavailable: gaps.context,
        unavailable_principal: gaps.principal,
        ticket,
    };
    Bound { facts, missing: gaps.missing }
}

/// The Cedar action of a method: its own name if the schema declares it, else `OTHER`.
#[must_use]
pub fn action(method: &http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "TRACE" => "TRACE",
        _ => "OTHER",
    }
}

/// The Cedar entity type of a kind of principal.
#[must_use]
pub fn kind(kind: PrincipalKind) -> &'static str {
    match kind {
        PrincipalKind::User => "User",
        PrincipalKind::Service => "Service",
    }
}

#[derive(Default)]
struct Gaps<'a> {
    missing: BTreeMap<String, String>,
    context: Vec<Vec<Cow<'a, str>>>,
    principal: Vec<Cow<'a, str>>,
}

impl<'a> Gaps<'a> {
    fn absent(&mut self, path: &str, why: &str) {
        self.missing.insert(path.to_owned(), format!("absent: {why}"));
    }

    fn unavailable(&mut self, path: &[&'a str], why: &str) {
        self.missing.insert(format!("context.{}", path.join(".")), format!("unavailable: {why}"));
        self.context.push(path.iter().map(|name| Cow::Borrowed(*name)).collect());
    }

    fn unavailable_principal(&mut self, name: &'a str, why: &str) {
        self.missing.insert(format!("principal.{name}"), format!("unavailable: {why}"));
        self.principal.push(Cow::Borrowed(name));
    }

    /// Puts a fact into a record below `context.<of>`, or notes why it is not there.
    fn put<T>(
        &mut self,
        record: &mut Record<'a>,
        of: &'a str,
        name: &'a str,
        fact: &'a Fact<T>,
        value: impl FnOnce(&'a T) -> Value<'a>,
    ) {
        match fact {
            Fact::Known(known) => record.push((name.into(), value(known))),
            Fact::Absent(why) => self.absent(&format!("context.{of}.{name}"), why),
            Fact::Unavailable(why) => self.unavailable(&[of, name], why),
        }
    }
}

fn principal_name(caller: Option<&Principal>) -> EntityName<'_> {
    caller.map_or_else(
        || EntityName::new("Anonymous", "caller"),
        |caller| EntityName::new(kind(caller.kind), caller.id.as_str()),
    )
}

fn parents(caller: &Principal) -> Vec<EntityName<'_>> {
    let groups = caller.groups.iter().map(|group| EntityName::new("Group", group.as_str()));
    let roles = caller.roles.iter().map(|role| EntityName::new("Role", role.as_str()));
    groups.chain(roles).collect()
}

fn geo<'a>(situation: &'a Situation, wanted: &Named, gaps: &mut Gaps<'a>) -> Record<'a> {
    let mut record = Vec::new();
    let place = &situation.place;
    if wanted.member("country").is_some() {
        gaps.put(&mut record, "geo", "country", &place.country, |country| text(country));
    }
    if wanted.member("region").is_some() {
        gaps.put(&mut record, "geo", "region", &place.region, |region| text(region));
    }
    if wanted.member("asn").is_some() {
        gaps.put(&mut record, "geo", "asn", &place.asn, |asn| Value::Long(i64::from(*asn)));
    }
    record
}

fn network<'a>(request: &'a CanonicalRequest, situation: &'a Situation) -> Record<'a> {
    vec![("ip".into(), Value::Address(request.client)), ("zones".into(), texts(&situation.zones))]
}

fn posture<'a>(device: &'a Device, gaps: &mut Gaps<'a>) -> Record<'a> {
    let mut record: Record<'a> = vec![("id".into(), text(&device.id))];
    let mut put = |name: &'static str, value: Option<Value<'a>>| match value {
        Some(value) => record.push((name.into(), value)),
        None => {
            gaps.absent(&format!("context.device.{name}"), "the directory does not say");
        }
    };
    put("managed", device.managed.map(Value::Bool));
    put("compliant", device.compliant.map(Value::Bool));
    put("encrypted", device.encrypted.map(Value::Bool));
    put("os", device.os.as_deref().map(text));
    put("os_version", device.os_version.as_deref().map(text));
    put("last_seen", device.last_seen_ms.map(Value::Datetime));
    record
}

fn authentication<'a>(caller: Option<&'a Principal>, gaps: &mut Gaps<'a>) -> Record<'a> {
    let Some(caller) = caller else {
        for name in ["issuer", "acr", "time"] {
            gaps.absent(&format!("context.auth.{name}"), "the caller is unknown");
        }
        return vec![
            ("method".into(), text("none")),
            ("scopes".into(), Value::Set(Vec::new())),
            ("amr".into(), Value::Set(Vec::new())),
        ];
    };
    let mut record: Record<'_> = match &caller.how {
        How::Token { issuer, .. } => vec![("method".into(), text("jwt")), ("issuer".into(), text(issuer))],
        How::ApiKey { .. } => {
            gaps.absent("context.auth.issuer", "an API key has none");
            vec![("method".into(), text("api_key"))]
        }
    };
    record.push(("scopes".into(), texts(&caller.scopes)));
    record.push(("amr".into(), texts(&caller.amr)));
    match &caller.acr {
        Some(acr) => record.push(("acr".into(), text(acr))),
        None => gaps.absent("context.auth.acr", "the credential does not say"),
    }
    match caller.auth_time {
        Some(time) => record.push(("time".into(), Value::Datetime(unix_ms(time)))),
        None => gaps.absent("context.auth.time", "the credential does not say"),
    }
    record
}

fn http_request(request: &CanonicalRequest) -> Record<'_> {
    vec![
        ("method".into(), text(request.method.as_str())),
        ("scheme".into(), text(scheme(request.scheme))),
        ("host".into(), text(request.host.as_str())),
        ("path".into(), text(request.path.as_str())),
    ]
}

fn headers<'a>(
    request: &'a CanonicalRequest,
    declared: &'a [ReadHeader],
    wanted: &Named,
    gaps: &mut Gaps<'a>,
) -> Record<'a> {
    let mut record = Vec::new();
    for header in declared.iter().filter(|header| wanted.member(&header.name).is_some()) {
        let name = header.name.as_str();
        let lines = request.headers.get_all(name).iter().map(|line| std::str::from_utf8(line.as_bytes()));
        let value = match lines.collect::<Result<Vec<_>, _>>() {
            Ok(lines) if lines.is_empty() => {
                gaps.absent(&["context.request.headers.", name].concat(), "the caller sent none");
                continue;
            }
            Ok(lines) if !header.once => Value::Set(lines.into_iter().map(text).collect()),
            Ok(lines) if lines.len() == 1 => lines.first().map_or_else(|| text(""), |line| text(line)),
            // Admission refuses both where the policies in force read the header; a shadow set may read others.
            Ok(_) | Err(_) => {
                gaps.unavailable(
                    &["request", "headers", name],
                    "the caller sent it more than once, or not as text",
                );
                continue;
            }
        };
        record.push((name.into(), value));
    }
    record
}

/// `http` or `https`.
#[must_use]
pub fn scheme(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Http => "http",
        Scheme::Https => "https",
    }
}

fn clock(situation: &Situation) -> Record<'static> {
    vec![
        ("now".into(), Value::Datetime(situation.moment.unix_ms)),
        ("minute".into(), Value::Long(i64::from(situation.moment.minute))),
        ("weekday".into(), Value::Long(i64::from(situation.moment.weekday))),
    ]
}

fn unix_ms(time: SystemTime) -> i64 {
    let after =
        time.duration_since(UNIX_EPOCH).map(|span| i64::try_from(span.as_millis()).unwrap_or(i64::MAX));
    after.unwrap_or(0)
}

fn text(text: &str) -> Value<'_> {
    Value::String(Cow::Borrowed(text))
}

fn texts(texts: &[String]) -> Value<'_> {
    Value::Set(texts.iter().map(|entry| text(entry)).collect())
}

fn json(value: &serde_json::Value) -> Option<Value<'_>> {
    match value {
        serde_json::Value::Bool(value) => Some(Value::Bool(*value)),
        serde_json::Value::Number(value) => value.as_i64().map(Value::Long),
        serde_json::Value::String(value) => Some(text(value)),
        serde_json::Value::Array(values) => {
            values.iter().map(json).collect::<Option<Vec<_>>>().map(Value::Set)
        }
        serde_json::Value::Null | serde_json::Value::Object(_) => None,
    }
}

/// Gathers the facts as they stand in a record: `principal.tier`, `context.geo.country`, …; those that `reads` names, or
/// all.
pub(crate) fn gather(facts: &Facts<'_>, reads: Option<&Reads>, into: &mut Gathering<'_>) {
    into.put("action", Recorded::Text(Cow::Borrowed(&facts.action.id)));
    let mut name = String::with_capacity(USUAL_NAME);
    name.push_str("context");
    let context = reads.map_or(Named::WHOLE, |reads| &reads.context);
    gather_record(&mut name, &facts.context, context, into);
    for overlay in facts.overlay.iter().filter(|overlay| overlay.name == facts.principal) {
        for (attribute, value) in overlay.attributes.iter().filter(|(name, _)| reads_attribute(reads, name)) {
            name.clear();
            name.extend(["principal.", &**attribute]);
            gather_value(&mut name, value, Named::WHOLE, into);
        }
        if !overlay.parents.is_empty() {
            let parents = overlay.parents.iter().map(|parent| written(&parent.kind, &parent.id).into());
            into.put("principal.in", Recorded::Other(serde_json::Value::Array(parents.collect())));
        }
    }
    into.put("resource", Recorded::Text(written(&facts.resource.kind, &facts.resource.id).into()));
}

/// `Group::"admins"`, as Cedar writes it.
pub(crate) fn written(kind: &str, id: &str) -> String {
    // Most have nothing to be escaped.
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    if id.bytes().all(is_plain) {
        return [kind, "::\"", id, "\""].concat();
    }
    format!("{kind}::{id:?}")
}

/// Whether an attribute of the principal is among the facts to record.
pub(crate) fn reads_attribute(reads: Option<&Reads>, name: &str) -> bool {
    reads.is_none_or(|reads| reads.principal.member(name).is_some() || reads.elsewhere.member(name).is_some())
}

/// Keeps why facts are not there, of those that `reads` names or all. What is unavailable is always told: it is a fault.
pub(crate) fn keep_read(missing: &mut BTreeMap<String, String>, reads: Option<&Reads>) {
    let is_read = |path: &str| match path.split_once('.') {
        Some(("principal", name)) => reads_attribute(reads, name),
        Some((_, path)) => {
            let context = reads.map_or(Named::WHOLE, |reads| &reads.context);
            path.split('.').try_fold(context, |named, name| named.member(name)).is_some()
        }
        None => true,
    };
    missing.retain(|path, why| !why.starts_with("absent") || is_read(path));
}

/// The names of most facts are shorter.
const USUAL_NAME: usize = 64;

/// `name` is what the record is called; its members are called so with theirs behind.
fn gather_record(
    name: &mut String,
    record: &[(Cow<'_, str>, Value<'_>)],
    named: &Named,
    into: &mut Gathering<'_>,
) {
    let length = name.len();
    for (member, value) in record {
        if let Some(named) = named.member(member) {
            name.extend([".", &**member]);
            gather_value(name, value, named, into);
            name.truncate(length);
        }
    }
}

fn gather_value(name: &mut String, value: &Value<'_>, named: &Named, into: &mut Gathering<'_>) {
    match value {
        Value::Record(inner) => gather_record(name, inner, named, into),
        Value::Bool(value) => into.put(name, Recorded::Bool(*value)),
        Value::Long(value) | Value::Duration(value) => into.put(name, Recorded::Number(*value)),
        Value::String(text) | Value::Decimal(text) => into.put(name, Recorded::Text(Cow::Borrowed(text))),
        other => into.put(name, Recorded::Other(plain(other))),
    }
}

fn plain(value: &Value<'_>) -> serde_json::Value {
    match value {
        Value::Bool(value) => (*value).into(),
        Value::Long(value) | Value::Duration(value) => (*value).into(),
        Value::String(value) | Value::Decimal(value) => value.clone().into_owned().into(),
        Value::Set(values) => values.iter().map(plain).collect(),
        Value::Record(record) => {
            record.iter().map(|(name, value)| (name.clone().into_owned(), plain(value))).collect()
        }
        Value::Entity(name) => written(&name.kind, &name.id).into(),
        Value::Address(address) => address.to_string().into(),
        Value::Datetime(ms) => jiff::Timestamp::from_millisecond(*ms)
            .map_or_else(|_| (*ms).into(), |instant| instant.to_string().into()),
    }
}
