//! From what refuses to the cause it stands for: the origin of the value that an `if` tests, the section that a `deny`
//! stands in.

use super::access::Access;
use super::choose::{Chosen, modifier};
use super::grammar::Directive;
use super::rewrite::{Answer, Condition};
use super::variables::{Source, Variables};
use super::{Refusal, Speech};
use crate::condition::Truth;
use crate::report::{Clue, Strength};

/// The section in which something refuses.
pub(crate) struct Section<'a, 'c> {
    pub(crate) chosen: &'c Chosen<'a>,
    pub(crate) located: &'c [&'a Directive],
    pub(crate) uri: &'c str,
    pub(crate) host: String,
}

impl Section<'_, '_> {
    /// Whether the innermost location is there to hide files whose names begin with a dot, and the path has one.
    fn hides_dotfiles(&self) -> bool {
        let pattern =
            self.located.last().map(|location| modifier(location)).filter(|(kind, _)| kind.starts_with('~'));
        let prefix = self.located.last().map(|location| modifier(location).1);
        let hidden = self.uri.split('/').any(|part| part.starts_with('.'));
        let by_pattern = pattern.is_some_and(|(_, text)| about_dots(text));
        hidden
            && (by_pattern || prefix.is_some_and(|prefix| prefix.starts_with("/.") || prefix.contains("/.")))
    }

    /// Whether the whole server refuses a name that is not one of its own, while others stand beside it.
    fn is_default(&self) -> bool {
        let whole =
            self.located.iter().all(|location| matches!(modifier(location).1, "/" | "^/" | ".*" | "^" | ""));
        // A name that this server does not have means another one; an address is how one tests a server.
        let other_name = self.host.contains('.') && self.host.parse::<std::net::IpAddr>().is_err();
        let beside = self.chosen.siblings > 0
            || self.chosen.catch_all && self.chosen.others > 0
            || other_name && self.chosen.has_name;
        whole && !self.chosen.named && beside
    }

    fn shown(&self) -> String {
        match self.located.last() {
            Some(location) => format!("`{}`", location.shown().trim_end_matches(" {")),
            None => "the server itself".to_owned(),
        }
    }
}

/// Whether a pattern is about names that begin with a dot.
pub(crate) fn about_dots(pattern: &str) -> bool {
    ["/\\.", "/[.]", "(^|/)\\.", "/(\\.", "/(?:\\.", "\\/\\."].iter().any(|dot| pattern.contains(dot))
        || pattern.contains("/.ht")
}

/// A `return` with its conditions.
pub(crate) fn of_answer(answer: &Answer<'_>, section: &Section<'_, '_>) -> Refusal {
    let place = answer.directive.place.clone();
    let strength = if answer.certain == Truth::Yes { Strength::Decisive } else { Strength::Strong };
    let shown = answer.directive.shown();
    let (cause, said, fix) = if answer.conditions.is_empty() {
        unconditional(section, &shown)
    } else {
        conditional(&answer.conditions, section, &shown)
    };
    let layer = if cause.starts_with("nginx.") { None } else { Some("nginx") };
    let condition = answer.conditions.last().map(|condition| format!("{} {{ {shown} }}", condition.shown));
    let clue =
        Clue::new(cause, strength, said).at(place).quoting(Some(condition.unwrap_or(shown))).fixed_by(fix);
    let clue = layer.map_or_else(|| clue.clone(), |layer| clue.clone().by(layer));
    Refusal { clue, certain: answer.certain, speaks: None }
}

fn unconditional(section: &Section<'_, '_>, shown: &str) -> (&'static str, String, Vec<String>) {
    if section.hides_dotfiles() {
        let said = format!("{} is there to hide dotfiles and also covers `{}`", section.shown(), section.uri);
        return ("nginx.dotfile-rule", said, dotfile_fix(section));
    }
    if section.is_default() {
        return default_server(section, shown);
    }
    let said = format!("{} answers `{shown}` to every request", section.shown());
    ("nginx.return-403", said, vec![format!("narrow {} or remove `{shown}`", section.shown())])
}

