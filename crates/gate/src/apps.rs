//! The protected applications and their routes, and which of them a request is for.
//!
//! INVARIANT: matching looks at the canonical host, path and method only, the very values that are forwarded.

use std::collections::HashMap;
use std::sync::Arc;

use portcullis_payload::PayloadRules;
use portcullis_request::{CanonicalPath, CanonicalRequest, Host, Loosened, PathPattern};
use portcullis_response::Branding;

use crate::{Limit, OriginTarget};

/// One protected application.
pub struct App {
    /// Its name, the identifier of its Cedar entity.
    pub name: String,
    /// Canonical hosts it answers to.
    pub hosts: Vec<String>,
    /// Which paths of these hosts are its own; several apps may share a host.
    pub mount: PathPattern,
    /// What it allows beyond the strictest reading of paths. Apps that share a host agree on it, since the path is read
    /// before it is known whose it is.
    pub loosened: Loosened,
    /// Where callers in plain text are sent who ask with a browser: the port that speaks TLS. `None`: nowhere.
    pub https: Option<u16>,
    /// How its refusals look.
    pub branding: Branding,
    /// Where its requests go.
    pub origin: Arc<OriginTarget>,
    /// Whether the origin gets the credential that identified the caller.
    pub forward_credentials: bool,
    /// How often it may be asked.
    pub limits: Vec<Arc<Limit>>,
    /// Its routes.
    pub routes: Vec<Route>,
}

/// One route of an app.
#[derive(Clone)]
pub struct Route {
    /// Its name within the app.
    pub name: String,
    /// Which paths it covers.
    pub pattern: PathPattern,
    /// Which methods it covers; empty: all.
    pub methods: Vec<http::Method>,
    /// Whether callers without identity are decided on rather than challenged.
    pub public: bool,
    /// The identifier of its Cedar entity: `shop/premium`.
    pub entity: String,
    /// What its bodies must be; `None`: anything.
    pub payload: Option<Arc<PayloadRules>>,
    /// How often it may be asked.
    pub limits: Vec<Arc<Limit>>,
}

/// Every app, by host.
#[derive(Default)]
pub struct Apps {
    apps: Vec<Arc<App>>,
    by_host: HashMap<String, Vec<Arc<App>>>,
}

impl Apps {
    /// Indexes apps by host and puts the apps of a host and the routes of an app in order: the most specific pattern
    /// first, and of equal patterns the one that names its methods.
    #[must_use]
    pub fn new(apps: Vec<App>) -> Self {
        let apps: Vec<Arc<App>> = apps
            .into_iter()
            .map(|mut app| {
                get_covers_head(&mut app.routes);
                app.routes.sort_by_key(|route| (route.pattern.specificity(), route.methods.is_empty()));
                Arc::new(app)
            })
            .collect();
        let mut by_host: HashMap<String, Vec<Arc<App>>> = HashMap::new();
        for app in &apps {
            for host in &app.hosts {
                by_host.entry(host.clone()).or_default().push(Arc::clone(app));
            }
        }
        for sharing in by_host.values_mut() {
            sharing.sort_by_key(|app| app.mount.specificity());
        }
        Self { apps, by_host }
    }

    /// Goes on counting where the limits of `previous` stand: a changed policy is no fresh start.
    pub fn adopt_limits(&self, previous: &Self) {
        let known: HashMap<&str, &Arc<Limit>> =
            previous.limits().map(|limit| (limit.name.as_str(), limit)).collect();
        for limit in self.limits() {
            if let Some(before) = known.get(limit.name.as_str()) {
                limit.adopt(before);
            }
        }
    }

    /// Every limit of every app and route.
    pub fn limits(&self) -> impl Iterator<Item = &Arc<Limit>> {
        self.apps
            .iter()
            .flat_map(|app| app.limits.iter().chain(app.routes.iter().flat_map(|route| route.limits.iter())))
    }

    /// Every app, in the order of the configuration.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<App>> {
        self.apps.iter()
    }

    /// Whether any app has this host.
    #[must_use]
    pub fn know(&self, host: &Host) -> bool {
        self.by_host.contains_key(host.as_str())
    }

    /// What the apps of this host allow beyond the strictest reading of paths; nothing for hosts of nobody.
    #[must_use]
    pub fn loosened(&self, host: &Host) -> Loosened {
        let first = self.by_host.get(host.as_str()).and_then(|apps| apps.first());
        first.map_or_else(Loosened::default, |app| app.loosened)
    }

    /// The app that has this host and path.
    #[must_use]
    pub fn of(&self, request: &CanonicalRequest) -> Option<&Arc<App>> {
        self.at(request.host.as_str(), &request.path)
    }

    /// The same by canonical host and path.
    #[must_use]
    pub fn at(&self, host: &str, path: &CanonicalPath) -> Option<&Arc<App>> {
        self.by_host.get(host)?.iter().find(|app| app.mount.matches(path))
    }
}

/// HEAD is GET without the content (RFC 9110 §9.3.2), so a route for GET is one for HEAD, unless another of the same
/// pattern says so itself. Otherwise HEAD would fall through to a wider route that requires less.
fn get_covers_head(routes: &mut [Route]) {
    let own: Vec<PathPattern> = routes
        .iter()
        .filter(|route| route.methods.contains(&http::Method::HEAD))
        .map(|route| route.pattern.clone())
        .collect();
    for route in routes {
        if route.methods.contains(&http::Method::GET) && !own.contains(&route.pattern) {
            route.methods.push(http::Method::HEAD);
        }
    }
}

impl App {
    /// The route that this request would be for if `hidden` did not exist.
    #[must_use]
    pub fn route_without(&self, hidden: &Route, request: &CanonicalRequest) -> Option<&Route> {
        self.routes
            .iter()
            .filter(|route| route.entity != hidden.entity)
            .find(|route| route.covers(&request.method, &request.path))
    }

