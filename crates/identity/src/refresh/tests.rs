use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::{Instant, advance};

use super::{Due, FIRST_BACK_OFF, LONGEST_BACK_OFF, NUDGE_GAP, keep_fresh};
use crate::dev_issuer::DevIssuer;
use crate::fetch::FetchError;
use crate::jwks::KeySet;
use crate::keys::IssuerKeys;
use crate::testing::{bearer, claims, dev, key_file, now, settings};
use crate::{Absence, Identifier, IssuerStatus, KeyFetcher, KeySource, KeysState};

/// What the server does with a connection: what it sends, and whether it then goes silent or closes.
#[derive(Clone)]
struct Answer {
    bytes: Vec<u8>,
    then_hang: bool,
}

/// A server that answers every connection with the same bytes, right or wrong.
struct Server {
    url: String,
    answer: Arc<Mutex<Answer>>,
    asked: Arc<AtomicUsize>,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/jwks", listener.local_addr().unwrap());
        let answer = Arc::new(Mutex::new(Answer { bytes: Vec::new(), then_hang: false }));
        let asked = Arc::new(AtomicUsize::new(0));
        let (answers, count) = (Arc::clone(&answer), Arc::clone(&asked));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let answer = answers.lock().unwrap().clone();
                tokio::spawn(async move {
                    let mut head = [0; 4_096];
                    let mut read = 0;
                    while !head[..read].ends_with(b"\r\n\r\n") {
                        match stream.read(&mut head[read..]).await {
                            Ok(0) | Err(_) => return,
                            Ok(more) => read += more,
                        }
                    }
                    // The client may hang up in the middle of an answer it refuses.
                    if stream.write_all(&answer.bytes).await.is_ok() && answer.then_hang {
                        std::future::pending::<()>().await;
                    }
                });
            }
        });
        Self { url, answer, asked }
    }

    fn answers(&self, bytes: impl Into<Vec<u8>>) {
        *self.answer.lock().unwrap() = Answer { bytes: bytes.into(), then_hang: false };
    }

    fn answers_and_hangs(&self, bytes: impl Into<Vec<u8>>) {
        *self.answer.lock().unwrap() = Answer { bytes: bytes.into(), then_hang: true };
    }

    fn serves(&self, issuer: &DevIssuer) {
        self.answers(ok(&issuer.jwks()));
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn identifier(&self) -> Identifier {
        Identifier::new(vec![settings(KeySource::Url(self.url.clone()))], None).unwrap()
    }
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn code(identifier: &Identifier, issuer: &DevIssuer) -> &'static str {
    let token = issuer.sign(&claims(), "at+jwt").unwrap();
    match identifier.identify(&bearer(&token), now()) {
        Ok(_) => "ok",
        Err(Absence::Invalid(fault) | Absence::Unavailable(fault)) => fault.code,
        Err(other) => panic!("{other:?}"),
    }
}

async fn refreshed(identifier: &Identifier) -> IssuerStatus {
    identifier.refresh(&KeyFetcher::new()).await.remove(0)
}

#[tokio::test]
async fn keys_rotate() {
    let (old, new) = (dev("ES256"), dev("EdDSA"));
    let server = Server::start().await;
    let identifier = server.identifier();
    assert_eq!(code(&identifier, old), "keys_unavailable");
    server.serves(old);
    let status = refreshed(&identifier).await;
    assert_eq!((status.state, status.keys, status.failures), (KeysState::Usable, 1, 0));
    assert_eq!((code(&identifier, old), code(&identifier, new)), ("ok", "token_key"));
    server.answers(ok(&json!({ "keys": [old.jwk(), new.jwk()] }).to_string()));
    refreshed(&identifier).await;
    assert_eq!((code(&identifier, old), code(&identifier, new)), ("ok", "ok"));
    server.serves(new);
    refreshed(&identifier).await;
    assert_eq!((code(&identifier, old), code(&identifier, new)), ("token_key", "ok"));
    assert_eq!(server.asked(), 3, "identifying never asks the issuer");
}