fn default_server(section: &Section<'_, '_>, shown: &str) -> (&'static str, String, Vec<String>) {
    let host = &section.host;
    let said =
        format!("no `server_name` is `{host}`: the default server answers, and it refuses with `{shown}`");
    let fix = vec![
        format!(
            "add `{host}` to the `server_name` of the server that is meant, or ask by a name that is there"
        ),
        "a proxy in front must pass the name on: proxy_set_header Host $host;".to_owned(),
    ];
    ("nginx.default-vhost", said, fix)
}

fn dotfile_fix(section: &Section<'_, '_>) -> Vec<String> {
    let first = section.uri.split('/').find(|part| part.starts_with('.')).unwrap_or(".well-known");
    vec![format!("location ^~ /{first}/ {{ allow all; }}  (before {})", section.shown())]
}

fn conditional(
    conditions: &[Condition],
    section: &Section<'_, '_>,
    shown: &str,
) -> (&'static str, String, Vec<String>) {
    let best = conditions
        .iter()
        .flat_map(|condition| condition.value.sources.iter().map(move |source| (source, condition)))
        .filter(|(source, _)| **source != Source::Elsewhere)
        .max_by_key(|(source, _)| weight(source));
    let Some((source, condition)) = best else {
        let said = format!(
            "`{}` leads to `{shown}` in {}",
            conditions.last().map_or("", |c| &c.shown),
            section.shown()
        );
        return ("nginx.return-403", said, vec![format!("change the condition, or remove `{shown}`")]);
    };
    let value = condition.value.text.clone().unwrap_or_else(|| "(not known)".to_owned());
    let test = &condition.shown;
    let said =
        |what: &str| format!("`{test}` holds because of {what} (value `{value}`), and leads to `{shown}`");
    match source {
        Source::SecureLink if value == "0" => ("nginx.secure_link-expired", "the link's signature is right and its time has passed: `$secure_link` is `0`".to_owned(), vec!["issue a new link; lengthen its life where links are made".to_owned()]),
        Source::SecureLink => ("nginx.secure_link", "the link's signature is missing or wrong: `$secure_link` is empty".to_owned(), vec!["make the hash over exactly the text of `secure_link_md5`, and send it as `secure_link` names it".to_owned()]),
        Source::Referer => ("nginx.referer-hotlink", said("the Referer"), vec!["add the embedding host to `valid_referers` (and `none blocked` if an empty Referer may pass)".to_owned()]),
        Source::UserAgent => ("nginx.ua-block", said("the User-Agent"), vec!["take the agent out of the pattern, or anchor the pattern".to_owned()]),
        Source::ClientCertificate => ("nginx.ssl-client-cert", said("the client certificate"), vec!["present a certificate that `ssl_client_certificate` signed: curl --cert … --key …".to_owned()]),
        Source::Method => ("nginx.method-if", said("the method"), vec![format!("add the method to `{test}`")]),
        Source::Header(name) => ("nginx.missing-header-rule", said(&format!("the header `{name}`")), vec![format!("send `{name}` with the value that `{test}` asks for, or come by the way that adds it")]),
        Source::Authorization => ("nginx.missing-header-rule", said("the header `Authorization`"), vec!["send the credentials that the condition asks for".to_owned()]),
        Source::Cookie(_) if !condition.positive || value.is_empty() => ("nginx.missing-header-rule", said("a cookie that was not sent, or another one"), vec!["send the cookie, or drop the condition".to_owned()]),
        Source::Path if about_dots(&condition.pattern) => ("nginx.dotfile-rule", said("a hidden name in the path"), dotfile_fix(section)),
        Source::Path | Source::Query | Source::Cookie(_) => ("nginx.request-filter", said("the path, its arguments or a cookie"), vec!["anchor the pattern, or exempt this path or argument from it".to_owned()]),
        Source::Address => ("nginx.geo-or-map-block", said("the client's address"), vec!["correct the network's entry; behind a proxy set `set_real_ip_from` and `real_ip_header`".to_owned()]),
        Source::ServerName => (
            "tls.sni-mismatch-vhost",
            said("the name in the TLS handshake"),
            vec!["send the same name in SNI and Host (in a proxy: proxy_ssl_server_name on; proxy_ssl_name $host;)".to_owned()],
        ),
        Source::Host => ("nginx.default-vhost", said("the host that is asked for"), vec!["ask by a name that the condition lets pass, or add the name to it".to_owned()]),
        Source::Version => (
            "nginx.http-version",
            said("the version of HTTP"),
            vec![format!("let the client speak the version that `{test}` spares, or take the version out of the rule")],
        ),
        Source::Scheme | Source::Elsewhere => ("nginx.return-403", said("the scheme"), vec![format!("change `{test}`")]),
    }
}

