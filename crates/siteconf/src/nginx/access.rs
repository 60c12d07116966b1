//! The access phase: whose address it is, `allow` and `deny`, `limit_except`, `satisfy`, passwords.

use std::net::IpAddr;

use ipnet::IpNet;

use super::choose::{Levels, inherited, inherited_all};
use super::grammar::Directive;
use super::variables::Variables;
use crate::condition::Truth;
use crate::hop::Hop;

/// What the access rules make of the request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Access<'a> {
    /// The rule by which the address is refused.
    pub(crate) deny: Option<(&'a Directive, Truth)>,
    /// All address rules in effect, in order.
    pub(crate) rules: Vec<&'a Directive>,
    /// The `limit_except` that holds for the method.
    pub(crate) limit: Option<&'a Directive>,
    pub(crate) basic: Option<&'a Directive>,
    /// The subrequest that is asked.
    pub(crate) asks: Option<&'a Directive>,
    pub(crate) any: bool,
    pub(crate) satisfy: Option<&'a Directive>,
    /// Whether a password is due that was not sent, or is wrong as far as can be seen: the answer is 401 then.
    pub(crate) challenge: bool,
}

/// The client's address as nginx takes it: the peer's, or the one that a trusted peer passes on.
pub(crate) fn client(variables: &Variables<'_, '_>) -> Option<IpAddr> {
    let peer = variables.hop.client?;
    let trusted = inherited_all(&variables.levels, &["set_real_ip_from"]);
    let is_trusted = |address: IpAddr| trusted.iter().any(|rule| within(rule.arg(0), address) == Some(true));
    if !is_trusted(peer) {
        return Some(peer);
    }
    let header =
        inherited(&variables.levels, "real_ip_header").map_or("X-Real-IP", |directive| directive.arg(0));
    let recursive = super::choose::is_on(&variables.levels, "real_ip_recursive");
    let Some(list) = variables.hop.header(header) else { return Some(peer) };
    let mut address = peer;
    for part in list.rsplit(',') {
        let part = part.trim();
        let bare =
            part.parse().ok().or_else(|| part.parse::<std::net::SocketAddr>().ok().map(|socket| socket.ip()));
        let Some(next) = bare else { break };
        address = next;
        if !recursive || !is_trusted(next) {
            break;
        }
    }
    Some(address)
}

/// A network or a single address.
pub(crate) fn network(text: &str) -> Option<IpNet> {
    text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// Whether a rule's operand covers an address; `None` if that cannot be said.
pub(crate) fn within(text: &str, address: IpAddr) -> Option<bool> {
    if text == "all" {
        return Some(true);
    }
    if text == "unix:" {
        return Some(false);
    }
    let address = match address {
        IpAddr::V6(six) => six.to_ipv4_mapped().map_or(IpAddr::V6(six), IpAddr::V4),
        four => four,
    };
    network(text).map(|net| net.contains(&address))
}

/// What the rules in effect make of the request.
pub(crate) fn judge<'a>(variables: &Variables<'a, '_>) -> Access<'a> {
    let mut levels: Levels<'a> = variables.levels.clone();
    let limit = limit_except(&levels, variables.hop);
    if let Some(limit) = limit {
        levels.push(limit.children());
    }
    let rules = inherited_all(&levels, &["allow", "deny"]);
    let satisfy = inherited(&levels, "satisfy");
    let off = |directive: &&Directive| directive.arg(0) != "off";
    let basic = inherited(&levels, "auth_basic").or_else(|| inherited(&levels, "auth_jwt")).filter(off);
    let asks = inherited(&levels, "auth_request").filter(off);
    let challenge =
        basic.is_some_and(|basic| basic.name == "auth_basic" && !password_fits(&levels, variables.hop));
    Access {
        deny: denied(&rules, client(variables)),
        rules,
        limit,
        basic,
        asks,
        any: satisfy.is_some_and(|directive| directive.arg(0) == "any"),
        satisfy,
        challenge,
    }
}

fn limit_except<'a>(levels: &Levels<'a>, hop: &Hop) -> Option<&'a Directive> {
    let limit = levels.last()?.iter().find(|directive| directive.name == "limit_except")?;
    let listed = limit.args.iter().any(|method| {
        method.eq_ignore_ascii_case(&hop.method) || method.eq_ignore_ascii_case("GET") && hop.method == "HEAD"
    });
    (!listed).then_some(limit)
}

/// The first rule that covers the address decides.
fn denied<'a>(rules: &[&'a Directive], client: Option<IpAddr>) -> Option<(&'a Directive, Truth)> {
    let mut certain = Truth::Yes;
    for rule in rules {
        let covers = match (rule.arg(0), client) {
            ("all", _) => Some(true),
            (operand, Some(client)) => within(operand, client),
            (_, None) => None,
        };
        match (covers, rule.name == "deny") {
            (Some(false), _) => {}
            (Some(true), true) => return Some((rule, certain)),
            (Some(true), false) => return None,
            (None, _) => certain = Truth::Unknown,
        }
    }
    None
}

/// Whether the password that was sent may be right: only one that is kept in plain can be compared.
fn password_fits(levels: &Levels<'_>, hop: &Hop) -> bool {
    let Some((user, password)) = hop.basic() else { return false };
    let Some(file) = inherited(levels, "auth_basic_user_file") else { return true };
    let Ok(text) = crate::source::whole(std::path::Path::new(file.arg(0))) else { return true };
    let entry = text.lines().find_map(|line| {
        let (name, rest) = line.split_once(':')?;
        (name == user).then(|| rest.split(':').next().unwrap_or(rest))
    });
    match entry {
        None => false,
        Some(kept) => kept.strip_prefix("{PLAIN}").is_none_or(|kept| kept == password),
    }
}
