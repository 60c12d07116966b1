//! The way of a request through nginx: server rewrite, location, rewrite, limits, access, `try_files`, content; with its
//! internal redirects.

use std::path::PathBuf;

use super::choose::{self, Chosen, Levels, inherited, inherited_all, named};
use super::content::{self, Content};
use super::grammar::Directive;
use super::rewrite::{self, Step, Trace};
use super::variables::Variables;
use super::{Nginx, Refusal, Speech, access, cause};
use crate::condition::Truth;
use crate::hop::Hop;
use crate::modes::{self, Need, Reach, Worker};
use crate::report::{Clue, Strength};

/// Internal redirects before nginx itself gives up.
const MOST_REDIRECTS: usize = 10;

/// The state of one request on its way.
pub(crate) struct Phases<'a, 'h> {
    pub(crate) chosen: Chosen<'a>,
    pub(crate) variables: Variables<'a, 'h>,
    pub(crate) located: Vec<&'a Directive>,
    pub(crate) refusals: Vec<Refusal>,
    /// What hands the request on.
    pub(crate) passes: Option<&'a Directive>,
    pub(crate) asks: Option<&'a Directive>,
    pub(crate) file: Option<PathBuf>,
    pub(crate) worker: Option<Worker>,
    /// Whether the way came to an answer that is certain, refusal or not.
    pub(crate) ended: bool,
}

impl Phases<'_, '_> {
    /// `server shop.example > location /admin/`.
    pub(crate) fn section(&self) -> String {
        let names: Vec<&str> = self
            .chosen
            .server
            .children()
            .iter()
            .filter(|directive| directive.name == "server_name")
            .flat_map(|directive| directive.args.iter().map(String::as_str))
            .collect();
        let mut section =
            format!("server {}", if names.is_empty() { "(no name)".to_owned() } else { names.join(" ") });
        for location in &self.located {
            section.push_str(" > ");
            section.push_str(location.shown().trim_end_matches(" {"));
        }
        section
    }

    /// Whether a limit in force answers 403.
    pub(crate) fn limits_refuse(&self) -> bool {
        self.refusals.iter().any(|refusal| refusal.speaks == Some(Speech::Limiting))
    }

    pub(crate) fn certainly_refused(&self) -> bool {
        self.refusals.iter().any(|refusal| refusal.certain == Truth::Yes)
    }
}

/// Takes a request all the way.
pub(crate) fn run<'a, 'h>(site: &'a Nginx, chosen: &Chosen<'a>, hop: &'h Hop) -> Phases<'a, 'h> {
    let levels: Levels<'a> = vec![&site.tree, site.http(), chosen.server.children()];
    let server_name = inherited(&levels, "server_name").map_or("", |directive| directive.arg(0)).to_owned();
    let variables = Variables {
        hop,
        levels: levels.clone(),
        http: site.http(),
        uri: hop.path(),
        args: hop.query().to_owned(),
        set: Default::default(),
        captures: choose::name_captures(chosen.server, &hop.host()),
        server_name,
    };
    let user = inherited(&[&site.tree], "user");
    let worker = match user {
        Some(user) => Worker::named(user.arg(0), user.args.get(1).map(String::as_str)),
        None => ["www-data", "nginx", "nobody"].iter().find_map(|name| Worker::named(name, None)),
    };
    let mut phases = Phases {
        chosen: chosen.clone(),
        variables,
        located: Vec::new(),
        refusals: Vec::new(),
        passes: None,
        asks: None,
        file: None,
        worker,
        ended: false,
    };
    let mut redirects = 0;
    while redirects < MOST_REDIRECTS && !phases.ended {
        redirects += 1;
        phases.variables.levels = levels.clone();
        phases.located.clear();
        phases.once();
    }
    phases
}

