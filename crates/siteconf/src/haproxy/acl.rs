//! HAProxy's conditions: named and anonymous ACLs, fetches with matching methods, to three-valued truth, and what each
//! is about.

use std::net::IpAddr;
use std::path::Path;

use super::{HAProxy, Line};
use crate::condition::Truth;
use crate::hop::{Hop, decoded};
use crate::nginx::access::within;
use crate::pattern;

/// What a condition reads, the most telling last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum About {
    Nothing,
    Request,
    Address,
    UserAgent,
    Rate,
}

/// Whether a condition holds, and what it is about.
pub(crate) fn condition(words: &[String], section: &[&Line], site: &HAProxy, hop: &Hop) -> (Truth, About) {
    let mut any = Truth::No;
    let mut all = Truth::Yes;
    let mut about = About::Nothing;
    let mut negate = false;
    let mut at = 0;
    while let Some(word) = words.get(at) {
        at += 1;
        match word.as_str() {
            "or" | "||" => {
                any = any.or(all);
                all = Truth::Yes;
            }
            "and" | "&&" => {}
            "!" => negate = !negate,
            "{" | "!{" => {
                negate ^= word == "!{";
                let end = words
                    .iter()
                    .skip(at)
                    .position(|word| word == "}")
                    .map_or(words.len(), |offset| at + offset);
                let inner = words.get(at..end).unwrap_or(&[]);
                let (truth, reads) = criterion(inner, site, hop);
                all = all.and(if negate { !truth } else { truth });
                about = about.max(reads);
                negate = false;
                at = end + 1;
            }
            name => {
                let (name, flipped) = name.strip_prefix('!').map_or((name, negate), |name| (name, !negate));
                let (truth, reads) = named(name, section, site, hop);
                all = all.and(if flipped { !truth } else { truth });
                about = about.max(reads);
                negate = false;
            }
        }
    }
    (any.or(all), about)
}

/// An ACL by name: all lines of that name, any of which may hold.
fn named(name: &str, section: &[&Line], site: &HAProxy, hop: &Hop) -> (Truth, About) {
    let mut truth = Truth::No;
    let mut about = About::Nothing;
    let mut known = false;
    for line in section.iter().filter(|line| line.word(0) == "acl" && line.word(1) == name) {
        known = true;
        let (one, reads) = criterion(line.words.get(2..).unwrap_or(&[]), site, hop);
        truth = truth.or(one);
        about = about.max(reads);
    }
    if known {
        return (truth, about);
    }
    let holds = match name {
        "TRUE" | "HTTP" | "HTTP_1.1" | "HTTP_CONTENT" => Truth::Yes,
        "FALSE" => Truth::No,
        "LOCALHOST" => return (Truth::from(hop.client.map(|client| client.is_loopback())), About::Address),
        "METH_GET" => Truth::from(matches!(hop.method.as_str(), "GET" | "HEAD")),
        method if method.starts_with("METH_") => {
            Truth::from(method.strip_prefix("METH_") == Some(hop.method.as_str()))
        }
        _ => Truth::Unknown,
    };
    (holds, About::Request)
}

/// `path_beg -i /admin /manager`
fn criterion(words: &[String], site: &HAProxy, hop: &Hop) -> (Truth, About) {
    let Some((fetch, rest)) = words.split_first() else { return (Truth::Unknown, About::Nothing) };
    let Sample { base, argument, converters, mut method } = Sample::read(fetch);
    let about = about(&base, &argument);
    let mut ignore_case = false;
    let mut patterns: Vec<String> = Vec::new();
    let mut words = rest.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-i" => ignore_case = true,
            "-m" => method = words.next().cloned().unwrap_or_default(),
            "-f" | "-M" => patterns.extend(words.next().map(|file| listed(site, file)).unwrap_or_default()),
            "-u" | "-n" | "--" => {}
            pattern => patterns.push(pattern.to_owned()),
        }
    }
    let fetched = fetched(&base, &argument, site, hop);
    let Some(values) = fetched.and_then(|values| converted(values, &converters, site)) else {
        return (Truth::Unknown, about);
    };
    if method == "found" || patterns.is_empty() {
        let truth =
            values.iter().any(|value| method == "found" || !matches!(value.as_str(), "" | "0" | "false"));
        return (Truth::from(truth), about);
    }
    let truth = values
        .iter()
        .map(|value| compared(value, &method, &patterns, ignore_case))
        .fold(Truth::No, Truth::or);
    (truth, about)
}

/// `path_beg`, `req.hdr(host),lower`: what is fetched, how it is converted and how it is compared.
struct Sample {
    base: String,
    argument: String,
    converters: Vec<String>,
    method: String,
}

