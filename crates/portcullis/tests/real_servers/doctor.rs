//! `doctor` at nginx servers of this machine: a wrong file mode behind a proxy, a name with several addresses, TLS and
//! HTTP/2.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{Program, free_port, run, stderr, stdout, wait_for};

/// An nginx with a master, so that its workers are another user's. It ends by a signal, which takes the workers along.
struct Nginx(Program);

impl Nginx {
    /// `@@` in the configuration stands for the folder.
    fn start(folder: &Path, name: &str, configuration: &str, port: u16) -> Self {
        let here = folder.display().to_string();
        let text = format!(
            "user www-data;\npid @@/{name}.pid;\nerror_log @@/log/{name}-error.log;\nevents {{}}\n\
             http {{\naccess_log @@/log/{name}-access.log;\n{configuration}\n}}\n"
        );
        let file = folder.join(format!("{name}.conf"));
        std::fs::write(&file, text.replace("@@", &here)).unwrap();
        let program = if Path::new("/usr/sbin/nginx").exists() { "/usr/sbin/nginx" } else { "nginx" };
        let server = Command::new(program)
            .args(["-e", "stderr", "-g", "daemon off;", "-c"])
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self(Program(server));
        wait_for(([127, 0, 0, 1], port).into());
        server
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        Command::new("kill").args(["-TERM", &self.0.0.id().to_string()]).status().ok();
        self.0.0.wait().ok();
    }
}

/// A folder that the workers may enter, with a page and room for logs.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    for name in ["log", "www", "www/reports"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
    }
    std::fs::write(folder.path().join("www/reports/q3.txt"), "the figures\n").unwrap();
    folder
}

fn doctor(folder: &Path, arguments: &[&str]) -> Value {
    let output = run(folder, &[&["doctor", "--json"], arguments].concat());
    serde_json::from_str(&stdout(&output)).unwrap_or_else(|fault| panic!("{fault}: {}", stderr(&output)))
}

fn curl(arguments: &[&str]) -> String {
    let output = Command::new("curl").args(["-s", "--max-time", "20"]).args(arguments).output().unwrap();
    stdout(&output)
}

/// One command, and the line that it proposes first is run as it stands: then the file is served.
#[test]
fn a_wrong_file_mode_behind_a_proxy_is_mended_by_the_line_that_is_proposed() {
    let folder = folder();
    let (front, back) = (free_port(), free_port());
    let site = format!("server {{ listen 127.0.0.1:{back}; server_name shop.test; root @@/www; }}");
    let proxy = format!(
        "server {{ listen 127.0.0.1:{front}; server_name shop.test;\n\
         location / {{ proxy_pass http://127.0.0.1:{back}; proxy_set_header Host $host; }} }}"
    );
    let _site = Nginx::start(folder.path(), "site", &site, back);
    let _proxy = Nginx::start(folder.path(), "proxy", &proxy, front);
    let url = format!("http://127.0.0.1:{front}/reports/q3.txt");
    assert_eq!(curl(&["-H", "Host: shop.test", &url]), "the figures\n");

    let file = folder.path().join("www/reports/q3.txt");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let report = doctor(
        folder.path(),
        &["-H", "Host: shop.test", &url, "--local", "proxy.conf", "--local", "site.conf"],
    );
    assert_eq!(report["verdict"], "diagnosed", "{report:#}");
    assert_eq!(report["answered_by"]["layer"], "nginx");
    assert_eq!(report["causes"][0]["id"], "nginx.fs-permission", "{report:#}");
    let line = report["causes"][0]["fix"][0].as_str().unwrap();
    assert_eq!(line, format!("chmod o+r {}", file.display()));
    assert!(Command::new("sh").args(["-c", line]).status().unwrap().success());
    assert_eq!(curl(&["-H", "Host: shop.test", &url]), "the figures\n");
}

/// The same name leads to a server that refuses and to two that do not; over TLS, by both versions of HTTP.
#[test]
fn each_address_of_a_name_is_asked_over_tls() {
    let folder = folder();
    let certified = rcgen::generate_simple_self_signed(["shop.test".to_owned()]).unwrap();
    std::fs::write(folder.path().join("cert.pem"), certified.cert.pem()).unwrap();
    std::fs::write(folder.path().join("key.pem"), certified.signing_key.serialize_pem()).unwrap();
    let port = free_port();
    let servers = format!(
        "ssl_certificate @@/cert.pem;\nssl_certificate_key @@/key.pem;\nroot @@/www;\n\
         server {{ listen 127.0.0.1:{port} ssl http2; location / {{ deny all; }} }}\n\
         server {{ listen 127.0.0.2:{port} ssl http2; listen [::1]:{port} ssl http2; }}"
    );
    let _servers = Nginx::start(folder.path(), "servers", &servers, port);
    let url = format!("https://shop.test:{port}/reports/q3.txt");
    let resolve = format!("shop.test:{port}:127.0.0.1,127.0.0.2,[::1]");

    let unverified = doctor(folder.path(), &["--resolve", &resolve, &url]);
    assert_eq!(unverified["verdict"], "unreachable", "{unverified:#}");
    assert!(unverified["message"].as_str().unwrap().contains("`-k`"), "{unverified:#}");

    for (version, shown) in [("--http2", "HTTP/2 403"), ("--http1.1", "HTTP/1.1 403")] {
        let report = doctor(folder.path(), &[version, "-k", "--resolve", &resolve, &url]);
        assert!(report["answer"].as_str().unwrap().starts_with(shown), "{report:#}");
        let told = |probe: &str| {
            let probes = report["probes"].as_array().unwrap();
            let sent = probes.iter().find(|sent| sent["probe"] == probe);
            sent.unwrap_or_else(|| panic!("no `{probe}`: {report:#}"))["told"].clone()
        };
        assert_eq!((told("at 127.0.0.2"), told("at ::1")), ("let through".into(), "let through".into()));
        assert!(report["notes"].to_string().contains("was not verified"), "{report:#}");
    }
    let six = doctor(folder.path(), &["-6", "-k", "--resolve", &resolve, &url]);
    assert_eq!(six["verdict"], "not-refused", "{six:#}");
}

/// The refusing server is the IPv4 one alone.
#[test]
fn two_families_that_are_answered_differently() {
    let folder = folder();
    let port = free_port();
    let servers = format!(
        "root @@/www;\nserver {{ listen 127.0.0.1:{port}; listen [::1]:{port};\n\
         location / {{ allow ::1; deny all; }} }}"
    );
    let _servers = Nginx::start(folder.path(), "servers", &servers, port);
    let resolve = format!("shop.test:{port}:127.0.0.1,[::1]");
    let url = format!("http://shop.test:{port}/reports/q3.txt");
    let report = doctor(folder.path(), &["--resolve", &resolve, &url]);
    assert_eq!(report["causes"][0]["id"], "network.ipv6-differs", "{report:#}");
}
