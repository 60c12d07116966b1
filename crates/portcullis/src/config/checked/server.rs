//! The two listeners, checked.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use portcullis_identity::Secret;
use portcullis_proxy::Limits;
use portcullis_request::TrustedPeers;

use super::doors::ForwardAuthConfig;
use super::{Checker, HOUR, MINUTE, SECOND, SHORTEST};
use crate::config::finding::quoted;
use crate::config::raw::{RawAdmin, RawSecret, RawServer, RawTls};
use crate::config::source::{below, element};

/// The listener that callers reach.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    /// Where it listens in plain text; `None`: nowhere.
    pub(crate) listen: Option<SocketAddr>,
    /// Where it listens in TLS, and with which certificates.
    pub(crate) tls: Option<TlsConfig>,
    /// Peers whose forwarded fields count.
    pub(crate) trusted_peers: TrustedPeers,
    /// Peers whose connections begin with a PROXY protocol header.
    pub(crate) proxy_protocol_from: TrustedPeers,
    /// Longest time of a whole request.
    pub(crate) request_timeout: Option<Duration>,
    /// Folder of the decision log and the state file.
    pub(crate) data: PathBuf,
    /// The bounds of the door.
    pub(crate) limits: Limits,
}

/// The listener that speaks TLS.
#[derive(Debug, Clone)]
pub(crate) struct TlsConfig {
    /// Where it listens.
    pub(crate) listen: SocketAddr,
    /// Chains and keys, each with its place in the configuration.
    pub(crate) certificates: Vec<(String, PathBuf, PathBuf)>,
}

/// The listener for operators.
#[derive(Debug, Clone)]
pub(crate) struct AdminConfig {
    /// Where it listens.
    pub(crate) listen: SocketAddr,
    /// The bearer token that operators send.
    pub(crate) token: Secret,
    /// Whether `/metrics` is told without it.
    pub(crate) open_metrics: bool,
}

