//! What error logs testify: a reason in the server's own words is a cause of its own beside the contrast.

use super::{Cause, moment};
use crate::study::Study;
use crate::tally::{Reason, Tally};

/// Titles and next steps of the causes that error logs name.
const SAID: &[(&str, &str, &str)] = &[
    (
        "nginx.deny-rule",
        "an allow/deny list in nginx refuses these addresses",
        "Find the `deny` of the location that applies; put `allow` for the address above it. Behind a proxy set `real_ip_header` first.",
    ),
    (
        "nginx.no-index-autoindex-off",
        "directories without an index file, and listings are off",
        "Put the index file there, or correct `root`/`index`; a single-page app needs `try_files $uri $uri/ /index.html`.",
    ),
    (
        "nginx.fs-permission",
        "nginx's worker may not read the file or pass a directory above it",
        "Run `namei -l PATH`: each directory needs x and the file r for the worker's user; with SELinux, `restorecon -Rv`.",
    ),
    (
        "nginx.limit_req_status-403",
        "nginx's rate limit refuses with 403",
        "Raise `rate` or `burst`, or choose a better key; set `limit_req_status 429` so that clients slow down.",
    ),
    (
        "nginx.disable_symlinks",
        "nginx refuses symbolic links here",
        "Serve the real path, or relax `disable_symlinks` with `from=`.",
    ),
    (
        "phpfpm.limit-extensions",
        "PHP-FPM refuses to run files with this ending",
        "Correct SCRIPT_FILENAME, or add the ending to `security.limit_extensions`.",
    ),
    (
        "apache.require-denied",
        "a `Require` rule in Apache's configuration refuses",
        "Find the `<Directory>` or `<Location>` that applies and grant access there.",
    ),
    (
        "apache.legacy-order-deny",
        "an `Order`/`Deny` rule of Apache 2.2's kind refuses",
        "Write it as `Require`; do not mix both kinds.",
    ),
    (
        "apache.htaccess-unreadable",
        "Apache cannot read a `.htaccess` file and refuses the whole directory",
        "`chmod 644` the file; give the directories above it x.",
    ),
    (
        "apache.options-indexes",
        "directories without an index file, and listings are off",
        "Put a `DirectoryIndex` file there.",
    ),
    (
        "apache.fs-permission",
        "file permissions refuse Apache's user",
        "Run `namei -l PATH` and mend the part that lacks r or x.",
    ),
    (
        "apache.symlink-owner",
        "Apache refuses a symbolic link",
        "Allow `FollowSymLinks`, or make link and target one owner's.",
    ),
    ("apache.ssl-require", "Apache requires TLS here", "Use https, or redirect to it."),
    (
        "apache.authz-group",
        "signed in, but not in the group that is required",
        "Add the account to the group, or widen the `Require`.",
    ),
    (
        "apache.cgi-options",
        "CGI is not allowed in this directory",
        "Set `Options +ExecCGI` where scripts are meant to run.",
    ),
    (
        "apache.evasive",
        "mod_evasive took the client for an attack",
        "Raise its thresholds, or whitelist the address.",
    ),
    (
        "modsecurity.custom-rule",
        "a rule of the WAF refuses",
        "Look up the rule's id in the audit log and exclude what it must not match.",
    ),
];

/// What is said of CRS rules, which have many ids.
const CRS: (&str, &str) = (
    "the WAF's core rule set refuses these requests",
    "Look up the rule id in the line; exclude that argument for that path, not the rule as a whole.",
);

/// Least part of the 403s that a reason must cover to come first.
const COVERS: f64 = 0.5;

/// Adds what error logs say.
pub(super) fn add(tally: &Tally, study: &Study, causes: &mut Vec<Cause>) {
    let mut reasons: Vec<(&&'static str, &Reason)> = tally.reasons.iter().collect();
    reasons.sort_by(|a, b| b.1.lines.cmp(&a.1.lines).then_with(|| a.0.cmp(b.0)));
    let all: u64 = reasons.iter().map(|(_, reason)| reason.lines).sum();
    for (id, reason) in reasons.into_iter().take(4) {
        let of = if tally.refused > 0 { tally.refused.max(all) } else { all };
        let covers = reason.lines as f64 / of.max(1) as f64;
        let cause = cause(id, reason, covers, study);
        let nothing_else = causes.first().is_none_or(|first| first.id.starts_with("none."));
        if covers >= COVERS || nothing_else {
            causes.retain(|cause| !cause.id.starts_with("none."));
            causes.insert(0, cause);
        } else {
            causes.push(cause);
        }
    }
}

fn cause(id: &'static str, reason: &Reason, covers: f64, study: &Study) -> Cause {
    let (title, fix) = SAID.iter().find(|said| said.0 == id).map_or(CRS, |said| (said.1, said.2));
    let (first, last) = (reason.first.div_euclid(60), reason.last.div_euclid(60));
    let since = moment::told(study, first);
    Cause {
        id,
        confidence: (0.35 + 0.6 * covers).min(0.95),
        title: title.to_owned(),
        evidence: vec![
            format!(
                "error log: {} lines say so, from {since} to {}",
                reason.lines,
                moment::told(study, last)
            ),
            format!("as many as {:.0} % of the 403s", 100.0 * covers),
        ],
        fix: vec![fix.to_owned()],
        contrast: None,
        since: Some(since),
        examples: vec![crate::report::redact::line(&reason.example)],
        explains: reason.lines as f64,
        course: Vec::new(),
    }
}
