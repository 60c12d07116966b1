//! The way of a request through Apache: rewriting, mapping, the walk along the path, access, rewriting again, content.

use std::path::PathBuf;

use super::authz;
use super::cause;
use super::facts::Facts;
use super::grammar::Directive;
use super::layers::{self, Kind, Layer, last};
use super::rewrite::{self, Ruled};
use super::walk::{self, Mapped};
use super::words::Word;
use super::{Apache, Refusal};
use crate::condition::Truth;
use crate::hop::Hop;
use crate::modes::{self, Need, Reach, Worker};
use crate::report::{Clue, Place, Strength};
use crate::source::Files;

/// What the way came to.
#[derive(Debug, Default)]
pub(crate) struct Way {
    pub(crate) refusals: Vec<Refusal>,
    pub(crate) file: Option<PathBuf>,
    /// The address that the request is proxied to, and where that is written.
    pub(crate) proxied: Option<(String, Option<Place>)>,
    /// FastCGI, by a handler.
    pub(crate) script: Option<(String, PathBuf)>,
    /// Names of the sections that hold.
    pub(crate) sections: Vec<String>,
    pub(crate) place: Option<Place>,
    pub(crate) worker: Option<Worker>,
    pub(crate) path: String,
}

impl Way {
    pub(crate) fn certainly_refused(&self) -> bool {
        self.refusals.iter().any(|refusal| refusal.certain == Truth::Yes)
    }

    /// `VirtualHost shop.example > <Location "/console">`.
    pub(crate) fn section(&self, host: Option<&Directive>) -> String {
        let mut parts = vec![host.map_or_else(
            || "main server".to_owned(),
            |host| {
                let name = host
                    .children()
                    .iter()
                    .find(|directive| directive.name == "servername")
                    .map_or("(no name)", |directive| directive.arg(0));
                format!("{} {name}", host.text)
            },
        )];
        parts.extend(self.sections.iter().cloned());
        parts.join(" > ")
    }

    fn refuse(&mut self, refusal: Refusal) -> bool {
        let certain = refusal.certain == Truth::Yes;
        self.refusals.push(refusal);
        certain
    }
}

/// Takes a request all the way.
pub(crate) fn run(site: &Apache, levels: &[&[Directive]], hop: &Hop, files: &mut Files) -> Way {
    let mut way = Way { worker: site.worker(), path: hop.path(), ..Way::default() };
    let server: Vec<&Directive> =
        levels.iter().flat_map(|level| level.iter()).filter(|directive| directive.block.is_none()).collect();
    let mut facts = Facts::new(hop);
    facts.root = walk::document_root(levels)
        .map_or_else(|| PathBuf::from("/var/www/html"), |directive| PathBuf::from(directive.arg(0)));
    facts.remote_ip(&server);
    facts.set_environment(&server);
    evasive(site, &server, &facts, &mut way);
    // A virtual host does not run the main server's rules unless it asks for them.
    let own: Vec<&Directive> = levels.last().into_iter().flat_map(|level| level.iter()).collect();
    let inherits = own.iter().any(|directive| {
        directive.name == "rewriteoptions" && directive.text.to_ascii_lowercase().contains("inherit")
    });
    let rules = if inherits { server.clone() } else { own };
    facts.file = PathBuf::from(&facts.path);
    let mut proxied: Option<(String, Option<Place>)> = None;
    match rewrite::run(&rules, &mut facts, None) {
        Ruled::Forbidden { rule, conditions, certain, origin } => {
            if way.refuse(cause::of_rewrite(rule, &conditions, certain, origin)) {
                return way;
            }
        }
        Ruled::Proxied(address) => proxied = Some((address, None)),
        Ruled::Redirected => return way,
        Ruled::Passed => {}
    }
    let mut by = None;
    if hop.target.contains("://") && !hop.target.starts_with('/') {
        proxied = Some((hop.target.clone(), None));
    }
    if proxied.is_none() {
        match walk::mapped(levels, &facts) {
            Mapped::Forbidden(rule) => {
                way.refuse(cause::of_redirect(rule));
                return way;
            }
            Mapped::Elsewhere => return way,
            Mapped::Proxied { address, by } => proxied = Some((address, by.place.clone())),
            Mapped::File { file, by: alias } => {
                facts.file = walk::real_file(&file);
                by = alias;
            }
        }
    }
    if proxied.is_none() {
        way.file = Some(facts.file.clone());
        if let Some(alias) = by.filter(|alias| alias.name == "alias") {
            facts.root = PathBuf::from(alias.arg(1).trim_end_matches('/'));
        }
    }
    way.proxied = proxied;
    sections(site, levels, facts, by, way, files)
}

