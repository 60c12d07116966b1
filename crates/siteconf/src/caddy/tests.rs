use crate::testing::{Folder, top};

fn cause(body: &str, request: &str) -> String {
    let text = format!(
        "{{\n\tadmin off\n}}\n(shut) {{\n\trespond {{args[0]}} 403\n}}\nhttp://127.0.0.1:8080, http://shop.test:8080 {{\n{body}\n}}\n"
    );
    let folder = Folder::new(&[("caddy/Caddyfile", &text)]);
    top(&folder.ask(&["caddy/Caddyfile"], request, &[]))
}

#[test]
fn directives_are_sorted_and_matched_as_caddy_does() {
    let cases = [
        ("@x path /a/* *.sql\nrespond @x 403\nrespond ok", "GET /a/b", "caddy.respond"),
        ("@x path /a/* *.sql\nrespond @x 403\nrespond ok", "GET /b", ""),
        ("respond /a* \"no\" 403", "GET /a", "caddy.respond"),
        ("@out not remote_ip 10.0.0.0/8\nrespond @out 403", "GET /", "caddy.remote_ip"),
        ("@in remote_ip 127.0.0.0/8\nhandle @in {\nrespond ok\n}\nhandle {\nrespond 403\n}", "GET /", ""),
        (
            "@in remote_ip 10.0.0.0/8\nhandle @in {\nrespond ok\n}\nhandle {\nrespond 403\n}",
            "GET /",
            "caddy.remote_ip",
        ),
        ("import shut /s/*", "GET /s/x", "caddy.respond"),
        ("handle_path /api/* {\nrespond /x 403\n}", "GET /api/x", "caddy.respond"),
        ("route {\nrespond ok\nrespond 403\n}", "GET /", ""),
        ("error /e \"no\" 403", "GET /e", "caddy.respond"),
        ("forward_auth 127.0.0.1:9 {\nuri /v\n}\nrespond ok", "GET /", "caddy.forward_auth?"),
    ];
    for (body, request, wanted) in cases {
        assert_eq!(cause(body, request), wanted, "{request} with {body}");
    }
}
