//! Apps as the configuration has them become apps as the gate matches them; what they name is read.

use std::sync::Arc;

use portcullis_gate::{App, OriginTarget, Route};

use super::Reader;
use crate::config::{self, Config, Upstream};

impl Reader<'_> {
    /// The same apps, in the same order; `None` if anything they name cannot be used.
    pub(super) fn apps(&mut self, config: &Config) -> Option<Vec<App>> {
        let apps: Vec<Option<App>> = config.apps.iter().map(|app| self.app(app, config)).collect();
        apps.into_iter().collect()
    }

    fn app(&mut self, app: &config::App, config: &Config) -> Option<App> {
        let origin = self.origin(app, config);
        let routes: Vec<Option<Route>> = app.routes.iter().map(|route| self.route(app, route)).collect();
        let https = config.server.tls.as_ref().filter(|_| app.https_redirect).map(|tls| tls.listen.port());
        Some(App {
            name: app.name.clone(),
            hosts: app.hosts.iter().map(ToString::to_string).collect(),
            mount: app.mount.clone(),
            loosened: app.loosened,
            https,
            branding: app.branding.clone(),
            origin: Arc::new(origin?),
            forward_credentials: app.forward_credentials,
            limits: app.limits.clone(),
            routes: routes.into_iter().collect::<Option<_>>()?,
        })
    }

    fn route(&mut self, app: &config::App, route: &config::Route) -> Option<Route> {
        let payload = match &route.payload {
            Some(payload) => Some(self.payload(payload)?),
            None => None,
        };
        Some(Route {
            entity: format!("{}/{}", app.name, route.name),
            name: route.name.clone(),
            pattern: route.pattern.clone(),
            methods: route.methods.clone(),
            public: route.public,
            payload,
            limits: route.limits.clone(),
        })
    }

    fn origin(&mut self, app: &config::App, config: &Config) -> Option<OriginTarget> {
        let upstream = &app.upstream;
        let (tls, known_by) = match &upstream.tls {
            Some(tls) => {
                let (tls, digest) = self.upstream_tls(&app.name, tls)?;
                (Some(tls), digest)
            }
            None => (None, String::new()),
        };
        Some(OriginTarget {
            app: app.name.clone(),
            fingerprint: fingerprint(&app.name, upstream, &known_by),
            scheme: upstream.scheme.clone(),
            addresses: upstream.addresses.clone(),
            protocol: upstream.protocol,
            tls,
            preserve_host: upstream.preserve_host,
            connect_timeout: upstream.connect_timeout,
            response_timeout: upstream.response_timeout,
            whole_timeout: config.server.request_timeout,
            largest_body: upstream.largest_body,
            retries: upstream.retries,
            health: upstream.health.clone(),
            renders_404: app.renders_404,
            intercept: upstream.intercept.clone(),
            upgrades: upstream.upgrades,
        })
    }
}

/// Everything that concerns connections and how they are counted, and nothing else: a changed policy must not cost an upstream its connections.
fn fingerprint(app: &str, upstream: &Upstream, known_by: &str) -> String {
    let addresses: Vec<&str> = upstream.addresses.iter().map(http::uri::Authority::as_str).collect();
    format!(
        "{app} {}://{} {:?} {:?} {:?} {known_by}",
        upstream.scheme,
        addresses.join(","),
        upstream.protocol,
        upstream.connect_timeout,
        upstream.health
    )
}
