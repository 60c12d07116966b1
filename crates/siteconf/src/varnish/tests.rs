use crate::testing::{Folder, top};

fn cause(vcl: &str, request: &str, headers: &[(&str, &str)]) -> String {
    let text = format!(
        "vcl 4.1;\nbackend b {{ .host = \"127.0.0.1\"; .port = \"9\"; }}\nacl in {{ \"10.0.0.0\"/8; ! \"10.0.0.1\"; \"localhost\"; }}\n{vcl}"
    );
    let folder = Folder::new(&[("varnish/default.vcl", &text)]);
    top(&folder.ask(&["varnish/default.vcl"], request, headers))
}

#[test]
fn vcl_is_run_for_the_request() {
    let recv = |body: &str| format!("sub vcl_recv {{ {body} }}");
    let cases: Vec<(String, &str, &str)> = vec![
        (recv("if (req.url ~ \"^/adm\") { return (synth(403, \"no\")); }"), "GET /adm", "varnish.synth-403"),
        (recv("if (req.url ~ \"^/adm\") { return (synth(403, \"no\")); }"), "GET /x", "app.unspecified?"),
        (
            recv(
                "if (req.method == \"PURGE\") { if (client.ip !~ in) { return (synth(405)); } return (synth(403)); }",
            ),
            "PURGE /x",
            "varnish.purge-acl",
        ),
        (
            recv("if (!(client.ip ~ in) && req.url == \"/\") { return (synth(403)); }"),
            "GET /",
            "app.unspecified?",
        ),
        (
            recv("set req.http.X = \"a\" + req.method; if (req.http.X == \"aGET\") { return (synth(403)); }"),
            "GET /",
            "varnish.synth-403",
        ),
        (
            recv("if (false) { } elsif (req.http.Host ~ \"127\") { call no; }")
                + " sub no { return (synth(700)); } sub vcl_synth { if (resp.status == 700) { set resp.status = 403; } }",
            "GET /",
            "varnish.synth-403",
        ),
        (
            recv("return (pass);") + "sub vcl_backend_response { set beresp.ttl = 5m; }",
            "GET /",
            "cache.stale-403?",
        ),
    ];
    for (vcl, request, wanted) in cases {
        assert_eq!(cause(&vcl, request, &[]), wanted, "{request} with {vcl}");
    }
}
