//! Applications and their routes, checked, and the guards they become.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::Method;
use portcullis_gate::Limit;
use portcullis_policy::{Access, Guard, Require, Scope};
use portcullis_request::{Host, Loosened, PathPattern};
use portcullis_response::Branding;

use super::payload::Payload;
use super::upstream::Upstream;
use super::{Checker, NAMES, Zones, is_name};
use crate::config::finding::{quoted, suggest};
use crate::config::raw::{RawAccess, RawApp, RawRoute};
use crate::config::source::{below, element};

/// One protected application.
#[derive(Debug, Clone)]
pub(crate) struct App {
    /// Its name, the identifier of its Cedar entity.
    pub(crate) name: String,
    /// Hosts it answers to.
    pub(crate) hosts: Vec<Host>,
    /// The part of its hosts that is its own; `/**` where none is named.
    pub(crate) mount: PathPattern,
    /// How its refusals look.
    pub(crate) branding: Branding,
    /// Where its requests go.
    pub(crate) upstream: Upstream,
    /// Whether our page replaces the upstream's own 404.
    pub(crate) renders_404: bool,
    /// What it allows beyond the strictest reading of paths.
    pub(crate) loosened: Loosened,
    /// Whether browsers that come in plain text are sent to the TLS listener.
    pub(crate) https_redirect: bool,
    /// Whether the upstream gets the credential that identified the caller.
    pub(crate) forward_credentials: bool,
    /// How often it may be asked.
    pub(crate) limits: Vec<Arc<Limit>>,
    /// Its routes, at least one, in the order of the file.
    pub(crate) routes: Vec<Route>,
}

/// One route of an app.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    /// Its name within the app.
    pub(crate) name: String,
    /// The paths it covers.
    pub(crate) pattern: PathPattern,
    /// The methods it covers; empty: all.
    pub(crate) methods: Vec<Method>,
    /// Whether callers without identity are decided on rather than challenged.
    pub(crate) public: bool,
    /// How often it may be asked.
    pub(crate) limits: Vec<Arc<Limit>>,
    /// What its bodies must be.
    pub(crate) payload: Option<Payload>,
}

/// Bounds: what is matched against every request stays small enough to be held and read.
const MOST_APPS: usize = 1_000;
const MOST_ROUTES: usize = 1_000;

