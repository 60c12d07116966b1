//! Portcullis in front of a service that is not ours, asked by clients that are not ours.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "that is how tests fail")]

mod clients;
mod doctor;
mod forward_auth;
mod gate;
mod loads;
#[path = "../support/mod.rs"]
mod support;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use support::{Program, free_port, header, portcullis, run, start_until, stderr, stdout, wait_for};

struct Site {
    folder: tempfile::TempDir,
    port: u16,
    _origin: Program,
    _gate: Program,
}

/// `init` and `run` before `python3 -m http.server`, as the README says.
fn site() -> Site {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("files");
    std::fs::create_dir(&files).unwrap();
    std::fs::write(files.join("secret.txt"), "the files of somebody else's server\n").unwrap();
    let origin_port = free_port();
    let origin = Command::new("python3")
        .args(["-m", "http.server", "--bind", "127.0.0.1", &origin_port.to_string()])
        .current_dir(&files)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let origin = Program(origin);
    wait_for(([127, 0, 0, 1], origin_port).into());

    let gate = folder.path().join("gate");
    let upstream = format!("http://127.0.0.1:{origin_port}");
    let made = run(folder.path(), &["init", "gate", "--upstream", &upstream, "--host", "localhost"]);
    assert!(made.status.success(), "{}", stderr(&made));
    let port = free_port();
    let file = gate.join("portcullis.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let text = text.replace("127.0.0.1:8080", &format!("127.0.0.1:{port}"));
    std::fs::write(&file, text.replace("127.0.0.1:8081", &format!("127.0.0.1:{}", free_port()))).unwrap();
    let running = Program(portcullis(&gate).arg("run").stderr(Stdio::null()).spawn().unwrap());
    wait_for(([127, 0, 0, 1], port).into());
    Site { folder, port, _origin: origin, _gate: running }
}

fn curl(arguments: &[&str]) -> String {
    let output =
        Command::new("curl").args(["-sS", "-i", "--max-time", "20"]).args(arguments).output().unwrap();
    assert!(output.status.success(), "curl {arguments:?}: {}", stderr(&output));
    stdout(&output)
}

#[test]
fn init_and_run_protect_a_foreign_service() {
    let site = site();
    let gate = site.folder.path().join("gate");
    let url = format!("http://localhost:{}/secret.txt", site.port);

    let unknown = curl(&[&url]);
    assert!(unknown.starts_with("HTTP/1.1 401"), "{unknown}");
    assert!(header(&unknown, "WWW-Authenticate").is_some(), "{unknown}");
    assert!(!unknown.contains("somebody else's"), "{unknown}");

    let key = stdout(&run(&gate, &["key", "create", "robot"])).trim().to_owned();
    let with_key = format!("X-API-Key: {key}");
    // A running gate takes up a new key within about a second; a slow machine may take longer.
    let started = Instant::now();
    let mut allowed = curl(&["-H", &with_key, &url]);
    while !allowed.starts_with("HTTP/1.1 200") && started.elapsed() < Duration::from_secs(20) {
        allowed = curl(&["-H", &with_key, &url]);
    }
    assert!(allowed.starts_with("HTTP/1.1 200") && allowed.contains("somebody else's"), "{allowed}");

    let reference = header(&unknown, "X-Portcullis-Ref").unwrap();
    let why = run(&gate, &["why", reference]);
    assert!(why.status.success(), "{}", stderr(&why));
    assert!(stdout(&why).contains("401"), "{}", stdout(&why));
}

#[test]
fn a_browser_sees_a_page_with_its_reference() {
    let site = site();
    let page = dump(site.folder.path(), &format!("http://localhost:{}/secret.txt", site.port));
    assert!(page.contains("<html lang=\"en\"") && page.contains("<main"), "{page}");
    assert!(!page.contains("<script"), "works without scripts: {page}");
    assert!(!page.contains("somebody else's"), "{page}");
}

/// The document as headless Chromium has it.
fn dump(folder: &Path, url: &str) -> String {
    let output = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .arg(format!("--user-data-dir={}", folder.join("browser").display()))
        .args(["--timeout=20000", "--dump-dom", url])
        .stderr(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success());
    stdout(&output)
}

#[test]
fn the_printed_tour_works_with_curl() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = portcullis(folder.path());
    command.args(["demo", "--port", "0"]);
    let (_demo, printed) = start_until(command, |line| line.starts_with("Ctrl-C"));
    let lines: Vec<_> = printed.lines().filter(|line| line.starts_with("curl -i")).collect();
    assert!(lines.len() >= 15, "{printed}");
    let mut statuses = Vec::new();
    for line in lines {
        let output = Command::new("sh").args(["-c", &format!("{line} -sS --max-time 20")]).output().unwrap();
        let answer = stdout(&output);
        statuses.push(answer.split(' ').nth(1).unwrap_or("none").to_owned());
    }
    for status in ["200", "400", "401", "403", "404", "451", "503"] {
        assert!(statuses.iter().any(|there| there == status), "no {status} among {statuses:?}");
    }
}