#[tokio::test]
async fn a_bad_answer_changes_nothing_but_the_report() {
    let issuer = dev("ES256");
    let (server, elsewhere) = (Server::start().await, Server::start().await);
    elsewhere.serves(dev("EdDSA"));
    server.serves(issuer);
    let identifier = server.identifier();
    refreshed(&identifier).await;
    let document = issuer.jwks();
    let large = format!("{{\"keys\":[],\"x\":\"{}\"}}", "x".repeat(1024 * 1024));
    let chunk = format!("100000\r\n{}\r\n", "x".repeat(0x10_0000));
    let redirect = |status: &str| {
        format!(
            "HTTP/1.1 {status}\r\nlocation: {}\r\ncontent-length: {}\r\n\r\n{document}",
            elsewhere.url,
            document.len()
        )
    };
    let faults = [
        (ok("").replace("200 OK", "500 Internal Server Error"), "status 500"),
        (ok(&document).replace("200 OK", "404 Not Found"), "status 404"),
        (ok(&document).replace("200 OK", "203 Partial"), "status 203"),
        ("HTTP/1.1 204 No Content\r\n\r\n".to_owned(), "status 204"),
        (redirect("301 Moved"), "redirects are not followed"),
        (redirect("302 Found"), "redirects are not followed"),
        (redirect("307 Temporary"), "redirects are not followed"),
        (ok("<html>sign in</html>"), "not readable"),
        (ok(&document[..document.len() - 2]), "not readable"),
        (ok(&format!("\u{feff}{document}")), "byte order mark"),
        (ok("{\"keys\":[]}"), "no usable key"),
        (ok("{}"), "no array `keys`"),
        (ok("{\"keys\":[{\"kty\":\"oct\",\"k\":\"AA\"}]}"), "no usable key"),
        (ok(&large), "larger than 1 MiB"),
        (
            format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunk}{chunk}{chunk}"),
            "larger than 1 MiB",
        ),
        (format!("HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n{document}"), "broke off"),
        (format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "x".repeat(1_000_000)), "cannot connect"),
        ("SSH-2.0-OpenSSH\r\n\r\n".to_owned(), "cannot connect"),
        (String::new(), "cannot connect"),
    ];
    for (count, (answer, expected)) in faults.iter().enumerate() {
        server.answers(answer.as_bytes());
        let status = refreshed(&identifier).await;
        let why = status.last_error.unwrap();
        assert!(why.contains(expected), "{expected}: {why}");
        assert_eq!(usize::try_from(status.failures).unwrap(), count + 1);
        assert_eq!((status.state, status.keys), (KeysState::Usable, 1));
        assert_eq!(code(&identifier, issuer), "ok", "{expected}");
    }
    assert_eq!(elsewhere.asked(), 0);
    server.serves(issuer);
    let status = refreshed(&identifier).await;
    assert_eq!((status.failures, status.last_error), (0, None));
}

#[tokio::test]
async fn a_silent_issuer_is_not_waited_for() {
    let server = Server::start().await;
    let identifier = server.identifier();
    let fetcher = KeyFetcher::new().with_timeout(Duration::from_millis(50));
    for begun in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"keys\""] {
        server.answers_and_hangs(begun);
        let status = identifier.refresh(&fetcher).await.remove(0);
        assert_eq!(status.last_error.as_deref(), Some("no answer within 50ms"), "{begun:?}");
    }
}

#[tokio::test]
async fn a_refused_connection_and_missing_tls_are_named() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = Server::start().await;
    server.answers("HTTP/1.1 400 Bad Request\r\n\r\n");
    for url in [format!("http://{free}/jwks"), server.url.replace("http:", "https:")] {
        let identifier = Identifier::new(vec![settings(KeySource::Url(url.clone()))], None).unwrap();
        let fetcher = KeyFetcher::new().with_timeout(Duration::from_secs(2));
        let status = identifier.refresh(&fetcher).await.remove(0);
        assert_eq!(status.state, KeysState::Missing, "{url}");
        let why = status.last_error.unwrap();
        assert!(why.starts_with("cannot connect") || why.starts_with("no answer"), "{url}: {why}");
    }
}

