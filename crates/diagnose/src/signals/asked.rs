//! Signals of the request itself: what it shows before anything is sent.

use percent_encoding::percent_decode_str;

use super::{Scene, Seen};
use crate::asked::{Asked, Scheme, Version};
use crate::credential::{self, jwt::Token, signed};
use crate::evidence::Evidence;

mod payload;

pub(super) fn judge(evidence: &Evidence, scene: &Scene<'_>, seen: &mut Seen) {
    let mut set = |id: &str, holds: bool| seen.set(evidence, id, holds);
    agents(scene, &mut set);
    origins(scene.asked, &mut set);
    credentials(scene, &mut set);
    method(scene.asked, &mut set);
    path(scene.asked, &mut set);
    signatures(scene, &mut set);
    route(scene, &mut set);
    let kinds = payload::of(scene.asked);
    set("asked:looks-sql", kinds.sql);
    set("asked:looks-markup", kinds.markup);
    set("asked:looks-traversal", kinds.traversal);
    set("asked:looks-command", kinds.command);
    set("asked:query", scene.asked.url.query.is_some());
}

fn agents(scene: &Scene<'_>, set: &mut impl FnMut(&str, bool)) {
    let agent = scene.agent.to_ascii_lowercase();
    let given = scene.asked.header("user-agent").is_some();
    let any = |list: &[&str]| list.iter().any(|part| agent.contains(part));
    let crawler = any(CRAWLERS) && !agent.contains("portcullis");
    let browser = agent.starts_with("mozilla/") && !crawler;
    set("asked:no-agent", agent.trim().is_empty());
    set("asked:agent-given", given && !agent.trim().is_empty());
    set("asked:scanner-agent", any(SCANNERS));
    set("asked:crawler-agent", crawler);
    set("asked:device-agent", given && browser && !any(SCANNERS));
    set("asked:tool-agent", !agent.trim().is_empty() && !browser && !crawler);
}

fn origins(asked: &Asked, set: &mut impl FnMut(&str, bool)) {
    let host = asked.meant_host();
    let place = |value: &str| {
        let rest = value.split("://").nth(1).unwrap_or(value);
        rest.split(['/', ':', '?']).next().unwrap_or_default().to_ascii_lowercase()
    };
    let referer = asked.header("referer").map(place);
    set("asked:foreign-referer", referer.as_ref().is_some_and(|place| *place != host && !place.is_empty()));
    let origin = asked.header("origin").map(place);
    set("asked:origin", origin.is_some());
    set("asked:foreign-origin", origin.is_some_and(|place| place != host));
    let preflight = asked.method == "OPTIONS" && asked.header("access-control-request-method").is_some();
    set("asked:preflight", preflight);
    let upgrade = asked.header("upgrade").is_some_and(|value| value.eq_ignore_ascii_case("websocket"));
    set("asked:upgrade", upgrade);
}

fn credentials(scene: &Scene<'_>, set: &mut impl FnMut(&str, bool)) {
    let asked = scene.asked;
    let in_header = asked.headers.iter().any(|(name, _)| credential::is_credential_header(name));
    let in_query = asked.url.arguments().any(credential::is_credential_argument);
    let cookie = asked.header("cookie").is_some();
    let authorization = asked.header("authorization").unwrap_or_default().to_ascii_lowercase();
    set("asked:cookie", cookie);
    set("asked:credentials", in_header || in_query);
    set("asked:nothing-to-know-one-by", !in_header && !in_query && !cookie);
    set("asked:basic", authorization.starts_with("basic "));
    let token_header = asked.headers.iter().any(|(name, _)| {
        credential::is_credential_header(name) && name.to_ascii_lowercase().ends_with("token")
    });
    let bearer = ["bearer ", "token ", "pveapitoken", "apitoken "];
    set("asked:token", token_header || bearer.iter().any(|kind| authorization.starts_with(kind)));
    let keyed = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.contains("key") && !name.starts_with("sec-")
    };
    let key = asked.headers.iter().any(|(name, _)| keyed(name))
        || asked.url.arguments().any(|argument| {
            let name = argument.split('=').next().unwrap_or_default();
            name.eq_ignore_ascii_case("key") || keyed(name) && credential::is_credential_argument(argument)
        })
        || authorization.starts_with("apikey ")
        || authorization.starts_with("api-key ");
    set("asked:api-key", key);
    let token = token_of(asked);
    let out_of_time = token.as_ref().is_some_and(|token| token.out_of_time(scene.now));
    set("asked:token-expired", out_of_time);
    set("asked:token-in-time", token.is_some() && !out_of_time);
    let host = asked.meant_host();
    set("asked:token-elsewhere", token.as_ref().is_some_and(|token| token.is_for_elsewhere(&host)));
    set("asked:token-scoped", token.as_ref().is_some_and(|token| !token.scopes.is_empty()));
    set("asked:token-roles", token.as_ref().is_some_and(|token| !token.roles.is_empty()));
    let stated = signed::stated_time(asked);
    set("asked:clock-apart", stated.is_some_and(|stated| (stated - server_time(scene)).abs() > 15 * 60));
    let aws = authorization.starts_with("aws4-hmac") || authorization.starts_with("aws ");
    set("asked:aws-signature", aws);
}

