//! `Require` with its containers, and `Order`/`Allow`/`Deny` of old: whether the sections that hold let the request in.

use std::path::Path;

use super::expression;
use super::facts::{Facts, Origin};
use super::grammar::Directive;
use super::layers::{Layer, last};
use crate::condition::Truth;
use crate::nginx::access::within;

/// A refusal by a section.
#[derive(Debug, Clone)]
pub(crate) struct Denied<'a> {
    /// The place of the layer among those given.
    pub(crate) layer: usize,
    pub(crate) rule: &'a Directive,
    /// The `<Limit>` or `<LimitExcept>` that the rule stands in.
    pub(crate) limit: Option<&'a Directive>,
    pub(crate) about: About,
    pub(crate) certain: Truth,
}

/// What the rule that failed is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    Everybody,
    Fact(Origin),
    /// Who it is: the answer is 401 unless somebody signed in and is not wanted.
    Person,
    Old,
}

/// A requirement in force, with the `<Limit>` that it stands in.
type Rule<'a> = (&'a Directive, Option<&'a Directive>);

/// Whether the last section with requirements refuses.
pub(crate) fn required<'a>(layers: &[Layer<'a>], facts: &Facts) -> Option<Denied<'a>> {
    let mut result: Option<(Truth, Option<Denied<'a>>)> = None;
    for (at, layer) in layers.iter().enumerate() {
        let rules =
            in_force(layer, &facts.hop.method, &["require", "requireall", "requireany", "requirenone"]);
        if rules.is_empty() {
            continue;
        }
        let merging = layer
            .directives
            .iter()
            .find(|directive| directive.name == "authmerging")
            .map_or("off", |directive| directive.arg(0));
        let (truth, blamed) = any(&rules, facts, layers);
        let denied =
            blamed.map(|(rule, limit, about)| Denied { layer: at, rule, limit, about, certain: Truth::Yes });
        result = match (merging.to_ascii_lowercase().as_str(), result) {
            ("and", Some((before, was))) => {
                Some((before.and(truth), if before == Truth::No { was } else { denied }))
            }
            ("or", Some((before, was))) => Some((before.or(truth), denied.or(was))),
            _ => Some((truth, denied)),
        };
    }
    let (truth, denied) = result?;
    let mut denied = denied?;
    denied.certain = !truth;
    (truth != Truth::Yes).then_some(denied)
}

fn in_force<'a>(layer: &Layer<'a>, method: &str, names: &[&str]) -> Vec<Rule<'a>> {
    let mut found: Vec<Rule<'a>> = Vec::new();
    for directive in &layer.directives {
        if names.contains(&directive.name.as_str()) {
            found.push((directive, None));
        }
        let listed = directive.args.iter().any(|listed| {
            listed.eq_ignore_ascii_case(method) || listed.eq_ignore_ascii_case("GET") && method == "HEAD"
        });
        let applies = match directive.name.as_str() {
            "limit" => listed,
            "limitexcept" => !listed,
            _ => false,
        };
        if applies {
            let inner = directive.children().iter().filter(|inner| names.contains(&inner.name.as_str()));
            found.extend(inner.map(|inner| (inner, Some(*directive))));
        }
    }
    found
}

type Blamed<'a> = (&'a Directive, Option<&'a Directive>, About);

fn any<'a>(rules: &[Rule<'a>], facts: &Facts, layers: &[Layer<'a>]) -> (Truth, Option<Blamed<'a>>) {
    let mut truth = Truth::No;
    let mut blamed: Option<Blamed<'a>> = None;
    for (rule, limit) in rules {
        let (one, about, inner) = requirement(rule, facts, layers, 0);
        truth = truth.or(one);
        if one != Truth::Yes && (blamed.is_none() || about == About::Person) {
            blamed = Some((inner, *limit, about));
        }
    }
    (truth, blamed)
}