#[tokio::test]
async fn a_reload_keeps_the_keys_of_unchanged_issuers() {
    let issuer = dev("ES256");
    let server = Server::start().await;
    server.serves(issuer);
    let first = server.identifier();
    refreshed(&first).await;
    let second = server.identifier().adopt(&first);
    assert_eq!(code(&second, issuer), "ok");
    assert_eq!(server.asked(), 1);
    // From then on they share what either fetches.
    server.serves(dev("EdDSA"));
    refreshed(&second).await;
    assert_eq!((code(&first, issuer), code(&first, dev("EdDSA"))), ("token_key", "ok"));

    let moved = Identifier::new(vec![settings(KeySource::Url(format!("{}?v=2", server.url)))], None).unwrap();
    assert_eq!(code(&moved.adopt(&first), issuer), "keys_unavailable", "another address, other keys");
    let mut renamed = settings(KeySource::Url(server.url.clone()));
    renamed.issuer = "https://renamed.test/".to_owned();
    let renamed = Identifier::new(vec![renamed], None).unwrap().adopt(&first);
    assert_eq!(renamed.keys_status()[0].state, KeysState::Missing);
}

#[test]
fn a_reload_reads_key_files_anew() {
    let folder = tempfile::tempdir().unwrap();
    let file = key_file(folder.path(), &[dev("ES256").jwk()]);
    let first = Identifier::new(vec![settings(file)], None).unwrap();
    let file = key_file(folder.path(), &[dev("EdDSA").jwk()]);
    let second = Identifier::new(vec![settings(file)], None).unwrap().adopt(&first);
    assert_eq!((code(&first, dev("ES256")), code(&second, dev("ES256"))), ("ok", "token_key"));
    assert_eq!(code(&second, dev("EdDSA")), "ok");
}

#[tokio::test]
async fn the_loop_fetches_at_once_and_ends_when_told() {
    let issuer = dev("ES256");
    let server = Server::start().await;
    server.serves(issuer);
    let identifier = Arc::new(server.identifier());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let shutdown = async move { stopped.await.unwrap() };
    let running = tokio::spawn(Arc::clone(&identifier).refresh_loop(KeyFetcher::new(), shutdown));
    let deadline = Instant::now() + Duration::from_secs(10);
    while identifier.keys_status()[0].state != KeysState::Usable {
        assert!(Instant::now() < deadline, "{:?}", identifier.keys_status());
        tokio::task::yield_now().await;
    }
    assert_eq!(code(&identifier, issuer), "ok");
    stop.send(()).unwrap();
    running.await.unwrap();
    // Its tasks are gone with it: nobody else holds the issuer.
    let status = Arc::into_inner(identifier).map(|identifier| identifier.keys_status());
    assert_eq!(status.unwrap()[0].failures, 0);
}

const REFRESH: Duration = Duration::from_secs(300);

/// Runs the loop on a paused clock against answers made here, and says when it asked, in seconds from the start.
struct Rehearsal {
    keys: IssuerKeys,
    asked: RefCell<Vec<f64>>,
    fails: Cell<bool>,
    began: Instant,
}

impl Rehearsal {
    fn new() -> Self {
        Self {
            keys: IssuerKeys::default(),
            asked: RefCell::default(),
            fails: Cell::new(false),
            began: Instant::now(),
        }
    }

    async fn run(&self) {
        keep_fresh(&self.keys, "rehearsal", REFRESH, || {
            self.asked.borrow_mut().push(self.began.elapsed().as_secs_f64());
            std::future::ready(if self.fails.get() {
                Err(FetchError::Timeout(Duration::ZERO))
            } else {
                Ok(KeySet::parse(dev("ES256").jwks().as_bytes()).unwrap())
            })
        })
        .await;
    }

    /// Lets so many seconds pass, one at a time, and says when it asked meanwhile.
    async fn during(&self, seconds: u32, also: impl Fn(u32)) -> Vec<f64> {
        self.asked.borrow_mut().clear();
        for second in 0..seconds {
            also(second);
            advance(Duration::from_secs(1)).await;
            // Let the loop, which is polled beside this, take its turn.
            for _ in 0..4 {
                tokio::task::yield_now().await;
            }
        }
        self.asked.borrow().clone()
    }
}