/// The first JWT that is sent, in whatever header or argument.
pub(crate) fn token_of(asked: &Asked) -> Option<Token> {
    let in_headers = asked.headers.iter().flat_map(|(_, value)| value.split([' ', ';', '=', ',']));
    let in_query =
        asked.url.arguments().filter_map(|argument| argument.split_once('=').map(|(_, value)| value));
    in_headers.chain(in_query).find_map(Token::read)
}

/// The server's clock where its answer shows it, else ours.
fn server_time(scene: &Scene<'_>) -> i64 {
    let date = scene.exhibit.and_then(|answer| answer.header("date"));
    let read = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
    read.map_or(scene.now, |zoned| zoned.timestamp().as_second())
}

fn method(asked: &Asked, set: &mut impl FnMut(&str, bool)) {
    set("asked:unsafe", asked.is_unsafe());
    set("asked:rare-method", !matches!(asked.method.as_str(), "GET" | "HEAD" | "POST" | "OPTIONS"));
    set("asked:purge", matches!(asked.method.to_ascii_uppercase().as_str(), "PURGE" | "BAN" | "REFRESH"));
    let body = asked.body.as_deref().map(String::from_utf8_lossy).unwrap_or_default().to_lowercase();
    let json = body.trim_start().starts_with(['{', '[']);
    let tokened = ["csrf", "xsrf", "authenticity_token", "requestverificationtoken", "_token", "nonce"]
        .iter()
        .any(|part| {
            body.contains(part)
                || asked.headers.iter().any(|(name, _)| name.to_ascii_lowercase().contains(part))
        });
    // A password in `Authorization` is sent by browsers unasked, as cookies are, and needs the token as well.
    let authorization = asked.header("authorization").unwrap_or_default().to_ascii_lowercase();
    let by_itself =
        ["basic ", "digest ", "negotiate ", "ntlm "].iter().any(|way| authorization.starts_with(way));
    let known_otherwise = asked.headers.iter().any(|(name, _)| {
        credential::is_credential_header(name) && !(by_itself && name.eq_ignore_ascii_case("authorization"))
    });
    set("asked:form-without-token", asked.method == "POST" && !json && !tokened && !known_otherwise);
    set(
        "asked:object-body",
        (body.contains("apiversion") && body.contains("kind"))
            || asked.url.path.starts_with("/api/v1/namespaces/"),
    );
}

