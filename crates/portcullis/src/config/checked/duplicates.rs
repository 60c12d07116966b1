//! What apps and routes say together: names and hosts used twice, routes that no request can reach.

use std::collections::{BTreeSet, HashMap};

use http::Method;

use super::{Checker, Route};
use crate::config::finding::quoted;
use crate::config::raw::RawApp;
use crate::config::source::{below, element};

impl Checker<'_> {
    pub(super) fn same_apps(&mut self, raw: &[RawApp]) {
        let mut names: HashMap<&str, usize> = HashMap::new();
        let mut hosts: HashMap<(&str, &str), &str> = HashMap::new();
        for (index, app) in raw.iter().enumerate() {
            let path = element("app", index);
            let name = app.name.as_deref().unwrap_or_default();
            if !name.is_empty()
                && let Some(first) = names.insert(name, index)
            {
                let message = format!("the app `{name}` is configured twice, first as `app[{first}]`");
                let help = "names of apps are unique; one app may have several hosts and routes";
                self.source.error(&below(&path, "name"), "portcullis::config::same_app", message, help);
            }
            let part = app.path.as_deref().unwrap_or("/**");
            for (position, host) in
                app.hosts.iter().flatten().enumerate().filter(|(_, host)| !host.is_empty())
            {
                if let Some(other) = hosts.insert((host, part), name) {
                    let message = if other == name {
                        format!("the host {} is named twice", quoted(host))
                    } else {
                        format!("the host {} belongs to the app `{other}` already", quoted(host))
                    };
                    let help = "apps on one host need a `path` each";
                    let at = element(&below(&path, "hosts"), position);
                    self.source.error(&at, "portcullis::config::same_host", message, help);
                }
            }
        }
    }

    /// A path is read before it is known whose it is, so apps that share a host read it in one way.
    pub(super) fn same_reading(&mut self, raw: &[RawApp]) {
        let mut first: HashMap<&str, (&str, BTreeSet<&str>)> = HashMap::new();
        for (index, app) in raw.iter().enumerate() {
            let options: BTreeSet<&str> = app.loosen.iter().map(String::as_str).collect();
            let name = app.name.as_deref().unwrap_or_default();
            for host in app.hosts.iter().flatten() {
                let (other, theirs) = first.entry(host).or_insert_with(|| (name, options.clone()));
                if *theirs != options {
                    let message =
                        format!("the apps `{other}` and `{name}` share a host and `loosen` it differently");
                    let help = "write the same options for both, or give them hosts of their own";
                    let at = below(&element("app", index), "loosen");
                    self.source.error(&at, "portcullis::config::conflict", message, help);
                }
            }
        }
    }

    pub(super) fn same_routes(&mut self, list: &str, raw: &RawApp) {
        let mut names: HashMap<&str, usize> = HashMap::new();
        for (index, route) in raw.route.iter().enumerate() {
            let Some(name) = route.name.as_deref().filter(|name| !name.is_empty()) else { continue };
            if let Some(first) = names.insert(name, index) {
                let message =
                    format!("the route `{name}` is configured twice, first as `{}`", element(list, first));
                let help =
                    "names of routes are unique within an app: policies speak of `Route::\"app/route\"`";
                let at = below(&element(list, index), "name");
                self.source.error(&at, "portcullis::config::same_route", message, help);
            }
        }
    }

    /// `routes` are in the order of the file, `None` where one is faulty.
    pub(super) fn unreachable_routes(&mut self, list: &str, app: Option<&str>, routes: &[Option<Route>]) {
        for (index, route) in routes.iter().enumerate() {
            let Some(route) = route else { continue };
            let at = below(&element(list, index), "path");
            let pattern = route.pattern.as_str();
            if let Some(app) = app
                && !covers(app, pattern)
            {
                let message = format!("the route `{}` lies outside its app, which is `{app}`", route.name);
                let help = "begin the route's path with the app's, or widen the app's `path`";
                self.source.error(&at, "portcullis::config::unreachable_route", message, help);
                continue;
            }
            let same: Vec<&Route> = routes
                .iter()
                .take(index)
                .flatten()
                .filter(|earlier| earlier.pattern == route.pattern)
                // A route that names its methods is asked before one that does not, wherever it stands.
                .filter(|earlier| earlier.methods.is_empty() == route.methods.is_empty())
                .filter(|earlier| route.methods.is_empty() || shared(earlier, route).next().is_some())
                .collect();
            if let Some(earlier) = same.first() {
                let methods: Vec<&str> = shared(earlier, route).map(Method::as_str).collect();
                let of = if methods.is_empty() {
                    String::new()
                } else {
                    format!(" for `{}`", methods.join("`, `"))
                };
                let message = format!(
                    "the route `{}` is never reached{of}: `{}` covers `{pattern}` first",
                    route.name, earlier.name
                );
                let help = "join the two routes, or tell them apart by `path` or `methods`";
                self.source.error(&at, "portcullis::config::unreachable_route", message, help);
            }
        }
    }
}

fn shared<'a>(earlier: &'a Route, route: &'a Route) -> impl Iterator<Item = &'a Method> {
    route.methods.iter().filter(|method| earlier.methods.contains(method))
}

/// Whether every path of `narrow` is one of `wide`. Both are patterns that parsed.
pub(super) fn covers(wide: &str, narrow: &str) -> bool {
    let mut wide = wide.split('/').filter(|segment| !segment.is_empty());
    let mut narrow = narrow.split('/').filter(|segment| !segment.is_empty());
    loop {
        match (wide.next(), narrow.next()) {
            (Some("**"), _) | (None, None) => return true,
            (_, Some("**")) | (None, Some(_)) | (Some(_), None) => return false,
            (Some("*"), Some(_)) => {}
            (Some(wide), Some(narrow)) if wide == narrow => {}
            (Some(_), Some(_)) => return false,
        }
    }
}
