//! Asks the gate what a scenario asks, over a real connection to either door.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use portcullis_endpoints::{ForwardAuth, serve_forward_auth};
use portcullis_request::TrustedPeers;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::case::{Case, Request};
use super::origin::Origin;
use super::{compare, explained, neighbour, world};
use crate::load::Parts;
use crate::serve::sockets::Sockets;
use crate::serve::{self, Running};

/// The door that is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// The reverse proxy, by the caller itself.
    Proxy,
    /// Forward-auth, by a proxy that the caller asks.
    ForwardAuth,
}

/// What came of a scenario at one door.
pub(super) struct Told {
    /// Everything in which it differs from what is expected.
    pub(super) faults: Vec<String>,
    /// What the caller got; at the forward-auth door of an allowed request, what its proxy got.
    pub(super) answer: Answer,
    /// The record of it.
    pub(super) record: serde_json::Value,
}

/// One answer as it came over the wire.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(there, _)| there == name).map(|(_, value)| value.as_str())
    }

    /// The public code in the body.
    pub(super) fn code(&self) -> Option<String> {
        let said = serde_json::from_str::<serde_json::Value>(&self.body).ok()?;
        said.get("error").and_then(serde_json::Value::as_str).map(str::to_owned)
    }

    /// Every challenge.
    pub(super) fn challenges(&self) -> Vec<&str> {
        let all = self.headers.iter().filter(|(name, _)| name == "www-authenticate");
        all.map(|(_, challenge)| challenge.as_str()).collect()
    }

    /// Without what differs from answer to answer by nature.
    pub(super) fn timeless(&self) -> (u16, Vec<&(String, String)>, &str) {
        (self.status, self.headers.iter().filter(|(name, _)| name != "date").collect(), &self.body)
    }
}

/// Starts the gate, asks at one door, and says what differs.
pub(super) async fn ask(case: &Case, parts: Parts, origin: &Origin, folder: &Path, way: Way) -> Told {
    let request = case.request.as_ref().expect("a scenario without findings has a request");
    let key = request.api_key.as_ref().map(|key| world::api_key(folder, key));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let running = serve::start(parts, Sockets::plain(listener)).await.unwrap();
    let asking = Asking { request, key, door: door(&running, way).await, way };
    for line in &request.before {
        asking.ask(line, None).await;
    }
    let answer = asking.ask(&request.line, request.content.as_deref()).await;
    let mut faults = match way {
        Way::ForwardAuth if compare::allows(case) => neighbour::leave(case, &answer),
        _ => compare::answer(&case.expect, &answer, way),
    };
    if let Some(other) = &case.expect.same_as {
        let other = asking.ask(other, request.content.as_deref()).await;
        if other.timeless() != answer.timeless() {
            faults.push(format!("differs from `{:?}`: {:?}", other.timeless(), answer.timeless()));
        }
    }
    if way == Way::Proxy {
        compare::origin(case, origin, &mut faults);
    }
    let (log, snapshot) = (running.log_folder.clone(), running.gate.snapshot());
    running.stop().await;
    let record = compare::record(case, &log, way, &mut faults);
    faults.extend(explained::check(&case.expect, &record, &snapshot));
    Told { faults, answer, record }
}

/// Where to ask. The forward-auth door ends with the test's runtime.
async fn door(running: &Running, way: Way) -> SocketAddr {
    if way == Way::Proxy {
        return running.listen;
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let peers = TrustedPeers::new(vec!["127.0.0.1/32".parse().unwrap()]);
    let door = Arc::new(ForwardAuth::new(Arc::clone(&running.gate), peers));
    tokio::spawn(serve_forward_auth(listener, door, std::future::pending()));
    address
}

/// One way of asking what a scenario asks.
struct Asking<'a> {
    request: &'a Request,
    key: Option<String>,
    door: SocketAddr,
    way: Way,
}

impl Asking<'_> {
    async fn ask(&self, line: &str, content: Option<&str>) -> Answer {
        let mut fields = fields(self.request, self.key.as_deref());
        let from = self.request.from.as_deref();
        match self.way {
            Way::Proxy => {
                fields.extend(from.map(|from| ("X-Forwarded-For".to_owned(), from.to_owned())));
                fields
                    .extend(content.map(|content| ("Content-Length".to_owned(), content.len().to_string())));
                exchange(self.door, line, &fields, content.unwrap_or_default()).await
            }
            Way::ForwardAuth => neighbour::ask(self.door, line, &fields, from.unwrap_or("127.0.0.1")).await,
        }
    }
}

/// The fields that the caller sends.
fn fields(request: &Request, key: Option<&str>) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    let mut add = |name: &str, value: &str| fields.push((name.to_owned(), value.to_owned()));
    add("Host", request.host.as_deref().unwrap_or("shop.test"));
    if let Some(claims) = &request.token {
        add("Authorization", &format!("Bearer {}", world::token(claims)));
    }
    if let Some(key) = key {
        add("X-API-Key", key);
    }
    for header in &request.headers {
        let (name, value) = header.split_once(": ").unwrap();
        add(name, value);
    }
    fields
}

/// Sends one request and reads its answer to the end of the connection.
pub(super) async fn exchange(
    door: SocketAddr,
    line: &str,
    fields: &[(String, String)],
    content: &str,
) -> Answer {
    let mut head = format!("{line} HTTP/1.1\r\n");
    for (name, value) in fields {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let mut stream = TcpStream::connect(door).await.unwrap();
    stream.write_all(format!("{head}\r\n{content}").as_bytes()).await.unwrap();
    // The gate closes when we do: half-closing after a whole request asks for the answer and then the end.
    stream.shutdown().await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    Answer { status: status.unwrap_or(0), headers, body: body.to_owned() }
}