/// One requirement: whether it is met, what it is about, and which line within it failed.
fn requirement<'a>(
    rule: &'a Directive,
    facts: &Facts,
    layers: &[Layer<'a>],
    depth: u8,
) -> (Truth, About, &'a Directive) {
    if depth > 16 {
        return (Truth::Unknown, About::Everybody, rule);
    }
    let inner = || {
        rule.children()
            .iter()
            .filter(|inner| inner.name.starts_with("require"))
            .map(|inner| requirement(inner, facts, layers, depth + 1))
    };
    match rule.name.as_str() {
        "requireall" => {
            let mut truth = Truth::Yes;
            let mut blamed = (About::Everybody, rule);
            for (one, about, line) in inner() {
                if one != Truth::Yes && truth != Truth::No {
                    blamed = (about, line);
                }
                truth = truth.and(one);
            }
            (truth, blamed.0, blamed.1)
        }
        "requireany" => {
            let mut truth = Truth::No;
            let mut blamed = (About::Everybody, rule);
            let mut first = true;
            for (one, about, line) in inner() {
                if one != Truth::Yes && (first || about == About::Person) {
                    blamed = (about, line);
                }
                first = false;
                truth = truth.or(one);
            }
            (truth, blamed.0, blamed.1)
        }
        "requirenone" => {
            let mut truth = Truth::Yes;
            let mut blamed = (About::Everybody, rule);
            for (one, about, line) in inner() {
                if one != Truth::No {
                    blamed = (about, line);
                }
                truth = truth.and(!one);
            }
            (truth, blamed.0, blamed.1)
        }
        _ => simple(rule, facts, layers),
    }
}

fn simple<'a>(rule: &'a Directive, facts: &Facts, layers: &[Layer<'a>]) -> (Truth, About, &'a Directive) {
    let negated = rule.arg(0).eq_ignore_ascii_case("not");
    let args: Vec<&str> = rule.args.iter().skip(usize::from(negated)).map(String::as_str).collect();
    let kind = args.first().copied().unwrap_or("").to_ascii_lowercase();
    let rest = args.get(1..).unwrap_or(&[]);
    let (truth, about) = match kind.as_str() {
        "all" => (
            Truth::from(rest.first().is_some_and(|word| word.eq_ignore_ascii_case("granted"))),
            About::Everybody,
        ),
        "ip" => (address(rest, facts), About::Fact(Origin::Address)),
        "local" => (
            Truth::from(
                facts.client.map(|client| client.is_loopback() || client.to_string() == facts.hop.address),
            ),
            About::Fact(Origin::Address),
        ),
        "host" | "forward-dns" => (host(rest, facts), About::Fact(Origin::Address)),
        "env" => environment(rest, facts),
        "method" => (
            Truth::from(rest.iter().any(|method| {
                method.eq_ignore_ascii_case(&facts.hop.method)
                    || method.eq_ignore_ascii_case("GET") && facts.hop.method == "HEAD"
            })),
            About::Fact(Origin::Method),
        ),
        "expr" => {
            let text = rest.join(" ");
            (expression::holds(&text, facts), About::Fact(Facts::origin(&text)))
        }
        "ssl" => (Truth::from(facts.hop.scheme == "https"), About::Fact(Origin::Secure)),
        "ssl-verify-client" => (Truth::No, About::Fact(Origin::Secure)),
        "valid-user" => (person(facts, |_| Truth::Yes), About::Person),
        "user" => (person(facts, |user| Truth::from(rest.contains(&user))), About::Person),
        "group" => (person(facts, |user| group(user, rest, layers)), About::Person),
        _ => (person(facts, |_| Truth::Unknown), About::Person),
    };
    (if negated { !truth } else { truth }, about, rule)
}

fn address(nets: &[&str], facts: &Facts) -> Truth {
    let Some(client) = facts.client else { return Truth::Unknown };
    Truth::from(nets.iter().any(|net| covers(net, client)))
}

/// A network as Apache writes it: `10.0.0.0/8`, `10.0.0.0/255.0.0.0`, `10.1`.
pub(crate) fn covers(net: &str, client: std::net::IpAddr) -> bool {
    if let Some(found) = within(net, client) {
        return found;
    }
    if let Some((address, mask)) = net.split_once('/')
        && let (Ok(address), Ok(mask), std::net::IpAddr::V4(client)) =
            (address.parse::<std::net::Ipv4Addr>(), mask.parse::<std::net::Ipv4Addr>(), client)
    {
        let mask = u32::from(mask);
        return u32::from(client) & mask == u32::from(address) & mask;
    }
    let part = net.trim_end_matches('.');
    part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        && !part.is_empty()
        && format!("{client}.").starts_with(&format!("{part}."))
}

/// Names cannot be looked up here, but this machine's own is known.
fn host(names: &[&str], facts: &Facts) -> Truth {
    match facts.client {
        Some(client) if client.is_loopback() => {
            Truth::from(names.iter().any(|name| *name == "localhost" || name.parse() == Ok(client)))
        }
        _ => Truth::Unknown,
    }
}

