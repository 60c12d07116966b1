//! Callers that speak TLS, and load balancers that say for whom they connect: real handshakes, with certificates made
//! here.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use portcullis_proxy::serve::tls::{CertificatePem, CertificateSet, Certificates, Nameless};
use portcullis_proxy::{Limits, Listening};
use portcullis_request::TrustedPeers;
use rcgen::generate_simple_self_signed;
use rustls::client::{
    ClientSessionMemoryCache, ClientSessionStore, Resumption, Tls12ClientSessionValue,
    Tls13ClientSessionValue,
};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, HandshakeKind, NamedGroup, RootCertStore};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::caller::{Caller, PATIENCE, exchange};
use crate::http2::{read, request};
use crate::origin::{OK, answering, dead};
use crate::world::{Door, listening};

/// A chain and a key for these names, in PEM.
struct Made {
    chain: String,
    key: String,
}

fn made(names: &[&str]) -> Made {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let made = generate_simple_self_signed(names).expect("a certificate");
    Made { chain: made.cert.pem(), key: made.signing_key.serialize_pem() }
}

fn set(all: &[&Made], nameless: Nameless) -> CertificateSet {
    let pems: Vec<CertificatePem<'_>> = all
        .iter()
        .map(|made| CertificatePem {
            chain_file: "chain.pem",
            chain: made.chain.as_bytes(),
            key_file: "key.pem",
            key: made.key.as_bytes(),
        })
        .collect();
    CertificateSet::read(&pems, nameless, Duration::from_secs(1_800_000_000)).expect("a set")
}

/// A door that speaks TLS with `certificates`.
async fn door(origin: SocketAddr, certificates: &Arc<Certificates>) -> Door {
    tuned(origin, certificates, |_| {}).await
}

async fn tuned(origin: SocketAddr, certificates: &Arc<Certificates>, tune: impl FnOnce(&mut Limits)) -> Door {
    let tls = Some(Arc::clone(certificates));
    listening(
        origin,
        |limits, _| tune(limits),
        |listener| vec![Listening { listener, tls, proxy_protocol: None }],
    )
    .await
}

/// What a caller trusts and keeps.
fn client(trusted: &[&Made], alpn: &[&str]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    for made in trusted {
        let der = CertificateDer::from_pem_slice(made.chain.as_bytes()).expect("a certificate");
        roots.add(der).expect("an authority");
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    config
}

async fn greet(
    door: SocketAddr,
    name: &str,
    config: &Arc<ClientConfig>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(door).await.expect("the door is open");
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    timeout(PATIENCE, TlsConnector::from(Arc::clone(config)).connect(name, stream)).await.expect("in time")
}

/// Asks once over HTTP/1.1, and reads all so that tickets arrive.
async fn ask(stream: TlsStream<TcpStream>, host: &str) -> (StatusCode, String) {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.expect("HTTP/1.1");
    tokio::spawn(async move { drop(connection.await) });
    let request = Request::get("/").header("host", host).body(Full::new(Bytes::new())).expect("a request");
    read(sender.send_request(request).await.expect("an answer")).await
}

#[tokio::test]
async fn both_versions_of_http_are_agreed_on() {
    let (origin, mut heads) = answering(OK).await;
    let made = made(&["a", "shop.example"]);
    let door = door(origin, &Arc::new(Certificates::new(set(&[&made], Nameless::Refused)))).await;
    let stream = greet(door.address, "a", &Arc::new(client(&[&made], &["h2", "http/1.1"])))
        .await
        .expect("a handshake");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("HTTP/2");
    tokio::spawn(async move { drop(connection.await) });
    let answer = sender.send_request(request("GET", "https://a/", "")).await.expect("an answer");
    assert_eq!(read(answer).await, (StatusCode::OK, "hi".to_owned()));
    assert!(heads.recv().await.expect("forwarded").contains("x-forwarded-proto: https"));
    for alpn in [&["http/1.1"][..], &[]] {
        let stream = greet(door.address, "shop.example", &Arc::new(client(&[&made], alpn)))
            .await
            .expect("a handshake");
        assert_eq!(ask(stream, "shop.example").await, (StatusCode::OK, "hi".to_owned()));
    }
    let other = greet(door.address, "a", &Arc::new(client(&[&made], &["spdy/3"]))).await;
    assert!(other.expect_err("no protocol in common").to_string().contains("NoApplicationProtocol"));
}

#[tokio::test]
async fn the_certificate_is_that_of_the_name() {
    let (origin, mut heads) = answering(OK).await;
    let (wild, exact, a) = (made(&["*.shop.example"]), made(&["one.shop.example"]), made(&["a"]));
    let certificates = Arc::new(Certificates::new(set(&[&wild, &exact, &a], Nameless::Refused)));
    let door = door(origin, &certificates).await;
    let config = Arc::new(client(&[&wild, &exact, &a], &[]));
    for (name, shown) in
        [("ONE.shop.example", &exact), ("two.shop.example", &wild), ("a", &a), ("one.shop.example", &exact)]
    {
        let stream = greet(door.address, name, &config).await.expect("a handshake");
        let expected = CertificateDer::from_pem_slice(shown.chain.as_bytes()).expect("a certificate");
        let seen = stream.get_ref().1.peer_certificates().expect("shown");
        assert_eq!(seen, [expected], "{name}");
    }
    for name in ["unknown.org", "deep.two.shop.example", "shop.example", "b"] {
        let refused = greet(door.address, name, &config).await.expect_err("no certificate");
        assert!(refused.to_string().contains("UnrecognisedName"), "{name}: {refused}");
    }
    // Without a name (as with an address) there is nobody to be.
    assert!(greet(door.address, "127.0.0.1", &config).await.is_err());
    assert!(heads.try_recv().is_err());
}

#[tokio::test]
async fn callers_without_a_name_get_the_first_where_addresses_are_served() {
    let (first, a) = (made(&["127.0.0.1"]), made(&["a"]));
    let certificates = Arc::new(Certificates::new(set(&[&first, &a], Nameless::First)));
    let door = door(dead().await, &certificates).await;
    let config = Arc::new(client(&[&first, &a], &[]));
    greet(door.address, "127.0.0.1", &config).await.expect("a handshake");
    greet(door.address, "a", &config).await.expect("a handshake");
    assert!(greet(door.address, "b", &config).await.is_err());
}

/// threats.md 24: the name of the handshake and the host of each request are the same.
#[tokio::test]
async fn a_host_that_was_not_greeted_is_misdirected() {
    let (origin, mut heads) = answering(OK).await;
    let made = made(&["a", "shop.example"]);
    let door = door(origin, &Arc::new(Certificates::new(set(&[&made], Nameless::Refused)))).await;
    let config = Arc::new(client(&[&made], &[]));
    let stream = greet(door.address, "a", &config).await.expect("a handshake");
    assert_eq!(ask(stream, "shop.example").await.0, StatusCode::MISDIRECTED_REQUEST);
    let stream = greet(door.address, "a", &Arc::new(client(&[&made], &["h2"]))).await.expect("a handshake");
    let (mut sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("HTTP/2");
    tokio::spawn(async move { drop(connection.await) });
    let answer = sender.send_request(request("GET", "https://shop.example/", "")).await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::MISDIRECTED_REQUEST);
    assert!(heads.try_recv().is_err());
    // The connection is still good for its own host.
    let answer = sender.send_request(request("GET", "https://a/", "")).await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::OK);
}