impl<'a> Phases<'a, '_> {
    /// From the server's rewrite phase to an answer or an internal redirect.
    fn once(&mut self) {
        let server = self.chosen.server.children();
        if self.rewrite(server) {
            return;
        }
        self.located_once();
    }

    /// From the choice of the location on; `rewrite … last` comes back here.
    fn located_once(&mut self) {
        let server = self.chosen.server.children();
        for _ in 0..MOST_REDIRECTS {
            let located = choose::location(server, &self.variables.uri);
            self.enter(&located.path);
            if !located.captures.is_empty() {
                self.variables.captures = located.captures.clone();
            }
            let Some(location) = located.innermost() else { break };
            let before = self.variables.uri.clone();
            if self.rewrite(location.children()) {
                return;
            }
            // `rewrite … last`, or without a flag: the changed path is located anew.
            if self.variables.uri == before || self.broke(location.children()) {
                break;
            }
        }
        self.gates();
    }

    fn enter(&mut self, path: &[&'a Directive]) {
        let server_levels = 3;
        self.variables.levels.truncate(server_levels);
        self.variables.levels.extend(path.iter().map(|location| location.children()));
        self.located = path.to_vec();
    }

    /// Whether the level keeps the location although it changed the path.
    fn broke(&self, level: &[Directive]) -> bool {
        level.iter().any(|directive| {
            directive.name == "break" || directive.name == "rewrite" && directive.arg(2) == "break"
        })
    }

    /// Runs a rewrite phase; `true` if it ended the request.
    fn rewrite(&mut self, level: &'a [Directive]) -> bool {
        let mut trace = Trace::default();
        let step = rewrite::run(level, &mut self.variables, &mut trace);
        for answer in trace.possible.iter().filter(|answer| answer.status == 403) {
            let refusal = cause::of_answer(answer, &self.section_now());
            self.refusals.push(refusal);
        }
        for block in trace.entered {
            self.variables.levels.push(block.children());
        }
        match step {
            Step::Answer(answer) => {
                if answer.status == 403 {
                    let refusal = cause::of_answer(&answer, &self.section_now());
                    self.refusals.push(refusal);
                }
                self.ended = true;
                true
            }
            Step::Redirect => {
                self.ended = true;
                true
            }
            Step::Continue | Step::Break | Step::Last => false,
        }
    }

    fn section_now(&self) -> cause::Section<'a, '_> {
        cause::Section {
            chosen: &self.chosen,
            located: &self.located,
            uri: &self.variables.uri,
            host: self.variables.hop.host(),
        }
    }

    /// Limits and access; then content.
    fn gates(&mut self) {
        self.limits();
        let access = access::judge(&self.variables);
        if let Some((rule, certain)) = access.deny {
            // With `satisfy any` a password that is due answers 401 instead.
            let elsewhere = access.any && (access.basic.is_some() || access.asks.is_some());
            if !elsewhere {
                let refusal = cause::of_deny(&access, rule, certain, &self.section_now(), &self.variables);
                self.refusals.push(refusal);
                if certain == Truth::Yes {
                    self.ended = true;
                    return;
                }
            }
        }
        if access.challenge && !(access.any && access.deny.is_none()) {
            self.ended = true;
            return;
        }
        if !(access.any && access.deny.is_none() && !access.rules.is_empty()) {
            self.asks = access.asks;
        }
        self.lua();
        self.content();
    }

    /// Limits that answer 403.
    fn limits(&mut self) {
        for (limit, status) in [("limit_req", "limit_req_status"), ("limit_conn", "limit_conn_status")] {
            let Some(directive) = inherited(&self.variables.levels, limit) else { continue };
            let Some(status) =
                inherited(&self.variables.levels, status).filter(|status| status.arg(0) == "403")
            else {
                continue;
            };
            let said = format!(
                "`{}` limits {}, and `{}` makes the answer a 403",
                directive.shown(),
                self.section(),
                status.shown()
            );
            let clue = Clue::new("nginx.limit_req_status-403", Strength::Strong, said)
                .at(directive.place.clone())
                .quoting(Some(directive.shown()))
                .fixed_by([
                    format!("{} 429;", status.name),
                    "raise the zone's rate or `burst` if ordinary use reaches it".to_owned(),
                ]);
            self.refusals.push(Refusal { clue, certain: Truth::Unknown, speaks: Some(Speech::Limiting) });
        }
    }

    /// Lua handlers that may exit with 403.
    fn lua(&mut self) {
        for name in [
            "access_by_lua_block",
            "access_by_lua_file",
            "access_by_lua",
            "rewrite_by_lua_block",
            "rewrite_by_lua_file",
            "content_by_lua_block",
            "content_by_lua_file",
        ] {
            let Some(directive) = inherited(&self.variables.levels, name) else { continue };
            let text = match &directive.raw {
                Some(raw) => raw.clone(),
                None if name.ends_with("_file") => {
                    let path = self.variables.expand(directive.arg(0)).text.unwrap_or_default();
                    crate::source::whole(std::path::Path::new(&path)).unwrap_or_default()
                }
                None => directive.arg(0).to_owned(),
            };
            let exits = text.lines().find(|line| {
                let code = line.split("--").next().unwrap_or(line);
                code.contains("HTTP_FORBIDDEN") || code.contains("403")
            });
            let Some(exits) = exits else { continue };
            let said = format!(
                "the Lua handler `{}` can end a request with 403: `{}`",
                directive.name,
                exits.trim()
            );
            let clue = Clue::new("nginx.lua-access", Strength::Strong, said)
                .at(directive.place.clone())
                .quoting(Some(text.trim().chars().take(600).collect()))
                .fixed_by(["satisfy the handler's condition, or correct it".to_owned()]);
            self.refusals.push(Refusal { clue, certain: Truth::Unknown, speaks: None });
        }
    }

    fn content(&mut self) {
        // It is not inherited, neither from the server nor into a nested location.
        let own =
            self.variables.levels.last().and_then(|level| level.iter().find(|own| own.name == "try_files"));
        if let Some(directive) = own
            && self.try_files(directive)
        {
            return;
        }
        match content::judge(&self.variables, self.worker.as_ref()) {
            Content::Passed(directive) => {
                self.passes = Some(directive);
                self.ended = true;
            }
            Content::Redirected(uri) => self.variables.uri = uri,
            Content::Answered => self.ended = true,
            Content::Missing(file) | Content::Served(file) | Content::Unseen(file) => {
                self.file = Some(file);
                self.ended = true;
            }
            Content::Denied(file, denial) => self.denied(file, &denial),
            Content::NoIndex(folder) => self.no_index(folder),
            Content::Link(file, link) => self.link(file, &link),
        }
    }

    /// `try_files`: `true` if it decided where the request goes.
    fn try_files(&mut self, directive: &'a Directive) -> bool {
        let Some((last, tried)) = directive.args.split_last() else { return false };
        for name in tried {
            let Some(text) = self.variables.expand(name).text else { return false };
            let wants_folder = text.ends_with('/');
            let file = content::mapped(&self.variables, &text);
            let found = match &self.worker {
                Some(worker) => modes::reach(&file, Need::Look, worker),
                None => return false,
            };
            let fits = matches!(found, Reach::Directory if wants_folder)
                || matches!(found, Reach::File if !wants_folder);
            if fits {
                self.variables.uri = text;
                return false;
            }
        }
        if last.starts_with('=') {
            if last == "=403" {
                let said = format!("`{}` found none of its files", directive.shown());
                let clue = Clue::new("nginx.return-403", Strength::Decisive, said)
                    .at(directive.place.clone())
                    .fixed_by(["end `try_files` with =404 or a page".to_owned()]);
                self.refusals.push(Refusal { clue, certain: Truth::Yes, speaks: None });
            }
            self.ended = true;
            return true;
        }
        if last.starts_with('@') {
            if let Some(location) = named(self.chosen.server.children(), last) {
                self.enter(&[location]);
                if !self.rewrite(location.children()) {
                    self.gates();
                }
            }
            self.ended = true;
            return true;
        }
        let Some(target) = self.variables.expand(last).text else { return false };
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let (path, query) = (path.to_owned(), query.to_owned());
        if path == self.variables.uri {
            return false;
        }
        self.variables.uri = path;
        if !query.is_empty() {
            self.variables.args = query;
        }
        true
    }

    fn denied(&mut self, file: PathBuf, denial: &modes::Denial) {
        let cause = if denial.parent { "nginx.fs-parent-dir-execute-bit" } else { "nginx.fs-permission" };
        let worker = self.worker.clone().unwrap_or(Worker {
            name: "the worker".into(),
            uid: u32::MAX,
            groups: Vec::new(),
        });
        let what = if denial.parent { "may not search" } else { "may not read" };
        let said = format!(
            "the worker runs as `{}` and {what} `{}` on the way to `{}`",
            worker.name,
            denial.shown(),
            file.display()
        );
        let certain = if denial.listed { Truth::Unknown } else { Truth::Yes };
        let strength = if denial.listed { Strength::Strong } else { Strength::Decisive };
        let clue =
            Clue::new(cause, strength, said).quoting(Some(denial.shown())).fixed_by(denial.fix(&worker));
        self.refusals.push(Refusal { clue, certain, speaks: Some(Speech::Permission) });
        self.file = Some(file);
        self.ended = true;
    }

    fn no_index(&mut self, folder: PathBuf) {
        let names = content::index_names(&self.variables).join(", ");
        let base =
            inherited(&self.variables.levels, "alias").or_else(|| inherited(&self.variables.levels, "root"));
        let clue = match content::index_elsewhere(&self.variables, &folder) {
            Some(right) => {
                let said = format!(
                    "`{}` has no index ({names}), but `{}` has: {} names the wrong directory",
                    folder.display(),
                    right.display(),
                    base.map_or_else(|| "`root`".to_owned(), |base| format!("`{}`", base.shown()))
                );
                let name = base.map_or("root", |base| base.name.as_str());
                Clue::new("nginx.alias-or-root-wrong", Strength::Decisive, said)
                    .at(base.and_then(|base| base.place.clone()))
                    .fixed_by([format!(
                        "{name} {}{};",
                        right.display(),
                        if name == "alias" { "/" } else { "" }
                    )])
            }
            None => {
                let said = format!(
                    "`{}` is a directory without an index ({names}), and `autoindex` is off",
                    folder.display()
                );
                let place = inherited_all(&self.variables.levels, &["index"])
                    .first()
                    .and_then(|index| index.place.clone());
                Clue::new("nginx.no-index-autoindex-off", Strength::Decisive, said)
                    .at(self.located.last().map_or(place, |location| location.place.clone()))
                    .fixed_by([
                        format!("put the index file into {}", folder.display()),
                        "or, for an application with one entry: try_files $uri $uri/ /index.html;".to_owned(),
                        "or, only if a listing is wanted: autoindex on;".to_owned(),
                    ])
            }
        };
        self.refusals.push(Refusal { clue, certain: Truth::Yes, speaks: Some(Speech::Index) });
        self.file = Some(folder);
        self.ended = true;
    }

    fn link(&mut self, file: PathBuf, link: &std::path::Path) {
        let directive = inherited(&self.variables.levels, "disable_symlinks");
        let shown = directive.map_or_else(String::new, Directive::shown);
        let target = std::fs::read_link(link).map(|target| target.display().to_string()).unwrap_or_default();
        let said = format!("`{}` is a link to `{target}`, and `{shown}` forbids it", link.display());
        let owner = modes::link_owners(link).map(|(_, target)| modes::user_name(target)).unwrap_or_default();
        let clue = Clue::new("nginx.disable_symlinks", Strength::Decisive, said)
            .at(directive.and_then(|directive| directive.place.clone()))
            .quoting(Some(shown))
            .fixed_by([
                format!("chown -h {owner} {}  (with if_not_owner)", modes::quoted(link)),
                "or serve the real path, or relax the check with `from=`".to_owned(),
            ]);
        self.refusals.push(Refusal { clue, certain: Truth::Yes, speaks: Some(Speech::Link) });
        self.file = Some(file);
        self.ended = true;
    }
}
