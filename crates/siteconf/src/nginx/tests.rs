use crate::testing::{Folder, top};
use crate::{Place, Strength};

/// A configuration whose only server has these lines.
fn server(lines: &str) -> Folder {
    with_http("", lines)
}

fn with_http(http: &str, lines: &str) -> Folder {
    let conf = format!(
        "user nobody;\nevents {{}}\nhttp {{\n{http}\nserver {{\nlisten 127.0.0.1:8080;\nserver_name shop.example.test;\n\
         root @@/www;\nindex index.html;\n{lines}\n}}\n}}\n"
    );
    Folder::new(&[("nginx/nginx.conf", &conf), ("www/index.html", "home"), ("www/a/b.html", "b")])
}

fn cause(folder: &Folder, request: &str, headers: &[(&str, &str)]) -> String {
    top(&folder.ask(&["nginx/nginx.conf"], request, headers))
}

#[test]
fn the_cause_follows_from_what_the_configuration_means() {
    let own = [("Host", "shop.example.test")];
    let cases: &[(&str, &str, &str)] = &[
        ("location /a/ { allow 10.0.0.0/8; deny all; }", "GET /a/b.html", "nginx.deny-rule"),
        ("deny all; location /a/ { allow all; }", "GET /a/b.html", ""),
        ("location /a/ { allow 127.0.0.0/8; deny all; }", "GET /a/b.html", ""),
        ("location ~ /\\. { deny all; }", "GET /.well-known/x", "nginx.dotfile-rule"),
        ("location ^~ /.well-known/ { } location ~ /\\. { deny all; }", "GET /.well-known/x", ""),
        ("location /a { return 403; } location ~ html$ { }", "GET /a/b.html", ""),
        ("location ^~ /a { return 403; } location ~ html$ { }", "GET /a/b.html", "nginx.return-403"),
        ("location = /a/b.html { } location /a { return 403; }", "GET /a/b.html", ""),
        ("location /a { location ~ html$ { return 403; } }", "GET /a/b.html", "nginx.return-403"),
        ("location /a/ { limit_except GET { deny all; } }", "POST /a/b.html", "nginx.limit_except"),
        ("if ($request_method !~ ^(GET|HEAD)$) { return 403; }", "POST /", "nginx.method-if"),
        ("if ($http_user_agent ~* curl) { return 403; }", "GET /", "nginx.ua-block"),
        ("if ($server_protocol != HTTP/2.0) { return 403; }", "GET /", "nginx.http-version"),
        ("if ($http_x_key = \"\") { return 403; }", "GET /", "nginx.missing-header-rule"),
        ("if ($args ~ union) { return 403; }", "GET /?q=union", "nginx.request-filter"),
        ("location /a/ { }", "GET /a/", "nginx.no-index-autoindex-off"),
        ("location /a/ { autoindex on; }", "GET /a/", ""),
        (
            "location /old/ { rewrite ^/old/(.*)$ /a/$1 last; } location /a/ { deny all; }",
            "GET /old/b.html",
            "nginx.deny-rule",
        ),
        ("location / { try_files $uri /a/; }", "GET /none", "nginx.no-index-autoindex-off"),
        ("auth_basic x; location /a/ { satisfy any; deny all; }", "GET /a/b.html", ""),
        ("return 444;", "GET /", ""),
    ];
    for (lines, request, wanted) in cases {
        assert_eq!(cause(&server(lines), request, &own), *wanted, "{request} with {lines}");
    }
}

#[test]
fn values_keep_their_origin_through_maps_and_sets() {
    let cases = [
        ("geo $bad { default 0; 127.0.0.0/8 1; }", "if ($bad) { return 403; }", "nginx.geo-or-map-block"),
        ("geo $bad { default 0; 127.0.0.0/8 1; 127.0.0.1 0; }", "if ($bad) { return 403; }", ""),
        (
            "map $http_user_agent $bad { default 0; ~*CURL 1; }",
            "set $x a; if ($bad) { set $x b; } if ($x = b) { return 403; }",
            "nginx.ua-block",
        ),
        (
            "map $request_uri $u { default ''; ~^/ 1; } map $http_referer $r { default ''; }",
            "set $both \"$u$r\"; if ($both) { return 403; }",
            "nginx.request-filter",
        ),
    ];
    for (http, lines, wanted) in cases {
        assert_eq!(cause(&with_http(http, lines), "GET /", &[]), wanted, "{http} {lines}");
    }
}

#[test]
fn a_name_that_nobody_has_falls_to_the_default_server() {
    let folder = Folder::new(&[(
        "nginx/nginx.conf",
        "http { server { listen 8080; server_name a.test *.b.test; return 200 x; }\n\
         server { listen 8080 default_server; server_name _; return 403; } }",
    )]);
    for (host, wanted) in [("a.test", ""), ("x.b.test", ""), ("c.test", "nginx.default-vhost")] {
        assert_eq!(cause(&folder, "GET /", &[("Host", host)]), wanted, "{host}");
    }
}

#[test]
fn a_mode_in_the_way_is_named_with_its_chmod() {
    let folder = server("");
    folder.mode("www/a/b.html", 0o600);
    let report = folder.ask(&["nginx/nginx.conf"], "GET /a/b.html", &[]);
    assert_eq!(top(&report), "nginx.fs-permission");
    let file = folder.path("www/a/b.html");
    assert_eq!(report.clues[0].fix[0], format!("chmod o+r {}", file.display()));
    folder.mode("www/a/b.html", 0o644);
    folder.mode("www/a", 0o700);
    let report = folder.ask(&["nginx/nginx.conf"], "GET /a/b.html", &[]);
    assert_eq!(top(&report), "nginx.fs-parent-dir-execute-bit");
    folder.mode("www/a", 0o755);
}

