//! One experiment: the request as reported with one thing changed, and what the change told. Probes are safe by
//! construction: no method that changes things is ever made here, no payload is added, nothing but what was sent is
//! taken away, and made-up names are plain words.

use crate::answer::Outcome;
use crate::asked::{Asked, Scheme, Url, Version};

/// What is changed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Probe {
    /// Nothing.
    AsGiven,
    /// Where a redirect led.
    Redirect,
    /// Nothing, once more.
    Repeat,
    /// Nothing, after waiting.
    Pause,
    /// Another User-Agent.
    Agent,
    /// The headers of a browser.
    Browser,
    /// No Referer.
    Referer,
    /// The site itself as Referer.
    OwnReferer,
    /// No Origin.
    Origin,
    /// No Cookie.
    Cookie,
    /// No credentials.
    Credentials,
    /// No query.
    Query,
    /// Without the argument at this place.
    Argument(usize),
    /// Without the headers given by hand that no other probe takes out.
    ExtraHeader,
    /// `GET` in place of the method.
    Get,
    /// No WebSocket handshake.
    Plain,
    /// Past caches.
    Cache,
    /// The other version of HTTP.
    OtherVersion,
    /// One of the other addresses.
    Address(std::net::IpAddr),
    /// Over https.
    Scheme,
    /// Without the proxy.
    Direct,
    /// Through the proxy, to the usual port.
    Port,
    /// The host of the address as Host.
    Host,
    /// A made-up name beside it.
    Sibling,
    /// A made-up name below it.
    Child,
    /// A made-up name with the same suffix.
    Suffix,
    /// A made-up hidden name.
    Dot,
    /// The root.
    Root,
    /// The folder above.
    Parent,
    /// The slash at the end turned round.
    Slash,
}

