//! Configuration of other people's servers. The first byte chooses which server it is of; the rest is its configuration.
//!
//! Holds for every input: reading ends with a report, the same twice, strongest clues first, each for a cause that has a name.

use std::path::Path;

use portcullis_siteconf::{Asked, read};

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

/// What must hold.
pub fn check(input: &[u8]) {
    let Some((first, configuration)) = input.split_first() else { return };
    let Some(root) = ROOTS.get(usize::from(*first) % ROOTS.len()) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(root);
    std::fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).expect("a folder");
    std::fs::write(&path, configuration).expect("written");
    let asked = Asked {
        method: "GET".to_owned(),
        scheme: "http".to_owned(),
        host: "shop.test".to_owned(),
        port: 8080,
        target: "/a/b.php?c=d".to_owned(),
        status: Some(403),
        ..Asked::default()
    };
    let roots = [path];
    let report = read(&roots, &asked);
    let told = |report: &portcullis_siteconf::SiteReport| {
        report.clues.iter().map(|clue| (clue.cause.clone(), clue.strength)).collect::<Vec<_>>()
    };
    assert_eq!(told(&report), told(&read(&roots, &asked)), "read in two ways");
    for clue in &report.clues {
        assert!(clue.cause.contains('.') && !clue.said.is_empty(), "{clue:?}");
    }
}
