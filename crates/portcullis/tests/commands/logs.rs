//! `logs` as it is typed: rotated sets, databases of countries, published ranges of crawlers, standard input, the page.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use mmdb_writer::{Value, Writer};
use serde_json::Value as Json;

use super::support::{portcullis, run, stderr, stdout};

/// A day's requests, one every twenty seconds, from addresses all over; whom `refused` names is answered 403.
fn day(refused: impl Fn(&str, &str) -> bool) -> String {
    const NETWORKS: [&str; 8] =
        ["81.2.69", "203.0.113", "151.30.4", "24.118.7", "198.51.100", "90.54.1", "66.249.64", "45.9.1"];
    const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0";
    const CRAWLER: &str = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
    let mut log = String::new();
    for number in 0..4_320_usize {
        let network = NETWORKS[number * 7 % 8];
        let address = format!("{network}.{}", number * 31 % 29 + 1);
        let agent = if matches!(network, "66.249.64" | "45.9.1") { CRAWLER } else { BROWSER };
        let (status, size) = if refused(network, agent) { (403, 153) } else { (200, 5_120) };
        let (hour, minute, second) = (number / 180, number / 3 % 60, number % 3 * 20);
        log += &format!(
            "{address} - - [03/Mar/2026:{hour:02}:{minute:02}:{second:02} +0000] \"GET /page/{} HTTP/1.1\" {status} {size} \"-\" \"{agent}\"\n",
            number * 13 % 40,
        );
    }
    log
}

fn json(folder: &Path, arguments: &[&str]) -> Json {
    let output = run(folder, &[&["logs", "--json"], arguments].concat());
    serde_json::from_str(&stdout(&output)).unwrap_or_else(|fault| panic!("{fault}: {}", stderr(&output)))
}

fn folder_with(log: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("access.log"), log).unwrap();
    folder
}

/// Three networks that have nothing in common but where they are.
#[test]
fn a_country_is_named_where_a_database_knows_it() {
    const FRENCH: [&str; 3] = ["81.2.69", "151.30.4", "198.51.100"];
    let folder = folder_with(&day(|network, _| FRENCH.contains(&network)));
    let mut database = Writer::builder("Test-Country").build();
    for network in ["81.2.69", "203.0.113", "151.30.4", "24.118.7", "198.51.100", "90.54.1"] {
        let code = if FRENCH.contains(&network) { "FR" } else { "US" };
        let place = Value::map([("country", Value::map([("iso_code", Value::String(code.to_owned()))]))]);
        let range: ipnet::IpNet = format!("{network}.0/24").parse().unwrap();
        database.insert_value(range, place).unwrap();
    }
    std::fs::write(folder.path().join("country.mmdb"), database.to_bytes().unwrap()).unwrap();
    let known = json(folder.path(), &["--geo", "country.mmdb", "access.log"]);
    assert_eq!(known["causes"][0]["id"], "logs.ip-range", "{known:#}");
    assert!(known["causes"][0].to_string().contains("country FR"), "{known:#}");
    assert!(!json(folder.path(), &["access.log"]).to_string().contains("country FR"));
    let broken = run(folder.path(), &["logs", "--geo", "access.log", "access.log"]);
    assert_eq!(broken.status.code(), Some(3));
    assert!(stderr(&broken).contains("cannot read the database `access.log`"), "{}", stderr(&broken));
}

/// Half of what calls itself a crawler comes from where the engine says that its crawlers are.
#[test]
fn crawlers_are_verified_by_the_ranges_that_their_engine_publishes() {
    let folder = folder_with(&day(|_, agent| agent.contains("Googlebot")));
    let published = r#"{
        "creationTime": "2026-03-01T23:00:12.000000",
        "prefixes": [{ "ipv6Prefix": "2001:4860:4801:10::/64" }, { "ipv4Prefix": "66.249.64.0/27" }]
    }"#;
    std::fs::write(folder.path().join("googlebot.json"), published).unwrap();
    let report = json(folder.path(), &["--crawlers", "googlebot.json", "access.log"]);
    assert_eq!(report["causes"][0]["id"], "logs.crawler-blocked", "{report:#}");
    let first = report["causes"][0].to_string();
    let words = "refused come from the published ranges of crawlers";
    let (before, _) = first.split_once(words).unwrap_or_else(|| panic!("{report:#}"));
    let counts: Vec<&str> = before.trim_end().rsplit('"').next().unwrap().split(' ').collect();
    let [inside, "of", all] = counts.as_slice() else { panic!("{counts:?}") };
    let (inside, all): (u32, u32) = (inside.parse().unwrap(), all.parse().unwrap());
    assert!(inside * 2 >= all - 2 && inside < all, "{inside} of {all}");
    std::fs::write(folder.path().join("empty.json"), "{}").unwrap();
    let empty = run(folder.path(), &["logs", "--crawlers", "empty.json", "access.log"]);
    assert!(stderr(&empty).contains("no address range is in it"), "{}", stderr(&empty));
}

#[test]
fn what_logrotate_left_is_read_too_and_nothing_else() {
    let whole = day(|network, _| network == "90.54.1");
    let lines: Vec<&str> = whole.lines().collect();
    let part = |range: std::ops::Range<usize>| lines[range].join("\n") + "\n";
    let folder = folder_with(&part(2_880..4_320));
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("access.log.1", &part(1_440..2_880));
    write("access.log.2", &part(0..1_440));
    write("access.log.bak", &part(0..1_440));
    write("access.logger", &part(0..1_440));
    let packed = Command::new("gzip").arg("access.log.2").current_dir(folder.path()).status().unwrap();
    assert!(packed.success());
    assert_eq!(json(folder.path(), &["access.log"])["counts"]["requests"], 1_440);
    let report = json(folder.path(), &["--rotated", "access.log"]);
    assert_eq!(report["counts"]["requests"], 4_320, "{report:#}");
    assert_eq!(
        json(folder.path(), &["--rotated", "access.log", "access.log.1"])["counts"]["requests"],
        4_320
    );
}

/// Packed on standard input, and a page that needs nothing but itself.
#[test]
fn standard_input_and_the_page() {
    let folder = folder_with(&day(|network, _| network == "90.54.1"));
    let packed = Command::new("gzip").args(["-c", "access.log"]).current_dir(folder.path()).output().unwrap();
    let mut logs = portcullis(folder.path())
        .args(["logs", "--html", "page.html", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    logs.stdin.take().unwrap().write_all(&packed.stdout).unwrap();
    let output = logs.wait_with_output().unwrap();
    let told = stdout(&output);
    assert!(output.status.success() && told.contains("90.54.1"), "{told}");
    assert!(told.contains(['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']), "a chart: {told}");
    let page = std::fs::read_to_string(folder.path().join("page.html")).unwrap();
    assert!(page.contains("90.54.1") && page.contains("<svg"), "{page}");
    for outward in ["<script", "src=", "@import", "url("] {
        assert!(!page.contains(outward), "{outward} in {page}");
    }
}
