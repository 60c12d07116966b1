//! What is found in the files of a configuration, and where it is shown.

use std::path::Path;
use std::time::{Duration, SystemTime};

use mmdb_writer::{Value, Writer};

use super::{LoadedAll, load_all};
use crate::report;

const APP: &str = "[[app]]\nname = \"shop\"\nhosts = [\"shop.test\"]\nupstream = \"http://127.0.0.1:9000\"\n";

fn folder(configuration: &str, files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let configuration = format!("{configuration}\n{APP}");
    for (name, content) in
        [("portcullis.toml", configuration.as_bytes())].into_iter().chain(files.iter().copied())
    {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    folder
}

fn load(folder: &Path) -> LoadedAll {
    load_all(&folder.join("portcullis.toml"))
}

/// Every finding as `severity code file:line`, and whether there are parts.
fn found(configuration: &str, files: &[(&str, &[u8])]) -> (Vec<String>, bool) {
    let folder = folder(configuration, files);
    let loaded = load(folder.path());
    let told = report::json(&loaded.findings);
    let list = told["findings"].as_array().unwrap().iter().map(|one| {
        let text = |key: &str| one[key].as_str().unwrap_or("-").to_owned();
        format!("{} {} {}:{}", text("severity"), text("code"), text("file"), one["line"])
    });
    (list.collect(), loaded.parts.is_some())
}

fn database(age: Duration) -> Vec<u8> {
    let mut writer = Writer::builder("Test-Country").build_epoch(SystemTime::now() - age).build();
    let country = Value::map([("country", Value::map([("iso_code", Value::String("US".to_owned()))]))]);
    writer.insert_value("192.0.2.0/24".parse::<ipnet::IpNet>().unwrap(), country).unwrap();
    writer.to_bytes().unwrap()
}

const DAY: Duration = Duration::from_secs(86_400);

#[test]
fn files_of_every_kind_are_checked_though_the_configuration_is_wrong() {
    let (found, parts) = found(
        "[server]\nlisen = 1\n[geo]\ndatabases = [\"a.mmdb\"]\n[directory]\n",
        &[
            ("a.mmdb", b"not a database"),
            ("directory/people.toml", b"[[user]]\nid = \"a\"\ngroups = [\"nobody\"]\n"),
            ("policies/a.cedar", b"permit (principal, action resource);\n"),
        ],
    );
    assert!(!parts);
    let all = found.join("\n");
    assert!(found.contains(&"error portcullis::config::unknown_key portcullis.toml:2".to_owned()), "{all}");
    assert!(found.contains(&"error portcullis::geo::unusable portcullis.toml:4".to_owned()), "{all}");
    assert!(found.iter().any(|one| one.contains("directory/people.toml:3")), "{all}");
    assert!(found.contains(&"error portcullis::policy::parse policies/a.cedar:1".to_owned()), "{all}");
}

#[test]
fn a_truncated_database_is_found_where_it_is_named() {
    let whole = database(DAY);
    let geo = "[geo]\ndatabases = [\"a.mmdb\"]\n";
    assert_eq!(found(geo, &[("a.mmdb", &whole)]), (Vec::new(), true));
    let cut = &whole[..whole.len() / 2];
    assert_eq!(
        found(geo, &[("a.mmdb", cut)]),
        (vec!["error portcullis::geo::unusable portcullis.toml:2".to_owned()], false)
    );
}

#[test]
fn an_old_database_is_a_warning() {
    let geo = "[geo]\ndatabases = [\"a.mmdb\"]\nmax_age = \"30d\"\n";
    let warning = vec!["warning portcullis::geo::stale portcullis.toml:2".to_owned()];
    assert_eq!(found(geo, &[("a.mmdb", &database(DAY * 31))]), (warning, true));
    assert_eq!(found(geo, &[("a.mmdb", &database(DAY * 29))]), (Vec::new(), true));
}

#[test]
fn a_country_without_a_database_is_a_warning() {
    let folder = folder("", &[]);
    let file = folder.path().join("portcullis.toml");
    std::fs::write(&file, format!("{APP}access = \"identified\"\nrequire = {{ country = [\"US\"] }}\n"))
        .unwrap();
    let loaded = load(folder.path());
    assert!(loaded.parts.is_some());
    assert!(report::plain(&loaded.findings).contains("portcullis::geo::missing"));
}

#[test]
fn the_header_of_api_keys_is_not_for_policies() {
    let headers: &[u8] = b"type RequestHeaders = { \"x-staff\"?: String };";
    let configured = |keys: &str| {
        found(
            &format!("[policies]\nschema = \"schema.cedarschema\"\n{keys}"),
            &[("schema.cedarschema", headers)],
        )
    };
    let error = vec!["error portcullis::schema::header portcullis.toml:4".to_owned()];
    assert_eq!(configured("[api_keys]\nheader = \"X-Staff\"\n"), (error, false));
    assert_eq!(configured("[api_keys]\nenabled = false\nheader = \"X-Staff\"\n"), (Vec::new(), true));
    assert_eq!(configured("[api_keys]\nheader = \"X-Key\"\n"), (Vec::new(), true));
}

#[test]
fn key_files_are_read() {
    let issuer = |file: &str| {
        format!("[[issuer]]\nissuer = \"https://a.test\"\naudiences = [\"shop\"]\njwks_file = \"{file}\"\n")
    };
    let (found, parts) = found(&issuer("keys.json"), &[("keys.json", b"{}")]);
    assert_eq!(found, ["error portcullis::identity::issuer portcullis.toml:4"]);
    assert!(!parts);
}

#[test]
fn attributes_are_what_the_schema_says_even_beside_other_faults() {
    let people: (&str, &[u8]) = ("directory/a.toml", b"[[user]]\nid = \"a\"\nattributes = { name = 3 }\n");
    for configuration in ["[directory]\n", "[directory]\n[server]\nlisen = 1\n"] {
        let folder = folder(configuration, &[people]);
        let loaded = load(folder.path());
        assert!(loaded.parts.is_none());
        assert!(report::plain(&loaded.findings).contains("name"), "{}", report::plain(&loaded.findings));
    }
}

#[test]
fn texts_nobody_reads_are_warnings() {
    let folder = folder(
        "",
        &[("policies/a.cedar", b"@reason(\"closed_today\")\nforbid (principal, action, resource);")],
    );
    let texts = "[app.texts]\ncredentials_required = \"a\"\nclosed_today = \"b\"\nclosed_tody = \"c\"\n";
    std::fs::write(folder.path().join("portcullis.toml"), format!("{APP}{texts}")).unwrap();
    let told = report::plain(&load(folder.path()).findings);
    assert_eq!(told.matches("portcullis::config::unknown_text").count(), 1, "{told}");
    assert!(told.contains("did you mean `closed_today`?"), "{told}");
}

#[test]
fn the_version_follows_every_byte() {
    let version = |configuration: &str, files: &[(&str, &[u8])]| {
        let folder = folder(configuration, files);
        let loaded = load(folder.path());
        loaded.parts.unwrap_or_else(|| panic!("{}", report::plain(&loaded.findings))).texts.version()
    };
    let policy: (&str, &[u8]) = ("policies/a.cedar", b"// a\n");
    let one = version("", &[policy]);
    assert_eq!(one.len(), 64);
    assert_eq!(one, version("", &[policy]), "the same files are the same version, wherever they are");
    let others = [
        version("# a comment", &[policy]),
        version("", &[("policies/a.cedar", b"// b\n")]),
        version("", &[("policies/b.cedar", b"// a\n")]),
        version("", &[policy, ("policies/b.cedar", b"")]),
    ];
    assert!(others.iter().all(|other| *other != one));
}

#[test]
fn hidden_files_are_left_out() {
    let folder = folder(
        "",
        &[
            ("policies/.a.cedar.swp", b"x"),
            ("policies/.old/a.cedar", b"broken"),
            ("policies/.b.cedar", b"broken"),
        ],
    );
    assert!(load(folder.path()).parts.is_some());
}

#[test]
fn where_the_log_is_stays_known() {
    let folder = folder("[server]\ndata = \"here\"\nlisten = 1\n", &[]);
    let loaded = load(folder.path());
    assert!(loaded.parts.is_none());
    assert_eq!(loaded.log_folder, Some(folder.path().join("here/log")));
    assert_eq!(loaded.state_file, Some(folder.path().join("here/state.sqlite")));
}

/// P11: a signing key that was taken out of its file is not believed for longer than other changes take.
#[test]
fn a_changed_key_file_is_another_version() {
    // The public keys of RFC 7515 A.3 and RFC 7517 A.1.
    let key = |kid: &str, x: &str, y: &str| {
        format!(
            "{{\"keys\": [{{\"kty\": \"EC\", \"crv\": \"P-256\", \"kid\": \"{kid}\", \"x\": \"{x}\", \"y\": \"{y}\"}}]}}"
        )
    };
    let before = key(
        "a",
        "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    );
    let after = key(
        "b",
        "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    );
    let folder = folder(
        "[[issuer]]\nissuer = \"https://id.test\"\naudiences = [\"shop\"]\njwks_file = \"keys.json\"\nalgorithms = [\"ES256\"]\n",
        &[("keys.json", before.as_bytes())],
    );
    let version = || load(folder.path()).parts.expect("it loads").texts.version();
    let first = version();
    assert_eq!(version(), first);
    std::fs::write(folder.path().join("keys.json"), after).unwrap();
    assert_ne!(version(), first);
}

/// threats.md 4: connections are kept by what describes their upstream; two that differ in anything share none.
#[test]
fn connections_are_shared_by_nothing_that_differs() {
    let described = |name: &str, upstream: &str, more: &str| {
        let folder = tempfile::tempdir().unwrap();
        let authority = rcgen::generate_simple_self_signed(vec!["a.test".to_owned()]).unwrap();
        std::fs::write(folder.path().join("ca.pem"), authority.cert.pem()).unwrap();
        let app =
            format!("[[app]]\nname = \"{name}\"\nhosts = [\"shop.test\"]\nupstreams = [{upstream}]\n{more}");
        std::fs::write(folder.path().join("portcullis.toml"), app).unwrap();
        let loaded = load(folder.path());
        let parts = loaded.parts.unwrap_or_else(|| panic!("{}", report::plain(&loaded.findings)));
        parts.apps.iter().next().unwrap().origin.fingerprint.clone()
    };
    let one = "\"http://127.0.0.1:9000\"";
    let all = [
        described("shop", one, ""),
        described("mail", one, ""),
        described("shop", "\"https://127.0.0.1:9000\"", ""),
        described("shop", "\"http://127.0.0.1:9001\"", ""),
        described("shop", "\"http://127.0.0.2:9000\"", ""),
        described("shop", "\"http://127.0.0.1:9000\", \"http://127.0.0.1:9001\"", ""),
        described("shop", one, "protocol = \"http2\""),
        described("shop", one, "connect_timeout = \"7s\""),
        described("shop", one, "health = { path = \"/healthz\" }"),
        described("shop", "\"https://127.0.0.1:9000\"", "upstream_tls = { server_name = \"a.test\" }"),
        described("shop", "\"https://127.0.0.1:9000\"", "upstream_tls = { server_name = \"b.test\" }"),
        described("shop", "\"https://127.0.0.1:9000\"", "upstream_tls = { ca = \"ca.pem\" }"),
        // Made anew each time, so another authority.
        described("shop", "\"https://127.0.0.1:9000\"", "upstream_tls = { ca = \"ca.pem\" }"),
    ];
    let different: std::collections::BTreeSet<_> = all.iter().collect();
    assert_eq!(different.len(), all.len(), "{all:#?}");
    assert_eq!(
        described("shop", one, "intercept = [\"5xx\"]"),
        all[0],
        "what is no connection's matter costs none"
    );
}

const TESTED: &[u8] = b"permit (principal in Group::\"staff\", action, resource);\n";
const FAILING: &[u8] = b"[[test]]\nname = \"anybody\"\nprincipal = \"alice\"\naction = \"GET\"\nresource = \"/\"\nexpect = { decision = \"allow\" }\n";

fn tested(tests: &str, test: &[u8]) -> (Vec<String>, bool) {
    let route = "\n[[app.route]]\nname = \"all\"\npath = \"/**\"\n";
    let folder = folder(
        &format!("[policies]\ntests = \"{tests}\"\n"),
        &[
            ("policies/a.cedar", TESTED),
            ("policies/a.test.toml", test),
            ("policies/notes.toml", b"no = tests"),
        ],
    );
    let file = folder.path().join("portcullis.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text + route).unwrap();
    let loaded = load(folder.path());
    let told = report::json(&loaded.findings);
    let list = told["findings"].as_array().unwrap().iter().map(|one| {
        format!(
            "{} {} {}:{}",
            one["severity"].as_str().unwrap(),
            one["code"].as_str().unwrap(),
            one["file"].as_str().unwrap(),
            one["line"]
        )
    });
    (list.filter(|one| one.contains("portcullis::test::")).collect(), loaded.parts.is_some())
}

#[test]
fn policy_tests_warn_stand_in_the_way_or_are_not_run_as_configured() {
    let failed = |severity: &str| vec![format!("{severity} portcullis::test::failed policies/a.test.toml:2")];
    assert_eq!(tested("warn", FAILING), (failed("warning"), true));
    assert_eq!(tested("require", FAILING), (failed("error"), false));
    assert_eq!(tested("ignore", FAILING), (Vec::new(), true));
    let passing = String::from_utf8(FAILING.to_vec()).unwrap().replace("\"allow\"", "\"deny\"");
    assert_eq!(tested("require", passing.as_bytes()), (Vec::new(), true));
}

#[test]
fn policy_tests_that_cannot_be_read_are_found_where_they_are_wrong() {
    let broken = ["error portcullis::test::missing policies/a.test.toml:1".to_owned()];
    let (found, parts) = tested("require", b"[[test]]\nname = \"a\"\n");
    assert_eq!((found.as_slice(), parts), (&broken[..], false));
}
