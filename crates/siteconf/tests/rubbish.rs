//! Whatever is given as configuration, reading ends with a report.

use std::path::PathBuf;

use portcullis_siteconf::{Asked, read};
use proptest::prelude::*;

/// Where a root lies says which reader gets it.
const ROOTS: [&str; 9] = [
    "nginx/nginx.conf",
    "apache2/apache2.conf",
    "haproxy/haproxy.cfg",
    "varnish/default.vcl",
    "caddy/Caddyfile",
    "lighttpd/lighttpd.conf",
    "envoy/envoy.yaml",
    "squid/squid.conf",
    "php-fpm/php-fpm.conf",
];

/// Pieces of all grammars, so that the rubbish gets past the first line.
const PIECES: &[&str] = &[
    "http {",
    "server {",
    "location ~ (",
    "location /a {",
    "listen 8080;",
    "return 403;",
    "if ($x = \"",
    "map $a $b {",
    "~*x 1;",
    "geo $g {",
    "set $x \"$x$x\";",
    "rewrite ^(.*)$ $1 last;",
    "try_files $uri $uri/ @x;",
    "include *;",
    "allow 1.2.3.4/99;",
    "deny all;",
    "}",
    "{",
    ";",
    "\"",
    "'",
    "\\",
    "<Directory />",
    "</Directory>",
    "<If \"",
    "<Location ~ \"(\">",
    "Require not ip",
    "RequireAll",
    "RewriteEngine on",
    "RewriteCond %{X} !(",
    "RewriteRule ( [F,",
    "SetEnvIf a ( b",
    "LoadModule a_module b.so",
    "Listen 8080",
    "<VirtualHost *:8080>",
    "Order allow,deny",
    "Define x ${x}",
    "${x}",
    "frontend f",
    "bind :8080",
    "acl a src",
    "http-request deny if { a",
    "use_backend b if !",
    "backend f",
    "server s :1",
    "vcl 4.1;",
    "sub vcl_recv {",
    "if (!(req.url ~ \"(\")) {",
    "return (synth(403));",
    "call vcl_recv;",
    "acl x { \"1\"/",
    "set req.url = req.url req.url;",
    "@a path /*",
    "respond @a 403",
    "handle {",
    "import x",
    "(x) {",
    "{args[0]}",
    "http://:8080 {",
    "$HTTP[\"url\"] =~ \"(\" {",
    "else",
    "url.access-deny = (",
    "server.port = 8080",
    "var.a = var.a + var.a",
    "include \"lighttpd.conf\"",
    "static_resources: {listeners: [",
    "a: &a [*a]",
    "- ",
    ": ",
    "]",
    "http_port 8080",
    "http_access deny a",
    "acl a port 1-",
    "[www]",
    "listen = 8080",
    "pm = static",
    "\n",
    " ",
    "\t",
    "\r\n",
    "\u{0}",
    "é",
    "%%%",
    "#",
];

fn rubbish() -> impl Strategy<Value = String> {
    let piece = prop_oneof![4 => prop::sample::select(PIECES).prop_map(str::to_owned), 1 => any::<String>()];
    (prop::collection::vec(piece, 0..60), prop::sample::select(&["\n", " ", ""][..]))
        .prop_map(|(pieces, gap)| pieces.concat_with(gap))
}

trait Concat {
    fn concat_with(&self, gap: &str) -> String;
}

impl Concat for Vec<String> {
    fn concat_with(&self, gap: &str) -> String {
        self.join(gap)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn reading_always_ends(text in rubbish(), which in 0..ROOTS.len(), target in "/[a-z%./?=&]{0,20}", log in rubbish()) {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join(ROOTS[which]);
        std::fs::create_dir_all(root.parent().expect("a parent")).expect("folders");
        std::fs::write(&root, &text).expect("a root");
        std::fs::create_dir_all(folder.path().join("log")).expect("folders");
        std::fs::write(folder.path().join("log/haproxy.log"), &log).expect("a log");
        let asked = Asked {
            method: "GET".to_owned(),
            scheme: "http".to_owned(),
            host: "127.0.0.1".to_owned(),
            port: 8080,
            target,
            status: Some(403),
            ..Asked::default()
        };
        let report = read(&[root, PathBuf::from("/nowhere/at/all")], &asked);
        prop_assert!(!report.faults.is_empty());
    }
}