impl Checker<'_> {
    pub(super) fn server(&mut self, raw: &RawServer) -> Option<Server> {
        let listen = match raw.listen.as_str() {
            "none" => Some(None),
            written => self.address("server.listen", written).map(Some),
        };
        let tls = raw.tls.as_ref().map(|tls| self.tls(tls));
        if matches!(listen, Some(None)) && tls.is_none() {
            let message = "nothing is listened on".to_owned();
            let help = "write an address in `listen`, or add `[server.tls]`";
            self.source.error("server.listen", "portcullis::config::conflict", message, help);
        }
        let proxy_protocol_from = self.networks("server.proxy_protocol_from", &raw.proxy_protocol_from);
        let request_timeout = match raw.request_timeout.0.as_str() {
            "none" => Some(None),
            text => self.duration("server.request_timeout", text, SECOND, 24 * HOUR).map(Some),
        };
        let trusted_peers = self.networks("server.trusted_peers", &raw.trusted_peers);
        self.trust(raw, &trusted_peers);
        let data = self.resolve(&raw.data);
        if raw.data.0.is_empty() || (data.exists() && !data.is_dir()) {
            let message = format!("{} is no folder", quoted(&raw.data.0));
            self.source.error(
                "server.data",
                "portcullis::config::not_found",
                message,
                "name a folder of its own",
            );
        }
        let limits = self.limits(raw);
        Some(Server {
            listen: listen?,
            tls: match tls {
                Some(tls) => Some(tls?),
                None => None,
            },
            trusted_peers: TrustedPeers::new(trusted_peers),
            proxy_protocol_from: TrustedPeers::new(proxy_protocol_from),
            request_timeout: request_timeout?,
            data,
            limits: limits?,
        })
    }

    fn tls(&mut self, raw: &RawTls) -> Option<TlsConfig> {
        let listen = raw.listen.as_deref().and_then(|text| self.address("server.tls.listen", text));
        if raw.certificate.is_empty() {
            let message = "a TLS listener without a certificate can greet nobody".to_owned();
            let help = "add `[[server.tls.certificate]]` with `chain` and `key`";
            self.source.error("server.tls", "portcullis::config::empty_list", message, help);
        }
        let mut certificates = Vec::new();
        for (index, certificate) in raw.certificate.iter().enumerate() {
            let at = element("server.tls.certificate", index);
            let (Some(chain), Some(key)) = (&certificate.chain, &certificate.key) else { continue };
            let chain = self.existing_file(&below(&at, "chain"), chain);
            let key = self.existing_file(&below(&at, "key"), key);
            if let Some(key) = &key {
                self.warn_of_readers(&below(&at, "key"), key);
            }
            certificates.extend(chain.zip(key).map(|(chain, key)| (at, chain, key)));
        }
        Some(TlsConfig { listen: listen?, certificates })
    }

    fn limits(&mut self, raw: &RawServer) -> Option<Limits> {
        let head_time = self.duration("server.header_timeout", &raw.header_timeout.0, SECOND, 10 * MINUTE);
        let head_size = self.size("server.max_header_size", &raw.max_header_size.0, 8 << 10, 1 << 20);
        let body_pause = self.duration("server.body_timeout", &raw.body_timeout.0, SHORTEST, 24 * HOUR);
        let write_pause = self.duration("server.write_timeout", &raw.write_timeout.0, SHORTEST, 24 * HOUR);
        let drain = self.duration("server.drain_timeout", &raw.drain_timeout.0, SHORTEST, HOUR);
        let handshake_time =
            self.duration("server.handshake_timeout", &raw.handshake_timeout.0, SECOND, 10 * MINUTE);
        let idle_time = self.duration("server.idle_timeout", &raw.idle_timeout.0, SECOND, 24 * HOUR);
        let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        Some(Limits {
            connections: count(raw.max_connections),
            connections_per_address: count(raw.max_connections_per_address),
            handshake_time: handshake_time?,
            idle_time: idle_time?,
            streams: raw.max_streams,
            resets: raw.max_stream_resets,
            head_time: head_time?,
            head_bytes: usize::try_from(head_size?).ok()?,
            body_pause: body_pause?,
            write_pause: write_pause?,
            origin_requests: count(raw.max_upstream_requests),
            drain: drain?,
            ..Limits::default()
        })
    }

    /// Whoever may set `X-Forwarded-For` chooses its own address, so "everybody" has to be spelled out.
    fn trust(&mut self, raw: &RawServer, trusted: &[IpNet]) {
        let everyone = trusted.iter().find(|network| network.prefix_len() == 0);
        match (everyone, raw.dangerously_trust_everyone) {
            (Some(network), false) => {
                let message = format!("`{network}` trusts every caller to say where it comes from");
                let help = "name your load balancers' networks; `dangerously_trust_everyone = true` means it as written";
                self.source.error(
                    "server.trusted_peers",
                    "portcullis::config::trusts_everyone",
                    message,
                    help,
                );
            }
            (Some(network), true) => {
                let message = format!("`{network}` trusts every caller to say where it comes from");
                let help = "make sure that only your load balancer can reach this listener";
                self.source.warning(
                    "server.trusted_peers",
                    "portcullis::config::trusts_everyone",
                    message,
                    help,
                );
            }
            (None, true) => {
                let message =
                    "`dangerously_trust_everyone` changes nothing here: no such network is named".to_owned();
                let path = "server.dangerously_trust_everyone";
                self.source.warning(path, "portcullis::config::no_effect", message, "remove it");
            }
            (None, false) => {}
        }
    }

    pub(super) fn admin(&mut self, raw: &RawAdmin) -> Option<AdminConfig> {
        let listen = self.address("admin.listen", &raw.listen);
        if let Some(address) = listen.filter(|address| address.ip().is_unspecified()) {
            let message = format!("the admin listener `{address}` is open to every network of this machine");
            let help = "listen on `127.0.0.1` or on the address of a management network";
            self.source.warning("admin.listen", "portcullis::config::open_admin", message, help);
        }
        let token = raw.token.as_ref().and_then(|token| self.secret("admin.token", token));
        Some(AdminConfig { listen: listen?, token: token?, open_metrics: raw.open_metrics })
    }

    /// No two listeners on one address.
    pub(super) fn listeners(
        &mut self,
        server: Option<&Server>,
        admin: Option<&AdminConfig>,
        forward_auth: Option<&ForwardAuthConfig>,
    ) {
        let tls = server.and_then(|server| server.tls.as_ref());
        let listeners = [
            ("server.listen", server.and_then(|server| server.listen)),
            ("server.tls.listen", tls.map(|tls| tls.listen)),
            ("admin.listen", admin.map(|admin| admin.listen)),
            ("forward_auth.listen", forward_auth.map(|door| door.listen)),
        ];
        let known: Vec<_> =
            listeners.into_iter().filter_map(|(path, address)| Some((path, address?))).collect();
        for (index, (path, address)) in known.iter().enumerate() {
            let earlier = known.iter().take(index).find(|(_, earlier)| overlap(*earlier, *address));
            if let Some((other, _)) = earlier {
                let message = format!("`{address}` is the address of `{other}` too");
                let help = "give each listener a port of its own";
                self.source.error(path, "portcullis::config::same_address", message, help);
            }
        }
    }

    pub(super) fn address(&mut self, path: &str, text: &str) -> Option<SocketAddr> {
        if let Ok(address) = text.parse() {
            return Some(address);
        }
        let help = match text.rsplit_once(':') {
            Some(("", port)) if port.parse::<u16>().is_ok() => {
                format!("write `0.0.0.0:{port}` for every interface")
            }
            Some(("localhost", port)) => format!("write the address itself: `127.0.0.1:{port}`"),
            _ => "write an IP address and a port: `127.0.0.1:8080`, `[::1]:8080`".to_owned(),
        };
        let message = format!("{} is no address to listen on", quoted(text));
        self.source.error(path, "portcullis::config::bad_address", message, help);
        None
    }

    /// Reads a secret; nothing of it reaches a finding.
    pub(super) fn secret(&mut self, path: &str, raw: &RawSecret) -> Option<Secret> {
        let read = match (&raw.file, &raw.env) {
            (Some(file), None) => {
                let file = self.resolve(file);
                self.warn_of_readers(path, &file);
                Secret::from_file(&file)
            }
            (None, Some(name)) => Secret::from_env(name),
            (file, _) => {
                let both = if file.is_some() { "two sources" } else { "no source" };
                let message = format!("the secret `{path}` has {both}");
                let help = "write one of `{ file = \"…\" }` and `{ env = \"…\" }`";
                self.source.error(path, "portcullis::config::secret_source", message, help);
                return None;
            }
        };
        match read {
            Ok(secret) => Some(secret),
            Err(fault) => {
                let text = fault.to_string();
                let (message, help) =
                    text.split_once("; ").unwrap_or((text.as_str(), "put the secret there"));
                self.source.error(path, "portcullis::config::secret_unreadable", message.to_owned(), help);
                None
            }
        }
    }

    #[cfg(unix)]
    fn warn_of_readers(&mut self, path: &str, file: &std::path::Path) {
        use std::os::unix::fs::PermissionsExt;
        let Ok(metadata) = file.metadata() else { return };
        if metadata.permissions().mode() & 0o004 != 0 {
            let message = "every user of this machine may read this secret".to_owned();
            let help = format!("chmod 600 {}", file.display());
            self.source.warning(path, "portcullis::config::secret_readable", message, help);
        }
    }

    #[cfg(not(unix))]
    fn warn_of_readers(&mut self, _path: &str, _file: &std::path::Path) {}
}

fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let meet = one.ip() == other.ip()
        || (one.is_ipv4() == other.is_ipv4() && (one.ip().is_unspecified() || other.ip().is_unspecified()));
    one.port() != 0 && one.port() == other.port() && meet
}