fn path(asked: &Asked, set: &mut impl FnMut(&str, bool)) {
    let path = percent_decode_str(&asked.url.path).decode_utf8_lossy().to_lowercase();
    let name = path.rsplit('/').next().unwrap_or_default().to_owned();
    let hidden = path.split('/').any(|part| part.starts_with('.') && part != "." && part != "..");
    let ends = |list: &[&str]| list.iter().any(|end| name.ends_with(end));
    let guarded =
        ends(GUARDED) || name.ends_with('~') || path.split('/').any(|part| GUARDED_NAMES.contains(&part));
    set("asked:folder", path.ends_with('/') && path != "/");
    set("asked:root", path == "/");
    set("asked:dot-segment", hidden);
    set("asked:guarded-name", guarded);
    set("asked:script", path.contains("/cgi-bin/") || ends(&[".cgi", ".pl", ".py", ".sh", ".rb", ".fcgi"]));
    set("asked:php", name.contains(".php") || path.contains(".php/") || ends(&[".phtml", ".phar", ".inc"]));
    set("asked:static", ends(STATIC));
    set("asked:admin-path", ADMINISTRATION.iter().any(|part| path.contains(part)));
    let numbered = |part: &str| {
        part.len() >= 2
            && part.bytes().any(|b| b.is_ascii_digit())
            && part.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
            || part.rsplit(['-', '_']).next().is_some_and(|end| {
                end.len() >= 2 && part.len() > end.len() && end.bytes().all(|b| b.is_ascii_digit())
            })
    };
    set("asked:numbered-path", path.split('/').any(numbered));
}

fn signatures(scene: &Scene<'_>, set: &mut impl FnMut(&str, bool)) {
    let signed = signed::of_url(&scene.asked.url);
    let is = |kind| signed.as_ref().is_some_and(|signed| signed.kind == kind);
    let past = signed.as_ref().and_then(|signed| signed.expires).map(|expires| expires <= scene.now);
    set("asked:signed-s3", is(signed::Kind::S3));
    set("asked:signed-s3-expired", is(signed::Kind::S3) && past == Some(true));
    set("asked:signed-gcs", is(signed::Kind::Gcs));
    set("asked:signed-gcs-expired", is(signed::Kind::Gcs) && past == Some(true));
    set("asked:sas", is(signed::Kind::Sas));
    set(
        "asked:cloudfront-signed",
        is(signed::Kind::CloudFront) || signed::has_cloudfront_cookies(scene.asked),
    );
    set(
        "asked:signature-argument",
        is(signed::Kind::Other) || scene.asked.url.arguments().any(credential::is_signature_argument),
    );
    set("asked:md5-argument", is(signed::Kind::SecureLink));
    set("asked:expiry-past", past == Some(true));
    set("asked:expiry-ahead", past == Some(false));
}

fn route(scene: &Scene<'_>, set: &mut impl FnMut(&str, bool)) {
    let asked = scene.asked;
    let by_number = asked.meant_host().parse::<std::net::IpAddr>().is_ok();
    let another = asked.header("host").is_some() && asked.meant_host() != asked.url.host;
    let to_a_name = asked.url.host.parse::<std::net::IpAddr>().is_err();
    set("asked:several-addresses", scene.addresses.len() > 1);
    set("asked:version-by-hand", asked.version != Version::Any);
    set("asked:plain-http", asked.url.scheme == Scheme::Http);
    set("asked:number-as-host", by_number);
    set("asked:host-elsewhere", another || !asked.resolve.is_empty());
    set("asked:two-hosts", another && (to_a_name || asked.url.scheme == Scheme::Https));
    set("asked:through-proxy", asked.proxy.is_some());
    set("asked:odd-port-through-proxy", asked.proxy.is_some() && !matches!(asked.url.port, 80 | 443));
    let media = asked.header("content-type").unwrap_or_default().to_ascii_lowercase();
    let odd_media = !media.is_empty()
        && ![
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "application/json",
            "text/xml",
            "application/xml",
        ]
        .iter()
        .any(|usual| media.starts_with(usual));
    let left_out = |name: &str| asked.left_out.iter().any(|left| left.eq_ignore_ascii_case(name));
    let odd_method = !matches!(asked.method.as_str(), "GET" | "HEAD" | "POST" | "OPTIONS");
    let odd_suffix =
        asked.url.suffix().is_some_and(|suffix| GUARDED.contains(&suffix.to_ascii_lowercase().as_str()));
    let lacks = left_out("accept")
        || left_out("user-agent")
        || left_out("host")
        || scene.agent.trim().is_empty()
        || asked.header("accept").is_some_and(|accept| accept.trim().is_empty());
    set("asked:looks-odd-request", by_number || odd_media || odd_method || odd_suffix || lacks);
}

