//! What a running gate cannot change: its sockets, its bounds, its log. A changed value waits for a restart, and is named.

use super::Config;

/// The values, as text that can be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fixed(Vec<(&'static str, String)>);

impl Fixed {
    /// Those of a configuration.
    pub(crate) fn of(config: &Config) -> Self {
        let server = &config.server;
        let listen = |text: &dyn std::fmt::Debug| format!("{text:?}");
        Self(vec![
            ("server.listen", listen(&server.listen)),
            ("server.tls.listen", listen(&server.tls.as_ref().map(|tls| tls.listen))),
            ("server.data", listen(&server.data)),
            ("server.proxy_protocol_from", listen(&server.proxy_protocol_from)),
            ("server: limits and timeouts", listen(&server.limits)),
            ("admin.listen", listen(&config.admin.as_ref().map(|admin| admin.listen))),
            ("forward_auth", listen(&config.forward_auth)),
            ("telemetry", listen(&config.telemetry.as_ref().map(|telemetry| &telemetry.endpoint))),
            ("log", listen(&config.log)),
        ])
    }

    /// The keys in which another configuration differs.
    pub(crate) fn differences(&self, other: &Self) -> Vec<&'static str> {
        let pairs = self.0.iter().zip(&other.0);
        pairs.filter(|(own, others)| own != others).map(|((key, _), _)| *key).collect()
    }
}