/// A caller that offers what it got for one name to every other.
#[derive(Debug)]
struct Confused(ClientSessionMemoryCache, Mutex<Vec<Tls13ClientSessionValue>>);

impl ClientSessionStore for Confused {
    fn set_kx_hint(&self, name: ServerName<'static>, group: NamedGroup) {
        self.0.set_kx_hint(name, group);
    }
    fn kx_hint(&self, name: &ServerName<'_>) -> Option<NamedGroup> {
        self.0.kx_hint(name)
    }
    fn set_tls12_session(&self, name: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.0.set_tls12_session(name, value);
    }
    fn tls12_session(&self, name: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.0.tls12_session(name)
    }
    fn remove_tls12_session(&self, name: &ServerName<'static>) {
        self.0.remove_tls12_session(name);
    }
    fn insert_tls13_ticket(&self, _: ServerName<'static>, value: Tls13ClientSessionValue) {
        self.1.lock().expect("whole").push(value);
    }
    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.1.lock().expect("whole").pop()
    }
}

async fn kind_of(door: SocketAddr, name: &str, config: &Arc<ClientConfig>) -> Option<HandshakeKind> {
    let stream = greet(door, name, config).await.expect("a handshake");
    let kind = stream.get_ref().1.handshake_kind();
    ask(stream, name).await;
    kind
}

/// threats.md 24, nginx CVE-2025-23419: a ticket counts for the name it was given to, and for the certificates under
/// which it was given.
#[tokio::test]
async fn a_session_is_resumed_under_its_own_name_only() {
    let (origin, _heads) = answering(OK).await;
    let made = made(&["a", "shop.example"]);
    let certificates = Arc::new(Certificates::new(set(&[&made], Nameless::Refused)));
    let door = door(origin, &certificates).await;
    let mut config = client(&[&made], &[]);
    let store = Confused(ClientSessionMemoryCache::new(8), Mutex::default());
    config.resumption = Resumption::store(Arc::new(store));
    let config = Arc::new(config);
    assert_eq!(kind_of(door.address, "a", &config).await, Some(HandshakeKind::Full));
    assert_eq!(kind_of(door.address, "a", &config).await, Some(HandshakeKind::Resumed));
    assert_eq!(kind_of(door.address, "shop.example", &config).await, Some(HandshakeKind::Full));
    assert_eq!(kind_of(door.address, "shop.example", &config).await, Some(HandshakeKind::Resumed));
    certificates.replace(set(&[&made], Nameless::Refused));
    assert_eq!(kind_of(door.address, "shop.example", &config).await, Some(HandshakeKind::Full));
}