    /// The route this request is for: the most specific that covers its path and method.
    #[must_use]
    pub fn route(&self, request: &CanonicalRequest) -> Option<&Route> {
        self.route_at(&request.method, &request.path)
    }

    /// The same by method and canonical path.
    #[must_use]
    pub fn route_at(&self, method: &http::Method, path: &CanonicalPath) -> Option<&Route> {
        self.routes.iter().find(|route| route.covers(method, path))
    }
}

impl Route {
    fn covers(&self, method: &http::Method, path: &CanonicalPath) -> bool {
        (self.methods.is_empty() || self.methods.contains(method)) && self.pattern.matches(path)
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::SystemTime;

    use portcullis_request::{Connection, Reference, Rules, TrustedPeers, admit};

    use super::*;

    fn app(name: &str, mount: &str, routes: &[(&str, &str, &[&str])]) -> App {
        App {
            name: name.to_owned(),
            hosts: vec!["shop.test".to_owned()],
            mount: PathPattern::parse(mount).unwrap(),
            branding: Branding::default(),
            loosened: Loosened::default(),
            https: None,
            origin: Arc::new(OriginTarget::plain("127.0.0.1:9".parse().unwrap())),
            forward_credentials: false,
            limits: Vec::new(),
            routes: routes
                .iter()
                .map(|(route, pattern, methods)| Route {
                    name: (*route).to_owned(),
                    pattern: PathPattern::parse(pattern).unwrap(),
                    methods: methods.iter().map(|method| method.parse().unwrap()).collect(),
                    public: false,
                    entity: format!("{name}/{route}"),
                    payload: None,
                    limits: Vec::new(),
                })
                .collect(),
        }
    }

    fn request(method: &str, path: &str) -> CanonicalRequest {
        let head =
            http::Request::builder().method(method).uri(path).header("host", "SHOP.test").body(()).unwrap();
        let peer: SocketAddr = "127.0.0.1:1".parse().unwrap();
        let now = SystemTime::now();
        let trusted = TrustedPeers::default();
        let rules = Rules { trusted: &trusted, loosened: &|_| Loosened::default() };
        admit(&head.into_parts().0, &Connection::plain(peer), &rules, Reference::new(now), now).unwrap()
    }

    fn found(apps: &Apps, method: &str, path: &str) -> Option<String> {
        let request = request(method, path);
        apps.of(&request)?.route(&request).map(|route| route.entity.clone())
    }

    #[test]
    fn the_most_specific_wins_in_whatever_order_it_is_written() {
        let apps = Apps::new(vec![
            app(
                "shop",
                "/**",
                &[
                    ("all", "/**", &[]),
                    ("orders", "/api/orders/**", &[]),
                    ("entry", "/api/orders/**", &["POST"]),
                    ("one", "/api/orders/*", &["GET"]),
                    ("list", "/api/orders", &["GET"]),
                ],
            ),
            app("media", "/premium/**", &[("premium", "/premium/**", &[])]),
        ]);
        for (method, path, entity) in [
            ("GET", "/", "shop/all"),
            ("GET", "/api/orders", "shop/list"),
            ("POST", "/api/orders", "shop/entry"),
            ("PUT", "/api/orders", "shop/orders"),
            ("GET", "/api/orders/7", "shop/one"),
            ("GET", "/api/orders/7/items", "shop/orders"),
            ("HEAD", "/api/orders", "shop/list"),
            ("HEAD", "/api/orders/7", "shop/one"),
            ("GET", "/premium", "media/premium"),
            ("GET", "/premium/x", "media/premium"),
            ("GET", "/premiumx", "shop/all"),
        ] {
            assert_eq!(found(&apps, method, path).as_deref(), Some(entity), "{method} {path}");
        }
    }

    #[test]
    fn nothing_is_covered_by_default() {
        let apps = Apps::new(vec![app("shop", "/shop/**", &[("list", "/shop/list", &["GET"])])]);
        for (method, path) in
            [("GET", "/"), ("GET", "/shop"), ("POST", "/shop/list"), ("GET", "/shop/list/x")]
        {
            assert_eq!(found(&apps, method, path), None, "{method} {path}");
        }
    }

    /// threats.md 13: a fast matcher that differs from the slow one above some number of routes.
    #[test]
    fn many_routes_are_matched_as_few_are() {
        for count in [1, 99, 101, 10_000] {
            let names: Vec<_> = (0..count).map(|n| (format!("r{n}"), format!("/a/{n}/**"))).collect();
            let routes: Vec<_> =
                names.iter().map(|(name, path)| (name.as_str(), path.as_str(), &[][..])).collect();
            let apps = Apps::new(vec![app("shop", "/**", &routes)]);
            for n in [0, count / 2, count - 1] {
                assert_eq!(found(&apps, "GET", &format!("/a/{n}/x")), Some(format!("shop/r{n}")));
            }
            assert_eq!(found(&apps, "GET", &format!("/a/{count}/x")), None);
        }
    }

    /// threats.md 13: the same of hosts, in whatever case they are asked for.
    #[test]
    fn many_hosts_are_found_as_few_are() {
        for count in [1, 99, 101, 10_000] {
            let mut wide = app("wide", "/**", &[("all", "/**", &[])]);
            wide.hosts = (0..count).map(|n| format!("shop{n}.test")).collect();
            wide.hosts.push("shop.test".to_owned());
            let apps = Apps::new(vec![wide]);
            assert_eq!(found(&apps, "GET", "/x").as_deref(), Some("wide/all"), "SHOP.test, one of {count}");
        }
    }
}
