//! Caddy of Debian, with the `Caddyfile` of the book.

use std::process::{Command, Stdio};

use super::site::Site;
use super::{caller, example, replaced};
use crate::support::{Program, free_port, wait_for};

fn start(site: &Site) -> (Program, u16) {
    let port = free_port();
    let text = replaced(&example("Caddyfile"), ":80 {", &format!(":{port} {{"));
    let text = replaced(&text, "127.0.0.1:8082", &format!("127.0.0.1:{}", site.door));
    let text = replaced(&text, "127.0.0.1:3000", &site.application.address.to_string());
    let file = site.path().join("Caddyfile");
    std::fs::write(&file, text).unwrap();
    let server = Command::new("caddy")
        .args(["run", "--adapter", "caddyfile", "--config"])
        .arg(&file)
        .envs(["HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"].map(|name| (name, site.path())))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let server = Program(server);
    wait_for(([127, 0, 0, 1], port).into());
    (server, port)
}

#[test]
fn caddy_with_the_books_configuration() {
    let site = Site::start();
    let (_server, port) = start(&site);
    caller::sees_what_it_should(&site, port);
    // Caddy hands on names that other servers fold; nginx drops them itself.
    let key = format!("X-API-Key: {}", site.key);
    let folded = caller::curl(port, "/known/x", &[&key, "X_Portcullis_User: root"], &[]);
    assert!(folded.starts_with("HTTP/1.1 400"), "{folded}");
}

#[test]
fn caddy_without_portcullis_lets_nobody_in() {
    let site = Site::start();
    let (_server, port) = start(&site);
    caller::fails_closed(site, port);
}
