use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::header;
use portcullis_identity::dev_issuer::DevIssuer;
use portcullis_identity::{KeyStore, NewKey, PrincipalKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::{Admin, AdminToken, Readiness, serve_operations};

const TOKEN: &str = "Authorization: Bearer operators-only\r\n";

fn admin() -> Admin {
    Admin {
        token: AdminToken::new(b"operators-only"),
        hosts: Vec::new(),
        log_folder: std::env::temp_dir(),
        readiness: Box::new(|| Readiness {
            ready: true,
            snapshot: "abc".to_owned(),
            last_reload_fault: Some("policies/shop.cedar:3: unexpected token".to_owned()),
            shadow_fault: None,
            issuers: Vec::new(),
            log_fault: None,
            records_missed: 0,
        }),
        explain: Box::new(|_| portcullis_record::why::Beside::default()),
    }
}

fn operations(report: ReloadReport, reloads: &Arc<AtomicUsize>) -> Operations {
    let reloads = Arc::clone(reloads);
    Operations {
        reload: Box::new(move || {
            reloads.fetch_add(1, Ordering::Relaxed);
            let report = report.clone();
            Box::pin(async move { report })
        }),
        metrics: Box::new(|| "# EOF\n".to_owned()),
        metrics_without_token: false,
        status: Box::new(|| Status {
            program: "0.1.0".to_owned(),
            snapshot: "abc".to_owned(),
            apps: vec!["shop".to_owned()],
            policies: 3,
            origins: vec![OriginStatus {
                app: "shop".to_owned(),
                address: "127.0.0.1:3000".to_owned(),
                up: Some(false),
                detail: "refused".to_owned(),
            }],
            limits: vec![LimitStatus { name: "shop/search".to_owned(), counts: 2 }],
        }),
        databases: Box::new(|| {
            let detail = "too old: built 400 days ago".to_owned();
            vec![DatabaseReadiness { name: "country.mmdb".to_owned(), usable: false, detail }]
        }),
    }
}

/// Status, fields and body of one answer of a listener with these operations.
async fn ask(operations: Operations, line: &str, fields: &str) -> (u16, String, serde_json::Value) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = serve_operations(listener, Arc::new(admin()), Arc::new(operations), std::future::pending());
    let asking = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("{line} HTTP/1.1\r\nHost: {address}\r\n{fields}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let answer = tokio::select! {
        () = serving => panic!("the listener ended"),
        answer = asking => answer,
    };
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let said = serde_json::from_str(body).unwrap_or_else(|_| body.into());
    (head.split(' ').nth(1).unwrap().parse().unwrap(), head.to_owned(), said)
}

fn taken_up() -> ReloadReport {
    ReloadReport::TakenUp { version: "def".to_owned(), after_restart: vec!["server.listen".to_owned()] }
}

#[tokio::test]
async fn a_reload_says_what_came_of_it() {
    let reloads = Arc::default();
    for (report, status, member, said) in [
        (taken_up(), 200, "snapshot", "def".into()),
        (taken_up(), 200, "after_restart", serde_json::json!(["server.listen"])),
        (ReloadReport::Unchanged { version: "abc".to_owned() }, 200, "changed", false.into()),
        (
            ReloadReport::Refused { findings: vec!["no".to_owned()] },
            422,
            "findings",
            serde_json::json!(["no"]),
        ),
        (ReloadReport::Busy, 409, "status", 409.into()),
    ] {
        let (got, head, body) = ask(operations(report, &reloads), "POST /reload", TOKEN).await;
        assert_eq!((got, &body[member]), (status, &said), "{head}");
        assert!(head.contains("cache-control: no-store"), "{head}");
    }
    assert_eq!(reloads.load(Ordering::Relaxed), 5);
}

/// A link, an image or a prefetching browser sends GET; a stranger has no token. Neither reloads anything.
#[tokio::test]
async fn only_an_operators_post_reloads() {
    let reloads = Arc::default();
    let (status, head, _) = ask(operations(taken_up(), &reloads), "GET /reload", TOKEN).await;
    assert!(status == 405 && head.contains("allow: POST"), "{head}");
    for (line, fields) in [("POST /reload", ""), ("POST /reload", "X-API-Key: operators-only\r\n")] {
        assert_eq!(ask(operations(taken_up(), &reloads), line, fields).await.0, 401);
    }
    assert_eq!(ask(operations(taken_up(), &reloads), "POST /status", TOKEN).await.0, 405);
    assert_eq!(reloads.load(Ordering::Relaxed), 0);
}

