//! Apps as the configuration has them become apps as the gate matches them.

use std::sync::Arc;

use portcullis_gate::{App, OriginTarget, Route};
use portcullis_request::Loosened;

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
            limits: Vec::new(),
        })
        .collect();
    App {
        hosts: app.hosts.iter().map(ToString::to_string).collect(),
        mount: app.mount,
        branding: app.branding,
        loosened: Loosened::default(),
        https: None,
        origin: Arc::new(OriginTarget {
            preserve_host: app.upstream.preserve_host,
            connect_timeout: app.upstream.connect_timeout,
            response_timeout: app.upstream.response_timeout,
            renders_404: app.renders_404,
            ..OriginTarget::plain(app.upstream.authority)
        }),
        forward_credentials: false,
        limits: Vec::new(),
        routes,
        name: app.name,
    }
}
