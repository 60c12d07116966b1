//! curl over HTTP/1.1 and HTTP/2, in plain text and over TLS.

use std::process::Command;

use crate::gate::{Gate, origin};
use crate::support::{Program, header, stderr, stdout};

struct Site {
    gate: Gate,
    _origin: Program,
}

fn site() -> Site {
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ])
        .args(["-subj", "/CN=shop.test", "-addext", "subjectAltName=DNS:shop.test,DNS:news.test"])
        .args(["-keyout", "key.pem", "-out", "chain.pem"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", stderr(&made));
    let (origin, port) = origin();
    let configuration = format!(
        "[server.tls]\nlisten = \"127.0.0.1:@PORT_OF_TLS@\"\n\
         [[server.tls.certificate]]\nchain = \"chain.pem\"\nkey = \"key.pem\"\n\
         [[app]]\nname = \"shop\"\nhosts = [\"shop.test\"]\nupstream = \"http://127.0.0.1:{port}\"\n\
         access = \"anyone\"\nhttps_redirect = true\n\
         [[app]]\nname = \"news\"\nhosts = [\"news.test\"]\nupstream = \"http://127.0.0.1:{port}\"\n\
         access = \"anyone\"\n"
    );
    Site { gate: Gate::start_in(folder, &configuration, "exec \"$0\" run"), _origin: origin }
}

impl Site {
    /// The answer with its head to `curl arguments scheme://shop.test:port/target`.
    fn curl(&self, scheme: &str, target: &str, arguments: &[&str]) -> String {
        let output = self.run(scheme, target, arguments);
        assert!(output.status.success(), "curl {arguments:?}: {}", stderr(&output));
        stdout(&output)
    }

    fn run(&self, scheme: &str, target: &str, arguments: &[&str]) -> std::process::Output {
        let port = if scheme == "https" { self.gate.tls.port() } else { self.gate.address.port() };
        Command::new("curl")
            .args(["-sS", "-i", "--max-time", "20", "--resolve", &format!("shop.test:{port}:127.0.0.1")])
            .args(["--resolve", &format!("blog.test:{port}:127.0.0.1")])
            .args(arguments)
            .arg(target.replace("@", &format!("{scheme}://shop.test:{port}")))
            .current_dir(self.gate.folder.path())
            .output()
            .unwrap()
    }
}

/// In which version it is asked, and what the answer then begins with.
const VERSIONS: [(&str, &[&str], &str); 4] = [
    ("http", &["--http1.1"], "HTTP/1.1"),
    ("http", &["--http2-prior-knowledge"], "HTTP/2"),
    ("https", &["--http1.1", "--cacert", "chain.pem"], "HTTP/1.1"),
    ("https", &["--http2", "--cacert", "chain.pem"], "HTTP/2"),
];

#[test]
fn curl_in_every_version() {
    let site = site();
    std::fs::write(site.gate.folder.path().join("upload"), vec![b'u'; 3_000_000]).unwrap();
    for (scheme, arguments, version) in VERSIONS {
        let ask = |target: &str, more: &[&str]| site.curl(scheme, target, &[arguments, more].concat());
        let plain = ask("@/a?b=c", &[]);
        assert!(plain.starts_with(&format!("{version} 200")), "{plain}");
        assert!(plain.ends_with("\r\n\r\nGET /a?b=c 0\n"), "{plain}");
        let sent = ask("@/put", &["-T", "upload"]);
        assert!(sent.ends_with("PUT /put 3000000\n"), "{sent}");
        let streamed = ask("@/put", &["-T", "upload", "-H", "Transfer-Encoding: chunked"]);
        assert!(streamed.ends_with("PUT /put 3000000\n"), "without a length known before: {streamed}");
        let large = ask("@/large", &["-o", "large", "-w", "%{size_download}"]);
        assert!(large.ends_with("67108864"), "{large}");
        let head = ask("@/a", &["-I"]);
        assert!(head.starts_with(&format!("{version} 200")) && head.ends_with("\r\n\r\n"), "{head}");
        let dotted = ask("@/a/%2e%2e/b", &["--path-as-is"]);
        assert!(dotted.starts_with(&format!("{version} 400")), "{dotted}");
        // curl 7.88 cannot use a connection of prior knowledge twice, whoever serves it.
        if !arguments.contains(&"--http2-prior-knowledge") {
            let two = ask("@/a", &["-w", " connects: %{num_connects}", &site.again(scheme)]);
            assert!(two.contains(" connects: 1") && two.ends_with(" connects: 0"), "one for both: {two}");
        }
    }
}

impl Site {
    fn again(&self, scheme: &str) -> String {
        let port = if scheme == "https" { self.gate.tls.port() } else { self.gate.address.port() };
        format!("{scheme}://shop.test:{port}/b")
    }
}

#[test]
fn one_name_in_the_handshake_and_another_in_the_request() {
    let site = site();
    for (scheme, arguments, version) in VERSIONS {
        let arguments = [arguments, &["-H", "Host: news.test"]].concat();
        let answer = site.curl(scheme, "@/", &arguments);
        // In plain text there is no handshake that could disagree.
        let status = if scheme == "https" { 421 } else { 200 };
        assert!(answer.starts_with(&format!("{version} {status}")), "{scheme} {arguments:?}: {answer}");
    }
    let unknown = site.curl("https", "@/", &["--cacert", "chain.pem", "-H", "Host: blog.test"]);
    assert!(unknown.starts_with("HTTP/2 421"), "{unknown}");
    let other = format!("https://blog.test:{}/", site.gate.tls.port());
    let output = site.run("https", &other, &["--insecure"]);
    assert_eq!(output.status.code(), Some(35), "no certificate, no handshake: {}", stderr(&output));
}

#[test]
fn a_certificate_is_checked_by_curl() {
    let site = site();
    let output = site.run("https", "@/", &[]);
    assert_eq!(output.status.code(), Some(60), "{}", stderr(&output));
}

#[test]
fn people_are_sent_to_tls_and_programs_are_not() {
    let site = site();
    let navigation = ["-H", "Accept: text/html", "-H", "Sec-Fetch-Mode: navigate"];
    for version in ["--http1.1", "--http2-prior-knowledge"] {
        let sent = site.curl("http", "@/a?b=c", &[&[version], &navigation[..]].concat());
        assert_eq!(sent.split(' ').nth(1), Some("308"), "{sent}");
        let there = format!("https://shop.test:{}/a?b=c", site.gate.tls.port());
        assert_eq!(header(&sent, "location"), Some(there.as_str()), "{sent}");
    }
    let tls = site.gate.tls.port();
    let resolve = format!("shop.test:{tls}:127.0.0.1");
    let follow = ["-L", "--cacert", "chain.pem", "--resolve", &resolve];
    let followed = site.curl("http", "@/a?b=c", &[&follow[..], &navigation[..]].concat());
    assert!(followed.ends_with("GET /a?b=c 0\n"), "{followed}");
    let program = site.curl("http", "@/a", &["-H", "Sec-Fetch-Mode: cors"]);
    assert!(program.starts_with("HTTP/1.1 200"), "{program}");
}