/// Between several origins, the one that is easier to change tells more.
fn weight(source: &Source) -> u8 {
    match source {
        Source::SecureLink => 12,
        Source::Referer => 11,
        Source::UserAgent => 10,
        Source::ClientCertificate => 9,
        Source::Header(_) => 8,
        Source::Authorization => 7,
        Source::Method => 6,
        Source::Cookie(_) => 5,
        Source::Query => 4,
        Source::Address => 3,
        Source::Path => 2,
        Source::ServerName => 8,
        Source::Host | Source::Version => 1,
        Source::Scheme | Source::Elsewhere => 0,
    }
}

/// A `deny` that covers the client.
pub(crate) fn of_deny(
    access: &Access<'_>,
    rule: &Directive,
    certain: Truth,
    section: &Section<'_, '_>,
    variables: &Variables<'_, '_>,
) -> Refusal {
    let strength = if certain == Truth::Yes { Strength::Decisive } else { Strength::Strong };
    let shown = rule.shown();
    let client =
        super::access::client(variables).map_or_else(|| "the client".to_owned(), |client| client.to_string());
    let allows = access.rules.iter().any(|rule| rule.name == "allow");
    let (cause, said, fix) = if let Some(limit) = access.limit {
        let method = &variables.hop.method;
        (
            "nginx.limit_except",
            format!(
                "`{}` does not list {method}, and `{shown}` in it refuses {client}",
                limit.shown().trim_end_matches(" {")
            ),
            vec![format!("limit_except {} {method} {{ … }}", limit.args.join(" "))],
        )
    } else if section.hides_dotfiles() {
        let said = format!("{} is there to hide dotfiles and also covers `{}`", section.shown(), section.uri);
        ("nginx.dotfile-rule", said, dotfile_fix(section))
    } else if access.basic.is_some() && !access.any && (allows || access.satisfy.is_some()) {
        let said =
            format!("address and password are both required (`satisfy all`), and `{shown}` refuses {client}");
        (
            "nginx.satisfy-all",
            said,
            vec![
                "satisfy any;  (if the password or the address is meant to suffice)".to_owned(),
                format!("or: allow {client};  (before `{shown}`)"),
            ],
        )
    } else if section.is_default() && !allows && rule.arg(0) == "all" {
        default_server(section, &shown)
    } else {
        let said = format!("`{shown}` in effect for {} refuses {client}", section.shown());
        let mut fix = vec![format!("allow {client};  (before `{shown}`)")];
        if variables.hop.header("X-Forwarded-For").is_some() {
            fix.push(
                "or test the true client: set_real_ip_from PROXY; real_ip_header X-Forwarded-For;".to_owned(),
            );
        }
        ("nginx.deny-rule", said, fix)
    };
    let clue = Clue::new(cause, strength, said).at(rule.place.clone()).quoting(Some(shown)).fixed_by(fix);
    Refusal { clue, certain, speaks: Some(Speech::Forbidden) }
}