/// From the sections that hold to the answer.
fn sections(
    site: &Apache,
    levels: &[&[Directive]],
    mut facts: Facts,
    by: Option<&Directive>,
    mut way: Way,
    files: &mut Files,
) -> Way {
    let address = way.proxied.as_ref().map(|(address, _)| address.clone());
    let overrides = if address.is_none() {
        layers::overrides(levels, &site.tree, &facts.file, files)
    } else {
        Vec::new()
    };
    let held = layers::of(levels, &overrides, &facts, address.as_deref());
    let own: Vec<&Directive> = held
        .iter()
        .filter(|layer| layer.kind != Kind::Server)
        .flat_map(|layer| layer.directives.iter().copied())
        .collect();
    facts.set_environment(&own);
    way.sections =
        held.iter().filter(|layer| layer.kind != Kind::Server).map(|layer| layer.label.clone()).collect();
    way.place =
        held.iter().rev().find(|layer| layer.kind != Kind::Server).and_then(|layer| layer.place.clone());
    if address.is_none()
        && let Some(worker) = way.worker.clone()
    {
        let looked_in = layers::allowing(levels, &facts.file);
        let name = last(&held, "accessfilename").map_or(".htaccess", |directive| directive.arg(0));
        if let Some(obstacle) = walk::obstacle(&facts.file, &held, &looked_in, name, &worker) {
            way.refuse(cause::of_obstacle(&obstacle, &worker));
            return way;
        }
    }
    if gates(&held, &mut facts, &mut way) || address.is_some() {
        return way;
    }
    if facts.file.as_os_str().to_string_lossy().ends_with('/') || facts.file.is_dir() {
        directory(site, levels, &held, &facts, &mut way, files);
    } else {
        let file = facts.file.clone();
        content(&held, &file, by, &mut way);
    }
    way
}

