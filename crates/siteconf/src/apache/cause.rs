//! From the section and rule that refuse to the cause they stand for, and the line that would change it.

use super::Refusal;
use super::authz::{About, Denied};
use super::facts::{Facts, Origin};
use super::grammar::Directive;
use super::layers::{Kind, Layer};
use super::walk::Obstacle;
use super::words::Word;
use crate::condition::Truth;
use crate::modes::{self, Worker};
use crate::report::{Clue, Strength};

fn strength(certain: Truth) -> Strength {
    if certain == Truth::Yes { Strength::Decisive } else { Strength::Strong }
}

/// A `Require`, or an `Order`/`Deny` of old, that refuses.
pub(crate) fn of_denied(
    denied: &Denied<'_>,
    layers: &[Layer<'_>],
    facts: &Facts,
    old: bool,
    send_forbidden: bool,
) -> Option<Refusal> {
    let layer = layers.get(denied.layer)?;
    let shown = denied.rule.shown();
    let client = facts.client.map_or_else(|| "the client".to_owned(), |client| client.to_string());
    let mut speaks = if old { Word::DeniedOld } else { Word::Denied };
    let reads = matches!(facts.hop.method.as_str(), "GET" | "HEAD");
    let cause = match denied.about {
        About::Person => {
            // Without a name the answer is 401; with a wrong one, too, unless it is asked to be 403.
            if facts.hop.basic().is_none() || !send_forbidden {
                return None;
            }
            speaks = Word::Person;
            "apache.authz-group"
        }
        // A `<Limit>` that names GET, too, is a rule for everybody in an old dress.
        _ if denied.limit.is_some_and(|limit| limit.name == "limitexcept" || !reads) => "apache.limit-method",
        About::Fact(Origin::Method) => "apache.limit-method",
        About::Fact(Origin::UserAgent) => "apache.ua-block",
        About::Fact(Origin::Referer) => "apache.referer-hotlink",
        About::Fact(Origin::Secure) => "apache.ssl-require",
        _ if of_expression(layer) == Some(Origin::UserAgent) => "apache.ua-block",
        _ if of_expression(layer) == Some(Origin::Referer) => "apache.referer-hotlink",
        _ => by_section(layer, denied.rule, facts, old),
    };
    let said = match cause {
        "apache.missing-directory-grant" => format!(
            "no section grants `{}`: only `{}` speaks about it, with `{shown}`",
            facts.file.display(),
            layer.label
        ),
        "apache.limit-method" => format!(
            "`{}` in `{}` refuses {}",
            denied.limit.map_or(shown.clone(), Directive::shown),
            layer.label,
            facts.hop.method
        ),
        _ => format!("`{shown}` in `{}` refuses {client}", layer.label),
    };
    let clue = Clue::new(cause, strength(denied.certain), said)
        .at(denied.rule.place.clone().or_else(|| layer.place.clone()))
        .quoting(Some(shown.clone()))
        .fixed_by(fix(cause, &shown, &client, layer, facts));
    Some(Refusal { clue, certain: denied.certain, speaks: Some(speaks) })
}

/// What the expression of an `<If>` section looks at.
fn of_expression(layer: &Layer<'_>) -> Option<Origin> {
    layer.label.to_ascii_lowercase().starts_with("<if ").then(|| Facts::origin(&layer.label))
}

fn by_section(layer: &Layer<'_>, rule: &Directive, facts: &Facts, old: bool) -> &'static str {
    let names_files = |label: &str| {
        ["\\.", "[.]", "/.", "wp-config", "readme", "composer", "package"]
            .iter()
            .any(|part| label.contains(part))
    };
    match layer.kind {
        Kind::Proxy => "apache.encoded-or-traversal-proxy",
        _ if layer.from_override => "apache.htaccess-deny",
        _ if old => "apache.legacy-order-deny",
        Kind::Files => "apache.files-match",
        Kind::DirectoryPattern | Kind::Location
            if layer.label.contains("Match") && names_files(&layer.label) =>
        {
            "apache.files-match"
        }
        Kind::Location if layer.label.contains('~') && names_files(&layer.label) => "apache.files-match",
        Kind::Directory if layer.folder.as_deref() == Some(std::path::Path::new("/")) && everybody(rule) => {
            "apache.missing-directory-grant"
        }
        Kind::Directory
            if everybody(rule)
                && layer.folder.as_ref().is_some_and(|folder| {
                    facts.root.starts_with(folder)
                        && *folder != facts.root
                        && folder.components().count() <= 2
                }) =>
        {
            "apache.missing-directory-grant"
        }
        _ => "apache.require-denied",
    }
}

fn everybody(rule: &Directive) -> bool {
    rule.args.iter().any(|arg| arg.eq_ignore_ascii_case("denied"))
        || rule.name == "deny" && rule.args.iter().any(|arg| arg.eq_ignore_ascii_case("all"))
}

fn fix(cause: &str, shown: &str, client: &str, layer: &Layer<'_>, facts: &Facts) -> Vec<String> {
    let place = layer
        .place
        .as_ref()
        .map_or_else(|| layer.label.clone(), |place| format!("{} ({place})", layer.label));
    match cause {
        "apache.missing-directory-grant" => {
            vec![format!("<Directory {}>\n    Require all granted\n</Directory>", facts.root.display())]
        }
        "apache.legacy-order-deny" => vec![
            format!("replace `Order`/`Allow`/`Deny` in {place} by: Require ip {client}"),
            "use one style only: mod_access_compat and mod_authz_core both have to let a request in"
                .to_owned(),
        ],
        "apache.htaccess-deny" => vec![format!("remove or change `{shown}` in {place}")],
        "apache.files-match" => vec![format!(
            "narrow the pattern of {place}, or give the file another name; a secret file stays refused"
        )],
        "apache.limit-method" => vec![format!("add {} to the methods of {place}", facts.hop.method)],
        "apache.authz-group" => vec![format!("add the user to the group or list in `{shown}`")],
        "apache.ua-block" => vec!["narrow the User-Agent pattern that sets the variable".to_owned()],
        "apache.referer-hotlink" => vec!["add the embedding host to the accepted referrers".to_owned()],
        "apache.ssl-require" => vec!["ask over https, and redirect plain http there".to_owned()],
        "apache.encoded-or-traversal-proxy" => vec![format!("Require ip {client}  (in {place})")],
        _ => vec![format!("Require ip {client}  (in {place}), or: Require all granted")],
    }
}

/// A rewrite rule with `[F]`.
pub(crate) fn of_rewrite(
    rule: &Directive,
    conditions: &[&Directive],
    certain: Truth,
    origin: Origin,
) -> Refusal {
    let cause = match origin {
        Origin::UserAgent => "apache.ua-block",
        Origin::Referer => "apache.referer-hotlink",
        _ => "apache.rewrite-forbidden",
    };
    let lines: Vec<String> =
        conditions.iter().map(|condition| condition.shown()).chain([rule.shown()]).collect();
    let under = if conditions.is_empty() {
        String::new()
    } else {
        format!(" under {} condition(s)", conditions.len())
    };
    let said = format!("`{}` forbids the request{under}", rule.shown());
    let clue = Clue::new(cause, strength(certain), said)
        .at(rule.place.clone())
        .quoting(Some(lines.join("\n")))
        .fixed_by([
            "narrow the pattern or its conditions; LogLevel rewrite:trace3 shows each step".to_owned()
        ]);
    Refusal { clue, certain, speaks: Some(Word::Rewrite) }
}

/// `Redirect 403`.
pub(crate) fn of_redirect(rule: &Directive) -> Refusal {
    let names_files = rule.arg(1).contains("\\.") || rule.arg(1).contains("/.");
    let cause = if names_files { "apache.files-match" } else { "apache.rewrite-forbidden" };
    let clue = Clue::new(cause, Strength::Decisive, format!("`{}` answers 403 for this path", rule.shown()))
        .at(rule.place.clone())
        .quoting(Some(rule.shown()))
        .fixed_by(["narrow its path or pattern".to_owned()]);
    Refusal { clue, certain: Truth::Yes, speaks: None }
}

/// Something on the way to the file.
pub(crate) fn of_obstacle(obstacle: &Obstacle, worker: &Worker) -> Refusal {
    let (clue, speaks) = match obstacle {
        Obstacle::Link { link, owner } => {
            let target =
                std::fs::read_link(link).map(|target| target.display().to_string()).unwrap_or_default();
            let (why, fix) = if *owner {
                let right =
                    modes::link_owners(link).map(|(_, target)| modes::user_name(target)).unwrap_or_default();
                (
                    "link and target have different owners, and only `SymLinksIfOwnerMatch` is set",
                    format!("chown -h {right} {}", modes::quoted(link)),
                )
            } else {
                (
                    "`Options` has no `FollowSymLinks` there",
                    "Options +FollowSymLinks  (in the <Directory> above the link)".to_owned(),
                )
            };
            (
                Clue::new(
                    "apache.symlink-owner",
                    Strength::Decisive,
                    format!("`{}` links to `{target}`, and {why}", link.display()),
                )
                .fixed_by([fix]),
                Word::Link,
            )
        }
        Obstacle::Search(denial) => {
            let said =
                format!("the worker runs as `{}` and may not search `{}`", worker.name, denial.shown());
            (
                Clue::new("apache.fs-permission", Strength::Decisive, said)
                    .quoting(Some(denial.shown()))
                    .fixed_by(denial.fix(worker)),
                Word::Search,
            )
        }
        Obstacle::Override { file, denial } => {
            let said = format!(
                "`{}` cannot be read by `{}` (`{}`), so Apache refuses the whole directory",
                file.display(),
                worker.name,
                denial.shown()
            );
            (
                Clue::new("apache.htaccess-unreadable", Strength::Decisive, said)
                    .quoting(Some(denial.shown()))
                    .fixed_by(denial.fix(worker)),
                Word::Override,
            )
        }
    };
    Refusal { clue, certain: Truth::Yes, speaks: Some(speaks) }
}

/// What the log says although the configuration does not come to it.
pub(crate) fn of_word(word: Word) -> (&'static str, &'static str) {
    match word {
        Word::Denied => ("apache.require-denied", "a `Require` rule refused the client"),
        Word::DeniedOld => ("apache.legacy-order-deny", "an `Order`/`Allow`/`Deny` rule refused the client"),
        Word::Person => ("apache.authz-group", "the user who signed in is not among those wanted"),
        Word::Index => ("apache.options-indexes", "the directory has no index and may not be listed"),
        Word::FileMode | Word::Search | Word::Listing => {
            ("apache.fs-permission", "the worker may not read the file or search a directory above it")
        }
        Word::Override => ("apache.htaccess-unreadable", "an `.htaccess` could not be read"),
        Word::Link => ("apache.symlink-owner", "a symbolic link was not followed"),
        Word::Secure => ("apache.ssl-require", "TLS or a client certificate is required"),
        Word::Cgi => ("apache.cgi-options", "the script may not be run"),
        Word::Evasive => {
            ("apache.evasive", "a module without a number of its own refused the client, as mod_evasive does")
        }
        Word::Rewrite => ("apache.rewrite-forbidden", "a rewrite rule forbade the request"),
        Word::Script => ("phpfpm.limit-extensions", "PHP-FPM refused to run the file"),
    }
}
