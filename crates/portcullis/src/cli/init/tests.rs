//! What is written works at once, for whatever service it is fitted to.

use clap::Parser;

use super::{Exit, Init};
use crate::{load, report};

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    init: Init,
}

fn init(arguments: &[&str]) -> Result<Init, clap::Error> {
    Line::try_parse_from(["init"].iter().chain(arguments)).map(|line| line.init)
}

#[test]
fn what_is_written_loads_without_a_finding() {
    for more in [&[][..], &["--upstream", "http://[::1]:3000", "--host", "shop.example.com"]] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("gate");
        let arguments: Vec<&str> =
            [folder.to_str().unwrap()].into_iter().chain(more.iter().copied()).collect();
        assert_eq!(init(&arguments).unwrap().run(), Exit::Done);
        let loaded = load::load_all(&folder.join("portcullis.toml"));
        assert!(loaded.findings.is_empty(), "{}", report::plain(&loaded.findings));
        let parts = loaded.parts.unwrap();
        let app = parts.apps.iter().next().unwrap();
        let (host, upstream) = if more.is_empty() {
            ("localhost", "127.0.0.1:9000")
        } else {
            ("shop.example.com", "[::1]:3000")
        };
        assert_eq!((app.hosts[0].as_str(), app.origin.addresses[0].as_str()), (host, upstream));
        let public: Vec<&str> =
            app.routes.iter().filter(|route| route.public).map(|route| route.name.as_str()).collect();
        assert_eq!(public, ["health"], "everything else asks who calls");
        assert!(parts.config.api_keys.is_some() && parts.config.admin.is_some());
    }
}

#[cfg(unix)]
#[test]
fn the_token_is_random_and_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let tokens = ["one", "two"].map(|name| {
        let folder = folder.path().join(name);
        assert_eq!(init(&[folder.to_str().unwrap()]).unwrap().run(), Exit::Done);
        let file = folder.join("secrets/admin-token");
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(folder.join("secrets").metadata().unwrap().permissions().mode() & 0o777, 0o700);
        std::fs::read_to_string(file).unwrap()
    });
    assert!(tokens[0] != tokens[1] && tokens[0].trim().len() == 43);
}

#[test]
fn what_is_there_already_stops_it_before_it_begins() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("secrets")).unwrap();
    std::fs::write(folder.path().join("secrets/admin-token"), "mine").unwrap();
    assert_eq!(init(&[folder.path().to_str().unwrap()]).unwrap().run(), Exit::Wrong);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    assert_eq!(std::fs::read_to_string(folder.path().join("secrets/admin-token")).unwrap(), "mine");
}

#[test]
fn a_failure_half_way_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    // A file where a folder has to be: everything before it is written, and taken back.
    std::fs::write(folder.path().join("directory"), "mine").unwrap();
    assert_eq!(init(&[folder.path().to_str().unwrap()]).unwrap().run(), Exit::Failed);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    assert_eq!(std::fs::read_to_string(folder.path().join("directory")).unwrap(), "mine");
}

#[test]
fn what_cannot_be_protected_is_a_wrong_command_line() {
    for wrong in
        [["--upstream", "ftp://a"], ["--upstream", "http://a/b"], ["--host", "a:80"], ["--host", "a\" b"]]
    {
        assert!(init(&wrong).is_err(), "{wrong:?}");
    }
}
