//! The built binary before an origin, in a folder of its own: started, asked as an operator, told, looked at, ended. What is
//! asked of it as a caller is in the tests; it is the process that is held here.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use portcullis_record::read::{self, Line};

use crate::support::{self, Program, free_port, start_until, wait_for};

const TOKEN: &str = "a-token-for-operators-of-this-test";

/// A running gate.
pub(crate) struct Gate {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) address: SocketAddr,
    /// Where it speaks TLS, if the configuration says so.
    pub(crate) tls: SocketAddr,
    pub(crate) process: Program,
    admin: SocketAddr,
}

impl Gate {
    /// With this configuration below `[server]`; `@PORT_OF_TLS@` in it is a free port. The log is waited for, however busy the
    /// machine is.
    pub(crate) fn start(configuration: &str) -> Self {
        let configuration = format!("{configuration}\n[log]\nwait = \"30s\"\n");
        Self::start_in(tempfile::tempdir().unwrap(), &configuration, "exec \"$0\" run")
    }

    /// In a folder that holds something already, by a shell that has the program as `$0`.
    pub(crate) fn start_in(folder: tempfile::TempDir, configuration: &str, script: &str) -> Self {
        let [address, tls, admin] = [(); 3].map(|()| SocketAddr::from(([127, 0, 0, 1], free_port())));
        let text = format!(
            "[server]\nlisten = \"{address}\"\n{configuration}\n\
             [admin]\nlisten = \"{admin}\"\ntoken = {{ file = \"admin.token\" }}\n"
        );
        let path = folder.path();
        std::fs::write(path.join("portcullis.toml"), text.replace("@PORT_OF_TLS@", &tls.port().to_string()))
            .unwrap();
        std::fs::write(path.join("admin.token"), TOKEN).unwrap();
        std::fs::create_dir(path.join("policies")).unwrap();
        // Thousands of connections are more than a shell allows by default.
        let script = format!("ulimit -n $(ulimit -Hn); {script}");
        let mut command = Command::new("sh");
        command.args(["-c", &script]).arg(program()).current_dir(path).env_remove("PORTCULLIS_CONFIG");
        let errors = std::fs::File::create(path.join("gate.log")).unwrap();
        let process = Program(command.stdin(Stdio::null()).stderr(errors).spawn().unwrap());
        wait_for(admin);
        wait_for(address);
        Self { folder, address, tls, process, admin }
    }

    /// Asks the admin listener as an operator.
    pub(crate) fn admin(&self, method: &str, path: &str) -> String {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
        );
        support::exchange(self.admin, &request)
    }

    /// Writes a policy file whole and has it taken up.
    pub(crate) fn reload(&self, policies: &str) {
        let beside = self.folder.path().join("policies/a.cedar.new");
        std::fs::write(&beside, policies).unwrap();
        std::fs::rename(&beside, self.folder.path().join("policies/a.cedar")).unwrap();
        let told = self.admin("POST", "/reload");
        assert!(told.starts_with("HTTP/1.1 200"), "{told}");
    }

    /// Tells it to end.
    pub(crate) fn terminate(&self) {
        let status = Command::new("kill").args(["-TERM", &self.process.0.id().to_string()]).status();
        assert!(status.unwrap().success());
    }

    /// A path of its folder as it sees it itself, which may have mounted something there.
    pub(crate) fn seen(&self, path: &str) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.process.0.id()));
        root.join(self.folder.path().strip_prefix("/").unwrap()).join(path)
    }

    /// Lines of the decision log, of this kind.
    pub(crate) fn log(&self, kind: &str) -> Vec<serde_json::Value> {
        let folder = if Path::new(&self.seen("data/log")).exists() {
            self.seen("data/log")
        } else {
            self.folder.path().join("data/log")
        };
        // As everything else reads it: closed segments are packed soon after.
        let lines = read::records(Path::new(&folder)).map(|line| line.unwrap());
        let of_kind = |line| match (line, kind) {
            (Line::Decision(entry), "decision") => Some(serde_json::to_value(entry).unwrap()),
            (Line::Outcome(outcome), "outcome") => Some(serde_json::to_value(outcome).unwrap()),
            (Line::Gap(gap), "gap") => Some(serde_json::to_value(gap).unwrap()),
            _ => None,
        };
        lines.filter_map(of_kind).collect()
    }

    /// Resident memory in KiB.
    pub(crate) fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.0.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

/// Names another program to be tested than the one just built: a release, for its figures.
pub(crate) const TESTED_PROGRAM: &str = "PORTCULLIS_TESTED_PROGRAM";

/// What is tested.
fn program() -> PathBuf {
    std::env::var_os(TESTED_PROGRAM).map_or_else(|| env!("CARGO_BIN_EXE_portcullis").into(), PathBuf::from)
}

/// A file of `programs/`.
pub(crate) fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real_servers/programs").join(name)
}

/// Starts a server that prints its port.
pub(crate) fn serving(mut command: Command, arguments: &[&str]) -> (Program, u16) {
    command.args(arguments);
    let (server, printed) = start_until(command, |line| line.starts_with("port "));
    (server, printed.trim().trim_start_matches("port ").parse().unwrap())
}

/// The application of `origin.js`.
pub(crate) fn origin() -> (Program, u16) {
    let mut command = Command::new("node");
    command.arg(script("origin.js"));
    serving(command, &[])
}
