//! Apps as the configuration has them become apps as the gate matches them.

use portcullis_gate::{App, OriginTarget, Route};

use crate::config;

/// The same apps, in the same order.
pub(super) fn apps(checked: Vec<config::App>) -> Vec<App> {
    checked.into_iter().map(app).collect()
}

fn app(app: config::App) -> App {
    let routes = app
        .routes
        .into_iter()
        .map(|route| Route {
            entity: format!("{}/{}", app.name, route.name),
            name: route.name,
            pattern: route.pattern,
            methods: route.methods,
            public: route.public,
        })
        .collect();
    App {
        hosts: app.hosts.iter().map(ToString::to_string).collect(),
        mount: app.mount,
        branding: app.branding,
        origin: OriginTarget {
            scheme: http::uri::Scheme::HTTP,
            authority: app.upstream.authority,
            preserve_host: app.upstream.preserve_host,
            connect_timeout: app.upstream.connect_timeout,
            response_timeout: app.upstream.response_timeout,
            renders_404: app.renders_404,
        },
        routes,
        name: app.name,
    }
}
