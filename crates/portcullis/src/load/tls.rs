//! Certificates and keys: read, checked, and made into what TLS needs.

use std::path::Path;
use std::time::SystemTime;

use aws_lc_rs::digest::{SHA256, digest};
use hyper_rustls::ConfigBuilderExt;
use miette::MietteDiagnostic;
use portcullis_gate::OriginTls;
use portcullis_proxy::serve::tls::{CertificatePem, CertificateSet, Nameless};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use zeroize::Zeroizing;

use super::{Reader, files};
use crate::config::{Config, UpstreamTls};

impl Reader<'_> {
    /// How an upstream is known over TLS, and a digest of it.
    pub(super) fn upstream_tls(&mut self, app: &str, tls: &UpstreamTls) -> Option<(OriginTls, String)> {
        let mut known_by = format!("{:?}", tls.server_name);
        let builder = ClientConfig::builder();
        let builder = match &tls.ca {
            Some(file) => {
                let bytes = self.bytes(file, &mut known_by)?;
                let mut roots = RootCertStore::empty();
                for authority in self.certificates(file, &bytes)? {
                    if let Err(fault) = roots.add(authority) {
                        self.unusable(file, &format!("an authority that cannot be used: {fault}"));
                        return None;
                    }
                }
                builder.with_root_certificates(roots)
            }
            None => match builder.with_native_roots() {
                Ok(builder) => builder,
                Err(fault) => {
                    let message = format!("the system's certificate authorities cannot be read: {fault}");
                    let diagnostic = MietteDiagnostic::new(message)
                        .with_code("portcullis::tls::unusable")
                        .with_help(format!("name one in `upstream_tls.ca` of the app `{app}`"));
                    self.findings.push(miette::Report::new(diagnostic));
                    return None;
                }
            },
        };
        let config = match &tls.client {
            None => builder.with_no_client_auth(),
            Some((chain_file, key_file)) => {
                let chain = self.bytes(chain_file, &mut known_by)?;
                let chain = self.certificates(chain_file, &chain)?;
                let key = self.bytes(key_file, &mut known_by)?;
                let key = self.key(key_file, &key)?;
                match builder.with_client_auth_cert(chain, key) {
                    Ok(config) => config,
                    Err(fault) => {
                        self.unusable(key_file, &format!("no key for that certificate: {fault}"));
                        return None;
                    }
                }
            }
        };
        let tls = OriginTls { config: config.into(), server_name: tls.server_name.clone() };
        Some((tls, known_by))
    }

    /// The certificates of our own listener; `Some(None)` where there is none.
    pub(super) fn served_certificates(&mut self, config: &Config) -> Option<Option<CertificateSet>> {
        let Some(tls) = &config.server.tls else { return Some(None) };
        let mut read = Vec::new();
        for (_, chain_file, key_file) in &tls.certificates {
            let chain = files::bytes(chain_file).map_err(|fault| self.file_fault(chain_file, &fault)).ok()?;
            let key = files::bytes(key_file).map_err(|fault| self.file_fault(key_file, &fault)).ok()?;
            // A key is wiped like every other secret, and its digest tells nothing of it.
            let key = Zeroizing::new(key);
            self.digest.update(&chain);
            self.digest.update(&key);
            let shown = |file: &Path| files::shown(self.base, file);
            read.push((shown(chain_file), chain, shown(key_file), key));
        }
        let pem: Vec<_> = read
            .iter()
            .map(|(chain_file, chain, key_file, key)| CertificatePem { chain_file, chain, key_file, key })
            .collect();
        let hosts = config.apps.iter().flat_map(|app| &app.hosts);
        let by_address = hosts.into_iter().any(|host| host.is_address());
        let nameless = if by_address { Nameless::First } else { Nameless::Refused };
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        match CertificateSet::read(&pem, nameless, now) {
            Ok(set) => {
                for warning in set.warnings() {
                    self.source.warning(
                        "server.tls",
                        "portcullis::tls::certificate",
                        warning.to_string(),
                        "",
                    );
                }
                Some(Some(set))
            }
            Err(fault) => {
                let text = fault.to_string();
                let (message, help) = text.split_once("; ").unwrap_or((text.as_str(), ""));
                self.source.error("server.tls", "portcullis::tls::unusable", message.to_owned(), help);
                None
            }
        }
    }

    fn bytes(&mut self, file: &Path, known_by: &mut String) -> Option<Vec<u8>> {
        let bytes = files::bytes(file).map_err(|fault| self.file_fault(file, &fault)).ok()?;
        self.digest.update(&bytes);
        for byte in digest(&SHA256, &bytes).as_ref() {
            known_by.push_str(&format!("{byte:02x}"));
        }
        Some(bytes)
    }

    fn certificates(&mut self, file: &Path, pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
        match CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>() {
            Ok(certificates) if !certificates.is_empty() => Some(certificates),
            Ok(_) => {
                self.unusable(file, "no certificate in it");
                None
            }
            Err(fault) => {
                self.unusable(file, &format!("no PEM: {fault}"));
                None
            }
        }
    }

    /// The fault says nothing of what is in the file: it is a key.
    fn key(&mut self, file: &Path, pem: &[u8]) -> Option<PrivateKeyDer<'static>> {
        let key = PrivateKeyDer::from_pem_slice(pem).ok();
        if key.is_none() {
            self.unusable(file, "no private key in it");
        }
        key
    }

    fn unusable(&mut self, file: &Path, why: &str) {
        let message = format!("`{}` cannot be used: {why}", files::shown(self.base, file));
        let help = "a chain and its key in PEM are wanted: `-----BEGIN CERTIFICATE-----`, `-----BEGIN PRIVATE KEY-----`";
        let diagnostic =
            MietteDiagnostic::new(message).with_code("portcullis::tls::unusable").with_help(help);
        self.findings.push(miette::Report::new(diagnostic));
    }
}