impl Probe {
    /// The group of signals it speaks for.
    #[must_use]
    pub fn group(&self) -> &'static str {
        match self {
            Self::AsGiven | Self::Redirect => "given",
            Self::Repeat => "repeat",
            Self::Pause => "pause",
            Self::Agent => "agent",
            Self::Browser => "browser",
            Self::Referer => "referer",
            Self::OwnReferer => "own-referer",
            Self::Origin => "origin",
            Self::Cookie => "cookie",
            Self::Credentials => "credentials",
            Self::Query => "query",
            Self::Argument(_) => "argument",
            Self::ExtraHeader => "extra-header",
            Self::Get => "get",
            Self::Plain => "plain",
            Self::Cache => "cache",
            Self::OtherVersion => "version",
            Self::Address(_) => "family",
            Self::Scheme => "scheme",
            Self::Direct => "direct",
            Self::Port => "port",
            Self::Host => "host",
            Self::Sibling => "sibling",
            Self::Child => "child",
            Self::Suffix => "suffix",
            Self::Dot => "dot",
            Self::Root => "root",
            Self::Parent => "parent",
            Self::Slash => "slash",
        }
    }

    /// What it is, for people.
    #[must_use]
    pub fn what(&self) -> String {
        match self {
            Self::AsGiven => "the request as given".to_owned(),
            Self::Redirect => "where the redirect leads".to_owned(),
            Self::Repeat => "the same once more".to_owned(),
            Self::Pause => "the same after a pause".to_owned(),
            Self::Agent => "with another User-Agent".to_owned(),
            Self::Browser => "with the headers of a browser".to_owned(),
            Self::Referer => "without the Referer".to_owned(),
            Self::OwnReferer => "with the site itself as Referer".to_owned(),
            Self::Origin => "without the Origin".to_owned(),
            Self::Cookie => "without the Cookie".to_owned(),
            Self::Credentials => "without the credentials".to_owned(),
            Self::Query => "without the query".to_owned(),
            Self::Argument(at) => format!("without argument {} of the query", at + 1),
            Self::ExtraHeader => "without the headers given by hand".to_owned(),
            Self::Get => "with GET in place of the method".to_owned(),
            Self::Plain => "without the WebSocket handshake".to_owned(),
            Self::Cache => "past the cache".to_owned(),
            Self::OtherVersion => "with another version of HTTP".to_owned(),
            Self::Address(address) => format!("at {address}"),
            Self::Scheme => "over https".to_owned(),
            Self::Direct => "without the proxy".to_owned(),
            Self::Port => "through the proxy to the usual port".to_owned(),
            Self::Host => "with the host of the address as Host".to_owned(),
            Self::Sibling => "a made-up name beside it".to_owned(),
            Self::Child => "a made-up name below it".to_owned(),
            Self::Suffix => "a made-up name with the same suffix".to_owned(),
            Self::Dot => "a made-up hidden name".to_owned(),
            Self::Root => "the root of the site".to_owned(),
            Self::Parent => "the folder above".to_owned(),
            Self::Slash => "with the slash at the end turned round".to_owned(),
        }
    }

    /// Makes the request. None where it makes no sense for what was asked, or would change what it must not.
    ///
    /// INVARIANT: an unsafe method never leaves here; only [`Probe::AsGiven`] and its repetitions may carry one, and the
    /// caller of `apply` has the leave for these.
    #[must_use]
    pub fn apply(&self, asked: &Asked, made_up: &str) -> Option<Asked> {
        let mut changed = asked.clone();
        match self {
            Self::AsGiven | Self::Redirect | Self::Repeat | Self::Pause => return Some(changed),
            Self::Address(_) => {
                changed.family = crate::asked::Family::Any;
                return Some(changed);
            }
            _ if asked.is_unsafe() && *self != Self::Get => quiet(&mut changed),
            _ => {}
        }
        match self {
            Self::Agent => changed.set_header("User-Agent", other_agent(asked)),
            Self::Browser => {
                for (name, value) in BROWSER {
                    changed.set_header(name, value);
                }
            }
            Self::Referer => take_out(&mut changed, &["referer"])?,
            Self::OwnReferer => {
                asked.header("referer")?;
                let own = format!("{}://{}/", asked.url.scheme.as_str(), host_with_port(asked));
                changed.set_header("Referer", &own);
            }
            Self::Origin => {
                take_out(&mut changed, &["origin"])?;
                take_out_all(&mut changed, |name| name.starts_with("access-control-request"));
            }
            Self::Cookie => take_out(&mut changed, &["cookie"])?,
            Self::Credentials => without_credentials(&mut changed)?,
            Self::Query => {
                changed.url.query.take()?;
            }
            Self::Argument(at) => without_argument(&mut changed.url, *at)?,
            Self::ExtraHeader => {
                let before = changed.headers.len();
                take_out_all(&mut changed, is_extra);
                if changed.headers.len() == before {
                    return None;
                }
            }
            Self::Get => get(&mut changed)?,
            Self::Plain => plain(&mut changed)?,
            Self::Cache => past_caches(&mut changed, made_up),
            Self::OtherVersion => {
                if asked.url.scheme != Scheme::Https {
                    return None;
                }
                changed.version = if asked.version == Version::One { Version::Two } else { Version::One };
            }
            Self::Scheme => to_https(&mut changed)?,
            Self::Direct => {
                changed.proxy.take()?;
            }
            Self::Port => to_usual_port(&mut changed)?,
            Self::Host => {
                asked.header("host")?;
                changed.remove_header("Host");
            }
            _ => self.elsewhere(asked, &mut changed.url, made_up)?,
        }
        Some(changed)
    }

    /// Probes of other paths. The query stays behind: it belongs to the path that was asked for.
    fn elsewhere(&self, asked: &Asked, url: &mut Url, made_up: &str) -> Option<()> {
        let folder = asked.url.folder().to_owned();
        let is_folder = asked.url.path.ends_with('/');
        url.query = None;
        url.path = match self {
            Self::Sibling if !is_folder => format!("{folder}{made_up}"),
            Self::Child if is_folder => format!("{folder}{made_up}"),
            Self::Child => format!("{}/{made_up}", asked.url.path),
            Self::Suffix => format!("{folder}{made_up}{}", asked.url.suffix()?),
            Self::Dot => {
                let first = asked.url.path.find("/.").map_or(folder.len(), |at| at + 1);
                format!("{}.{made_up}", asked.url.path.get(..first).unwrap_or("/"))
            }
            Self::Root if asked.url.path != "/" => "/".to_owned(),
            Self::Parent => above(&asked.url.path)?,
            Self::Slash if asked.url.path == "/" => return None,
            Self::Slash if is_folder => asked.url.path.trim_end_matches('/').to_owned(),
            Self::Slash => format!("{}/", asked.url.path),
            _ => return None,
        };
        (!url.path.is_empty() && url.path != asked.url.path).then_some(())
    }
}

