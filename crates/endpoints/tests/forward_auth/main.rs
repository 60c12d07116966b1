//! The forward-auth door over real connections, with a gate and a log behind it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "that is how tests fail"
)]

mod never;
mod world;

use portcullis_record::Door as Way;
use world::{Answer, door};

/// Target, fields, what nginx is told, what the caller gets.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], u16, u16);

const LOOPBACK: &[&str] = &["127.0.0.0/8"];

fn key(key: &str) -> [(&str, &str); 1] {
    [("X-API-Key", key)]
}

/// What the answer is about, fetched by its reference as nginx does.
async fn fetched(door: &world::Door, answer: &Answer) -> Answer {
    door.ask(&format!("/deny?ref={}", answer.header("x-portcullis-ref").unwrap()), &[]).await
}

#[tokio::test]
async fn leave_comes_with_who_the_caller_is() {
    let door = door(LOOPBACK).await;
    let known = key(&door.key);
    let nginx = door.nginx("/known/x?page=2", &known).await;
    assert_eq!((nginx.status, nginx.header("x-portcullis-user")), (204, Some("alice")));
    for path in ["/auth/caddy", "/auth/traefik"] {
        let answer = door.relaying(path, "/known/x", &known).await;
        assert_eq!((answer.status, answer.header("x-portcullis-user")), (200, Some("alice")), "{path}");
        assert_eq!(answer.header("x-portcullis-groups"), Some("staff"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    let nobody = door.nginx("/open/x", &[("X-Portcullis-User", "root")]).await;
    assert_eq!((nobody.status, nobody.header("x-portcullis-user")), (204, None));
    let caddy = door.relaying("/auth/caddy", "/open/x", &[]).await;
    assert_eq!((caddy.status, caddy.header("x-portcullis-user")), (200, Some("")));

    let recorded = door.ended().await;
    assert_eq!(recorded.len(), 5);
    let (first, outcome) = &recorded[0];
    assert_eq!((first.door, first.status, outcome.status), (Way::ForwardAuth, None, 204));
    assert_eq!((first.request.path.as_str(), first.request.query.as_deref()), ("/known/x", Some("page=2")));
    assert_eq!(
        (first.request.client.as_str(), first.request.peer.as_deref()),
        ("203.0.113.7", Some("127.0.0.1"))
    );
    assert_eq!((first.request.scheme.as_str(), first.request.host.as_str()), ("https", "shop.test"));
}

/// contracts.md: nginx makes 500 of every other status, and loses every body.
#[tokio::test]
async fn nginx_is_told_two_statuses_and_fetches_the_real_one() {
    let door = door(LOOPBACK).await;
    let known = key(&door.key);
    let cases: [Case<'_>; 5] = [
        ("/known/x", &[], 401, 401),
        ("/closed/x", &known, 403, 451),
        ("/nowhere", &known, 403, 404),
        ("/known/%2e%2e/x", &known, 403, 400),
        ("/known/x", &[("X-API-Key", "wrong")], 401, 401),
    ];
    for (target, fields, told, real) in cases {
        let answer = door.nginx(target, fields).await;
        assert_eq!(answer.status, told, "{target}: {answer:?}");
        assert_eq!(answer.header("x-portcullis-status"), Some(real.to_string().as_str()), "{target}");
        assert_eq!(answer.header("www-authenticate").is_some(), told == 401, "{target}");
        let whole = fetched(&door, &answer).await;
        assert_eq!(whole.status, real, "{target}: {whole:?}");
        assert!(whole.body.contains(&format!("\"status\": {real}")), "{target}: {}", whole.body);
        let again = fetched(&door, &answer).await;
        assert_eq!(again.status, 403, "a reference serves once");
    }
    let (told, blocked) =
        (door.nginx("/closed/x", &known).await, "<https://court.test/>; rel=\"blocked-by\"");
    assert_eq!(fetched(&door, &told).await.header("link"), Some(blocked));
}

#[tokio::test]
async fn the_page_is_in_the_form_that_the_caller_reads() {
    let door = door(LOOPBACK).await;
    let browser = [("Accept", "text/html"), ("Sec-Fetch-Mode", "navigate"), ("Accept-Language", "de")];
    let told = door.nginx("/known/x", &browser).await;
    let page = fetched(&door, &told).await;
    assert!(page.body.contains("<html lang=\"de\""), "{}", page.body);
    let relayed = door.relaying("/auth/caddy", "/known/x", &browser).await;
    assert_eq!(relayed.status, 401);
    assert!(relayed.body.contains("<html lang=\"de\""), "{}", relayed.body);
}

/// The caller sees no reference of what is hidden, and nothing by which to tell it from what is not there.
#[tokio::test]
async fn hidden_is_as_if_it_were_not_there() {
    let door = door(LOOPBACK).await;
    let known = key(&door.key);
    let hidden = fetched(&door, &door.nginx("/secret/x", &known).await).await;
    let nowhere = fetched(&door, &door.nginx("/nowhere/x", &known).await).await;
    assert_eq!(hidden.timeless(), nowhere.timeless());
    assert_eq!((hidden.status, hidden.header("x-portcullis-ref")), (404, None));
    for path in ["/auth/caddy", "/auth/traefik"] {
        let hidden = door.relaying(path, "/secret/x", &known).await;
        let nowhere = door.relaying(path, "/nowhere/x", &known).await;
        assert_eq!(hidden.timeless(), nowhere.timeless());
        assert_eq!((hidden.status, hidden.header("x-portcullis-ref")), (404, None));
    }
}

/// A preflight of ours is 204, and 204 is leave to go on for all three.
#[tokio::test]
async fn what_we_answer_with_success_is_never_relayed_as_leave() {
    let door = door(LOOPBACK).await;
    let preflight = [("Origin", "https://app.test"), ("Access-Control-Request-Method", "PUT")];
    let told: Vec<_> = [("X-Original-Method", "OPTIONS"), ("X-Original-URI", "/known/x")].into();
    let told = [
        &told[..],
        &[("X-Forwarded-Host", "shop.test"), ("X-Forwarded-Proto", "https")],
        &[("X-Forwarded-For", "203.0.113.7")],
        &preflight,
    ]
    .concat();
    let nginx = door.ask("/auth/nginx", &told).await;
    assert_eq!((nginx.status, nginx.header("x-portcullis-status")), (403, Some("204")));
    let whole = fetched(&door, &nginx).await;
    assert_eq!((whole.status, whole.header("access-control-allow-origin")), (204, Some("https://app.test")));
    for (path, fetchable) in [("/auth/caddy", true), ("/auth/traefik", false)] {
        for (name, value, target) in [
            ("Content-Type", "application/grpc", "/known/x"),
            ("Accept", "*/*", "/.well-known/portcullis/problems/403"),
        ] {
            let answer = door.relaying(path, target, &[(name, value)]).await;
            assert!(answer.status >= 400, "{path} {target}: {answer:?}");
            assert_eq!(answer.header("x-portcullis-status").is_some(), fetchable, "{path} {target}");
        }
    }
    let recorded = door.ended().await;
    assert!(recorded.iter().all(|(entry, _)| entry.verdict.is_none()), "nothing was allowed");
}

/// A HEAD is asked about by a GET, so its answer has the body whose length it names.
#[tokio::test]
async fn a_head_is_answered_with_content() {
    let door = door(LOOPBACK).await;
    let told = [
        ("X-Forwarded-Method", "HEAD"),
        ("X-Forwarded-Uri", "/known/x"),
        ("X-Forwarded-Host", "shop.test"),
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-For", "203.0.113.7"),
    ];
    let answer = door.ask("/auth/caddy", &told).await;
    assert_eq!(answer.header("content-length"), Some(answer.body.len().to_string().as_str()));
    assert!(answer.status == 401 && !answer.body.is_empty());
    let recorded = door.ended().await;
    assert_eq!(recorded[0].0.request.method, "HEAD");
}

/// threats.md 18: forwarded fields count from peers that were named; by default nobody was.
#[tokio::test]
async fn nobody_else_is_answered() {
    for peers in [&[][..], &["10.0.0.0/8"]] {
        let door = door(peers).await;
        let known = key(&door.key);
        for answer in [
            door.nginx("/open/x", &known).await,
            door.relaying("/auth/caddy", "/open/x", &known).await,
            door.ask("/deny?ref=06BQX7-M2K4T-8V3NR-1C5ZD-9WEHG", &[]).await,
            door.ask("/elsewhere", &[]).await,
        ] {
            assert_eq!((answer.status, answer.header("connection")), (403, Some("close")));
            assert!(answer.body.contains("peer_not_named"), "{}", answer.body);
        }
        assert_eq!(door.ended().await.len(), 0, "nothing was decided");
    }
}

/// threats.md 18: the right-most address that is not a named peer, whatever the caller wrote before it.
#[tokio::test]
async fn the_caller_is_the_right_most_address_that_is_not_named() {
    let door = door(&["127.0.0.0/8", "10.1.0.0/16"]).await;
    for (list, client) in [
        ("198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ("198.51.100.1, 203.0.113.7, 10.1.2.3", "203.0.113.7"),
        ("203.0.113.7", "203.0.113.7"),
    ] {
        let told = [
            ("X-Forwarded-Method", "GET"),
            ("X-Forwarded-Uri", "/open/x"),
            ("X-Forwarded-Host", "shop.test"),
            ("X-Forwarded-Proto", "http"),
            ("X-Forwarded-For", list),
            ("Forwarded", "for=192.0.2.1"),
        ];
        assert_eq!(door.ask("/auth/caddy", &told).await.status, 200, "{list} {client}");
    }
    let clients: Vec<_> = door.ended().await.into_iter().map(|(entry, _)| entry.request.client).collect();
    assert_eq!(clients, ["203.0.113.7", "203.0.113.7", "203.0.113.7"]);
}

#[tokio::test]
async fn what_is_not_kept_is_a_plain_refusal() {
    let door = door(LOOPBACK).await;
    let reference = "06BQX7-M2K4T-8V3NR-1C5ZD-9WEHG";
    let unknown = door.ask(&format!("/deny?ref={reference}"), &[]).await;
    assert!(unknown.status == 403 && unknown.body.contains(reference), "{unknown:?}");
    for query in ["", "?", "?ref=", "?ref=%3Cscript%3E", "?other=1", "?ref=0&ref=1"] {
        let refused = door.ask(&format!("/deny{query}"), &[]).await;
        assert!(refused.status == 403 && !refused.body.contains("script"), "{query}: {refused:?}");
    }
    assert_eq!(door.ask("/auth", &[]).await.status, 404);
    assert_eq!(door.ended().await.len(), 0);
}

#[tokio::test]
async fn what_is_left_out_of_the_log_has_no_outcome_either_and_denials_stay() {
    let door = world::door_recording(LOOPBACK, vec![portcullis_record::DropRule::default()]).await;
    let known = key(&door.key);
    assert_eq!(door.nginx("/known/x", &known).await.status, 204);
    assert_eq!(door.nginx("/known/x", &[]).await.status, 401);
    let recorded = door.ended().await;
    assert_eq!(recorded.iter().map(|(entry, _)| entry.status).collect::<Vec<_>>(), [Some(401)]);
}
