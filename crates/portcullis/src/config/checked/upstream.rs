//! Where an app's requests go, checked. Certificates are looked for here and read by `load`.

use std::path::PathBuf;
use std::time::Duration;

use http::uri::{Authority, PathAndQuery, Scheme};
use portcullis_gate::{HealthCheck, Intercept, OriginProtocol};
use rustls::pki_types::ServerName;

use super::{Checker, DAY, HOUR, MINUTE, SHORTEST};
use crate::config::finding::quoted;
use crate::config::raw::{RawApp, RawHealth, RawProtocol, RawUpstreamTls};
use crate::config::source::{below, element};

/// Where an app's requests go.
#[derive(Debug, Clone)]
pub(crate) struct Upstream {
    /// `http` or `https`, the same for every address.
    pub(crate) scheme: Scheme,
    /// Hosts and ports, at least one.
    pub(crate) addresses: Vec<Authority>,
    /// Which version of HTTP it speaks.
    pub(crate) protocol: OriginProtocol,
    /// How it is known, if it is asked over TLS.
    pub(crate) tls: Option<UpstreamTls>,
    /// Whether it sees the caller's `Host`.
    pub(crate) preserve_host: bool,
    /// Longest wait for a connection.
    pub(crate) connect_timeout: Duration,
    /// Longest wait for the head of the response.
    pub(crate) response_timeout: Duration,
    /// Most bytes of a request body.
    pub(crate) largest_body: u64,
    /// How often a request is tried again.
    pub(crate) retries: u32,
    /// How its addresses are asked whether they are there.
    pub(crate) health: Option<HealthCheck>,
    /// Which of its answers are replaced by ours.
    pub(crate) intercept: Intercept,
    /// Whether connections may be upgraded.
    pub(crate) upgrades: bool,
}

/// How an upstream asked over TLS is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct UpstreamTls {
    /// Certificate authorities; `None`: the system's.
    pub(crate) ca: Option<PathBuf>,
    /// The name its certificate must hold; `None`: the host in its address.
    pub(crate) server_name: Option<ServerName<'static>>,
    /// Our own chain and key.
    pub(crate) client: Option<(PathBuf, PathBuf)>,
}

/// Addresses of one upstream. More are a load balancer's work.
const MOST_ADDRESSES: usize = 256;

