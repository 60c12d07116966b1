use crate::testing::{Folder, top};

fn cause(front: &str, back: &str, request: &str, headers: &[(&str, &str)]) -> String {
    let conf = format!(
        "defaults\n  mode http\nfrontend web\n  bind :8080\n{front}\n  default_backend app\nbackend app\n{back}\n  server s1 127.0.0.1:9\nbackend closed\n  http-request deny\n"
    );
    let folder = Folder::new(&[
        ("haproxy/haproxy.cfg", &conf),
        ("haproxy/nets.lst", "# office\n10.0.0.0/8\n"),
        ("haproxy/paths.map", "/x app\n/x/closed closed\n"),
    ]);
    top(&folder.ask(&["haproxy/haproxy.cfg"], request, headers))
}

#[test]
fn conditions_are_evaluated() {
    let cases: &[(&str, &str, &str, &str)] = &[
        ("  http-request deny if { path_beg /adm }", "", "GET /adm/x", "haproxy.http-request-deny"),
        ("  http-request deny if { path_beg /adm }", "", "GET /x", "app.unspecified?"),
        (
            "  acl office src -f @@/haproxy/nets.lst\n  http-request deny unless office",
            "",
            "GET /",
            "haproxy.acl-src",
        ),
        (
            "  acl a path /x\n  acl a path /y\n  http-request deny if a METH_POST or { hdr(x-none) -m found }",
            "",
            "POST /y",
            "haproxy.http-request-deny",
        ),
        ("  http-request deny if { hdr_sub(User-Agent) -i CURL }", "", "GET /", "haproxy.ua-block"),
        ("  http-request deny if { sc_http_req_rate(0) gt 10 }", "", "GET /", "haproxy.rate-deny?"),
        ("  http-request deny deny_status 429 if { path / }", "", "GET /", ""),
        ("", "  http-request deny if !{ src 10.0.0.0/8 }", "GET /", "haproxy.acl-src"),
        ("  http-request allow if { path / }\n  http-request deny", "", "GET /", "app.unspecified?"),
        (
            "  use_backend %[path,map_beg(@@/haproxy/paths.map,app)]",
            "",
            "GET /x/closed/1",
            "haproxy.http-request-deny",
        ),
        ("  use_backend %[path,map_beg(@@/haproxy/paths.map,app)]", "", "GET /x/1", "app.unspecified?"),
        (
            "  http-request deny if { path,map_beg(@@/haproxy/paths.map) closed }",
            "",
            "GET /x/closed/1",
            "haproxy.http-request-deny",
        ),
        (
            "  http-request return status 403 if { method DELETE PUT }",
            "",
            "PUT /",
            "haproxy.http-request-deny",
        ),
    ];
    for (front, back, request, wanted) in cases {
        assert_eq!(cause(front, back, request, &[]), *wanted, "{request} with {front}{back}");
    }
}
