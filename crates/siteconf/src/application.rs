//! Applications behind the servers: what their logs say about the request in words that frameworks use, and the obvious
//! settings of sources that are given as roots.

use std::path::{Path, PathBuf};

use crate::beside;
use crate::hop::Hop;
use crate::logs;
use crate::report::{Clue, Place, Strength};

/// Words of frameworks, and what they mean. Earlier lines are more telling than later ones.
const WORDS: [(&[&str], &str); 24] = [
    (
        &["csrf", "xsrf", "origin checking failed", "referer checking failed", "invalidauthenticitytoken"],
        "app.csrf",
    ),
    (
        &[
            "blocked host",
            "disallowedhost",
            "invalid http_host",
            "host is not allowed",
            "invalid host header",
        ],
        "app.allowed-hosts",
    ),
    (
        &["invalid cors request", "not allowed by cors", "cors origin", "origin not allowed"],
        "app.cors-preflight",
    ),
    (
        &["token has expired", "token expired", "jwt expired", "signature has expired", "expiredsignature"],
        "app.jwt-expired",
    ),
    (
        &["invalid audience", "audience invalid", "invalid issuer", "issuer invalid", "wrong audience"],
        "app.jwt-audience",
    ),
    (
        &["insufficient_scope", "insufficient scope", "missing scope", "lacks scope", "required scope"],
        "app.insufficient-scope",
    ),
    (
        &["invalid api key", "unknown api key", "revoked api key", "missing api key", "api key"],
        "app.api-key-invalid",
    ),
    (&["rate limit", "ratelimit", "too many requests", "throttled"], "app.rate-limit-as-403"),
    (&["failed logins", "failed login", "banned", "locked out", "too many failed"], "app.login-ban"),
    (
        &[
            "ip not allowed",
            "ip address",
            "not in allowlist",
            "allowlist",
            "whitelist",
            "blocked ip",
            "denied ip",
        ],
        "app.ip-allowlist",
    ),
    (&["websocket"], "app.websocket-rejected"),
    (&["invalid signature", "signature mismatch", "link expired", "bad signature"], "app.signed-url"),
    (&["user-agent", "user agent"], "app.user-agent-required"),
    (&["read-only", "read only", "readonly", "maintenance"], "app.read-only"),
    (&["suspended", "not verified", "unverified", "terms of service"], "app.account-suspended"),
    (&["upgrade your plan", "subscription", "plan does not", "billing"], "app.tier"),
    (&["not the owner", "belongs to another", "not owner", "other tenant"], "app.ownership"),
    (&["region", "country", "feature disabled", "feature flag"], "app.feature-or-region"),
    (&["https required", "ssl required", "requires https"], "app.https-required"),
    (
        &["credentials were not provided", "not authenticated", "no credentials", "anonymous"],
        "app.auth-missing",
    ),
    (&["missing header", "required header", "header missing"], "app.missing-header"),
    (&["outside of", "serving allow list", "forbidden path"], "app.path-restricted"),
    (&["crawler", "bot detected", "bot traffic"], "app.bot-heuristic"),
    (
        &[
            "permission denied",
            "permissiondenied",
            "missing role",
            "requires role",
            "lacks permission",
            "access denied",
            "accessdenied",
        ],
        "app.role-missing",
    ),
];

/// What logs beside the servers' own say about the request.
pub(crate) fn from_logs(folders: &[PathBuf], hop: &Hop) -> Option<Clue> {
    let path = hop.raw_path();
    for log in beside::applications(folders) {
        let Some(lines) = logs::tail(&log) else { continue };
        for (at, line) in lines.iter().enumerate().rev() {
            if !mentions(line, path) || of_a_server(line) {
                continue;
            }
            let lower = line.to_lowercase();
            let Some((_, cause)) =
                WORDS.iter().find(|(words, _)| words.iter().any(|word| lower.contains(word)))
            else {
                continue;
            };
            let place = Place { file: log.clone(), line: u32::try_from(at + 1).unwrap_or(0) };
            let said = format!("the application's log names its reason for `{path}`");
            return Some(
                Clue::new(cause, Strength::Decisive, said).at(Some(place)).quoting(Some(logs::quote(line))),
            );
        }
    }
    None
}

/// Whether a line is about this path and no longer one.
fn mentions(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line.get(..at).and_then(|head| head.chars().next_back());
        let after = line.get(at + path.len()..).and_then(|tail| tail.chars().next());
        let ends =
            |letter: Option<char>| letter.is_none_or(|c| c.is_whitespace() || "\"'?,;)]:}".contains(c));
        let begins = before.is_none_or(|c| c.is_whitespace() || "\"'(=[:{".contains(c));
        begins && ends(after)
    })
}

/// Lines of nginx, Apache and ModSecurity, which are read elsewhere.
fn of_a_server(line: &str) -> bool {
    ["ModSecurity", ", client: ", "AH0", "[client "].iter().any(|mark| line.contains(mark))
}

/// A framework's sources: settings that decide over a request, where they are plain to see.
pub(crate) fn from_source(path: &Path, hop: &Hop) -> Option<Clue> {
    let text = crate::source::whole(path).ok()?;
    let line_of = |needle: &str| {
        let at = text.lines().position(|line| line.contains(needle))?;
        Some(Place { file: path.to_path_buf(), line: u32::try_from(at + 1).unwrap_or(0) })
    };
    let unsafe_method = !matches!(hop.method.as_str(), "GET" | "HEAD" | "OPTIONS" | "TRACE");
    if unsafe_method && text.contains("CsrfViewMiddleware") {
        let has_cookie = hop.cookie("csrftoken").is_some();
        let origin = hop.header("Origin").filter(|origin| !text.contains(*origin));
        let said = match (has_cookie, origin) {
            (false, _) => format!(
                "Django's CsrfViewMiddleware is on, and the {} carries no csrftoken cookie",
                hop.method
            ),
            (true, Some(origin)) => {
                format!("Django's CsrfViewMiddleware is on, and `{origin}` is not among CSRF_TRUSTED_ORIGINS")
            }
            (true, None) if hop.header("X-CSRFToken").is_none() => {
                format!("Django's CsrfViewMiddleware is on, and the {} has no X-CSRFToken header", hop.method)
            }
            (true, None) => return None,
        };
        return Some(
            Clue::new("app.csrf", Strength::Strong, said).at(line_of("CsrfViewMiddleware")).fixed_by([
                "send the csrftoken cookie and its value as X-CSRFToken, or csrfmiddlewaretoken in the form"
                    .to_owned(),
                format!("behind a proxy: CSRF_TRUSTED_ORIGINS = [\"https://{}\"]", hop.host()),
            ]),
        );
    }
    if unsafe_method && (text.contains("csurf") || text.contains("csrf-csrf")) {
        let said = "the application asks for a CSRF token with every request that changes something";
        return Some(
            Clue::new("app.csrf", Strength::Strong, said)
                .at(line_of("csurf").or_else(|| line_of("csrf-csrf"))),
        );
    }
    for setting in ["allowedHosts", "config.hosts", "TrustedHostMiddleware", "allowed_hosts"] {
        if text.contains(setting) && !text.contains(&hop.host()) {
            let said = format!("`{setting}` does not name `{}`", hop.host());
            return Some(
                Clue::new("app.allowed-hosts", Strength::Strong, said)
                    .at(line_of(setting))
                    .fixed_by([format!("add \"{}\" to {setting}", hop.host())]),
            );
        }
    }
    None
}
