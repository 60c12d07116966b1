//! To what: a route by its name, or a method and a URL, read by the very stages that read requests.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::SystemTime;

use http::Method;
use portcullis_decision::Value;
use portcullis_gate::bind::facts;
use portcullis_gate::{App, Apps, Route, bind};
use portcullis_request::{
    CanonicalRequest, Connection, Reference, Rules, TrustedPeers, admit, overrides_method,
};
use portcullis_response::Refusal;

use super::Setting;
use crate::Question;
use crate::question::FactPath;
use crate::words::{shown, suggest};

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The action's identifier: `GET`.
    pub action: String,
    /// The route's: `shop/premium`.
    pub entity: String,
    /// As sent.
    pub method: String,
    /// `None`: the app has several, and none was named.
    pub host: Option<String>,
    /// `None`: nothing was named.
    pub scheme: Option<&'static str>,
    /// The canonical path; `None`: the route's pattern covers several, and none was named.
    pub path: Option<String>,
    /// Whether callers without identity are decided on.
    pub public: bool,
    /// Whether a route that is hidden from strangers would be answered as if it were not there.
    pub hides: bool,
    /// The route's app, some host of it, and some path that the route covers.
    example: (String, String),
}

/// What a URL comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Asked {
    /// A route, about which the policies are asked.
    Of(Target),
    /// It ends before that.
    Stopped(Stopped),
}

/// The end of the way before any policy is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Stopped {
    /// What the caller is told.
    pub refusal: Refusal,
    /// Why, for the operator.
    pub why: String,
}

/// There is no such route, or it cannot be told which one is meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct NoTarget {
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

impl Target {
    /// The same with host, scheme and path of an example where none was named.
    #[must_use]
    pub(crate) fn exemplified(mut self) -> Self {
        let (host, path) = &self.example;
        self.host.get_or_insert_with(|| host.clone());
        self.path.get_or_insert_with(|| path.clone());
        self.scheme.get_or_insert("https");
        self
    }

    /// Says of the request what is known.
    pub(crate) fn fill(&self, question: &mut Question) {
        let text = |text: &str| Value::String(text.to_owned().into());
        let mut known = vec![("method", text(&self.method))];
        known.extend(self.host.as_deref().map(|host| ("host", text(host))));
        known.extend(self.scheme.map(|scheme| ("scheme", text(scheme))));
        known.extend(self.path.as_deref().map(|path| ("path", text(path))));
        for (name, value) in known {
            let path = FactPath::context(&["request", name]);
            if question.get(&path).is_none() {
                question.set(&path, value);
            }
        }
    }
}

