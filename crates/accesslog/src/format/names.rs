//! What fields are called: by nginx, Apache, Caddy, Traefik, HAProxy, Envoy, cloud balancers, IIS, and by people who name
//! them in JSON. One list for all formats; a name that is not in it is not read.

use std::borrow::Cow;

use super::{stamp, text};
use crate::entry::{Entry, is_status, said};

/// Which field of an [`Entry`] a name means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    Time,
    Date,
    Clock,
    Address,
    BetterAddress,
    User,
    Request,
    Method,
    Target,
    Query,
    Protocol,
    Status,
    Size,
    Referrer,
    Agent,
    Upstream,
    Host,
    Seconds,
    Milliseconds,
    Microseconds,
    Note,
}

/// What a name means; letters' case, dashes and underscores aside.
pub(crate) fn meaning(name: &str) -> Option<Meaning> {
    let mut plain = [0u8; 40];
    let mut length = 0;
    for byte in name.bytes().filter(|byte| byte.is_ascii_alphanumeric()) {
        *plain.get_mut(length)? = byte.to_ascii_lowercase();
        length += 1;
    }
    Some(match plain.get(..length)? {
        b"time"
        | b"ts"
        | b"timestamp"
        | b"timelocal"
        | b"timeiso8601"
        | b"msec"
        | b"starttime"
        | b"startutc"
        | b"startlocal"
        | b"datetime"
        | b"requesttimestamp"
        | b"accept"
        | b"eventtime"
        | b"requestts"
        | b"edgestarttimestamp"
        | b"reqtimesec" => Meaning::Time,
        b"date" => Meaning::Date,
        b"clock" => Meaning::Clock,
        b"remoteaddr"
        | b"remoteip"
        | b"address"
        | b"clientaddr"
        | b"client"
        | b"cip"
        | b"ip"
        | b"remotehost"
        | b"sourceip"
        | b"srcip"
        | b"clientaddress"
        | b"peer"
        | b"downstreamremoteaddress"
        | b"remote" => Meaning::Address,
        b"clientip"
        | b"cliip"
        | b"clienthost"
        | b"realip"
        | b"realipremoteaddr"
        | b"xforwardedfor"
        | b"httpxforwardedfor"
        | b"httpxrealip"
        | b"xrealip"
        | b"httpcfconnectingip"
        | b"xff" => Meaning::BetterAddress,
        b"remoteuser" | b"user" | b"userid" | b"username" | b"clientusername" | b"csusername"
        | b"account" | b"accountid" | b"sub" | b"uid" => Meaning::User,
        b"request" | b"requestline" => Meaning::Request,
        b"requestmethod"
        | b"method"
        | b"httpmethod"
        | b"verb"
        | b"csmethod"
        | b"clientrequestmethod"
        | b"reqmethod" => Meaning::Method,
        b"requesturi"
        | b"uri"
        | b"requestpath"
        | b"path"
        | b"url"
        | b"target"
        | b"csuristem"
        | b"requesturl"
        | b"httppath"
        | b"xenvoyoriginalpath"
        | b"clientrequesturi"
        | b"reqpath" => Meaning::Target,
        b"query" | b"querystring" | b"args" | b"csuriquery" => Meaning::Query,
        b"serverprotocol" | b"protocol" | b"proto" | b"requestprotocol" | b"csversion"
        | b"csprotocolversion" | b"httpversion" => Meaning::Protocol,
        b"status"
        | b"statuscode"
        | b"responsecode"
        | b"responsestatus"
        | b"httpstatus"
        | b"downstreamstatus"
        | b"scstatus"
        | b"code"
        | b"elbstatuscode"
        | b"edgeresponsestatus"
        | b"httpstatuscode" => Meaning::Status,
        b"bodybytessent"
        | b"bytessent"
        | b"size"
        | b"bytes"
        | b"scbytes"
        | b"downstreamcontentsize"
        | b"responsesize"
        | b"bytesout"
        | b"resbody"
        | b"responsebytes"
        | b"edgeresponsebytes" => Meaning::Size,
        b"httpreferer"
        | b"httpreferrer"
        | b"referer"
        | b"referrer"
        | b"requestreferer"
        | b"csreferer"
        | b"ref"
        | b"clientrequestreferer" => Meaning::Referrer,
        b"httpuseragent"
        | b"useragent"
        | b"agent"
        | b"requestuseragent"
        | b"csuseragent"
        | b"ua"
        | b"clientrequestuseragent" => Meaning::Agent,
        b"upstreamaddr" | b"upstream" | b"upstreamhost" | b"upstreamaddress" | b"serviceaddr"
        | b"serviceurl" | b"backend" | b"backendserver" | b"sip" | b"node" | b"servernode"
        | b"targetaddress" | b"origin" | b"upstreamcluster" | b"ups" | b"be" | b"originip" => {
            Meaning::Upstream
        }
        b"host" | b"httphost" | b"servername" | b"requesthost" | b"vhost" | b"cshost" | b"authority"
        | b"xhostheader" | b"virtualhost" | b"domain" | b"clientrequesthost" | b"reqhost" => Meaning::Host,
        b"requesttime" | b"rt" | b"duration" | b"elapsed" | b"latency" => Meaning::Seconds,
        b"durationms" | b"requesttimems" | b"latencyms" | b"timetaken" | b"responsetimems" | b"elapsedms" => {
            Meaning::Milliseconds
        }
        b"durationus" | b"timeus" | b"requesttimeus" => Meaning::Microseconds,
        b"note" | b"flags" | b"responseflags" | b"terminationstate" | b"actionsexecuted" | b"scsubstatus" => {
            Meaning::Note
        }
        _ => return None,
    })
}

