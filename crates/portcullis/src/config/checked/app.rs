//! Applications and their routes, checked, and the guards they become.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use http::uri::Authority;
use portcullis_policy::{Access, Guard, Require, Scope};
use portcullis_request::{Host, PathPattern};
use portcullis_response::Branding;

use super::{Checker, HOUR, NAMES, SHORTEST, Zones, is_name};
use crate::config::finding::quoted;
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
    /// Its routes, at least one, in the order of the file.
    pub(crate) routes: Vec<Route>,
}

/// Where an app's requests go: plain HTTP/1.1.
#[derive(Debug, Clone)]
pub(crate) struct Upstream {
    /// Host and port.
    pub(crate) authority: Authority,
    /// Whether it sees the caller's `Host`.
    pub(crate) preserve_host: bool,
    /// Longest wait for a connection.
    pub(crate) connect_timeout: Duration,
    /// Longest wait for the head of the response.
    pub(crate) response_timeout: Duration,
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
        (apps, guards)
    }

    fn app(&mut self, path: &str, raw: &RawApp, zones: &Zones, guards: &mut Vec<Guard>) -> Option<App> {
        let name = self.name(&below(path, "name"), raw.name.as_deref(), "an app");
        let hosts = self.hosts(&below(path, "hosts"), raw.hosts.as_deref().unwrap_or_default());
        let mount = self.pattern(&below(path, "path"), raw.path.as_deref().unwrap_or("/**"));
        let upstream = self.upstream(path, raw);
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
        Some(Route { name, pattern: pattern?, methods, public: access == RawAccess::Anyone })
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

    fn upstream(&mut self, path: &str, raw: &RawApp) -> Option<Upstream> {
        let connect_timeout =
            self.duration(&below(path, "connect_timeout"), &raw.connect_timeout.0, SHORTEST, HOUR);
        let response_timeout =
            self.duration(&below(path, "response_timeout"), &raw.response_timeout.0, SHORTEST, 24 * HOUR);
        let authority = self.authority(&below(path, "upstream"), raw.upstream.as_deref()?)?;
        Some(Upstream {
            authority,
            preserve_host: raw.preserve_host,
            connect_timeout: connect_timeout?,
            response_timeout: response_timeout?,
        })
    }

    fn authority(&mut self, path: &str, text: &str) -> Option<Authority> {
        match upstream(text) {
            Ok(authority) => Some(authority),
            Err((message, help)) => {
                self.source.error(path, "portcullis::config::bad_upstream", message, help);
                None
            }
        }
    }
}

/// Reads an upstream: `http://host:port` and nothing else. The error is what is wrong, and what to write.
pub(crate) fn upstream(text: &str) -> Result<Authority, (String, &'static str)> {
    let example = "write `http://host:port`: `http://127.0.0.1:9000`";
    let uri: Option<http::Uri> = text.parse().ok();
    let scheme = uri.as_ref().and_then(http::Uri::scheme_str);
    let authority = uri.as_ref().and_then(http::Uri::authority);
    let rest = uri.as_ref().and_then(http::Uri::path_and_query).map_or("/", |rest| rest.as_str());
    Err(match (scheme, authority) {
        (Some("http"), Some(authority)) if authority.as_str().contains('@') => {
            (format!("the upstream {} has a user name in it", quoted(text)), example)
        }
        (Some("http"), Some(authority)) if rest == "/" && !text.contains('#') => return Ok(authority.clone()),
        (Some("http"), Some(_)) => (
            format!("the upstream {} has a path or query", quoted(text)),
            "the path that was decided on is the path that is forwarded; write `http://host:port` alone",
        ),
        (Some("https"), Some(_)) => (
            format!("the upstream {} is asked over TLS, which is not spoken to upstreams", quoted(text)),
            "write `http://`, within a network that you trust",
        ),
        _ => (format!("{} is no upstream", quoted(text)), example),
    })
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
