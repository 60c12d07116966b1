//! Other doors, what origins may verify, and what is told to observers, checked.

use std::net::SocketAddr;
use std::time::Duration;

use portcullis_identity::Secret;
use portcullis_request::TrustedPeers;

use super::{Checker, DAY, HOUR, SECOND, YEAR};
use crate::config::finding::quoted;
use crate::config::raw::{RawForwardAuth, RawTelemetry, RawUpstreamIdentity};
use crate::config::source::below;

/// The door for proxies that ask before they forward.
#[derive(Debug, Clone)]
pub(crate) struct ForwardAuthConfig {
    /// Where it listens.
    pub(crate) listen: SocketAddr,
    /// Who may ask.
    pub(crate) peers: TrustedPeers,
}

/// The signed word on who the caller is, for upstreams.
#[derive(Debug, Clone)]
pub(crate) struct UpstreamIdentityConfig {
    /// Its `iss`.
    pub(crate) issuer: String,
    /// How long it is valid.
    pub(crate) lifetime: Duration,
    /// How old a signing key may become.
    pub(crate) key_lifetime: Duration,
}

/// Traces for OpenTelemetry.
#[derive(Debug, Clone)]
pub(crate) struct TelemetryConfig {
    /// Where they go.
    pub(crate) endpoint: http::Uri,
    /// The service's name.
    pub(crate) service_name: String,
    /// So many of a thousand requests.
    pub(crate) per_thousand: u32,
    /// Headers for the collector.
    pub(crate) headers: Vec<(http::HeaderName, Secret)>,
}

impl Checker<'_> {
    pub(super) fn forward_auth(&mut self, raw: &RawForwardAuth) -> Option<ForwardAuthConfig> {
        let listen = self.address("forward_auth.listen", &raw.listen);
        let peers = self.networks("forward_auth.peers", raw.peers.as_deref()?);
        if let Some(network) = peers.iter().find(|network| network.prefix_len() == 0) {
            let message = format!("`{network}` lets every caller ask, and say of itself what it likes");
            let help = "name the address of your proxy: `127.0.0.1/32`";
            self.source.error("forward_auth.peers", "portcullis::config::trusts_everyone", message, help);
        }
        if peers.is_empty() && !self.source.is_faulty("forward_auth.peers") {
            let message = "nobody may ask at the forward-auth door".to_owned();
            let help = "name the address of your proxy: `127.0.0.1/32`";
            self.source.warning("forward_auth.peers", "portcullis::config::no_effect", message, help);
        }
        Some(ForwardAuthConfig { listen: listen?, peers: TrustedPeers::new(peers) })
    }

    /// `Some(None)` where none is sent.
    pub(super) fn upstream_identity(
        &mut self,
        raw: &RawUpstreamIdentity,
    ) -> Option<Option<UpstreamIdentityConfig>> {
        let at = |key: &str| below("upstream_identity", key);
        let lifetime = self.duration(&at("lifetime"), &raw.lifetime.0, SECOND, HOUR);
        let key_lifetime = self.duration(&at("key_lifetime"), &raw.key_lifetime.0, DAY, YEAR);
        if raw.issuer.is_empty() || raw.issuer.chars().any(char::is_control) {
            let message = format!("{} is no name of an issuer", quoted(&raw.issuer));
            let help = "write what upstreams should find in `iss`: `https://gate.example.com`";
            self.source.error(&at("issuer"), "portcullis::config::bad_name", message, help);
        }
        let config = UpstreamIdentityConfig {
            issuer: raw.issuer.clone(),
            lifetime: lifetime?,
            key_lifetime: key_lifetime?,
        };
        Some(raw.enabled.then_some(config))
    }

    pub(super) fn telemetry(&mut self, raw: &RawTelemetry) -> Option<TelemetryConfig> {
        let written = raw.endpoint.as_deref()?;
        let endpoint: Option<http::Uri> = written.parse().ok();
        let endpoint = endpoint
            .filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.authority().is_some());
        if endpoint.is_none() {
            let message = format!("{} is no address of a collector", quoted(written));
            let help = "write where OTLP is taken over HTTP: `http://127.0.0.1:4318`";
            self.source.error("telemetry.endpoint", "portcullis::config::bad_url", message, help);
        }
        let mut headers = Vec::new();
        for (name, secret) in &raw.headers {
            let at = below("telemetry.headers", name);
            match http::HeaderName::from_bytes(name.as_bytes()) {
                Ok(header) => headers.extend(self.secret(&at, secret).map(|secret| (header, secret))),
                Err(_) => {
                    let message = format!("{} is no header name", quoted(name));
                    let help = "use letters, digits and `-`";
                    self.source.error(&at, "portcullis::config::bad_header", message, help);
                }
            }
        }
        Some(TelemetryConfig {
            endpoint: endpoint?,
            service_name: raw.service_name.clone(),
            per_thousand: raw.per_thousand,
            headers,
        })
    }
}
