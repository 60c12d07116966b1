//! Origins over TLS: verified, and never read before the handshake's end (threat 24).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::uri::Scheme;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use portcullis_gate::{OriginProtocol, OriginTarget, OriginTls};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::caller::exchange;
use crate::origin::{OK, on_connection};
use crate::origins_http2::{speak_http2, versions};
use crate::world::tuned;

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const SHORT: Duration = Duration::from_millis(50);

/// A self-signed certificate for these names.
struct Made {
    chain: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

fn made(names: &[&str]) -> Made {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(made.signing_key.serialize_pem().as_bytes()).expect("a key");
    Made { chain: made.cert.der().clone(), key }
}

fn trusting(made: &[&Made]) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for made in made {
        roots.add(made.chain.clone()).expect("an authority");
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Arc::new(config.expect("versions").with_root_certificates(roots).with_no_client_auth())
}

/// An origin over TLS: HTTP/2 where it is agreed on, else one answer over HTTP/1.1.
async fn over_tls(made: Made, alpn: &[&str]) -> SocketAddr {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.expect("versions").with_no_client_auth();
    let mut config = config.with_single_cert(vec![made.chain], made.key).expect("a certificate");
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                    speak_http2(stream, versions).await;
                } else {
                    let service = service_fn(|request| async {
                        Ok::<_, std::convert::Infallible>(versions(request).await)
                    });
                    let builder = hyper::server::conn::http1::Builder::new();
                    drop(builder.serve_connection(TokioIo::new(stream), service).await);
                }
            });
        }
    });
    address
}

fn tls(target: &mut OriginTarget, config: &Arc<ClientConfig>, name: Option<&'static str>) {
    target.scheme = Scheme::HTTPS;
    let server_name = name.map(|name| ServerName::try_from(name).expect("a name"));
    target.tls = Some(OriginTls { config: Arc::clone(config), server_name });
}

#[tokio::test]
async fn tls_is_verified_and_the_version_agreed_on() {
    for (offered, protocol, spoken) in [
        (&["h2", "http/1.1"][..], OriginProtocol::Negotiated, "HTTP/2.0 a"),
        (&["http/1.1"], OriginProtocol::Negotiated, "HTTP/1.1 a"),
        (&[], OriginProtocol::Negotiated, "HTTP/1.1 a"),
        (&["h2", "http/1.1"], OriginProtocol::Http1, "HTTP/1.1 a"),
        (&["h2"], OriginProtocol::Http2, "HTTP/2.0 a"),
    ] {
        let made = made(&["127.0.0.1", "origin.example"]);
        let config = trusting(&[&made]);
        let origin = over_tls(made, offered).await;
        for name in [None, Some("origin.example")] {
            let door = tuned(origin, |_, target| {
                tls(target, &config, name);
                target.protocol = protocol;
            })
            .await;
            let answer = exchange(door.address, GET).await;
            assert!(answer.ends_with(spoken), "{offered:?} {protocol:?}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_certificate_that_does_not_hold_is_502() {
    let (good, stranger) = (made(&["origin.example"]), made(&["127.0.0.1"]));
    let (config, strange) = (trusting(&[&good]), trusting(&[&stranger]));
    let origin = over_tls(good, &[]).await;
    for (config, name) in
        [(&config, None), (&config, Some("other.example")), (&strange, Some("origin.example"))]
    {
        let door = tuned(origin, |_, target| tls(target, config, name)).await;
        let answer = exchange(door.address, GET).await;
        assert!(answer.starts_with("HTTP/1.1 502 "), "{name:?}: {answer}");
        assert!(answer.contains("proxy-status: portcullis; error=tls_certificate_error"), "{answer}");
        let ended = door.ended().await;
        assert!(ended[0].fault.as_deref().unwrap_or_default().contains("certificate does not hold"));
    }
}

/// Threat 24: what comes from an origin before the handshake's end is no answer.
#[tokio::test]
async fn plain_text_of_an_origin_that_should_speak_tls_is_502() {
    let config = trusting(&[]);
    let origin = on_connection(|mut connection| async move {
        connection.send(OK).await;
        connection.rest().await;
    })
    .await;
    let door = tuned(origin, |_, target| tls(target, &config, None)).await;
    let answer = exchange(door.address, GET).await;
    assert!(answer.starts_with("HTTP/1.1 502 ") && !answer.ends_with("hi"), "{answer}");
    assert!(answer.contains("proxy-status: portcullis; error=tls_protocol_error"), "{answer}");
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_504() {
    let config = trusting(&[]);
    let origin = on_connection(|connection| async move {
        connection.rest().await;
    })
    .await;
    let door = tuned(origin, |_, target| {
        tls(target, &config, None);
        target.connect_timeout = SHORT;
    })
    .await;
    let answer = exchange(door.address, GET).await;
    assert!(answer.starts_with("HTTP/1.1 504 "), "{answer}");
    assert!(answer.contains("proxy-status: portcullis; error=connection_timeout"), "{answer}");
}