const SCANNERS: &[&str] = &[
    "sqlmap",
    "nikto",
    "nmap",
    "masscan",
    "zgrab",
    "nessus",
    "openvas",
    "acunetix",
    "netsparker",
    "dirbuster",
    "gobuster",
    "wpscan",
    "nuclei",
    "w3af",
    "arachni",
    "burp",
    "zaproxy",
    "owasp",
    "havij",
    "fimap",
    "skipfish",
    "whatweb",
    "joomscan",
    "ffuf",
    "feroxbuster",
    "wfuzz",
    "hydra",
    "commix",
    "qualys",
    "detectify",
    "vega",
    "grabber",
    "metis",
    "morfeus",
    "paros",
    "webinspect",
    "appscan",
    "jorgee",
    "libredtail",
    "censys",
    "shodan",
    "grendel",
    "absinthe",
    "pmafind",
];
const CRAWLERS: &[&str] = &[
    "bot",
    "crawl",
    "spider",
    "slurp",
    "ahrefs",
    "semrush",
    "facebookexternalhit",
    "ia_archiver",
    "archive.org",
    "scrapy",
    "bingpreview",
    "yandex",
    "baidu",
    "duckduckgo",
    "gptbot",
    "ccbot",
    "claudebot",
    "bytespider",
    "petalbot",
    "feedfetcher",
];
/// Suffixes of names that servers and rule sets guard.
const GUARDED: &[&str] = &[
    ".bak",
    ".old",
    ".orig",
    ".save",
    ".swp",
    ".swo",
    ".tmp",
    ".backup",
    ".back",
    ".dist",
    ".sample",
    ".sql",
    ".sqlite",
    ".db",
    ".mdb",
    ".dump",
    ".inc",
    ".conf",
    ".config",
    ".cfg",
    ".cnf",
    ".ini",
    ".env",
    ".log",
    ".yml",
    ".yaml",
    ".lock",
    ".pem",
    ".key",
    ".crt",
    ".csr",
    ".pfx",
    ".p12",
    ".htaccess",
    ".htpasswd",
    ".git",
    ".svn",
    ".hg",
    ".ds_store",
    ".tpl",
    ".twig",
    ".engine",
    ".module",
    ".profile",
    ".test",
    ".po",
    ".theme",
    ".xtmpl",
    ".fla",
    ".psd",
    ".sh",
    ".copy",
    ".asa",
    ".axd",
    ".backup",
    ".bat",
    ".cdx",
    ".cmd",
    ".com",
    ".dll",
    ".lnk",
    ".resources",
    ".vb",
    ".vbs",
    ".xsd",
    ".xsx",
    ".rdb",
    ".dat",
    ".pol",
    ".printer",
    ".asax",
    ".ascx",
    ".cs",
    ".csproj",
    ".licx",
    ".resx",
    ".webinfo",
    ".sys",
    ".htr",
];
const GUARDED_NAMES: &[&str] = &[
    ".git",
    ".svn",
    ".hg",
    ".env",
    ".ht",
    ".htaccess",
    ".htpasswd",
    ".ssh",
    ".aws",
    ".vscode",
    ".idea",
    "composer.json",
    "composer.lock",
    "package.json",
    "web.config",
    "wp-config.php",
    "dockerfile",
    "makefile",
    "readme.md",
    "changelog.md",
    "license.txt",
    "vendor",
    "node_modules",
    "xmlrpc.php",
    "id_rsa",
    ".npmrc",
    ".bash_history",
];
const STATIC: &[&str] = &[
    ".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".avif", ".ico", ".bmp", ".css", ".js", ".mjs", ".map",
    ".woff", ".woff2", ".ttf", ".eot", ".mp4", ".webm", ".mp3", ".ogg", ".wav", ".flv", ".pdf", ".zip",
    ".gz", ".swf",
];
const ADMINISTRATION: &[&str] = &[
    "/admin",
    "/manage",
    "/console",
    "/wp-admin",
    "/phpmyadmin",
    "/dashboard",
    "/actuator",
    "/internal",
    "/staff",
    "/status",
    "/metrics",
    "/debug",
    "/server-status",
];
