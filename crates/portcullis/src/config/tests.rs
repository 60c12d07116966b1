//! Wrong configurations, each with what is said about it; defaults; what is generated; hostile text.

use std::path::Path;

use miette::{Diagnostic, Severity};
use proptest::prelude::*;

use super::reference::{reference_markdown, schema_json};
use super::{Config, Finding, Loaded, load_text};

mod meaning;
mod structure;

/// A folder with the files that the examples name.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["policies", "directory", "secrets", "templates"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        for (name, text) in [
            ("secrets/token", "hunter2\n"),
            ("secrets/empty", "\n"),
            ("jwks.json", "{\"keys\": []}"),
            ("country.mmdb", ""),
            ("schema.cedarschema", ""),
        ] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        private(&folder.path().join("secrets/token"));
        Self(folder)
    }

    fn load(&self, text: &str) -> Loaded {
        load_text(&self.0.path().join("portcullis.toml"), text.to_owned())
    }
}

#[cfg(unix)]
fn private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// One finding: its code without the common part, the text it points at, and part of its message or hint.
type Expected<'a> = (&'a str, &'a str, &'a str);

/// Loads a text and compares every finding, in order.
#[track_caller]
fn finds(text: &str, expected: &[Expected<'_>]) {
    let folder = Folder::new();
    let loaded = folder.load(text);
    let shown: Vec<String> = loaded.findings.iter().map(|finding| shown(finding, text)).collect();
    assert_eq!(loaded.findings.len(), expected.len(), "{text}\n{shown:#?}");
    for (finding, (code, span, words)) in loaded.findings.iter().zip(expected) {
        let all = shown.join("\n");
        assert_eq!(finding.code, format!("portcullis::config::{code}"), "{all}");
        assert_eq!(pointed_at(finding, text), *span, "{all}");
        let said = format!("{} | {}", finding.message, finding.help.as_deref().unwrap_or_default());
        assert!(said.contains(words), "`{words}` is not in `{said}`");
    }
    let wrong = loaded.findings.iter().any(|finding| finding.severity == Severity::Error);
    assert_eq!(loaded.config.is_none(), wrong, "a configuration exactly where no error is");
}

fn pointed_at<'a>(finding: &Finding, text: &'a str) -> &'a str {
    let (_, span) = finding.place.as_ref().unwrap();
    let pointed = &text[span.clone()];
    pointed.lines().next().unwrap_or_default()
}

fn shown(finding: &Finding, text: &str) -> String {
    format!("{} `{}`: {} | {:?}", finding.code, pointed_at(finding, text), finding.message, finding.help)
}

fn sound(text: &str) -> Config {
    let loaded = Folder::new().load(text);
    assert!(loaded.findings.is_empty(), "{:#?}", loaded.findings);
    loaded.config.unwrap()
}

const APP: &str = "[[app]]\nname = \"shop\"\nhosts = [\"shop.test\"]\nupstream = \"http://127.0.0.1:9000\"\n";

const ISSUER: &str = "[[issuer]]\nissuer = \"https://a.test\"\naudiences = [\"shop\"]\njwks_url = \"https://a.test/jwks.json\"\n";

fn app(more: &str) -> String {
    format!("{APP}{more}")
}

fn issuer(more: &str) -> String {
    format!("{ISSUER}{more}\n{APP}")
}

#[test]
fn what_is_generated_is_in_the_book() {
    let book = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/configuration");
    for (name, generated) in
        [("portcullis.schema.json", schema_json()), ("reference.md", reference_markdown())]
    {
        let file = book.join(name);
        if std::env::var_os("UPDATE_GENERATED").is_some() {
            std::fs::create_dir_all(&book).unwrap();
            std::fs::write(&file, &generated).unwrap();
        }
        let stands = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(
            stands == generated,
            "{name} is not what the types say; run this test with UPDATE_GENERATED=1"
        );
    }
}

#[test]
fn every_key_says_what_it_means() {
    fn look(path: &str, schema: &serde_json::Value) {
        for (key, property) in schema.get("properties").and_then(|all| all.as_object()).into_iter().flatten()
        {
            let said = property.get("description").and_then(|said| said.as_str()).unwrap_or_default();
            assert!(said.len() > 10, "{path}.{key} says `{said}`");
        }
    }
    let root = super::schema::schema();
    look("", &root);
    for (name, schema) in root["$defs"].as_object().unwrap() {
        look(name, schema);
    }
}

#[test]
fn a_missing_file_says_how_to_begin() {
    let folder = Folder::new();
    let loaded = super::load(&folder.0.path().join("portcullis.toml"));
    assert!(loaded.config.is_none() && loaded.named.is_none());
    let finding = &loaded.findings[0];
    assert_eq!(finding.code().unwrap().to_string(), "portcullis::config::unreadable");
    assert!(finding.help.as_ref().unwrap().contains("portcullis init"));
}

#[test]
fn a_huge_file_is_not_read() {
    let folder = Folder::new();
    let path = folder.0.path().join("portcullis.toml");
    std::fs::write(&path, " ".repeat(2 << 20)).unwrap();
    assert_eq!(super::load(&path).findings[0].code, "portcullis::config::too_long");
    std::fs::write(&path, [0xff, 0xfe]).unwrap();
    assert_eq!(super::load(&path).findings[0].code, "portcullis::config::syntax");
}

#[test]
fn secrets_do_not_print() {
    let text = format!("[admin]\ntoken = {{ file = \"secrets/token\" }}\n{APP}");
    let config = sound(&text);
    assert_eq!(config.admin.as_ref().unwrap().token.expose(), "hunter2");
    assert!(!format!("{config:?}").contains("hunter2"));
}

/// Texts near to a configuration: its own keys and values in any order, cut anywhere.
fn nearly() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "[server]",
        "[[app]]",
        "[[app.route]]",
        "[[issuer]]",
        "[log.redact]",
        "[network.zones]",
        "listen = ",
        "name = ",
        "hosts = ",
        "path = ",
        "upstream = ",
        "require = ",
        "{ country = [\"US\"] }",
        "\"127.0.0.1:8080\"",
        "[\"a\"]",
        "\"/a/**\"",
        "\"http://h:1\"",
        "1979-05-27",
        "true",
        "-1",
        "1e9",
        "[[",
        "]]",
        "{",
        "}",
        "=",
        ".",
        "\"",
        "'''",
        "\n",
        "\n",
        "\n",
        "device = { seen_within_days = 4294967296 }",
        "hours = \"Mon-\"",
        "max_age = \"9999999999999w\"",
        "app.name = 3",
        "office = [\"1.2.3.4/5\"]",
        "token = {}",
        "\u{0}",
        "é",
        "[a.b.c.\"d e\"]",
    ]);
    prop::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn nothing_written_makes_it_panic(text in prop_oneof![nearly(), any::<String>()]) {
        let loaded = load_text(Path::new("/nowhere/portcullis.toml"), text.clone());
        for finding in &loaded.findings {
            let (_, span) = finding.place.as_ref().unwrap();
            prop_assert!(span.start <= span.end && span.end <= text.len());
        }
        let wrong = loaded.findings.iter().any(|finding| finding.severity == Severity::Error);
        prop_assert_eq!(loaded.config.is_none(), wrong);
    }
}
