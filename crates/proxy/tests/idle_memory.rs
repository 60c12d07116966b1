//! What a connection costs that does nothing (promise P7: at most 32 KiB). Alone in its process, which is what is measured.

#![cfg(target_os = "linux")]
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "that is how a test fails")]
#![allow(dead_code, reason = "the door's tests use more of it")]

#[path = "door/caller.rs"]
mod caller;
#[path = "door/frames.rs"]
mod frames;
#[path = "door/origin.rs"]
mod origin;
#[path = "door/world.rs"]
mod world;

use std::io::Write;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use portcullis_proxy::Listening;
use portcullis_proxy::serve::tls::{CertificatePem, CertificateSet, Certificates, Nameless};
use rcgen::generate_simple_self_signed;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::caller::Caller;
use crate::frames::{END_HEADERS, END_STREAM, End, Framer, HEADERS, get};
use crate::origin::dead;
use crate::world::{Door, listening, tuned};

/// Connections of each kind.
const MANY: usize = 1000;

/// Promise P7, which is made for the optimised build. Without, each future keeps copies of what moves through it.
const MOST: usize = if cfg!(debug_assertions) { 48 * 1024 } else { 32 * 1024 };

/// Resident memory in bytes.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: usize = statm.split(' ').nth(1).expect("a second number").parse().expect("a number");
    pages * 4096
}

/// Opens and closes connections one after the other, to have everything that is made once, then holds many, and says what
/// each of these cost. The callers' side is in this process too, so each is kept as the bare socket it began as.
async fn cost<C, F: Future<Output = C>>(open: impl Fn() -> F) -> usize {
    for _ in 0..MANY {
        drop(open().await);
    }
    let mut held = Vec::with_capacity(MANY);
    let before = resident();
    for _ in 0..MANY {
        held.push(open().await);
    }
    resident().saturating_sub(before) / MANY
}

async fn http1(door: SocketAddr) -> Caller {
    let mut caller = Caller::connect(door).await;
    caller.send("GET /refused HTTP/1.1\r\nHost: a\r\n\r\n").await;
    caller.until("}").await;
    caller
}

async fn http2(door: SocketAddr) -> Framer {
    let mut framer = Framer::connect(door, &[]).await;
    framer.send(HEADERS, END_HEADERS | END_STREAM, 1, &get("/refused")).await;
    assert!(matches!(framer.end_of(1).await, End::Answered(_)));
    framer
}

async fn tls(door: SocketAddr, config: Arc<ClientConfig>) -> TcpStream {
    let stream = TcpStream::connect(door).await.expect("the door is open");
    let name = ServerName::try_from("a").expect("a name");
    let mut stream = TlsConnector::from(config).connect(name, stream).await.expect("a handshake");
    stream.write_all(b"GET /refused HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("the door reads");
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") {
        assert!(stream.read_buf(&mut answer).await.expect("an answer") > 0);
    }
    stream.into_inner().0
}

async fn encrypted() -> (Door, Arc<ClientConfig>) {
    let made = generate_simple_self_signed(vec!["a".to_owned()]).expect("a certificate");
    let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let pem = CertificatePem { chain_file: "c", chain: chain.as_bytes(), key_file: "k", key: key.as_bytes() };
    let set =
        CertificateSet::read(&[pem], Nameless::Refused, Duration::from_secs(1_800_000_000)).expect("a set");
    let certificates = Some(Arc::new(Certificates::new(set)));
    let door = listening(
        dead().await,
        |_, _| {},
        |listener| vec![Listening { listener, tls: certificates, proxy_protocol: None }],
    )
    .await;
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(chain.as_bytes()).expect("a certificate"))
        .expect("an authority");
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    (door, Arc::new(config))
}

#[tokio::main(flavor = "current_thread")]
async fn measure(kind: &str) -> usize {
    let plain = tuned(dead().await, |_, _| {}).await;
    let (secret, config) = encrypted().await;
    match kind {
        "h1" => cost(|| http1(plain.address)).await,
        "h2" => cost(|| http2(plain.address)).await,
        "tls" => cost(|| tls(secret.address, Arc::clone(&config))).await,
        other => panic!("{other}"),
    }
}

/// Each kind has a process of its own, where nothing of another is left to be used again.
fn main() {
    let mut arguments = std::env::args().skip(1);
    if let (Some("--kind"), Some(kind)) = (arguments.next().as_deref(), arguments.next()) {
        write!(std::io::stdout(), "{}", measure(&kind)).expect("written");
        return;
    }
    let costs = ["h1", "h2", "tls"].map(|kind| {
        let myself = std::env::current_exe().expect("known");
        let output = Command::new(myself).args(["--kind", kind]).output().expect("started");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let cost: usize = String::from_utf8_lossy(&output.stdout).parse().expect("a number");
        (kind, cost)
    });
    assert!(costs.iter().all(|(_, cost)| *cost <= MOST), "bytes for each connection: {costs:?}");
}
