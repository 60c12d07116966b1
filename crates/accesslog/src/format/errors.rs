//! Error logs of nginx and Apache: the lines that say why a 403 was given. Which words mean which cause is a table.

use std::borrow::Cow;

use super::stamp;
use crate::entry::Stamp;

/// A line of an error log.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ErrorLine<'a> {
    /// When.
    pub(crate) time: Stamp,
    /// The cause that its words mean, if they are about a 403.
    pub(crate) reason: Option<&'static str>,
    /// Who was refused, where it says so.
    pub(crate) client: Cow<'a, str>,
}

/// Words of error logs, and the cause that they testify to. The first that match count.
pub(crate) const REASONS: &[(&[&str], &str)] = &[
    (&["ModSecurity", "id \"942"], "modsecurity.crs-sqli"),
    (&["ModSecurity", "id \"941"], "modsecurity.crs-xss"),
    (&["ModSecurity", "id \"930"], "modsecurity.crs-lfi"),
    (&["ModSecurity", "id \"932"], "modsecurity.crs-rce"),
    (&["ModSecurity", "id \"913"], "modsecurity.crs-scanner-ua"),
    (&["ModSecurity", "id \"920"], "modsecurity.crs-protocol"),
    (&["ModSecurity", "id \"949"], "modsecurity.crs-anomaly"),
    (&["ModSecurity", "id \"9"], "modsecurity.crs-generic"),
    (&["ModSecurity: Access denied"], "modsecurity.custom-rule"),
    (&["access forbidden by rule"], "nginx.deny-rule"),
    (&["directory index of", "is forbidden"], "nginx.no-index-autoindex-off"),
    (&["limiting requests"], "nginx.limit_req_status-403"),
    (&["limiting connections"], "nginx.limit_req_status-403"),
    (&["security.limit_extensions"], "phpfpm.limit-extensions"),
    (&["(40: Too many levels of symbolic links)"], "nginx.disable_symlinks"),
    (&["(13: Permission denied)", "is not allowed"], "nginx.fs-permission"),
    (&["failed (13: Permission denied)"], "nginx.fs-permission"),
    (&["AH01630"], "apache.require-denied"),
    (&["AH01797"], "apache.legacy-order-deny"),
    (&["AH00529"], "apache.htaccess-unreadable"),
    (&["AH01276"], "apache.options-indexes"),
    (&["AH00132"], "apache.fs-permission"),
    (&["AH00035"], "apache.fs-permission"),
    (&["AH00037"], "apache.symlink-owner"),
    (&["AH02219"], "apache.ssl-require"),
    (&["AH02229"], "apache.ssl-require"),
    (&["AH01631"], "apache.authz-group"),
    (&["AH02809"], "apache.cgi-options"),
    (&["client denied by server configuration"], "apache.require-denied"),
    (&["mod_evasive"], "apache.evasive"),
];

/// Reads a line of an error log.
pub(crate) fn read(line: &str) -> Option<ErrorLine<'_>> {
    let time = moment(line)?;
    let reason = REASONS.iter().find(|(words, _)| words.iter().all(|word| line.contains(word)));
    let client = between(line, "client: ", ",").or_else(|| between(line, "[client ", "]")).unwrap_or("");
    let client = Cow::Borrowed(super::text::without_port(client));
    Some(ErrorLine { time, reason: reason.map(|(_, cause)| *cause), client })
}

fn moment(line: &str) -> Option<Stamp> {
    if let Some(inner) = line.strip_prefix('[') {
        // Apache: `[Tue Mar 03 14:30:00.123456 2026] [module:level] …`
        let (time, rest) = inner.split_once(']')?;
        let weekday = time.as_bytes().get(3) == Some(&b' ');
        return if weekday && rest.starts_with(" [") { stamp::read(time.as_bytes()) } else { None };
    }
    // nginx: `2026/03/03 14:30:00 [error] 12#12: …`
    let level = line.get(19..)?.starts_with(" [");
    let time = line.get(..19)?;
    if level && time.as_bytes().get(4) == Some(&b'/') { stamp::read(time.as_bytes()) } else { None }
}

fn between<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    let (_, after) = text.split_once(open)?;
    after.split_once(close).map(|(inner, _)| inner)
}