#[tokio::test]
async fn replaced_certificates_are_shown_from_the_next_handshake_on() {
    let (origin, _heads) = answering(OK).await;
    let (old, new) = (made(&["a"]), made(&["a", "shop.example"]));
    let certificates = Arc::new(Certificates::new(set(&[&old], Nameless::Refused)));
    let door = door(origin, &certificates).await;
    let config = Arc::new(client(&[&old], &[]));
    let standing = greet(door.address, "a", &config).await.expect("a handshake");
    certificates.replace(set(&[&new], Nameless::Refused));
    assert!(greet(door.address, "a", &config).await.is_err(), "the old one is no longer shown");
    let config = Arc::new(client(&[&new], &[]));
    greet(door.address, "shop.example", &config).await.expect("a handshake");
    assert_eq!(ask(standing, "a").await.0, StatusCode::OK, "what stands goes on");
}

#[tokio::test]
async fn what_is_no_handshake_is_closed_in_time_and_reaches_nobody() {
    let (origin, mut heads) = answering(OK).await;
    let made = made(&["a"]);
    let certificates = Arc::new(Certificates::new(set(&[&made], Nameless::Refused)));
    let door = tuned(origin, &certificates, |limits| limits.handshake_time = Duration::from_millis(50)).await;
    assert!(!plain(door.address, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.contains(&b'H'));
    assert!(!plain(door.address, "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n").await.contains(&b'P'));
    assert!(plain(door.address, "").await.is_empty(), "silent ones are given up");
    assert!(plain(door.address, "\x16\x03\x01\x02").await.is_empty(), "slow ones too");
    assert!(heads.try_recv().is_err());
    assert!(door.ended().await.is_empty());
}

/// What comes back for bytes that are no TLS, until the door closes.
async fn plain(door: SocketAddr, bytes: &str) -> Vec<u8> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = TcpStream::connect(door).await.expect("the door is open");
    stream.write_all(bytes.as_bytes()).await.expect("the door reads");
    let mut answer = Vec::new();
    // A reset is an end too.
    drop(timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("the door closes"));
    answer
}

/// A door behind a load balancer at this machine, or at another one.
async fn behind(origin: SocketAddr, balancer: &str, tune: impl FnOnce(&mut Limits)) -> Door {
    let peers = TrustedPeers::new(vec![balancer.parse().expect("a network")]);
    listening(
        origin,
        |limits, _| tune(limits),
        |listener| vec![Listening { listener, tls: None, proxy_protocol: Some(peers) }],
    )
    .await
}

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn a_load_balancer_says_for_whom_it_connects() {
    let (origin, mut heads) = answering(OK).await;
    let door = behind(origin, "127.0.0.0/8", |_| {}).await;
    let mut second = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
    second.extend([192, 0, 2, 7, 192, 0, 2, 8, 0, 1, 0, 2]);
    second.extend(GET.as_bytes());
    for (greeting, client) in [
        (format!("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n{GET}").into_bytes(), "192.0.2.1"),
        (format!("PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n{GET}").into_bytes(), "2001:db8::1"),
        (format!("PROXY UNKNOWN\r\n{GET}").into_bytes(), "127.0.0.1"),
        (second, "192.0.2.7"),
    ] {
        assert!(exchange(door.address, greeting).await.starts_with("HTTP/1.1 200 "));
        let head = heads.recv().await.expect("forwarded");
        assert!(head.contains(&format!("x-forwarded-for: {client}\r\n")), "{head}");
    }
}

/// A listed peer that sends no header speaks for nobody; taken as its own, its callers would come from a trusted address.
#[tokio::test]
async fn a_load_balancer_that_does_not_say_is_closed() {
    let (origin, mut heads) = answering(OK).await;
    let door = behind(origin, "127.0.0.0/8", |_| {}).await;
    for start in ["", "PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n", "\r\n\r\n\0\r\nQUIT\nxxxxxxxxxxxxxxxxx"] {
        assert_eq!(exchange(door.address, format!("{start}{GET}")).await, "");
    }
    assert!(heads.try_recv().is_err());
    assert!(door.ended().await.is_empty());
}

/// threats.md 18: nobody else's word counts.
#[tokio::test]
async fn anybody_elses_header_is_a_bad_request() {
    let (origin, mut heads) = answering(OK).await;
    let door = behind(origin, "192.0.2.0/24", |_| {}).await;
    let answer = exchange(door.address, format!("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n{GET}")).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(heads.try_recv().is_err());
    assert!(exchange(door.address, GET).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn one_address_has_so_many_connections() {
    let (origin, _heads) = answering(OK).await;
    let door = behind(origin, "127.0.0.0/8", |limits| limits.connections_per_address = 2).await;
    let start =
        |address: &str| format!("PROXY TCP4 {address} 192.0.2.9 1 2\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut caller = Caller::connect(door.address).await;
        caller.send(start("192.0.2.1")).await;
        caller.until("hi").await;
        held.push(caller);
    }
    assert_eq!(exchange(door.address, start("192.0.2.1")).await, "", "one too many");
    let mut other = Caller::connect(door.address).await;
    other.send(start("192.0.2.2")).await;
    other.until("hi").await;
    held.pop().expect("held").rest_after_finish().await;
    let mut again = Caller::connect(door.address).await;
    again.send(start("192.0.2.1")).await;
    again.until("hi").await;
}