impl Checker<'_> {
    pub(super) fn apps(&mut self, raw: &[RawApp], zones: &Zones) -> (Vec<App>, Vec<Guard>) {
        let (mut apps, mut guards) = (Vec::new(), Vec::new());
        if raw.is_empty() && !self.source.has("app") {
            let message = "no app is configured, so every request is answered 404".to_owned();
            let help = "add an `[[app]]` with `name`, `hosts` and `upstream`";
            self.source.warning("", "portcullis::config::no_app", message, help);
        }
        if raw.len() > MOST_APPS {
            let message = format!("{} apps are configured; at most {MOST_APPS} are served", raw.len());
            self.source.error(
                "app",
                "portcullis::config::too_many",
                message,
                "split them among several gates",
            );
            return (apps, guards);
        }
        for (index, raw) in raw.iter().enumerate() {
            apps.extend(self.app(&element("app", index), raw, zones, &mut guards));
        }
        self.same_apps(raw);
        self.same_reading(raw);
        (apps, guards)
    }

    fn app(&mut self, path: &str, raw: &RawApp, zones: &Zones, guards: &mut Vec<Guard>) -> Option<App> {
        let name = self.name(&below(path, "name"), raw.name.as_deref(), "an app");
        let hosts = self.hosts(&below(path, "hosts"), raw.hosts.as_deref().unwrap_or_default());
        let mount = self.pattern(&below(path, "path"), raw.path.as_deref().unwrap_or("/**"));
        let upstream = self.upstream(path, raw);
        let loosened = self.loosened(&below(path, "loosen"), &raw.loosen);
        let limits =
            self.rate_limits(&below(path, "limit"), raw.name.as_deref().unwrap_or_default(), &raw.limit);
        let branding = self.branding(path, raw);
        let require = self.require(&below(path, "require"), &raw.require, zones);
        let routes = self.routes(path, raw, name.as_deref().unwrap_or_default(), zones, guards);
        self.messages(path, raw);
        let name = name?;
        guards.push(Guard {
            scope: Scope::App(name.clone()),
            // Each route carries who is let in: a permit for the whole app would outweigh a narrower route.
            access: Access::Policies,
            messages: required_messages(&require, [&raw.messages]),
            require,
            file: self.source.name().to_owned(),
            span: self.source.span(path),
            renders_404: raw.renders_404,
        });
        Some(App {
            name,
            hosts,
            mount: mount?,
            branding,
            upstream: upstream?,
            renders_404: raw.renders_404,
            loosened,
            https_redirect: raw.https_redirect,
            forward_credentials: raw.forward_credentials,
            limits,
            routes,
        })
    }

    fn routes(
        &mut self,
        path: &str,
        raw: &RawApp,
        app: &str,
        zones: &Zones,
        guards: &mut Vec<Guard>,
    ) -> Vec<Route> {
        let list = below(path, "route");
        if raw.route.len() > MOST_ROUTES {
            let message = format!("{} routes; at most {MOST_ROUTES} are matched", raw.route.len());
            self.source.error(
                &list,
                "portcullis::config::too_many",
                message,
                "use patterns, or several apps",
            );
            return Vec::new();
        }
        if raw.route.is_empty() {
            let all = RawRoute {
                name: Some("all".to_owned()),
                path: Some(raw.path.clone().unwrap_or_else(|| "/**".to_owned())),
                ..RawRoute::default()
            };
            // Nothing is written at its place, so that what the app says is not taken for the route's.
            let nowhere = element(&list, 0);
            return self.route(&nowhere, &all, raw, app, zones, guards).into_iter().collect();
        }
        let mut routes = Vec::new();
        for (index, route) in raw.route.iter().enumerate() {
            routes.push(self.route(&element(&list, index), route, raw, app, zones, guards));
        }
        self.same_routes(&list, raw);
        self.unreachable_routes(&list, raw.path.as_deref(), &routes);
        routes.into_iter().flatten().collect()
    }

    fn route(
        &mut self,
        path: &str,
        raw: &RawRoute,
        of: &RawApp,
        app: &str,
        zones: &Zones,
        guards: &mut Vec<Guard>,
    ) -> Option<Route> {
        let name = self.name(&below(path, "name"), raw.name.as_deref(), "a route");
        let pattern = raw.path.as_deref().and_then(|text| self.pattern(&below(path, "path"), text));
        let methods = self.methods(&below(path, "methods"), &raw.methods);
        let require = self.require(&below(path, "require"), &raw.require, zones);
        let access = raw.access.unwrap_or(of.access);
        let name = name?;
        guards.push(Guard {
            scope: Scope::Route { app: app.to_owned(), route: name.clone() },
            access: kind_of(access),
            messages: required_messages(&require, [&of.messages, &raw.messages]),
            require,
            file: self.source.name().to_owned(),
            span: self.source.span(path),
            renders_404: of.renders_404,
        });
        let limits = self.rate_limits(&below(path, "limit"), &format!("{app}/{name}"), &raw.limit);
        let payload = raw.payload.as_ref().and_then(|payload| self.payload(&below(path, "payload"), payload));
        Some(Route { name, pattern: pattern?, methods, public: access == RawAccess::Anyone, limits, payload })
    }

    fn loosened(&mut self, path: &str, written: &[String]) -> Loosened {
        let mut loosened = Loosened::default();
        for (index, name) in written.iter().enumerate() {
            match Loosened::OPTIONS.iter().find(|(option, _)| option == name) {
                Some((_, set)) => set(&mut loosened),
                None => {
                    let message = format!("{} names nothing that could be read less strictly", quoted(name));
                    let help = suggest(name, Loosened::OPTIONS.iter().map(|(option, _)| *option));
                    let at = element(path, index);
                    self.source.error(&at, "portcullis::config::unknown_value", message, help);
                }
            }
        }
        loosened
    }

    fn name(&mut self, path: &str, name: Option<&str>, what: &str) -> Option<String> {
        let name = name?;
        if !is_name(name) {
            let message = format!("{} cannot name {what}", quoted(name));
            self.source.error(path, "portcullis::config::bad_name", message, NAMES);
            return None;
        }
        Some(name.to_owned())
    }

    fn hosts(&mut self, path: &str, written: &[String]) -> Vec<Host> {
        if written.is_empty() && self.source.has(path) {
            let message = "an app without a host gets no request".to_owned();
            let help = "name the hosts that callers use: `shop.example.com`";
            self.source.error(path, "portcullis::config::empty_list", message, help);
        }
        let mut hosts = Vec::new();
        for (index, text) in written.iter().enumerate() {
            let at = element(path, index);
            match Host::parse(text) {
                Ok(host) if host.as_str() == text => hosts.push(host),
                Ok(host) => {
                    let message = format!("the host {} is not spelled as requests are", quoted(text));
                    let help = format!("write `{host}`");
                    self.source.error(&at, "portcullis::config::bad_host", message, help);
                }
                Err(fault) => {
                    let text = fault.to_string();
                    let (message, help) = text.split_once("; ").unwrap_or((text.as_str(), ""));
                    self.source.error(&at, "portcullis::config::bad_host", message.to_owned(), help);
                }
            }
        }
        hosts
    }

    fn pattern(&mut self, path: &str, text: &str) -> Option<PathPattern> {
        match PathPattern::parse(text) {
            Ok(pattern) => Some(pattern),
            Err(fault) => {
                let text = fault.to_string();
                let (message, help) = text.split_once("; ").unwrap_or((text.as_str(), ""));
                self.source.error(path, "portcullis::config::bad_path", message.to_owned(), help);
                None
            }
        }
    }

    fn methods(&mut self, path: &str, written: &[String]) -> Vec<Method> {
        if written.is_empty() && self.source.has(path) {
            let message = "an empty list covers no method".to_owned();
            self.source.error(
                path,
                "portcullis::config::empty_list",
                message,
                "leave `methods` out to cover all",
            );
        }
        let mut methods = Vec::new();
        for (index, text) in written.iter().enumerate() {
            let at = element(path, index);
            let upper = text.to_ascii_uppercase();
            match Method::from_bytes(text.as_bytes()) {
                Ok(method) if *text == upper && !methods.contains(&method) => methods.push(method),
                Ok(_) if *text == upper => {
                    let message = format!("`{text}` is named twice");
                    self.source.warning(&at, "portcullis::config::no_effect", message, "remove one");
                }
                Ok(_) => {
                    let message = format!("{} is not the method `{upper}`: their case matters", quoted(text));
                    self.source.error(
                        &at,
                        "portcullis::config::bad_method",
                        message,
                        format!("write `{upper}`"),
                    );
                }
                Err(_) => {
                    let message = format!("{} is no HTTP method", quoted(text));
                    self.source.error(
                        &at,
                        "portcullis::config::bad_method",
                        message,
                        "write `GET`, `POST`, …",
                    );
                }
            }
        }
        methods
    }
}

fn kind_of(access: RawAccess) -> Access {
    match access {
        RawAccess::Policies => Access::Policies,
        RawAccess::Identified => Access::Identified,
        RawAccess::Anyone => Access::Anyone,
    }
}

/// The sentences that matter for what is required; later ones replace earlier ones.
fn required_messages<'a>(
    require: &Require,
    written: impl IntoIterator<Item = &'a BTreeMap<String, String>>,
) -> BTreeMap<String, String> {
    let required = super::require::names(require);
    let all = written.into_iter().flatten();
    all.filter(|(key, _)| required.contains(&key.as_str()))
        .map(|(key, text)| (key.clone(), text.clone()))
        .collect()
}