/// Access and per-directory rewriting; `true` if certainly refused.
fn gates(held: &[Layer<'_>], facts: &mut Facts, way: &mut Way) -> bool {
    let satisfy_any =
        last(held, "satisfy").is_some_and(|directive| directive.arg(0).eq_ignore_ascii_case("any"));
    let ssl = last(held, "sslrequiressl").filter(|_| facts.hop.scheme != "https");
    if let Some(rule) = ssl {
        let clue = Clue::new(
            "apache.ssl-require",
            Strength::Decisive,
            format!("`{}` refuses plain http", rule.shown()),
        )
        .at(rule.place.clone())
        .quoting(Some(rule.shown()))
        .fixed_by(["ask over https, and redirect plain http there".to_owned()]);
        if way.refuse(Refusal { clue, certain: Truth::Yes, speaks: Some(Word::Secure) }) {
            return true;
        }
    }
    if let Some(rule) = last(held, "sslrequire") {
        let holds = super::expression::holds(
            rule.text.split_once(char::is_whitespace).map_or("", |(_, rest)| rest),
            facts,
        );
        if holds != Truth::Yes {
            let clue = Clue::new(
                "apache.ssl-require",
                Strength::Strong,
                format!("`{}` does not hold", rule.shown()),
            )
            .at(rule.place.clone())
            .quoting(Some(rule.shown()))
            .fixed_by(["use https with what the expression asks for".to_owned()]);
            if way.refuse(Refusal { clue, certain: !holds, speaks: Some(Word::Secure) }) {
                return true;
            }
        }
    }
    let send_forbidden = last(held, "authzsendforbiddenonfailure")
        .is_some_and(|directive| directive.arg(0).eq_ignore_ascii_case("on"));
    let required = authz::required(held, facts);
    let person = required.as_ref().is_some_and(|denied| denied.about == authz::About::Person);
    if let Some(denied) = authz::ordered(held, facts)
        // With `Satisfy Any` a password is asked for instead.
        && !(satisfy_any && (person || last(held, "authtype").is_some()))
        && let Some(refusal) = cause::of_denied(&denied, held, facts, true, send_forbidden)
        && way.refuse(refusal)
    {
        return true;
    }
    if let Some(denied) = required
        && let Some(refusal) = cause::of_denied(&denied, held, facts, false, send_forbidden)
        && way.refuse(refusal)
    {
        return true;
    }
    per_directory(held, facts, way)
}

/// The rules of the deepest directory that has any.
fn per_directory(held: &[Layer<'_>], facts: &mut Facts, way: &mut Way) -> bool {
    let rewrites = |directive: &&&Directive| directive.name.starts_with("rewrite");
    let Some(layer) = held.iter().rev().find(|layer| {
        layer.kind != Kind::Server && layer.directives.iter().any(|directive| rewrites(&directive))
    }) else {
        return false;
    };
    let rules: Vec<&Directive> = layer.directives.iter().filter(rewrites).copied().collect();
    let base = layer.folder.as_ref().map(|folder| {
        let below =
            folder.strip_prefix(&facts.root).map(|below| below.display().to_string()).unwrap_or_default();
        if below.is_empty() { "/".to_owned() } else { format!("/{below}/") }
    });
    match rewrite::run(&rules, facts, base.as_deref()) {
        Ruled::Forbidden { rule, conditions, certain, origin } => {
            way.refuse(cause::of_rewrite(rule, &conditions, certain, origin))
        }
        Ruled::Proxied(address) => {
            way.proxied = Some((address, layer.place.clone()));
            true
        }
        Ruled::Passed | Ruled::Redirected => false,
    }
}

/// A directory: its index, its listing, or neither.
fn directory(
    site: &Apache,
    levels: &[&[Directive]],
    held: &[Layer<'_>],
    facts: &Facts,
    way: &mut Way,
    files: &mut Files,
) {
    if !facts.path.ends_with('/') || !facts.file.is_dir() {
        return;
    }
    let Some(worker) = way.worker.clone() else { return };
    let names = walk::index_names(held);
    for name in &names {
        let index = facts.file.join(name);
        if !matches!(modes::reach(&index, Need::Look, &worker), Reach::File) {
            continue;
        }
        let mut inner = facts.clone();
        inner.file.clone_from(&index);
        inner.path = format!("{}{name}", facts.path);
        let overrides = layers::overrides(levels, &site.tree, &index, files);
        let held = layers::of(levels, &overrides, &inner, None);
        way.file = Some(index.clone());
        if !gates(&held, &mut inner, way) {
            content(&held, &index, None, way);
        }
        return;
    }
    if last(held, "fallbackresource").is_some_and(|directive| directive.arg(0) != "disabled")
        || !site.tree.has("autoindex_module")
    {
        return;
    }
    let options = walk::options(held, &facts.file);
    if !options.indexes {
        let said = format!(
            "`{}` has no index ({}), and `Options` has no `Indexes`",
            facts.file.display(),
            names.join(", ")
        );
        let place = last(held, "options").and_then(|directive| directive.place.clone());
        let clue = Clue::new("apache.options-indexes", Strength::Decisive, said)
            .at(place)
            .fixed_by([format!("put the index file into {}", facts.file.display()), "or name the one that is there: DirectoryIndex …; for a framework point DocumentRoot at its public folder".to_owned(), "or, only if a listing is wanted: Options +Indexes".to_owned()]);
        way.refuse(Refusal { clue, certain: Truth::Yes, speaks: Some(Word::Index) });
    } else if let Reach::Denied(denial) = modes::reach(&facts.file, Need::Read, &worker) {
        let said = format!("the worker runs as `{}` and may not list `{}`", worker.name, denial.shown());
        let clue = Clue::new("apache.fs-permission", Strength::Decisive, said)
            .quoting(Some(denial.shown()))
            .fixed_by(denial.fix(&worker));
        way.refuse(Refusal { clue, certain: Truth::Yes, speaks: Some(Word::Listing) });
    }
}

/// A file: run, handed on, or read.
fn content(held: &[Layer<'_>], file: &std::path::Path, by: Option<&Directive>, way: &mut Way) {
    let Some(worker) = way.worker.clone() else { return };
    if let Some(handler) = walk::php_handler(held)
        && file.exists()
    {
        way.script = Some((handler.arg(0).to_owned(), file.to_path_buf()));
        return;
    }
    if let Some(handler) = walk::runs_as_cgi(file, held, by).filter(|_| file.exists()) {
        let folder = file.parent().unwrap_or(file);
        let allowed = walk::options(held, folder).cgi || handler.name.starts_with("scriptalias");
        let shown = modes::quoted(file);
        let refusal = if !allowed {
            Some((
                format!(
                    "`{}` makes `{}` a CGI script, and `Options` has no `ExecCGI` there",
                    handler.shown(),
                    file.display()
                ),
                format!("Options +ExecCGI  (in <Directory {}>)", folder.display()),
            ))
        } else if let Reach::Denied(denial) = modes::reach(file, Need::Run, &worker) {
            Some((
                format!("`{}` may not run the script: `{}`", worker.name, denial.shown()),
                format!("chmod +x {shown}"),
            ))
        } else {
            None
        };
        if let Some((said, fix)) = refusal {
            let clue = Clue::new("apache.cgi-options", Strength::Decisive, said)
                .at(handler.place.clone())
                .quoting(Some(handler.shown()))
                .fixed_by([fix]);
            way.refuse(Refusal { clue, certain: Truth::Yes, speaks: Some(Word::Cgi) });
        }
        return;
    }
    if let Reach::Denied(denial) = modes::reach(file, Need::Read, &worker) {
        let said = format!("the worker runs as `{}` and may not read `{}`", worker.name, denial.shown());
        let clue = Clue::new("apache.fs-permission", Strength::Decisive, said)
            .quoting(Some(denial.shown()))
            .fixed_by(denial.fix(&worker));
        let speaks = if denial.parent { Word::Search } else { Word::FileMode };
        way.refuse(Refusal { clue, certain: Truth::Yes, speaks: Some(speaks) });
    }
}

/// `mod_evasive`, which refuses by how often somebody comes: only logs and its own files tell.
fn evasive(site: &Apache, server: &[&Directive], facts: &Facts, way: &mut Way) {
    let Some(rule) =
        server.iter().find(|directive| matches!(directive.name.as_str(), "dospagecount" | "dossitecount"))
    else {
        return;
    };
    if !site.tree.has("evasive20_module")
        && !site.tree.has("evasive_module")
        && !site.tree.has("evasive24_module")
    {
        return;
    }
    let folder = server
        .iter()
        .find(|directive| directive.name == "doslogdir")
        .map_or("/tmp", |directive| directive.arg(0));
    let listed = facts
        .client
        .map(|client| PathBuf::from(folder).join(format!("dos-{client}")))
        .filter(|file| file.exists());
    let mut said = format!("`{}` lets mod_evasive refuse a client that comes too often", rule.shown());
    if let Some(file) = &listed {
        said = format!("{said}; `{}` shows that it has put this client on its list", file.display());
    }
    let clue = Clue::new(
        "apache.evasive",
        if listed.is_some() { Strength::Strong } else { Strength::Suggestive },
        said,
    )
    .at(rule.place.clone())
    .quoting(Some(rule.shown()))
    .fixed_by([
        "wait for DOSBlockingPeriod to pass; raise DOSPageCount and DOSSiteCount".to_owned(),
        "DOSWhitelist ADDRESS  (for clients that are known)".to_owned(),
    ]);
    way.refusals.push(Refusal { clue, certain: Truth::Unknown, speaks: Some(Word::Evasive) });
}
