//! Other doors, what origins may verify, and what is told to observers, as written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DurationText, RawSecret};

/// The door for proxies that ask before they forward: nginx `auth_request`, Caddy `forward_auth`, Traefik `ForwardAuth`.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RawForwardAuth {
    /// Address and port to listen on. Loopback by default: only the proxy should reach it.
    #[serde(default = "forward_auth_listen")]
    pub(crate) listen: String,
    /// Networks (CIDR) of the proxies that may ask, whose `X-Forwarded-*` and `X-Original-*` fields count here. None by
    /// default, and without any nobody is answered.
    #[schemars(required)]
    pub(crate) peers: Option<Vec<String>>,
}

fn forward_auth_listen() -> String {
    "127.0.0.1:8082".to_owned()
}

/// The signed word on who the caller is that upstreams get, in `X-Portcullis-Identity`. The key is made at the first start
/// and kept in the data folder; upstreams find the public half at `/.well-known/portcullis/jwks.json` of every app.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RawUpstreamIdentity {
    /// Whether it is sent. On by default: it costs little, and an upstream that checks it cannot be talked to past the
    /// gate.
    pub(crate) enabled: bool,
    /// Who says it: its `iss`.
    pub(crate) issuer: String,
    /// How long it is valid. One minute: as long as a request waits in a queue, and too short to be worth stealing.
    pub(crate) lifetime: DurationText,
    /// How old a signing key may be before the next one takes its place. Thirty days; the one before stays published for
    /// as long as its tokens live.
    pub(crate) key_lifetime: DurationText,
}

impl Default for RawUpstreamIdentity {
    fn default() -> Self {
        Self {
            enabled: true,
            issuer: "portcullis".to_owned(),
            lifetime: "60s".into(),
            key_lifetime: "30d".into(),
        }
    }
}

/// Traces for OpenTelemetry. Without this table none are sent.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RawTelemetry {
    /// Where traces go, OTLP over HTTP: `"http://127.0.0.1:4318"`.
    #[schemars(required)]
    pub(crate) endpoint: Option<String>,
    /// The service's name in traces.
    #[serde(default = "service_name")]
    pub(crate) service_name: String,
    /// So many of a thousand requests are traced where the caller does not say (`traceparent`). Ten, one in a hundred:
    /// enough to see where time goes, too few to cost any.
    #[serde(default = "per_thousand")]
    #[schemars(range(min = 0, max = 1000))]
    pub(crate) per_thousand: u32,
    /// Headers for the collector, a key for instance: `{ authorization = { file = "…" } }`. None by default.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, RawSecret>,
}

fn service_name() -> String {
    "portcullis".to_owned()
}

fn per_thousand() -> u32 {
    10
}