impl Sample {
    fn read(text: &str) -> Sample {
        let mut converters = split_outside(text);
        let base = if converters.is_empty() { String::new() } else { converters.remove(0) };
        let (base, argument) = called(&base);
        let (method, base) = suffix(base);
        Sample { base, argument: argument.to_owned(), converters, method }
    }
}

/// What an expression such as `%[path,map_beg(paths.map,app)]` comes to; `None` if it cannot be known.
pub(crate) fn expression(text: &str, site: &HAProxy, hop: &Hop) -> Option<String> {
    let Sample { base, argument, converters, .. } = Sample::read(text.strip_prefix("%[")?.strip_suffix(']')?);
    let values = fetched(&base, &argument, site, hop)?;
    converted(values, &converters, site)?.into_iter().next()
}

/// `None` if a converter is not known.
fn converted(mut values: Vec<String>, converters: &[String], site: &HAProxy) -> Option<Vec<String>> {
    for converter in converters {
        let (name, argument) = called(converter);
        if let Some(method) = name.strip_prefix("map") {
            values = values.iter().filter_map(|value| mapped(value, method, argument, site)).collect();
            continue;
        }
        let change: fn(&String) -> String = match name {
            "lower" => |text| text.to_lowercase(),
            "upper" => |text| text.to_uppercase(),
            "url_dec" => |text| decoded(text),
            _ => return None,
        };
        values = values.iter().map(change).collect();
    }
    Some(values)
}

/// The value that a map file has for a key: the longest that fits, else the converter's own default.
fn mapped(value: &str, method: &str, argument: &str, site: &HAProxy) -> Option<String> {
    let (file, default) =
        argument.split_once(',').map_or((argument, None), |(file, rest)| (file, Some(rest)));
    let method = method.split('_').nth(1).unwrap_or("str");
    let lines = listed(site, file.trim());
    let pairs = lines.iter().filter_map(|line| line.split_once(char::is_whitespace));
    let fitting = pairs.filter(|(key, _)| {
        compared(value, method, std::slice::from_ref(&(*key).to_owned()), false) == Truth::Yes
    });
    let longest = fitting.max_by_key(|(key, _)| key.len()).map(|(_, kept)| kept.trim());
    longest.or(default.map(str::trim)).map(str::to_owned)
}

/// `map_beg(paths.map,app)`: the name, and what stands in the parentheses.
fn called(text: &str) -> (&str, &str) {
    text.split_once('(').map_or((text, ""), |(name, argument)| (name, argument.trim_end_matches(')')))
}

/// Converters are parted by commas outside parentheses.
fn split_outside(text: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut depth = 0_i32;
    for letter in text.chars() {
        depth += i32::from(letter == '(') - i32::from(letter == ')');
        if letter == ',' && depth == 0 {
            found.push(String::new());
        } else if let Some(last) = found.last_mut() {
            last.push(letter);
        }
    }
    found
}

/// `path_beg` is `path` matched from its beginning.
fn suffix(base: &str) -> (String, String) {
    for ending in ["_beg", "_end", "_sub", "_reg", "_dir", "_dom", "_str"] {
        if let Some(head) = base.strip_suffix(ending) {
            return (ending.trim_start_matches('_').to_owned(), head.to_owned());
        }
    }
    let addresses = matches!(base, "src" | "dst" | "hdr_ip" | "req.hdr_ip");
    (if addresses { "ip" } else { "str" }.to_owned(), base.to_owned())
}

fn about(base: &str, argument: &str) -> About {
    let rates = ["_rate", "_cnt(", "_cur", "gpc", "gpt", "_cnt"];
    let counted = base.starts_with("sc") || base.starts_with("src_") || base.starts_with("table");
    if counted && rates.iter().any(|part| base.contains(part.trim_end_matches('('))) {
        return About::Rate;
    }
    match base {
        "src" | "hdr_ip" | "req.hdr_ip" => About::Address,
        _ if argument.to_ascii_lowercase().starts_with("user-agent") => About::UserAgent,
        _ if argument.to_ascii_lowercase().starts_with("x-forwarded-for") => About::Address,
        _ => About::Request,
    }
}