#[test]
fn the_error_log_has_the_last_word() {
    let folder = server(
        "error_log @@/log/error.log; limit_req zone=z; limit_req_status 403;\nif ($http_x_key = y) { return 403; }",
    );
    let line = |what: &str| {
        format!(
            "2026/11/27 09:55:34 [error] 7#7: *1 {what}, client: 127.0.0.1, server: shop, request: \"GET /a/b.html HTTP/1.1\", host: \"x\"\n"
        )
    };
    folder.write("log/error.log", &line("limiting requests, excess: 1.000 by zone \"z\""));
    let report = folder.ask(&["nginx/nginx.conf"], "GET /a/b.html", &[]);
    assert_eq!(top(&report), "nginx.limit_req_status-403");
    assert!(report.clues[0].quote.as_deref().is_some_and(|quote| quote.contains("limiting requests")));
    folder.write("log/error.log", &line("access forbidden by rule"));
    assert_eq!(cause(&folder, "GET /a/b.html", &[]), "nginx.deny-rule");
    // Of another request nothing is believed.
    assert_eq!(cause(&folder, "GET /", &[]), "nginx.limit_req_status-403?");
}

#[test]
fn a_signed_link_is_checked_and_its_time_read() {
    let folder = server(
        "location /dl/ { secure_link $arg_md5,$arg_expires; secure_link_md5 \"$secure_link_expires$uri s3cr3t\";\n\
         if ($secure_link = \"\") { return 403; } if ($secure_link = \"0\") { return 403; } }",
    );
    let expired = "GET /dl/setup.bin?md5=hJLFg5oDDrRwuIggq7V3-Q&expires=1700000000";
    assert_eq!(cause(&folder, expired, &[]), "nginx.secure_link-expired");
    let forged = "GET /dl/setup.bin?md5=hJLFg5oDDrRwuIggq7V3-A&expires=4102444800";
    assert_eq!(cause(&folder, forged, &[]), "nginx.secure_link");
    let right = "GET /dl/setup.bin?md5=IF3thn1aa4Rs2NhutU-zzg&expires=4102444800";
    assert_eq!(cause(&folder, right, &[]), "");
}

#[test]
fn a_proxy_is_followed_to_the_server_that_decides() {
    let folder = Folder::new(&[
        (
            "nginx/nginx.conf",
            "http { upstream app { server 127.0.0.1:9090; } server { listen 8080; location / { proxy_pass http://app; proxy_set_header Host $host; } } }",
        ),
        (
            "apache2/apache2.conf",
            "Listen 9090\n<VirtualHost *:9090>\nServerName x\nDocumentRoot @@/www\n<Location /console>\nRequire ip 10.0.0.0/8\n</Location>\n</VirtualHost>\n",
        ),
    ]);
    let report = folder.ask(&["nginx/nginx.conf", "apache2/apache2.conf"], "GET /console/", &[]);
    assert_eq!(top(&report), "apache.require-denied");
    assert_eq!(report.clues[0].layer, "apache");
    let place = Place { file: folder.path("apache2/apache2.conf"), line: 6 };
    assert_eq!(report.clues[0].place, Some(place));
    assert_eq!(report.servers.len(), 2);
}

#[test]
fn broken_configurations_are_faults_with_places() {
    let folder = Folder::new(&[
        (
            "nginx/nginx.conf",
            "http {\ninclude loop.conf;\ninclude missing.conf;\nserver { listen 8080; return 403; }\n",
        ),
        ("nginx/loop.conf", "include loop.conf;\n"),
    ]);
    let report = folder.ask(&["nginx/nginx.conf"], "GET /", &[]);
    let said: Vec<String> =
        report.faults.iter().map(|fault| format!("{}: {}", fault.place.line, fault.said)).collect();
    assert!(said.iter().any(|text| text.starts_with("1: ") && text.contains("includes itself")), "{said:?}");
    assert!(said.iter().any(|text| text.starts_with("3: ") && text.contains("missing.conf")), "{said:?}");
    assert!(said.iter().any(|text| text.contains("not closed")), "{said:?}");
    assert_eq!(top(&report), "nginx.return-403");
}

#[test]
fn what_cannot_be_known_is_not_decisive() {
    let folder = server("if ($upstream_http_x) { return 403; }");
    let report = folder.ask(&["nginx/nginx.conf"], "GET /", &[]);
    assert_eq!(report.clues[0].strength, Strength::Strong);
}

/// Several servers share a log, and all are asked for the same paths: what another one wrote is not ours.
#[test]
fn lines_of_another_server_say_nothing() {
    let other = "error_log @@/log/error.log;\nserver { listen 127.0.0.1:8081; }\n\
                 server { listen 127.0.0.1:8080; server_name .other.test; }";
    let folder = with_http(other, "");
    let line = |name: &str| {
        format!(
            "2026/11/27 10:00:00 [error] 1#1: *1 access forbidden by rule, client: 127.0.0.1, server: {name}, request: \"GET /a/b.html HTTP/1.1\", host: \"x\"\n"
        )
    };
    let own = [("Host", "shop.example.test")];
    folder.write("log/error.log", &(line("") + &line("other.test")));
    assert_eq!(cause(&folder, "GET /a/b.html", &own), "");
    folder.write("log/error.log", &(line("shop.example.test") + &line("other.test")));
    assert_eq!(cause(&folder, "GET /a/b.html", &own), "nginx.deny-rule");
}