fn environment(names: &[&str], facts: &Facts) -> (Truth, About) {
    if let Some((_, origin)) = names.iter().find_map(|name| facts.environment.get(*name)) {
        return (Truth::Yes, About::Fact(*origin));
    }
    let origin = names.iter().filter_map(|name| facts.possible.get(*name)).max();
    (Truth::No, About::Fact(origin.copied().unwrap_or(Origin::Other)))
}

fn person(facts: &Facts, fits: impl Fn(&str) -> Truth) -> Truth {
    match facts.hop.basic() {
        Some((user, _)) => fits(&user),
        None => Truth::No,
    }
}

fn group(user: &str, groups: &[&str], layers: &[Layer<'_>]) -> Truth {
    let Some(file) = last(layers, "authgroupfile") else { return Truth::Unknown };
    let Ok(text) = crate::source::whole(Path::new(file.arg(0))) else { return Truth::Unknown };
    let member = text.lines().filter_map(|line| line.split_once(':')).any(|(group, members)| {
        groups.contains(&group.trim()) && members.split_whitespace().any(|member| member == user)
    });
    Truth::from(member)
}

/// Whether the last section with rules of the old kind refuses.
pub(crate) fn ordered<'a>(layers: &[Layer<'a>], facts: &Facts) -> Option<Denied<'a>> {
    let names = ["order", "allow", "deny"];
    let (at, rules) = layers
        .iter()
        .enumerate()
        .rev()
        .map(|(at, layer)| (at, in_force(layer, &facts.hop.method, &names)))
        .find(|(_, rules)| !rules.is_empty())?;
    let order = rules
        .iter()
        .rev()
        .find(|(rule, _)| rule.name == "order")
        .map_or_else(String::new, |(rule, _)| rule.args.join(",").to_ascii_lowercase().replace(' ', ""));
    let of = |name: &str| -> (Truth, Option<(Rule<'a>, Origin)>) {
        let mut truth = Truth::No;
        let mut first = None;
        for rule in rules.iter().filter(|(rule, _)| rule.name == name) {
            let (one, origin) = old_rule(rule.0, facts);
            if first.is_none() && (one != Truth::No || name == "allow") {
                first = Some((*rule, origin));
            }
            truth = truth.or(one);
        }
        (truth, first)
    };
    let (allowed, allowing) = of("allow");
    let (denied, denying) = of("deny");
    let refused = if order == "allow,deny" || order == "mutual-failure" {
        (!allowed).or(denied)
    } else {
        denied.and(!allowed)
    };
    if refused == Truth::No {
        return None;
    }
    let order_rule = rules.iter().find(|(rule, _)| rule.name == "order").map(|rule| (*rule, Origin::Other));
    // The exception that did not hold tells more than the rule for all others.
    let everybody =
        |(rule, _): &(Rule<'a>, Origin)| rule.0.args.iter().any(|arg| arg.eq_ignore_ascii_case("all"));
    let by_fact = denying.filter(|denying| denied != Truth::No && !everybody(denying));
    let telling =
        by_fact.or(allowing.filter(|allowing| !everybody(allowing) && allowing.1 > Origin::Address));
    let ((rule, limit), origin) =
        telling.or(denying.filter(|_| denied != Truth::No)).or(allowing).or(order_rule)?;
    let about = if origin > Origin::Address { About::Fact(origin) } else { About::Old };
    Some(Denied { layer: at, rule, limit, about, certain: refused })
}

fn old_rule(rule: &Directive, facts: &Facts) -> (Truth, Origin) {
    let mut truth = Truth::No;
    let mut origin = Origin::Other;
    for word in rule.args.iter().filter(|word| !word.eq_ignore_ascii_case("from")) {
        let one = if word.eq_ignore_ascii_case("all") {
            Truth::Yes
        } else if let Some(name) = word.strip_prefix("env=") {
            let (name, negated) = name.strip_prefix('!').map_or((name, false), |name| (name, true));
            let known = facts.environment.get(name);
            let would = facts.possible.get(name).copied().unwrap_or(origin);
            origin = known.map_or(would, |(_, origin)| *origin);
            Truth::from(known.is_some() != negated)
        } else {
            match facts.client {
                Some(client) if covers(word, client) => Truth::Yes,
                Some(client) if client.is_loopback() => Truth::from(word == "localhost"),
                Some(_) if word.bytes().any(|byte| byte.is_ascii_alphabetic()) && !word.contains(':') => {
                    Truth::Unknown
                }
                Some(_) => Truth::No,
                None => Truth::Unknown,
            }
        };
        truth = truth.or(one);
    }
    (truth, origin)
}