/// What an answer to a probe is, seen beside the refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// Refused in the same way.
    Same,
    /// Refused in another way.
    Other,
    /// Let through.
    Passes,
    /// 404, 410.
    Missing,
    /// 401, or a redirect to a sign-in.
    Challenge,
    /// 405, 501.
    Method,
    /// A redirect to the address that is refused.
    Redirects,
    /// Another answer.
    Odd,
    /// No answer.
    Nothing,
}

impl Told {
    /// The outcome's name in signals.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Other => "other",
            Self::Passes => "passes",
            Self::Missing => "missing",
            Self::Challenge => "challenge",
            Self::Method => "method",
            Self::Redirects => "redirects",
            Self::Odd => "odd",
            Self::Nothing => "nothing",
        }
    }
}

/// A probe that was made.
#[derive(Debug, Clone)]
pub struct Trial {
    /// Which.
    pub probe: Probe,
    /// What was sent.
    pub sent: Asked,
    /// What came back.
    pub outcome: Outcome,
}

/// The first folder above that is not the root.
fn above(path: &str) -> Option<String> {
    let trimmed = path.trim_end_matches('/');
    let at = trimmed.rfind('/')?;
    (at > 0).then(|| trimmed.get(..=at).unwrap_or("/").to_owned())
}

/// Without body and what describes it: what remains is a question.
fn quiet(asked: &mut Asked) {
    asked.method = "GET".to_owned();
    asked.body = None;
    take_out_all(asked, |name| name == "content-type" || name == "content-length" || name == "expect");
}

fn get(asked: &mut Asked) -> Option<()> {
    if asked.method == "GET" {
        return None;
    }
    quiet(asked);
    take_out_all(asked, |name| name.starts_with("access-control-request"));
    Some(())
}

fn plain(asked: &mut Asked) -> Option<()> {
    asked.header("upgrade")?;
    take_out_all(asked, |name| matches!(name, "upgrade" | "connection") || name.starts_with("sec-websocket"));
    Some(())
}

fn past_caches(asked: &mut Asked, made_up: &str) {
    asked.set_header("Cache-Control", "no-cache");
    asked.set_header("Pragma", "no-cache");
    let sign = if asked.url.query.is_some() { "&" } else { "" };
    let query = asked.url.query.take().unwrap_or_default();
    asked.url.query = Some(format!("{query}{sign}_={made_up}"));
}

/// Through a proxy only: whether it minds the host or the port.
fn to_usual_port(asked: &mut Asked) -> Option<()> {
    let usual = asked.url.scheme.default_port();
    if asked.proxy.is_none() || asked.url.port == usual {
        return None;
    }
    asked.url.port = usual;
    Some(())
}

fn to_https(asked: &mut Asked) -> Option<()> {
    if asked.url.scheme == Scheme::Https {
        return None;
    }
    asked.url.scheme = Scheme::Https;
    if asked.url.port == 80 {
        asked.url.port = 443;
    } else if asked.url.port == 8080 {
        asked.url.port = 8443;
    } else {
        // Another port speaks one protocol; asking it for the other only makes noise in its log.
        return None;
    }
    Some(())
}

fn take_out(asked: &mut Asked, names: &[&str]) -> Option<()> {
    let before = asked.headers.len();
    for name in names {
        asked.remove_header(name);
    }
    (asked.headers.len() < before).then_some(())
}

fn take_out_all(asked: &mut Asked, which: impl Fn(&str) -> bool) {
    asked.headers.retain(|(name, _)| !which(&name.to_ascii_lowercase()));
}

fn without_credentials(asked: &mut Asked) -> Option<()> {
    let before = (asked.headers.len(), asked.url.query.clone());
    take_out_all(asked, crate::credential::is_credential_header);
    if let Some(query) = &asked.url.query {
        let kept: Vec<_> = query
            .split('&')
            .filter(|argument| !crate::credential::is_credential_argument(argument))
            .collect();
        asked.url.query = (!kept.is_empty()).then(|| kept.join("&"));
    }
    (before != (asked.headers.len(), asked.url.query.clone())).then_some(())
}

fn without_argument(url: &mut Url, at: usize) -> Option<()> {
    let arguments: Vec<String> = url.arguments().map(str::to_owned).collect();
    if arguments.len() < 2 || at >= arguments.len() {
        return None;
    }
    let kept: Vec<_> = arguments
        .into_iter()
        .enumerate()
        .filter(|(index, _)| *index != at)
        .map(|(_, argument)| argument)
        .collect();
    url.query = Some(kept.join("&"));
    Some(())
}

