//! `secure_link` and `valid_referers`: variables that say whether a link or a referrer is in order.

use base64::Engine;
use md5::{Digest, Md5};

use super::choose::{inherited, inherited_all};
use super::variables::{Source, Value, Variables};
use crate::condition::Truth;
use crate::pattern;

/// `$secure_link`: empty if the signature is wrong, `0` if it has expired, `1` if it holds.
pub(crate) fn secure_link(variables: &Variables<'_, '_>) -> Value {
    let levels = &variables.levels;
    if let Some(secret) = inherited(levels, "secure_link_secret") {
        return Value::from(old_style(variables, secret.arg(0)), Source::SecureLink);
    }
    let Some(link) = inherited(levels, "secure_link") else { return Value::from("", Source::SecureLink) };
    let Some(parts) = variables.expand(link.arg(0)).text else { return Value::unknown(Source::SecureLink) };
    let (hash, expires) =
        parts.split_once(',').map_or((parts.as_str(), None), |(hash, when)| (hash, Some(when)));
    let expires = expires.map(|when| when.parse::<i64>().unwrap_or(0));
    if expires.is_some_and(|when| when <= 0) {
        return Value::from("", Source::SecureLink);
    }
    let decoded = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(hash.trim_end_matches('='));
    let Some(expression) = inherited(levels, "secure_link_md5") else {
        return Value::from("", Source::SecureLink);
    };
    let Some(text) = variables.expand(expression.arg(0)).text else {
        return Value::unknown(Source::SecureLink);
    };
    let right = decoded.is_ok_and(|given| given == Md5::digest(text.as_bytes()).as_slice());
    if !right {
        return Value::from("", Source::SecureLink);
    }
    let now = variables.hop.at.unwrap_or_else(jiff::Timestamp::now).as_second();
    let expired = expires.is_some_and(|when| when < now);
    Value::from(if expired { "0" } else { "1" }, Source::SecureLink)
}

/// `/prefix/HASH/rest`, signed by the rest and a word.
fn old_style(variables: &Variables<'_, '_>, secret: &str) -> String {
    let inside = variables.uri.trim_start_matches('/').split_once('/').map_or("", |(_, rest)| rest);
    let Some((hash, rest)) = inside.split_once('/') else { return String::new() };
    let mut digest = Md5::new();
    digest.update(rest.as_bytes());
    digest.update(secret.as_bytes());
    let right: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    if right.eq_ignore_ascii_case(hash) { rest.to_owned() } else { String::new() }
}

/// When the link ends, as it says itself.
pub(crate) fn expires(variables: &Variables<'_, '_>) -> String {
    let link = inherited(&variables.levels, "secure_link");
    let parts = link.and_then(|link| variables.expand(link.arg(0)).text).unwrap_or_default();
    parts.split_once(',').map_or_else(String::new, |(_, when)| when.to_owned())
}

/// `$invalid_referer`: `1` if none of `valid_referers` fits.
pub(crate) fn invalid_referer(variables: &Variables<'_, '_>) -> Value {
    let valid = inherited_all(&variables.levels, &["valid_referers"]);
    if valid.is_empty() {
        return Value::from("", Source::Referer);
    }
    let names = || valid.iter().flat_map(|directive| directive.args.iter());
    let referer = variables.hop.header("Referer").unwrap_or("");
    let fits = if referer.is_empty() {
        names().any(|name| name == "none")
    } else {
        let bare = ["http://", "https://"].iter().find_map(|scheme| {
            let head = referer.get(..scheme.len())?;
            head.eq_ignore_ascii_case(scheme).then(|| referer.get(scheme.len()..)).flatten()
        });
        match bare {
            None => names().any(|name| name == "blocked"),
            Some(rest) => names().any(|name| referer_fits(variables, name, rest)),
        }
    };
    Value::from(if fits { "" } else { "1" }, Source::Referer)
}

/// `rest` is the referrer without its scheme.
fn referer_fits(variables: &Variables<'_, '_>, name: &str, rest: &str) -> bool {
    if matches!(name, "none" | "blocked") {
        return false;
    }
    if let Some(regex) = name.strip_prefix('~') {
        return pattern::matches(regex.trim_start_matches('*'), true, rest) == Truth::Yes;
    }
    let host = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let host = host.split(':').next().unwrap_or(host).to_ascii_lowercase();
    let of_host = |mask: &str| {
        let mask = mask.to_ascii_lowercase();
        if let Some(suffix) = mask.strip_prefix('*') {
            host.ends_with(suffix)
        } else if let Some(prefix) = mask.strip_suffix('*') {
            host.starts_with(prefix)
        } else if let Some(suffix) = mask.strip_prefix('.') {
            host == suffix || host.ends_with(&mask)
        } else {
            host == mask
        }
    };
    if name == "server_names" {
        let own = inherited_all(&variables.levels, &["server_name"]);
        return own.iter().flat_map(|directive| directive.args.iter()).any(|mask| of_host(mask));
    }
    let (mask, path) = name.split_once('/').map_or((name, None), |(mask, path)| (mask, Some(path)));
    let path_fits =
        path.is_none_or(|path| rest.split_once('/').is_some_and(|(_, sent)| sent.starts_with(path)));
    of_host(mask) && path_fits
}
