//! For tests: a folder with configuration, files and logs, and questions about it.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::{Asked, SiteReport, Strength, read};

/// A folder that is gone when the test ends. `@@` in files stands for its path.
pub(crate) struct Folder {
    folder: tempfile::TempDir,
}

impl Folder {
    pub(crate) fn new(files: &[(&str, &str)]) -> Folder {
        let folder = tempfile::tempdir().expect("a temporary folder");
        // Workers of servers must get through it.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).expect("its mode");
        let made = Folder { folder };
        for (name, text) in files {
            made.write(name, text);
        }
        made
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        let here = self.folder.path().display().to_string();
        std::fs::write(&path, text.replace("@@", &here)).expect("a file");
        let mut at = path;
        // Whatever the umask of the one who tests, servers may read what is made here.
        std::fs::set_permissions(&at, std::fs::Permissions::from_mode(0o644)).expect("a mode");
        while at.pop() && at != self.folder.path() {
            std::fs::set_permissions(&at, std::fs::Permissions::from_mode(0o755)).expect("a mode");
        }
    }

    pub(crate) fn mode(&self, name: &str, mode: u32) {
        std::fs::set_permissions(self.path(name), std::fs::Permissions::from_mode(mode)).expect("a mode");
    }

    /// `GET /path`, `POST /path` with header fields.
    pub(crate) fn ask(&self, roots: &[&str], request: &str, headers: &[(&str, &str)]) -> SiteReport {
        let (method, target) = request.split_once(' ').expect("method and target");
        let (host, target) = match target.strip_prefix("http://") {
            Some(rest) => rest.split_at(rest.find('/').expect("a path")),
            None => ("127.0.0.1:8080", target),
        };
        let (host, port) = host.split_once(':').unwrap_or((host, "80"));
        let asked = Asked {
            method: method.to_owned(),
            scheme: "http".to_owned(),
            host: host.to_owned(),
            port: port.parse().expect("a port"),
            target: target.to_owned(),
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            client: Some([127, 0, 0, 1].into()),
            at: None,
            status: Some(403),
        };
        let roots: Vec<PathBuf> = roots.iter().map(|root| self.path(root)).collect();
        read(&roots, &asked)
    }
}

/// The strongest cause, with `?` behind it unless it is decisive; empty if there is none.
pub(crate) fn top(report: &SiteReport) -> String {
    match report.clues.first() {
        Some(clue) if clue.strength == Strength::Decisive => clue.cause.clone(),
        Some(clue) => format!("{}?", clue.cause),
        None => String::new(),
    }
}
