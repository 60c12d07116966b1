use super::*;

fn admin(ready: bool) -> Admin {
    Admin {
        token: AdminToken::new(b"operators-only"),
        hosts: vec![Host::parse("gate.example").unwrap()],
        log_folder: tempfile::tempdir().unwrap().keep(),
        readiness: Box::new(move || Readiness {
            ready,
            snapshot: "abc".to_owned(),
            last_reload_fault: None,
            shadow_fault: None,
            issuers: Vec::new(),
            log_fault: None,
            records_missed: 0,
        }),
        explain: Box::new(|_| portcullis_record::why::Beside::default()),
    }
}

fn ask(admin: &Admin, method: &str, path: &str, headers: &[(&str, &str)]) -> Response<Bytes> {
    let mut request = http::Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    admin.answer(&request.body(()).unwrap().into_parts().0, [192, 0, 2, 7].into())
}

const HOST: (&str, &str) = ("host", "127.0.0.1:8081");
const TOKEN: (&str, &str) = ("authorization", "Bearer operators-only");
const UNKNOWN: &str = "/decisions/01890a5d-ac96-774b-bcce-b302099a8057";

#[test]
fn health_and_readiness_need_no_token() {
    assert_eq!(ask(&admin(true), "GET", "/healthz", &[HOST]).status(), 200);
    assert_eq!(ask(&admin(true), "GET", "/readyz", &[HOST]).status(), 200);
    assert_eq!(ask(&admin(false), "GET", "/readyz", &[HOST]).status(), 503);
}

#[test]
fn everything_else_needs_exactly_the_token() {
    let admin = admin(true);
    for wrong in [
        vec![HOST],
        vec![HOST, ("authorization", "Bearer operators-onlY")],
        vec![HOST, ("authorization", "Bearer operators-only ")],
        vec![HOST, ("authorization", "Basic operators-only")],
        vec![HOST, ("authorization", "Bearer ")],
        vec![HOST, TOKEN, TOKEN],
        vec![HOST, ("authorization", "Bearer eyJhbGciOiJFUzI1NiJ9.e30.AA")],
    ] {
        let refused = ask(&admin, "GET", UNKNOWN, &wrong);
        assert_eq!(refused.status(), 401, "{wrong:?}");
        assert!(refused.headers().contains_key(header::WWW_AUTHENTICATE));
        assert_eq!(ask(&admin, "GET", "/nothing", &wrong).status(), 401, "paths are not told apart before");
    }
    assert_eq!(ask(&admin, "GET", UNKNOWN, &[HOST, TOKEN]).status(), 404);
}

#[test]
fn only_loopback_and_configured_names_are_answered() {
    let admin = admin(true);
    for host in ["localhost", "127.0.0.1:8081", "127.0.0.2", "[::1]:8081", "gate.example", "192.0.2.7:8081"] {
        assert_eq!(ask(&admin, "GET", "/healthz", &[("host", host)]).status(), 200, "{host}");
    }
    for host in ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "192.0.2.8", ""] {
        assert_eq!(ask(&admin, "GET", "/healthz", &[("host", host)]).status(), 421, "{host}");
    }
    assert_eq!(ask(&admin, "GET", "/healthz", &[]).status(), 421);
}

#[test]
fn paths_and_methods_are_strict() {
    let admin = admin(true);
    assert_eq!(ask(&admin, "GET", "/decisions/", &[HOST, TOKEN]).status(), 404);
    assert_eq!(ask(&admin, "GET", "/decisions/a/b/why", &[HOST, TOKEN]).status(), 404);
    assert_eq!(ask(&admin, "GET", "/decisions/not-a-reference", &[HOST, TOKEN]).status(), 400);
    let wrong = ask(&admin, "DELETE", UNKNOWN, &[HOST, TOKEN]);
    assert_eq!(wrong.status(), 405);
    assert_eq!(wrong.headers()[header::ALLOW], "GET, HEAD");
    assert_eq!(wrong.headers()[header::CACHE_CONTROL], "no-store");
}