impl<'a> Setting<'a> {
    /// Every route with its app: apps in the order of the configuration, of each the most specific route first.
    pub(crate) fn routes(&self) -> impl Iterator<Item = (&'a Arc<App>, &'a Route)> + use<'a> {
        self.apps.iter().flat_map(|app| app.routes.iter().map(move |route| (app, route)))
    }

    /// What is meant by `shop/premium`, `/premium` or `https://shop.example/premium`.
    ///
    /// # Errors
    /// [`NoTarget`], as [`Setting::route`] and [`Setting::url`].
    pub fn find(&self, method: &str, resource: &str) -> Result<Asked, NoTarget> {
        if resource.starts_with('/') || resource.contains("://") {
            self.url(method, resource)
        } else {
            self.route(method, resource).map(Asked::Of)
        }
    }

    /// A route by the name of its entity, asked with a method.
    ///
    /// # Errors
    /// [`NoTarget`] if there is no such route, or it does not cover the method.
    pub fn route(&self, method: &str, entity: &str) -> Result<Target, NoTarget> {
        let method = read_method(method)?;
        let entity =
            entity.strip_prefix("Route::\"").and_then(|rest| rest.strip_suffix('"')).unwrap_or(entity);
        let Some((app, route)) = self.routes().find(|(_, route)| route.entity == entity) else {
            let known: Vec<&str> = self.routes().map(|(_, route)| route.entity.as_str()).collect();
            let message = format!("there is no route `{}`", shown(entity));
            return Err(NoTarget { message, help: suggest(entity, &known) });
        };
        if !covers(route, &method) {
            let methods: Vec<&str> = route.methods.iter().map(Method::as_str).collect();
            let message = format!("the route `{entity}` does not cover `{method}`");
            return Err(NoTarget { message, help: format!("it covers {}", methods.join(", ")) });
        }
        Ok(self.of_route(app, route, &method))
    }

    /// A route that covers the method.
    pub(crate) fn of_route(&self, app: &Arc<App>, route: &Route, method: &Method) -> Target {
        let host = app.hosts.first().map_or("localhost", String::as_str);
        let path = example(route.pattern.as_str());
        let request = read(self.apps, method, host, &path).ok();
        let is_exact = !route.pattern.as_str().contains('*');
        Target {
            action: facts::action(method).to_owned(),
            entity: route.entity.clone(),
            method: method.as_str().to_owned(),
            host: (app.hosts.len() == 1).then(|| host.to_owned()),
            scheme: None,
            path: is_exact.then(|| path.clone()),
            public: route.public,
            hides: request.is_none_or(|request| hides(app, route, &request)),
            example: (host.to_owned(), path),
        }
    }

    /// What a method and a URL, or a path of some host, come to.
    ///
    /// # Errors
    /// [`NoTarget`] if it is no URL, or a path without a host that is another route on another host.
    pub fn url(&self, method: &str, url: &str) -> Result<Asked, NoTarget> {
        let method = read_method(method)?;
        let no_url = |why: &str| NoTarget {
            message: format!("`{}` is no URL: {why}", shown(url)),
            help: "write `/premium` or `https://shop.example/premium`".to_owned(),
        };
        let (scheme, rest) = match url.split_once("://") {
            Some(("http", rest)) => (Some("http"), rest),
            Some(("https", rest)) => (Some("https"), rest),
            Some(_) => return Err(no_url("its scheme is neither `http` nor `https`")),
            None => (None, url),
        };
        if scheme.is_some() {
            let at = rest.find(['/', '?']).unwrap_or(rest.len());
            let (host, path) = rest.split_at(at);
            let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
            return self.at(&method, scheme, host, &path).ok_or_else(|| no_url("it cannot be sent"));
        }
        if !rest.starts_with('/') {
            return Err(no_url("it begins with neither a scheme nor `/`"));
        }
        let mut hosts: Vec<&String> = self.apps.iter().flat_map(|app| &app.hosts).collect();
        hosts.dedup();
        let mut found: Vec<(&str, Asked)> = Vec::new();
        for host in hosts {
            let asked = self.at(&method, scheme, host, rest).ok_or_else(|| no_url("it cannot be sent"))?;
            match asked {
                Asked::Of(target)
                    if !found.iter().any(|(_, known)| entity(known) == Some(&target.entity)) =>
                {
                    found.push((host, Asked::Of(target)));
                }
                Asked::Stopped(stopped) if found.is_empty() => found.push((host, Asked::Stopped(stopped))),
                _ => {}
            }
        }
        // What one host does not have, another one may.
        if found.iter().any(|(_, asked)| entity(asked).is_some()) {
            found.retain(|(_, asked)| entity(asked).is_some());
        }
        match found.as_slice() {
            [] => Err(no_url("no app has a host")),
            [(_, asked)] => Ok(asked.clone()),
            [(host, _), (other, _), ..] => Err(NoTarget {
                message: format!("`{}` is one route on `{host}` and another on `{other}`", shown(url)),
                help: format!("name the host: `https://{host}{rest}`"),
            }),
        }
    }

    fn at(&self, method: &Method, scheme: Option<&'static str>, host: &str, path: &str) -> Option<Asked> {
        let stopped = |refusal, why: &str| Some(Asked::Stopped(Stopped { refusal, why: why.to_owned() }));
        let request = match read(self.apps, method, host, path) {
            Ok(request) => request,
            Err(Some(stop)) => return Some(Asked::Stopped(*stop)),
            Err(None) => return None,
        };
        if !self.apps.know(&request.host) {
            return stopped(Refusal::Misdirected(bind::refusal::said("misdirected")), "no app has this host");
        }
        let Some(app) = self.apps.of(&request) else {
            return stopped(Refusal::NoRoute, "no app of this host has this path");
        };
        let Some(route) = app.route(&request) else {
            return stopped(Refusal::NoRoute, "no route of this app covers this path and method");
        };
        if app.routes.iter().any(|route| !route.methods.is_empty())
            && request.query.as_deref().and_then(overrides_method).is_some()
        {
            let refusal = Refusal::Ambiguous(bind::refusal::said("method_override"));
            return stopped(refusal, "the query names another method");
        }
        let (host, path) = (request.host.to_string(), request.path.to_string());
        Some(Asked::Of(Target {
            action: facts::action(method).to_owned(),
            entity: route.entity.clone(),
            method: method.as_str().to_owned(),
            host: Some(host.clone()),
            scheme,
            path: Some(path.clone()),
            public: route.public,
            hides: hides(app, route, &request),
            example: (host, path),
        }))
    }
}