impl Checker<'_> {
    pub(super) fn upstream(&mut self, path: &str, raw: &RawApp) -> Option<Upstream> {
        let at = |key: &str| below(path, key);
        let connect_timeout = self.duration(&at("connect_timeout"), &raw.connect_timeout.0, SHORTEST, HOUR);
        let response_timeout =
            self.duration(&at("response_timeout"), &raw.response_timeout.0, SHORTEST, 24 * HOUR);
        let largest_body = self.size(&at("max_body_size"), &raw.max_body_size.0, 0, 1 << 50);
        let health = raw.health.as_ref().map(|health| self.health(&at("health"), health));
        let intercept = self.intercept(&at("intercept"), &raw.intercept);
        let addresses = self.addresses(path, raw);
        let scheme = addresses.first().map(|(scheme, _)| scheme.clone())?;
        let tls = self.upstream_tls(&at("upstream_tls"), &raw.upstream_tls, &scheme);
        Some(Upstream {
            addresses: addresses.into_iter().map(|(_, authority)| authority).collect(),
            protocol: match raw.protocol {
                RawProtocol::Negotiated if scheme == Scheme::HTTP => OriginProtocol::Http1,
                RawProtocol::Negotiated => OriginProtocol::Negotiated,
                RawProtocol::Http1 => OriginProtocol::Http1,
                RawProtocol::Http2 => OriginProtocol::Http2,
            },
            tls: tls?,
            scheme,
            preserve_host: raw.preserve_host,
            connect_timeout: connect_timeout?,
            response_timeout: response_timeout?,
            largest_body: largest_body?,
            retries: raw.retries,
            health: match health {
                Some(health) => Some(health?),
                None => None,
            },
            intercept: intercept?,
            upgrades: raw.upgrades,
        })
    }

    fn addresses(&mut self, path: &str, raw: &RawApp) -> Vec<(Scheme, Authority)> {
        let (one, several) = (below(path, "upstream"), below(path, "upstreams"));
        let written: Vec<(String, &str)> = match (&raw.upstream, raw.upstreams.as_slice()) {
            (Some(upstream), []) => vec![(one, upstream.as_str())],
            // A misspelt key, or an app that is no table, has been named.
            (None, []) if self.source.is_faulty(&below(path, "up")) || self.source.is_named(path) => {
                Vec::new()
            }
            (None, []) => {
                let message = format!("`upstream` is missing in `{path}`");
                let help = "Where its requests go: `upstream = \"http://127.0.0.1:9000\"`";
                self.source.error(&one, "portcullis::config::missing_key", message, help);
                Vec::new()
            }
            (Some(_), _) => {
                let message = "both `upstream` and `upstreams` are written".to_owned();
                let help = "name every address in `upstreams`, or the only one in `upstream`";
                self.source.error(&several, "portcullis::config::conflict", message, help);
                Vec::new()
            }
            (None, several_written) => several_written
                .iter()
                .enumerate()
                .map(|(index, text)| (element(&several, index), text.as_str()))
                .collect(),
        };
        if written.len() > MOST_ADDRESSES {
            let message = format!("{} addresses; at most {MOST_ADDRESSES} are chosen from", written.len());
            let help = "put a load balancer before them";
            self.source.error(&below(path, "upstreams"), "portcullis::config::too_many", message, help);
            return Vec::new();
        }
        let mut addresses: Vec<(Scheme, Authority)> = Vec::new();
        for (at, text) in written {
            match upstream(text) {
                Ok((scheme, _)) if addresses.first().is_some_and(|(first, _)| *first != scheme) => {
                    let message = "some addresses are asked over TLS and some in plain text".to_owned();
                    let help = "the addresses of one upstream are one service: write `https://` for all";
                    self.source.error(&at, "portcullis::config::bad_upstream", message, help);
                }
                Ok(address) if addresses.contains(&address) => {
                    let message = format!("{} is named twice", quoted(text));
                    self.source.warning(&at, "portcullis::config::no_effect", message, "remove one");
                }
                Ok(address) => addresses.push(address),
                Err((message, help)) => {
                    self.source.error(&at, "portcullis::config::bad_upstream", message, help);
                }
            }
        }
        addresses
    }

    /// `Some(None)` for plain text.
    fn upstream_tls(
        &mut self,
        path: &str,
        raw: &RawUpstreamTls,
        scheme: &Scheme,
    ) -> Option<Option<UpstreamTls>> {
        if *scheme == Scheme::HTTP {
            if self.source.has(path) {
                let message =
                    "the upstream is asked in plain text, so its certificate is never seen".to_owned();
                let help = "write `https://` in its address, or remove `upstream_tls`";
                self.source.error(path, "portcullis::config::no_effect", message, help);
            }
            return Some(None);
        }
        let ca = raw.ca.as_ref().map(|file| self.existing_file(&below(path, "ca"), file));
        let server_name = raw.server_name.as_ref().map(|name| {
            let read = ServerName::try_from(name.clone()).ok();
            if read.is_none() {
                let message = format!("{} is no name that a certificate could hold", quoted(name));
                let help = "write a host name or an address: `service.internal`";
                self.source.error(&below(path, "server_name"), "portcullis::config::bad_host", message, help);
            }
            read
        });
        let client = match (&raw.certificate, &raw.key) {
            (None, None) => Some(None),
            (Some(chain), Some(key)) => {
                let chain = self.existing_file(&below(path, "certificate"), chain);
                let key = self.existing_file(&below(path, "key"), key);
                chain.zip(key).map(Some)
            }
            (chain, _) => {
                let missing = if chain.is_some() { "key" } else { "certificate" };
                let message = format!("`{missing}` is missing in `{path}`");
                let help = "our own certificate takes both `certificate` and `key`";
                self.source.error(path, "portcullis::config::missing_key", message, help);
                None
            }
        };
        let ca = match ca {
            Some(ca) => Some(ca?),
            None => None,
        };
        let server_name = match server_name {
            Some(name) => Some(name?),
            None => None,
        };
        Some(Some(UpstreamTls { ca, server_name, client: client? }))
    }

    fn health(&mut self, path: &str, raw: &RawHealth) -> Option<HealthCheck> {
        let target: Option<PathAndQuery> = raw.path.starts_with('/').then(|| raw.path.parse().ok()).flatten();
        if target.is_none() {
            let message = format!("{} is no path", quoted(&raw.path));
            let help = "write what answers 200 when all is well: `/healthz`";
            self.source.error(&below(path, "path"), "portcullis::config::bad_path", message, help);
        }
        let interval =
            self.duration(&below(path, "interval"), &raw.interval.0, Duration::from_millis(100), DAY);
        let timeout = self.duration(&below(path, "timeout"), &raw.timeout.0, SHORTEST, 10 * MINUTE);
        Some(HealthCheck {
            target: target?,
            interval: interval?,
            timeout: timeout?,
            down_after: raw.down_after,
            up_after: raw.up_after,
        })
    }

    fn intercept(&mut self, path: &str, written: &[String]) -> Option<Intercept> {
        let mut intercept = Intercept::default();
        let mut sound = true;
        for (index, text) in written.iter().enumerate() {
            match text.as_str() {
                "4xx" => intercept.classes.insert(4),
                "5xx" => intercept.classes.insert(5),
                text => match text.parse() {
                    Ok(status @ 400..=599) => intercept.statuses.insert(status),
                    _ => {
                        let message = format!("{} is no status of an error", quoted(text));
                        let help = "write a status or a class: `\"403\"`, `\"5xx\"`";
                        let at = element(path, index);
                        self.source.error(&at, "portcullis::config::bad_status", message, help);
                        sound = false;
                        continue;
                    }
                },
            };
        }
        sound.then_some(intercept)
    }
}

/// Reads an upstream: `http://host:port` or `https://host:port` and nothing else. The error is what is wrong, and what
/// to write.
pub(crate) fn upstream(text: &str) -> Result<(Scheme, Authority), (String, &'static str)> {
    let example = "write `http://host:port`: `http://127.0.0.1:9000`";
    let uri: Option<http::Uri> = text.parse().ok();
    let scheme = uri.as_ref().and_then(http::Uri::scheme).cloned();
    let scheme = scheme.filter(|scheme| *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS);
    let authority = uri.as_ref().and_then(http::Uri::authority);
    let rest = uri.as_ref().and_then(http::Uri::path_and_query).map_or("/", |rest| rest.as_str());
    Err(match (scheme, authority) {
        (Some(_), Some(authority)) if authority.as_str().contains('@') => {
            (format!("the upstream {} has a user name in it", quoted(text)), example)
        }
        (Some(scheme), Some(authority)) if rest == "/" && !text.contains('#') => {
            return Ok((scheme, authority.clone()));
        }
        (Some(_), Some(_)) => (
            format!("the upstream {} has a path or query", quoted(text)),
            "the path that was decided on is the path that is forwarded; write `http://host:port` alone",
        ),
        _ => (format!("{} is no upstream", quoted(text)), example),
    })
}