/// Headers that no other probe speaks of: a tenant, a version, a shared secret, what an appliance added.
fn is_extra(name: &str) -> bool {
    !matches!(
        name,
        "host"
            | "user-agent"
            | "accept"
            | "accept-encoding"
            | "referer"
            | "origin"
            | "cookie"
            | "content-type"
            | "connection"
            | "upgrade"
    ) && !name.starts_with("sec-websocket")
        && !name.starts_with("access-control-request")
        && !crate::credential::is_credential_header(name)
}

fn host_with_port(asked: &Asked) -> String {
    asked.header("host").map_or_else(|| asked.url.authority(), str::to_owned)
}

/// A browser's agent in place of a tool's; another browser's in place of a browser's.
fn other_agent(asked: &Asked) -> &'static str {
    match asked.header("user-agent") {
        Some(agent) if agent.contains("Firefox/") => CHROME,
        _ => FIREFOX,
    }
}

/// What a browser calls itself.
pub const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
/// What another browser calls itself.
const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36";

const BROWSER: &[(&str, &str)] = &[
    ("User-Agent", FIREFOX),
    ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    ("Accept-Language", "en-GB,en;q=0.8"),
    ("Sec-Fetch-Dest", "document"),
    ("Sec-Fetch-Mode", "navigate"),
    ("Sec-Fetch-Site", "none"),
    ("Upgrade-Insecure-Requests", "1"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(url: &str) -> Asked {
        Asked::get(Url::parse(url).unwrap().0)
    }

    fn path(probe: &Probe, url: &str) -> Option<String> {
        probe.apply(&asked(url), "nothing").map(|asked| asked.url.target())
    }

    #[test]
    fn other_paths() {
        assert_eq!(path(&Probe::Sibling, "http://a/x/y.old?q").as_deref(), Some("/x/nothing"));
        assert_eq!(path(&Probe::Suffix, "http://a/x/y.old").as_deref(), Some("/x/nothing.old"));
        assert_eq!(path(&Probe::Child, "http://a/x/").as_deref(), Some("/x/nothing"));
        assert_eq!(path(&Probe::Child, "http://a/x").as_deref(), Some("/x/nothing"));
        assert_eq!(path(&Probe::Parent, "http://a/x/y/").as_deref(), Some("/x/"));
        assert_eq!(path(&Probe::Parent, "http://a/x/"), None);
        assert_eq!(path(&Probe::Slash, "http://a/x/").as_deref(), Some("/x"));
        assert_eq!(path(&Probe::Dot, "http://a/.well-known/acme/z").as_deref(), Some("/.nothing"));
        assert_eq!(path(&Probe::Dot, "http://a/x/y").as_deref(), Some("/x/.nothing"));
        assert_eq!(path(&Probe::Root, "http://a/"), None);
        assert_eq!(path(&Probe::Query, "http://a/?x=1").as_deref(), Some("/"));
        assert_eq!(path(&Probe::Argument(1), "http://a/?x=1&y=2&z=3").as_deref(), Some("/?x=1&z=3"));
    }

    /// Whatever was reported, a probe never sends a method that changes things, nor a body.
    #[test]
    fn probes_are_safe() {
        let mut reported = asked("http://a/x/y.old?x=1&token=2");
        reported.method = "DELETE".to_owned();
        reported.body = Some(b"x".to_vec());
        for (name, value) in
            [("Referer", "x"), ("Origin", "x"), ("Cookie", "x"), ("Authorization", "x"), ("X-A", "x")]
        {
            reported.headers.push((name.to_owned(), value.to_owned()));
        }
        let all = [
            Probe::Agent,
            Probe::Browser,
            Probe::Referer,
            Probe::OwnReferer,
            Probe::Origin,
            Probe::Cookie,
            Probe::Credentials,
            Probe::Query,
            Probe::Argument(0),
            Probe::ExtraHeader,
            Probe::Get,
            Probe::Cache,
            Probe::Sibling,
            Probe::Child,
            Probe::Suffix,
            Probe::Dot,
            Probe::Root,
            Probe::Parent,
            Probe::Slash,
        ];
        for probe in all {
            if let Some(sent) = probe.apply(&reported, "nothing") {
                assert!(!sent.is_unsafe() && sent.body.is_none(), "{probe:?}");
            }
        }
    }
}
