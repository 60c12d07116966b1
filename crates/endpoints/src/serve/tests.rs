use std::net::SocketAddr;

use portcullis_record::{Door, Entry, Log, LogSettings, Outcome, RequestEntry, Stage};
use portcullis_request::Reference;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;

use super::*;
use crate::{AdminToken, Readiness};

struct Listening {
    address: SocketAddr,
    log: Log,
    end: oneshot::Sender<()>,
    ended: tokio::task::JoinHandle<()>,
    _folder: tempfile::TempDir,
}

async fn listen() -> Listening {
    let folder = tempfile::tempdir().unwrap();
    let admin = Admin {
        token: AdminToken::new(b"operators-only"),
        hosts: Vec::new(),
        log_folder: folder.path().to_owned(),
        readiness: Box::new(|| Readiness {
            ready: true,
            snapshot: "abc".to_owned(),
            last_reload_fault: None,
            shadow_fault: None,
            issuers: Vec::new(),
            log_fault: None,
            records_missed: 0,
        }),
        explain: Box::new(|_| portcullis_record::why::Beside::default()),
    };
    let log = Log::open(LogSettings::new(folder.path())).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (end, ending) = oneshot::channel::<()>();
    let ended = tokio::spawn(serve_admin(listener, Arc::new(admin), async move { drop(ending.await) }));
    Listening { address, log, end, ended, _folder: folder }
}

impl Listening {
    /// Status, fields and body.
    async fn ask(&self, line: &str, fields: &str) -> (u16, String, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!("{line} HTTP/1.1\r\nHost: {}\r\n{fields}\r\n", self.address);
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), head.to_owned(), body.to_owned())
    }

    async fn remember(&self) -> Reference {
        let reference = Reference::new(std::time::SystemTime::now());
        self.log.submit(entry(reference)).await.unwrap();
        self.log.outcome(Outcome {
            reference: reference.uuid(),
            status: 404,
            origin_status: None,
            intercepted: false,
            fault: None,
            bytes: 7,
            total_us: 90,
        });
        self.log.close().await;
        reference
    }
}

fn entry(reference: Reference) -> Entry {
    Entry {
        reference: reference.uuid(),
        time: "2026-11-24T01:30:00.000000Z".to_owned(),
        door: Door::Proxy,
        stage: Stage::Route,
        request: RequestEntry {
            method: "GET".to_owned(),
            scheme: "http".to_owned(),
            host: "shop.test".to_owned(),
            path: "/nowhere".to_owned(),
            query: None,
            client: "192.0.2.1".to_owned(),
            peer: None,
            user_agent: None,
        },
        app: None,
        route: None,
        principal: None,
        absence: None,
        facts: std::collections::BTreeMap::new(),
        missing: std::collections::BTreeMap::new(),
        complete: false,
        verdict: None,
        reason: None,
        status: Some(404),
        detail: None,
        snapshot: "abc".to_owned(),
        decided_us: 12,
    }
}

const TOKEN: &str = "Authorization: Bearer operators-only\r\n";

#[tokio::test]
async fn a_decision_is_found_by_either_spelling() {
    let listening = listen().await;
    let reference = listening.remember().await;
    for text in
        [reference.to_string(), reference.uuid(), reference.to_string().to_lowercase().replace('-', "")]
    {
        let (status, _, body) = listening.ask(&format!("GET /decisions/{text}"), TOKEN).await;
        let said: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, &said["outcome"]["bytes"]), (200, &7.into()));
        assert_eq!(said["decision"]["reference"], reference.uuid());
    }
    let (status, _, body) = listening.ask(&format!("GET /decisions/{reference}"), "").await;
    assert_eq!(status, 401);
    assert!(!body.contains("shop.test"), "{body}");
}

#[tokio::test]
async fn why_is_text_for_people_and_json_for_programs() {
    let listening = listen().await;
    let line = format!("GET /decisions/{}/why", listening.remember().await);
    let (_, head, body) = listening.ask(&line, TOKEN).await;
    assert!(head.contains("content-type: text/plain"), "{head}");
    assert!(body.contains("Refused with 404: no app or route is configured for it."), "{body}");
    let (_, head, body) = listening.ask(&line, &format!("{TOKEN}Accept: application/json\r\n")).await;
    assert!(head.contains("content-type: application/json"), "{head}");
    let said: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(said["decided"], "refused");
}

#[tokio::test]
async fn bodies_are_not_waited_for_and_heads_have_none() {
    let listening = listen().await;
    let (status, head, _) = listening.ask("GET /healthz", "Content-Length: 1000000\r\n").await;
    assert_eq!(status, 200);
    assert!(head.contains("connection: close"), "{head}");
    let (status, head, body) = listening.ask("HEAD /healthz", "").await;
    assert_eq!((status, body.as_str()), (200, ""));
    assert!(head.contains("content-length: 6"), "{head}");
}

#[tokio::test]
async fn other_origins_are_told_nothing_about_reading() {
    let listening = listen().await;
    let (_, head, _) = listening.ask("GET /readyz", "Origin: https://evil.example\r\n").await;
    assert!(!head.to_lowercase().contains("access-control"), "{head}");
    let preflight = "Origin: https://evil.example\r\nAccess-Control-Request-Method: GET\r\n";
    let (status, head, _) = listening.ask("OPTIONS /readyz", preflight).await;
    assert_eq!(status, 405);
    assert!(!head.to_lowercase().contains("access-control"), "{head}");
}

#[tokio::test]
async fn few_search_at_a_time_and_strangers_never_do() {
    let listening = listen().await;
    let searches = Arc::new(Semaphore::new(0));
    let admin = Admin {
        token: AdminToken::new(b"operators-only"),
        hosts: Vec::new(),
        log_folder: listening._folder.path().to_owned(),
        readiness: Box::new(|| unreachable!("nobody asks")),
        explain: Box::new(|_| portcullis_record::why::Beside::default()),
    };
    let asked = Asked { admin: Arc::new(admin), operations: None, searches };
    let (client, server) = tokio::io::duplex(4096);
    let service = hyper::service::service_fn(|request: Request<Incoming>| async {
        Ok::<_, Infallible>(respond(&asked, request, [127, 0, 0, 1].into()).await.map(Full::new))
    });
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(server), service);
    let asking = async move {
        let (mut reading, mut writing) = tokio::io::split(client);
        let path = format!("GET /decisions/{} HTTP/1.1\r\nHost: localhost\r\n", Reference::from_u128(7));
        writing
            .write_all(format!("{path}\r\n{path}{TOKEN}Connection: close\r\n\r\n").as_bytes())
            .await
            .unwrap();
        let mut answers = String::new();
        reading.read_to_string(&mut answers).await.unwrap();
        answers
    };
    let (served, answers) = tokio::join!(connection, asking);
    served.unwrap();
    let (stranger, operator) = answers.split_at(answers.rfind("HTTP/1.1").unwrap());
    assert!(stranger.starts_with("HTTP/1.1 401"), "{answers}");
    assert!(operator.starts_with("HTTP/1.1 503") && operator.contains("retry-after: 1"), "{answers}");
}

#[tokio::test]
async fn it_ends_when_told_to_even_with_every_place_taken() {
    let listening = listen().await;
    let mut idle = Vec::new();
    for _ in 0..MOST_CONNECTIONS {
        idle.push(TcpStream::connect(listening.address).await.unwrap());
    }
    listening.end.send(()).unwrap();
    listening.ended.await.unwrap();
}
