//! Chains and keys, read and checked whole, and looked up by name.
//!
//! INVARIANT: every name of the set comes from a certificate whose key is here and matches.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use portcullis_request::Host;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{InconsistentKeys, ServerConfig};
use webpki::{EndEntityCert, KeyUsage};

/// One chain and its key as read from their files.
#[derive(Clone, Copy)]
pub struct CertificatePem<'a> {
    /// Where the chain was read, for people.
    pub chain_file: &'a str,
    /// The chain in PEM, the certificate of the hosts first.
    pub chain: &'a [u8],
    /// Where the key was read, for people.
    pub key_file: &'a str,
    /// The private key in PEM.
    pub key: &'a [u8],
}

/// What happens to callers that name no host (SNI, RFC 6066 §3), which those do that ask for an IP address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Nameless {
    /// Their handshake ends: whoever asks for a host names it.
    #[default]
    Refused,
    /// They get the first certificate. Only where IP addresses are served as such.
    First,
}

/// Certificates that can be served with.
pub struct CertificateSet {
    config: Arc<ServerConfig>,
    names: Arc<Names>,
    warnings: Vec<CertificateWarning>,
}

/// Why no set of certificates can be made of what was read.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// There is none at all.
    #[error("there is no certificate; name at least one chain and its key")]
    None,
    /// The chain is no PEM, or has no certificate in it.
    #[error(
        "`{0}` has no certificate that can be read; a chain in PEM is wanted: `-----BEGIN CERTIFICATE-----`"
    )]
    NoCertificate(String),
    /// The key is no PEM, or has no private key in it.
    #[error("`{0}` has no private key that can be read; one in PEM is wanted: `-----BEGIN PRIVATE KEY-----`")]
    NoKey(String),
    /// The key is of another certificate.
    #[error(
        "the key in `{key}` is not that of the first certificate in `{chain}`; the host's own certificate comes first"
    )]
    Mismatch {
        /// Where the chain was read.
        chain: String,
        /// Where the key was read.
        key: String,
    },
    /// It holds no host.
    #[error(
        "the first certificate in `{0}` names no host; its subject alternative names must hold those it is for"
    )]
    NoName(String),
    /// It is not made for servers, or cannot be read.
    #[error("the first certificate in `{file}` cannot be served: {why}")]
    Unusable {
        /// Where the chain was read.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// The cryptographic library cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Library(String),
}

/// What callers will take offence at, although it can be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateWarning {
    /// Its time is over.
    Expired(String),
    /// Its time has not come.
    NotYetValid(String),
    /// Another certificate before it holds the same name, with the same kind of key.
    Shadowed {
        /// Where the chain was read.
        file: String,
        /// The name.
        name: String,
    },
}

impl fmt::Display for CertificateWarning {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired(file) => write!(text, "the first certificate in `{file}` has expired; renew it"),
            Self::NotYetValid(file) => {
                write!(text, "the first certificate in `{file}` is not yet valid; look at the clock")
            }
            Self::Shadowed { file, name } => {
                write!(text, "`{name}` in `{file}` is never used: an earlier certificate is for it too")
            }
        }
    }
}

impl CertificateSet {
    /// Reads and checks all of them. `now` is what their validity is measured by, since the epoch.
    ///
    /// # Errors
    /// [`CertificateError`] for the first that cannot be used; no set is made of the others.
    pub fn read(
        certificates: &[CertificatePem<'_>],
        nameless: Nameless,
        now: Duration,
    ) -> Result<Self, CertificateError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut names = Names::default();
        let mut warnings = Vec::new();
        for pem in certificates {
            let named = names.add(pem, &provider, now, &mut warnings)?;
            // One for IP addresses alone is for callers that name no host, who get the first.
            if !named && (nameless == Nameless::Refused || names.certificates > 1) {
                return Err(CertificateError::NoName(pem.chain_file.to_owned()));
            }
        }
        let first = names.first.as_ref().ok_or(CertificateError::None)?;
        names.nameless = (nameless == Nameless::First).then(|| Arc::clone(first));
        let names = Arc::new(names);
        let config = config(provider, Arc::clone(&names))
            .map_err(|fault| CertificateError::Library(fault.to_string()))?;
        Ok(Self { config: Arc::new(config), names, warnings })
    }

    /// What callers will take offence at.
    #[must_use]
    pub fn warnings(&self) -> &[CertificateWarning] {
        &self.warnings
    }

    pub(super) fn holds(&self, name: Option<&str>) -> bool {
        !self.names.of(name).is_empty()
    }

    pub(super) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }
}

/// TLS 1.2 and 1.3. Early data stays off, as it can be replayed.
fn config(provider: Arc<CryptoProvider>, names: Arc<Names>) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(names);
    config.alpn_protocols = vec![HTTP_2.to_vec(), HTTP_1.to_vec()];
    // Without state here; the keys are this set's own.
    config.ticketer = aws_lc_rs::Ticketer::new()?;
    Ok(config)
}

/// The keys by name. Several for one name where their kinds differ; the first that the caller understands is used.
#[derive(Debug, Default)]
struct Names {
    exact: HashMap<String, Vec<Arc<CertifiedKey>>>,
    /// `*.shop.example` under `shop.example`.
    wildcards: HashMap<String, Vec<Arc<CertifiedKey>>>,
    certificates: usize,
    first: Option<Arc<CertifiedKey>>,
    nameless: Option<Arc<CertifiedKey>>,
}