/// The values of a fetch; `None` if they cannot be known.
fn fetched(base: &str, argument: &str, site: &HAProxy, hop: &Hop) -> Option<Vec<String>> {
    let header = argument.split(',').next().unwrap_or(argument).trim();
    let flag = |holds: bool| Some(vec![if holds { "1" } else { "0" }.to_owned()]);
    match base {
        "path" => Some(vec![hop.raw_path().to_owned()]),
        "pathq" | "url" | "capture.req.uri" => Some(vec![hop.target.clone()]),
        "query" => Some(vec![hop.query().to_owned()]),
        "base" => Some(vec![format!("{}{}", hop.host(), hop.raw_path())]),
        "method" | "capture.req.method" => Some(vec![hop.method.clone()]),
        "hdr" | "req.hdr" | "req.fhdr" | "hdr_ip" | "req.hdr_ip" | "fhdr" => {
            let value = hop.header(header);
            let split = !base.contains("fhdr") && !header.eq_ignore_ascii_case("user-agent");
            Some(
                value
                    .map(|value| {
                        if split {
                            value.split(',').map(|part| part.trim().to_owned()).collect()
                        } else {
                            vec![value.to_owned()]
                        }
                    })
                    .unwrap_or_default(),
            )
        }
        "hdr_cnt" | "req.hdr_cnt" | "req.fhdr_cnt" => {
            Some(vec![usize::from(hop.header(header).is_some()).to_string()])
        }
        "hdr_len" | "req.hdr_len" => Some(vec![hop.header(header).map_or(0, str::len).to_string()]),
        "cook" | "req.cook" => Some(hop.cookie(header).map(str::to_owned).into_iter().collect()),
        "cook_cnt" | "req.cook_cnt" => Some(vec![usize::from(hop.cookie(header).is_some()).to_string()]),
        "urlp" | "url_param" => Some(hop.argument(header).map(str::to_owned).into_iter().collect()),
        "src" => hop.client.map(|client| vec![client.to_string()]),
        "dst_port" | "fc_dst_port" => Some(vec![hop.port.to_string()]),
        "ssl_fc" | "fc_ssl" => flag(hop.scheme == "https"),
        "ssl_c_used" | "ssl_fc_has_crt" => flag(false),
        "ssl_fc_sni" | "req.ssl_sni" | "req_ssl_sni" => Some(vec![hop.host()]),
        "always_true" => flag(true),
        "always_false" => flag(false),
        "bool" | "int" | "str" => Some(vec![argument.to_owned()]),
        "http_auth" | "http_auth_group" => match hop.basic() {
            None => flag(false),
            Some((user, password)) => site
                .password_fits(header, &user, &password)
                .map(|fits| vec![if fits { "1" } else { "0" }.to_owned()]),
        },
        "var" => hop.header(&format!("x-haproxy-variable-{argument}")).map(|value| vec![value.to_owned()]),
        _ => None,
    }
}

fn compared(value: &str, method: &str, patterns: &[String], ignore_case: bool) -> Truth {
    if let Some(operator) =
        patterns.first().filter(|word| matches!(word.as_str(), "gt" | "ge" | "lt" | "le" | "eq"))
    {
        let (Ok(value), Some(Ok(wanted))) =
            (value.parse::<i64>(), patterns.get(1).map(|text| text.parse::<i64>()))
        else {
            return Truth::Unknown;
        };
        return Truth::from(match operator.as_str() {
            "gt" => value > wanted,
            "ge" => value >= wanted,
            "lt" => value < wanted,
            "le" => value <= wanted,
            _ => value == wanted,
        });
    }
    let lower = |text: &str| if ignore_case { text.to_lowercase() } else { text.to_owned() };
    let value = lower(value);
    let one = |pattern: &String| -> Truth {
        let plain = lower(pattern);
        let holds = match method {
            "reg" => return pattern::matches(pattern, ignore_case, &value),
            "beg" => value.starts_with(&plain),
            "end" => value.ends_with(&plain),
            "sub" => value.contains(&plain),
            "dir" => {
                value.split('/').any(|part| part == plain.trim_matches('/'))
                    || value.contains(&format!("/{}/", plain.trim_matches('/')))
            }
            "dom" => {
                value.split(['.', '/', ':', '?']).any(|part| part == plain)
                    || format!(".{value}.").contains(&format!(".{plain}."))
            }
            "ip" => {
                return Truth::from(
                    value.parse::<IpAddr>().ok().and_then(|address| within(pattern, address)),
                );
            }
            "len" => value.len().to_string() == plain,
            _ => {
                value == plain
                    || range(&value, &plain)
                    || value.parse::<IpAddr>().ok().and_then(|address| within(pattern, address)) == Some(true)
            }
        };
        Truth::from(holds)
    };
    patterns.iter().map(one).fold(Truth::No, Truth::or)
}

/// `1024:65535`
fn range(value: &str, pattern: &str) -> bool {
    let (Ok(value), Some((from, to))) = (value.parse::<i64>(), pattern.split_once(':')) else { return false };
    from.parse::<i64>().is_ok_and(|from| from <= value) && to.parse::<i64>().is_ok_and(|to| value <= to)
}

/// The patterns of a file, one a line.
fn listed(site: &HAProxy, file: &str) -> Vec<String> {
    let path = site
        .root
        .parent()
        .unwrap_or(Path::new("/"))
        .join(file.trim_start_matches("file@").trim_start_matches("opt@"));
    let text = crate::source::whole(&path).unwrap_or_default();
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect()
}
