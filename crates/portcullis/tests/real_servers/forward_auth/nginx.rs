//! nginx of Debian, with `nginx.conf` of the book.

use std::process::{Command, Stdio};

use super::site::Site;
use super::{caller, example, replaced};
use crate::support::{Program, free_port, wait_for};

fn start(site: &Site) -> (Program, u16) {
    let port = free_port();
    let text = replaced(&example("nginx.conf"), "listen 80;", &format!("listen {port};"));
    let text = replaced(&text, "127.0.0.1:8082", &format!("127.0.0.1:{}", site.door));
    let text = replaced(&text, "127.0.0.1:3000", &site.application.address.to_string());
    let file = site.path().join("nginx.conf");
    std::fs::write(&file, text).unwrap();
    // One process, which ends when it is killed; a master's workers would stay.
    let process =
        format!("daemon off; master_process off; pid {}/nginx.pid; error_log stderr;", site.path().display());
    // Debian puts it where not everyone's PATH leads.
    let program = if std::path::Path::new("/usr/sbin/nginx").exists() { "/usr/sbin/nginx" } else { "nginx" };
    let server = Command::new(program)
        .args(["-e", "stderr", "-g", &process, "-c"])
        .arg(&file)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let server = Program(server);
    wait_for(([127, 0, 0, 1], port).into());
    (server, port)
}

#[test]
fn nginx_with_the_books_configuration() {
    let site = Site::start();
    let (_server, port) = start(&site);
    caller::sees_what_it_should(&site, port);
}

#[test]
fn nginx_without_portcullis_lets_nobody_in() {
    let site = Site::start();
    let (_server, port) = start(&site);
    caller::fails_closed(site, port);
}