/// Stores a value under its name; the first of several stays, but for addresses that are known to be better.
pub(crate) fn put<'a>(name: &str, value: Cow<'a, str>, entry: &mut Entry<'a>) -> bool {
    let Some(meaning) = meaning(name) else { return false };
    store(meaning, value, entry);
    true
}

/// Stores a value by its meaning.
pub(crate) fn store<'a>(meaning: Meaning, value: Cow<'a, str>, entry: &mut Entry<'a>) {
    if said(&value).is_empty() {
        return;
    }
    let field = match meaning {
        Meaning::User => &mut entry.user,
        Meaning::Method => &mut entry.method,
        Meaning::Protocol => &mut entry.protocol,
        Meaning::Referrer => &mut entry.referrer,
        Meaning::Agent => &mut entry.agent,
        Meaning::Host => &mut entry.host,
        Meaning::Note => &mut entry.note,
        other => return store_read(other, value, entry),
    };
    if field.is_empty() {
        *field = value;
    }
}

/// Stores a value that is not kept as it is written.
fn store_read<'a>(meaning: Meaning, value: Cow<'a, str>, entry: &mut Entry<'a>) {
    let scaled = |factor: f64| {
        let number = value.trim_end_matches(|last: char| last.is_ascii_alphabetic()).parse::<f64>().ok();
        number.filter(|number| (0.0..1e9).contains(number)).map(|number| (number * factor) as u64)
    };
    match meaning {
        Meaning::Time => entry.time = entry.time.or_else(|| stamp::read(value.as_bytes())),
        Meaning::Address if entry.address.is_empty() => entry.address = address(value),
        Meaning::BetterAddress if text::is_address(&value) => entry.address = address(value),
        Meaning::Request if entry.target.is_empty() => text::split_request(value, entry),
        Meaning::Target if entry.target.is_empty() => entry.target = value,
        Meaning::Query if !entry.target.contains('?') => {
            entry.target = Cow::Owned(format!("{}?{value}", entry.target));
        }
        Meaning::Status if entry.status == 0 => {
            entry.status = value.parse().ok().filter(|status| is_status(*status)).unwrap_or(0);
        }
        // HAProxy's `backend/<NOSRV>`: no server was asked, which follows from a refusal and does not explain it.
        Meaning::Upstream if value.contains('<') => {}
        Meaning::Upstream if entry.upstream.is_empty() => entry.upstream = value,
        Meaning::Size => entry.size = entry.size.or_else(|| value.parse().ok()),
        Meaning::Seconds => entry.duration = entry.duration.or_else(|| scaled(1e6)),
        Meaning::Milliseconds => entry.duration = entry.duration.or_else(|| scaled(1e3)),
        Meaning::Microseconds => entry.duration = entry.duration.or_else(|| scaled(1.0)),
        _ => {}
    }
}

fn address(value: Cow<'_, str>) -> Cow<'_, str> {
    match value {
        Cow::Borrowed(value) => Cow::Borrowed(text::without_port(value)),
        Cow::Owned(value) => Cow::Owned(text::without_port(&value).to_owned()),
    }
}
