//! TLS that looks closely: the certificate is read as evidence, verified as any client would, and the handshake goes on
//! where it does not verify only if the caller said so (`-k`).

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, WebPkiServerVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_rustls::TlsConnector;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use super::stream::Stream;
use crate::answer::{Failure, Tls};
use crate::asked::Version;

/// What is trusted.
#[derive(Debug, Clone)]
pub(super) struct Trust {
    /// Read when first needed: most of the time goes into it, and much of what is asked goes out in clear.
    roots: Arc<OnceLock<Arc<RootCertStore>>>,
}

impl Trust {
    pub(super) fn of_the_system() -> Self {
        Self { roots: Arc::default() }
    }

    fn roots(&self) -> Arc<RootCertStore> {
        Arc::clone(self.roots.get_or_init(|| {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            Arc::new(roots)
        }))
    }

    /// Makes the handshake.
    pub(super) async fn wrap(
        &self,
        stream: Stream,
        host: &str,
        insecure: bool,
        version: Version,
    ) -> Result<(Stream, Tls), Failure> {
        let failed = |why: String| Failure::Tls { host: host.to_owned(), why };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = Arc::new(Looking {
            strict: WebPkiServerVerifier::builder_with_provider(self.roots(), Arc::clone(&provider))
                .build()
                .ok(),
            provider: Arc::clone(&provider),
            insecure,
            seen: Mutex::new(Tls::default()),
        });
        let asked = Arc::new(AskedForCertificate(Mutex::new(false)));
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|fault| failed(fault.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&verifier) as Arc<dyn ServerCertVerifier>)
            .with_client_cert_resolver(Arc::clone(&asked) as Arc<dyn ResolvesClientCert>);
        config.alpn_protocols = match version {
            Version::Any => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            Version::One => vec![b"http/1.1".to_vec()],
            Version::Two => vec![b"h2".to_vec()],
        };
        let name = ServerName::try_from(host.to_owned()).map_err(|fault| failed(fault.to_string()))?;
        let wrapped = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
        let mut tls = verifier.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let wrapped = wrapped.map_err(|fault| {
            failed(match &tls.fault {
                Some(why) => format!("{why} (`-k` goes on without verifying it)"),
                None => fault.to_string(),
            })
        })?;
        tls.agreed =
            wrapped.get_ref().1.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned());
        tls.asks_for_certificate = *asked.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok((Stream::Tls(Box::new(wrapped)), tls))
    }
}

/// Notes what it sees; verifies strictly; refuses unless told not to.
#[derive(Debug)]
struct Looking {
    strict: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<rustls::crypto::CryptoProvider>,
    insecure: bool,
    seen: Mutex<Tls>,
}

impl ServerCertVerifier for Looking {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified = match &self.strict {
            Some(strict) => {
                strict.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            }
            None => Err(rustls::Error::General("the system has no certificates to trust".to_owned())),
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        read_certificate(end_entity, &server_name.to_str(), &mut seen);
        match verified {
            Ok(verified) => Ok(verified),
            Err(fault) => {
                seen.fault = Some(plainly(&fault, &seen.names));
                if self.insecure { Ok(ServerCertVerified::assertion()) } else { Err(fault) }
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Has no certificate to give, and remembers that one was wanted.
#[derive(Debug)]
struct AskedForCertificate(Mutex<bool>);

impl ResolvesClientCert for AskedForCertificate {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        None
    }

    fn has_certs(&self) -> bool {
        // Only then does rustls ask at all.
        true
    }
}

/// What is wrong with a certificate, for people.
fn plainly(fault: &rustls::Error, names: &[String]) -> String {
    let rustls::Error::InvalidCertificate(why) = fault else { return fault.to_string() };
    match why {
        CertificateError::UnknownIssuer => {
            "nobody that this system trusts has signed its certificate".to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet, or the clock of this machine is wrong".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            let names: Vec<&str> = names.iter().take(5).map(String::as_str).collect();
            let names = if names.is_empty() { "no name".to_owned() } else { names.join(", ") };
            format!("its certificate is for {names}")
        }
        CertificateError::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => {
            "its certificate is self-signed, and one for signing others".to_owned()
        }
        _ => fault.to_string(),
    }
}

fn read_certificate(certificate: &CertificateDer<'_>, host: &str, tls: &mut Tls) {
    let Ok((_, read)) = X509Certificate::from_der(certificate) else { return };
    tls.subject = read.subject().to_string();
    tls.issuer = read.issuer().to_string();
    if let Ok(Some(names)) = read.subject_alternative_name() {
        for name in names.value.general_names.iter().take(100) {
            match name {
                GeneralName::DNSName(name) => tls.names.push((*name).to_ascii_lowercase()),
                GeneralName::IPAddress([a, b, c, d]) => tls.names.push(format!("{a}.{b}.{c}.{d}")),
                _ => {}
            }
        }
    }
    tls.covers_host = tls.names.iter().any(|name| covers(name, host));
}

/// Whether a name in a certificate stands for a host (RFC 9525 §6.3: a `*` stands for one whole label).
fn covers(name: &str, host: &str) -> bool {
    match name.strip_prefix("*.") {
        Some(rest) => host.split_once('.').is_some_and(|(_, parent)| parent.eq_ignore_ascii_case(rest)),
        None => name.eq_ignore_ascii_case(host),
    }
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn a_star_stands_for_one_label() {
        assert!(covers("*.a.test", "x.a.test"));
        assert!(!covers("*.a.test", "y.x.a.test"));
        assert!(!covers("*.a.test", "a.test"));
    }
}
