//! Getting a key set from where the configuration says it is: a file, or one HTTP exchange. Only configured addresses
//! are ever asked; redirects are faults, because they would move that choice to somebody else.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::KeySource;
use crate::jwks::{self, JwksError, KeySet};

/// Fetches key sets. Cheap to clone.
#[derive(Clone)]
pub struct KeyFetcher {
    timeout: Duration,
    /// Made at the first fetch: reading the system's certificates takes a while that key files need not pay.
    client: Arc<OnceLock<Result<HttpClient, String>>>,
}

type HttpClient = Client<HttpsConnector<HttpConnector>, Empty<Bytes>>;

/// Why a key set could not be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("the file cannot be read: {0}")]
    File(std::io::Error),
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    #[error("cannot connect: {0}")]
    Connection(String),
    #[error("the answer broke off or is larger than 1 MiB: {0}")]
    Body(String),
    #[error("redirected to {0:?}; redirects are not followed, so configure the final address")]
    Redirect(String),
    #[error("answered with status {0}")]
    Status(StatusCode),
    #[error(transparent)]
    Jwks(#[from] JwksError),
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

impl FetchError {
    /// What is wrong with the document, once the file itself was read.
    pub(crate) fn into_jwks_error(self) -> JwksError {
        match self {
            Self::Jwks(fault) => fault,
            other => JwksError::Form(other.to_string()),
        }
    }
}

impl Default for KeyFetcher {
    fn default() -> Self {
        Self::new()
    }
}

impl KeyFetcher {
    /// A fetcher that trusts the system's certificates (or those in `SSL_CERT_FILE`) and waits 10 seconds for a whole
    /// answer.
    pub fn new() -> Self {
        Self { timeout: Duration::from_secs(10), client: Arc::default() }
    }

    /// Waits so long for a whole answer instead.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Gets the key set.
    pub(crate) async fn fetch(&self, source: &KeySource) -> Result<KeySet, FetchError> {
        match source {
            KeySource::File(path) => {
                let path = path.clone();
                let read = tokio::task::spawn_blocking(move || read_file(&path)).await;
                read.map_err(|fault| FetchError::File(std::io::Error::other(fault)))?
            }
            KeySource::Url(url) => tokio::time::timeout(self.timeout, self.get(url))
                .await
                .map_err(|_| FetchError::Timeout(self.timeout))?,
        }
    }

    async fn get(&self, url: &str) -> Result<KeySet, FetchError> {
        let client = self.client.get_or_init(client).as_ref().map_err(|why| FetchError::Tls(why.clone()))?;
        let request = Request::get(url)
            .header(header::ACCEPT, "application/jwk-set+json, application/json")
            .header(header::USER_AGENT, concat!("portcullis/", env!("CARGO_PKG_VERSION")))
            .body(Empty::new())
            .map_err(|fault| FetchError::Connection(fault.to_string()))?;
        let response =
            client.request(request).await.map_err(|fault| FetchError::Connection(chain(&fault)))?;
        let status = response.status();
        if status.is_redirection() {
            let to =
                response.headers().get(header::LOCATION).map(|to| String::from_utf8_lossy(to.as_bytes()));
            return Err(FetchError::Redirect(to.unwrap_or_default().chars().take(200).collect()));
        }
        if status != StatusCode::OK {
            return Err(FetchError::Status(status));
        }
        let body = Limited::new(response.into_body(), jwks::LARGEST).collect().await;
        let body = body.map_err(|fault| FetchError::Body(fault.to_string()))?.to_bytes();
        Ok(KeySet::parse(&body)?)
    }
}

/// Reads a key file, no more of it than a key set may have.
pub(crate) fn read_file(path: &Path) -> Result<KeySet, FetchError> {
    use std::io::Read;
    let mut document = Vec::new();
    let limit = u64::try_from(jwks::LARGEST).unwrap_or(u64::MAX).saturating_add(1);
    let file = std::fs::File::open(path).map_err(FetchError::File)?;
    file.take(limit).read_to_end(&mut document).map_err(FetchError::File)?;
    Ok(KeySet::parse(&document)?)
}

fn client() -> Result<HttpClient, String> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let versions =
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let versions = versions.map_err(|fault| fault.to_string())?;
    let tls = match versions.clone().with_native_roots() {
        Ok(roots) => roots.with_no_client_auth(),
        Err(fault) => {
            // Loopback addresses need none; every other one will fail, and this says why.
            tracing::warn!(%fault, "no trusted certificates on this system; install them or set `SSL_CERT_FILE`");
            versions.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth()
        }
    };
    // That plain `http` goes to loopback only is checked with the settings.
    let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().build();
    Ok(Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(0)
        .http1_max_buf_size(LARGEST_HEAD)
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

const LARGEST_HEAD: usize = 64 * 1024;