/// threats.md 23: what was made for users and services counts for nothing here (Pomerium CVE-2024-47616).
#[tokio::test]
async fn tokens_of_users_and_services_are_refused() {
    let issuer = DevIssuer::generate("ES256").unwrap();
    let claims = serde_json::json!({
        "iss": "https://issuer.test", "aud": "portcullis admin", "sub": "root", "scope": "admin",
        "exp": 4_102_444_800_u64, "iat": 1_700_000_000,
    });
    let token = issuer.sign(&claims, "at+jwt").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let key = NewKey {
        kind: PrincipalKind::Service,
        id: "root".to_owned(),
        name: String::new(),
        scopes: vec!["admin".to_owned()],
        groups: vec!["admin".to_owned()],
        roles: vec!["admin".to_owned()],
        tier: None,
        expires: None,
    };
    let (_, key) = KeyStore::open(&folder.path().join("keys.sqlite")).unwrap().create(&key).unwrap();
    let reloads = Arc::default();
    for fields in [
        format!("Authorization: Bearer {token}\r\n"),
        format!("Authorization: Bearer {}\r\n", key.expose()),
        format!("X-API-Key: {}\r\n", key.expose()),
        format!("{TOKEN}Authorization: Bearer {token}\r\n"),
    ] {
        for line in ["POST /reload", "GET /metrics", "GET /status", "GET /decisions/x"] {
            let (status, head, body) = ask(operations(taken_up(), &reloads), line, &fields).await;
            assert_eq!(status, 401, "{line}: {head}");
            assert!(body["detail"].as_str().unwrap().contains("admin.token"), "says what to do: {body}");
        }
    }
    assert_eq!(reloads.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn metrics_need_the_token_unless_configured_otherwise() {
    let reloads = Arc::default();
    assert_eq!(ask(operations(taken_up(), &reloads), "GET /metrics", "").await.0, 401);
    let (status, head, body) = ask(operations(taken_up(), &reloads), "GET /metrics", TOKEN).await;
    assert_eq!((status, body.as_str()), (200, Some("# EOF\n")));
    assert!(head.contains("content-type: application/openmetrics-text; version=1.0.0"), "{head}");
    let open = Operations { metrics_without_token: true, ..operations(taken_up(), &reloads) };
    assert_eq!(ask(open, "GET /metrics", "").await.0, 200);
    let open = Operations { metrics_without_token: true, ..operations(taken_up(), &reloads) };
    assert_eq!(ask(open, "GET /status", "").await.0, 401, "the metrics alone are open");
}

#[tokio::test]
async fn status_and_readiness_say_how_things_are() {
    let reloads = Arc::default();
    let (status, _, body) = ask(operations(taken_up(), &reloads), "GET /status", TOKEN).await;
    assert_eq!(
        (status, &body["origins"][0]["up"], &body["limits"][0]["counts"]),
        (200, &false.into(), &2.into())
    );
    let (status, _, body) = ask(operations(taken_up(), &reloads), "GET /readyz", "").await;
    assert_eq!((status, &body["databases"][0]["usable"]), (200, &false.into()));
    assert!(body["last_reload_fault"].as_str().unwrap().contains("shop.cedar:3"), "{body}");
}

/// Without operations the listener has none of these paths, and says so only to whoever has the token.
#[test]
fn a_listener_that_only_reads_has_no_operations() {
    for path in ["/reload", "/metrics", "/status"] {
        let asked = |token: bool| {
            let mut request = http::Request::builder().uri(path).header(header::HOST, "localhost");
            if token {
                request = request.header(header::AUTHORIZATION, "Bearer operators-only");
            }
            let head = request.body(()).unwrap().into_parts().0;
            admin().answer(&head, IpAddr::from([127, 0, 0, 1])).status().as_u16()
        };
        assert_eq!((asked(false), asked(true)), (401, 404), "{path}");
    }
}