#[tokio::test(start_paused = true)]
async fn it_asks_at_once_then_regularly_and_sooner_when_nudged() {
    let rehearsal = Rehearsal::new();
    let script = async {
        let asked = rehearsal.during(200, |_| {}).await;
        assert_eq!(asked.len(), 1, "{asked:?}");
        assert!(asked[0] < 2.0, "{asked:?}");
        let asked = rehearsal.during(101, |_| {}).await;
        assert_eq!(asked.len(), 1, "regularly, up to a tenth early: {asked:?}");
        assert!((270.0..=302.0).contains(&asked[0]), "{asked:?}");
        // A stranger sends unknown keys all the time: at most one fetch for each gap.
        let asked = rehearsal.during(100, |_| rehearsal.keys.nudge()).await;
        assert!((9..=11).contains(&asked.len()), "{asked:?}");
        assert!(asked.windows(2).all(|pair| pair[1] - pair[0] >= NUDGE_GAP.as_secs_f64()), "{asked:?}");
    };
    tokio::select! { biased; () = script => {}, () = rehearsal.run() => {} }
}

#[tokio::test(start_paused = true)]
async fn failures_make_it_ask_later_and_later_whoever_nudges() {
    let rehearsal = Rehearsal::new();
    rehearsal.fails.set(true);
    let script = async {
        let asked = rehearsal.during(1_000, |_| rehearsal.keys.nudge()).await;
        // 1, 2, 4 … 32, then 60 seconds, each down to half of it.
        assert!((20..=40).contains(&asked.len()), "{asked:?}");
        assert!(asked[asked.len() - 1] - asked[asked.len() - 2] >= 30.0, "{asked:?}");
        assert!(rehearsal.keys.health().failures >= 9);
        rehearsal.fails.set(false);
        let asked = rehearsal.during(62, |_| {}).await;
        assert!(!asked.is_empty());
        assert_eq!(rehearsal.keys.health().failures, 0);
    };
    tokio::select! { biased; () = script => {}, () = rehearsal.run() => {} }
}

#[tokio::test(start_paused = true)]
async fn adopted_keys_are_fetched_when_they_are_due() {
    let rehearsal = Rehearsal::new();
    let set = KeySet::parse(dev("ES256").jwks().as_bytes()).unwrap();
    rehearsal.keys.replace(set, SystemTime::now());
    advance(Duration::from_secs(200)).await;
    let script = async {
        assert_eq!(rehearsal.during(90, |_| {}).await, [0.0; 0]);
        assert_eq!(rehearsal.during(20, |_| {}).await.len(), 1);
    };
    tokio::select! { biased; () = script => {}, () = rehearsal.run() => {} }
}

#[test]
fn the_schedule_has_limits() {
    let now = Instant::now();
    let due = |failures, unit| Due::after(failures, REFRESH, now, unit);
    assert_eq!(due(0, 0.0), Due { nudged: now + NUDGE_GAP, regular: now + REFRESH });
    assert_eq!(due(0, 1.0).regular, now + Duration::from_secs(270));
    assert_eq!(due(1, 0.0).regular, now + FIRST_BACK_OFF);
    assert_eq!(due(1, 1.0).regular, now + FIRST_BACK_OFF / 2);
    assert_eq!(due(4, 0.0).regular, now + 8 * FIRST_BACK_OFF);
    assert_eq!(due(u32::MAX, 0.0).regular, now + LONGEST_BACK_OFF);
    assert_eq!(due(7, 0.3).nudged, due(7, 0.3).regular, "nudges do not shorten a back-off");
    let hourly = Due::after(40, Duration::from_secs(20), now, 0.0);
    assert_eq!(hourly.regular, now + Duration::from_secs(20), "never later than the regular refresh");
    let unit = super::random_unit();
    assert!((0.0..1.0).contains(&unit));
}
