//! One exchange with a collector, and when it is tried again (OTLP specification, "OTLP/HTTP"). Redirects are not followed:
//! where traces go is the configuration's choice.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::sync::watch;

use super::{Pace, TelemetryError};
use crate::config::TelemetryConfig;

/// Where spans go.
pub(super) struct Collector {
    endpoint: Uri,
    headers: HeaderMap,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    answer: Duration,
    pauses: &'static [Duration],
    ended: watch::Receiver<bool>,
}

/// Why a batch was given up.
#[derive(Debug, thiserror::Error)]
pub(super) enum Undelivered {
    #[error("the spans cannot be written as JSON: {0}")]
    Encoding(serde_json::Error),
    #[error("the request cannot be made: {0}")]
    Request(http::Error),
    #[error("the collector cannot be reached: {0}")]
    Unreachable(String),
    #[error("the collector did not answer within {0:?}")]
    Timeout(Duration),
    #[error("the collector answered with status {0}")]
    Refused(StatusCode),
    #[error("the gate ended")]
    Ended,
}

/// A failed try.
struct Failed {
    why: Undelivered,
    again: Again,
}

/// Whether another try may help.
enum Again {
    Never,
    Later,
    After(Duration),
}

impl fmt::Debug for Collector {
    /// Not the address, which may have a key in its query, nor the headers.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Collector(…)")
    }
}

impl Collector {
    pub(super) fn new(
        config: &TelemetryConfig,
        pace: &Pace,
        ended: watch::Receiver<bool>,
    ) -> Result<Self, TelemetryError> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let agent = concat!("portcullis/", env!("CARGO_PKG_VERSION"));
        headers.insert(header::USER_AGENT, HeaderValue::from_static(agent));
        for (name, secret) in &config.headers {
            let mut value =
                HeaderValue::from_str(secret.expose()).map_err(|_| TelemetryError::Header(name.clone()))?;
            value.set_sensitive(true);
            headers.insert(name.clone(), value);
        }
        Ok(Self {
            endpoint: traces_at(&config.endpoint)?,
            headers,
            client: client(&config.endpoint)?,
            answer: pace.answer,
            pauses: pace.pauses,
            ended,
        })
    }

    /// Sends a batch; says how many spans of it the collector did not take.
    pub(super) async fn deliver(&self, body: Bytes) -> Result<u64, Undelivered> {
        let mut pauses = self.pauses.iter();
        loop {
            let failed = match self.attempt(body.clone()).await {
                Ok(refused) => return Ok(refused),
                Err(failed) => failed,
            };
            let pause = match (failed.again, pauses.next()) {
                (Again::Later, Some(pause)) => *pause,
                (Again::After(pause), Some(_)) => pause.min(LONGEST_PAUSE),
                (Again::Never, _) | (_, None) => return Err(failed.why),
            };
            let mut ended = self.ended.clone();
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                // An error means that nobody is left to say so, which is the end too.
                _ = ended.wait_for(|ended| *ended) => return Err(failed.why),
            }
        }
    }

    async fn attempt(&self, body: Bytes) -> Result<u64, Failed> {
        let mut request = Request::post(self.endpoint.clone())
            .body(Full::new(body))
            .map_err(|fault| Failed { why: Undelivered::Request(fault), again: Again::Never })?;
        request.headers_mut().clone_from(&self.headers);
        match tokio::time::timeout(self.answer, self.exchange(request)).await {
            Ok(answered) => answered,
            Err(_) => Err(Failed { why: Undelivered::Timeout(self.answer), again: Again::Later }),
        }
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<u64, Failed> {
        let answered = self.client.request(request).await;
        let response = answered
            .map_err(|fault| Failed { why: Undelivered::Unreachable(chain(&fault)), again: Again::Later })?;
        let status = response.status();
        match status.as_u16() {
            200..=299 => Ok(refused(response).await),
            429 | 502 | 503 | 504 => {
                let again = retry_after(response.headers()).map_or(Again::Later, Again::After);
                Err(Failed { why: Undelivered::Refused(status), again })
            }
            _ => Err(Failed { why: Undelivered::Refused(status), again: Again::Never }),
        }
    }
}

/// The endpoint is a base: `/v1/traces` comes after it (OTLP exporter specification, "Endpoint URLs for OTLP/HTTP").
fn traces_at(base: &Uri) -> Result<Uri, http::Error> {
    let path = base.path().trim_end_matches('/');
    let path = if path.ends_with(TRACES) { path.to_owned() } else { format!("{path}{TRACES}") };
    let path = match base.query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    let mut parts = base.clone().into_parts();
    parts.path_and_query = Some(path.parse().map_err(http::Error::from)?);
    Ok(Uri::from_parts(parts)?)
}

/// How many spans the answer says were not taken. Whatever cannot be read of it says nothing.
async fn refused(response: Response<Incoming>) -> u64 {
    let Ok(body) = Limited::new(response.into_body(), LARGEST_ANSWER).collect().await else { return 0 };
    let answer: serde_json::Value = serde_json::from_slice(&body.to_bytes()).unwrap_or_default();
    // A 64-bit integer: text, though some write a number.
    match answer.pointer("/partialSuccess/rejectedSpans") {
        Some(serde_json::Value::String(count)) => count.parse().unwrap_or_default(),
        Some(count) => count.as_u64().unwrap_or_default(),
        None => 0,
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    seconds.parse().ok().map(Duration::from_secs)
}

fn client(endpoint: &Uri) -> Result<Client<HttpsConnector<HttpConnector>, Full<Bytes>>, TelemetryError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let versions =
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let none =
        || versions.clone().with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
    let tls = if endpoint.scheme_str() == Some("https") {
        match versions.clone().with_native_roots() {
            Ok(roots) => roots.with_no_client_auth(),
            Err(fault) => {
                tracing::warn!(%fault, "no trusted certificates on this system; install them or set `SSL_CERT_FILE`");
                none()
            }
        }
    } else {
        none()
    };
    let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().build();
    Ok(Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_max_idle_per_host(1)
        .http1_max_buf_size(LARGEST_ANSWER)
        .build(connector))
}

/// An error with its causes, which is where the client hides the interesting part.
fn chain(fault: &dyn std::error::Error) -> String {
    let mut text = fault.to_string();
    let mut cause = fault.source();
    while let Some(deeper) = cause {
        text = format!("{text}: {deeper}");
        cause = deeper.source();
    }
    text
}

const TRACES: &str = "/v1/traces";

/// Head or body of an answer, bytes: an error text fits.
const LARGEST_ANSWER: usize = 64 * 1024;

/// However long the collector asks us to wait.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
