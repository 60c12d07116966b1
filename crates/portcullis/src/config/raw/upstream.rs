//! How an app's upstream is reached beyond its address, as written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DurationText, PathText};

/// Which version of HTTP an upstream speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RawProtocol {
    /// HTTP/2 where TLS agrees on it, else HTTP/1.1.
    #[default]
    Negotiated,
    /// HTTP/1.1 only.
    Http1,
    /// HTTP/2 only; in plain text by prior knowledge. gRPC needs it.
    Http2,
}

/// How an upstream asked over TLS is known.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RawUpstreamTls {
    /// Certificate authorities in PEM that its certificate must come from; the system's by default.
    pub(crate) ca: Option<PathText>,
    /// The name its certificate must hold; the host in its address by default.
    pub(crate) server_name: Option<String>,
    /// Our own certificate for it, chain in PEM. None by default.
    pub(crate) certificate: Option<PathText>,
    /// The private key of that certificate, in PEM.
    pub(crate) key: Option<PathText>,
}

/// How it is found out that an address of the upstream is not there.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RawHealth {
    /// What each address is asked for; an answer of 2xx or 3xx says that it is there.
    pub(crate) path: String,
    /// How often. Five seconds: an address that is gone costs few requests, and the asking next to nothing.
    pub(crate) interval: DurationText,
    /// Longest wait for the answer. Two seconds: what takes longer helps no caller either.
    pub(crate) timeout: DurationText,
    /// So many failures in a row, and no request is sent there. Two, so that one lost packet changes nothing.
    #[schemars(range(min = 1, max = 100))]
    pub(crate) down_after: u32,
    /// So many successes in a row, and requests are sent there again. Two, for the same reason.
    #[schemars(range(min = 1, max = 100))]
    pub(crate) up_after: u32,
}

impl Default for RawHealth {
    fn default() -> Self {
        Self { path: "/".to_owned(), interval: "5s".into(), timeout: "2s".into(), down_after: 2, up_after: 2 }
    }
}
