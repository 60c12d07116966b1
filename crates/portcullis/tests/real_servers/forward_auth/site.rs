//! Portcullis with its forward-auth door, an application, and whatever stands before them.

use std::path::Path;
use std::process::Stdio;

use super::application::Application;
use crate::support::{Program, free_port, portcullis, run, stderr, stdout, wait_for};

/// Portcullis and the application.
pub(super) struct Site {
    pub(super) folder: tempfile::TempDir,
    pub(super) application: Application,
    /// Where other proxies ask.
    pub(super) door: u16,
    /// An API key of a service that may do what identified callers may.
    pub(super) key: String,
    gate: Option<Program>,
}

const CONFIGURATION: &str = r#"
[server]
listen = "127.0.0.1:PROXY"
data = "data"
[forward_auth]
listen = "127.0.0.1:DOOR"
peers = ["127.0.0.1/32"]
[policies]
folder = "policies"
[api_keys]
enabled = true
[[app]]
name = "shop"
hosts = ["shop.test"]
upstream = "http://127.0.0.1:9"
renders_404 = true
cors_origins = ["https://app.test"]
[[app.route]]
name = "open"
path = "/open/**"
access = "anyone"
[[app.route]]
name = "known"
path = "/known/**"
access = "identified"
[[app.route]]
name = "closed"
path = "/closed/**"
access = "identified"
[[app.route]]
name = "secret"
path = "/secret/**"
access = "identified"
"#;

const POLICIES: &str = r#"
@id("legal") @status("451") @blocked_by("https://court.test/") @reason("legal_restriction")
forbid (principal, action, resource == Route::"shop/closed");
@id("hidden") @hide
forbid (principal, action, resource == Route::"shop/secret");
"#;

impl Site {
    pub(super) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let door = free_port();
        let configuration = CONFIGURATION.replace("DOOR", &door.to_string());
        let configuration = configuration.replace("PROXY", &free_port().to_string());
        std::fs::write(folder.path().join("portcullis.toml"), configuration).unwrap();
        std::fs::create_dir(folder.path().join("policies")).unwrap();
        std::fs::write(folder.path().join("policies/shop.cedar"), POLICIES).unwrap();
        let made = run(folder.path(), &["key", "create", "robot"]);
        assert!(made.status.success(), "{}", stderr(&made));
        let key = stdout(&made).trim().to_owned();
        let gate = portcullis(folder.path()).arg("run").stderr(Stdio::null()).spawn().unwrap();
        wait_for(([127, 0, 0, 1], door).into());
        Self { folder, application: Application::start(), door, key, gate: Some(Program(gate)) }
    }

    /// Portcullis is gone; what stands before the application is still there.
    pub(super) fn lose_portcullis(&mut self) {
        drop(self.gate.take());
    }

    /// What the decision of this reference was.
    pub(super) fn why(&self, reference: &str) -> String {
        stdout(&run(self.folder.path(), &["why", reference]))
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }
}