impl Names {
    /// Says whether it holds a host.
    fn add(
        &mut self,
        pem: &CertificatePem<'_>,
        provider: &CryptoProvider,
        now: Duration,
        warnings: &mut Vec<CertificateWarning>,
    ) -> Result<bool, CertificateError> {
        let key = certified_key(pem, provider)?;
        let file = || pem.chain_file.to_owned();
        let leaf = key.cert.first().ok_or_else(|| CertificateError::NoCertificate(file()))?;
        let leaf = EndEntityCert::try_from(leaf)
            .map_err(|fault| CertificateError::Unusable { file: file(), why: fault.to_string() })?;
        check(&leaf, pem.chain_file, now, warnings)?;
        let mut named = false;
        for name in leaf.valid_dns_names() {
            let lower = name.to_ascii_lowercase();
            let (map, bare) = match lower.strip_prefix("*.") {
                Some(bare) => (&mut self.wildcards, bare),
                None => (&mut self.exact, lower.as_str()),
            };
            // What is no host for us could be asked for by no request that is admitted.
            if Host::parse(bare).is_err() {
                continue;
            }
            named = true;
            let keys = map.entry(bare.to_owned()).or_default();
            if keys.iter().any(|other| other.key.algorithm() == key.key.algorithm()) {
                warnings.push(CertificateWarning::Shadowed { file: file(), name: name.to_owned() });
            } else {
                keys.push(Arc::clone(&key));
            }
        }
        self.certificates += 1;
        self.first.get_or_insert(key);
        Ok(named)
    }

    /// The keys for a name: those of the name itself before those of a wildcard, which stands for one label
    /// (RFC 9525 §6.3).
    fn of(&self, name: Option<&str>) -> &[Arc<CertifiedKey>] {
        let Some(name) = name else { return self.nameless.as_slice() };
        let lower = name.to_ascii_lowercase();
        let exact = self.exact.get(&lower);
        let found = exact.or_else(|| {
            let (label, parent) = lower.split_once('.')?;
            self.wildcards.get(parent).filter(|_| !label.is_empty())
        });
        found.map(Vec::as_slice).unwrap_or_default()
    }
}

impl ResolvesServerCert for Names {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let keys = self.of(hello.server_name());
        let understood = keys.iter().find(|key| key.key.choose_scheme(hello.signature_schemes()).is_some());
        understood.or_else(|| keys.first()).cloned()
    }
}

/// A fault says nothing of what is in the key's file.
fn certified_key(
    pem: &CertificatePem<'_>,
    provider: &CryptoProvider,
) -> Result<Arc<CertifiedKey>, CertificateError> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(pem.chain)
        .collect::<Result<_, _>>()
        .map_err(|_| CertificateError::NoCertificate(pem.chain_file.to_owned()))?;
    if chain.is_empty() {
        return Err(CertificateError::NoCertificate(pem.chain_file.to_owned()));
    }
    let key = PrivateKeyDer::from_pem_slice(pem.key)
        .map_err(|_| CertificateError::NoKey(pem.key_file.to_owned()))?;
    let key = provider
        .key_provider
        .load_private_key(key)
        .map_err(|_| CertificateError::NoKey(pem.key_file.to_owned()))?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(Arc::new(certified)),
        Err(rustls::Error::InconsistentKeys(_)) => {
            Err(CertificateError::Mismatch { chain: pem.chain_file.to_owned(), key: pem.key_file.to_owned() })
        }
        Err(fault) => {
            Err(CertificateError::Unusable { file: pem.chain_file.to_owned(), why: fault.to_string() })
        }
    }
}

/// Looks at what does not depend on who issued it: its time and its purpose. Whom callers trust is their affair, so that
/// no issuer is known here is as it should be.
fn check(
    leaf: &EndEntityCert<'_>,
    file: &str,
    now: Duration,
    warnings: &mut Vec<CertificateWarning>,
) -> Result<(), CertificateError> {
    let now = UnixTime::since_unix_epoch(now);
    match leaf.verify_for_usage(&[], &[], &[], now, KeyUsage::server_auth(), None, None) {
        // One that signed itself and may sign others is common within a company.
        Ok(_) | Err(webpki::Error::UnknownIssuer | webpki::Error::CaUsedAsEndEntity) => Ok(()),
        Err(webpki::Error::CertExpired { .. }) => {
            warnings.push(CertificateWarning::Expired(file.to_owned()));
            Ok(())
        }
        Err(webpki::Error::CertNotValidYet { .. }) => {
            warnings.push(CertificateWarning::NotYetValid(file.to_owned()));
            Ok(())
        }
        Err(fault) => Err(CertificateError::Unusable { file: file.to_owned(), why: fault.to_string() }),
    }
}

/// ALPN names (RFC 9113 §3.1, RFC 7301 §6), in the order in which we prefer them.
pub(super) const HTTP_2: &[u8] = b"h2";
const HTTP_1: &[u8] = b"http/1.1";

#[cfg(test)]
mod tests;