fn entity(asked: &Asked) -> Option<&String> {
    match asked {
        Asked::Of(target) => Some(&target.entity),
        Asked::Stopped(_) => None,
    }
}

/// Reads it as the gate reads requests; `Err(None)` if it cannot even be written as one.
fn read(
    apps: &Apps,
    method: &Method,
    host: &str,
    path: &str,
) -> Result<CanonicalRequest, Option<Box<Stopped>>> {
    let head = http::Request::builder().method(method.clone()).uri(path).header(http::header::HOST, host);
    let head = head.body(()).map_err(|_| None)?.into_parts().0;
    let trusted = TrustedPeers::default();
    let rules = Rules { trusted: &trusted, loosened: &|host| apps.loosened(host) };
    let from = Connection::plain(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    // Neither the reference nor the time is looked at by anybody.
    let reference = Reference::from_u128(0);
    admit(&head, &from, &rules, reference, SystemTime::UNIX_EPOCH).map_err(|ambiguity| {
        let said = bind::refusal::said(ambiguity.code);
        let refusal =
            if ambiguity.status() == 421 { Refusal::Misdirected(said) } else { Refusal::Ambiguous(said) };
        Some(Box::new(Stopped { refusal, why: ambiguity.detail }))
    })
}

fn hides(app: &App, route: &Route, request: &CanonicalRequest) -> bool {
    app.route_without(route, request).is_none_or(|next| next.public)
}

/// Whether a route is for a method.
pub(crate) fn covers(route: &Route, method: &Method) -> bool {
    route.methods.is_empty() || route.methods.contains(method)
}

fn read_method(text: &str) -> Result<Method, NoTarget> {
    Method::from_bytes(text.as_bytes()).map_err(|_| NoTarget {
        message: format!("`{}` is no method", shown(text)),
        help: "write `GET`, `POST`, …".to_owned(),
    })
}

/// A path that a pattern covers: `/a/*/b/**` has `/a/x/b`.
fn example(pattern: &str) -> String {
    let segments = pattern.split('/').filter(|segment| !segment.is_empty() && *segment != "**");
    let path: Vec<&str> = segments.map(|segment| if segment == "*" { "x" } else { segment }).collect();
    format!("/{}", path.join("/"))
}

/// For lists of what a route allows: the methods that the schema that ships names.
pub(crate) fn methods_of(route: &Route) -> Vec<Method> {
    if !route.methods.is_empty() {
        return route.methods.clone();
    }
    [Method::GET, Method::HEAD, Method::OPTIONS, Method::POST, Method::PUT, Method::PATCH, Method::DELETE]
        .to_vec()
}
