//! A gate with everything around it that can be asked, told and ended.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use command_fds::{CommandFdExt, FdMapping};

use crate::support::{self, Program, free_port, wait_for};

const TOKEN: &str = "a-token-for-operators-of-this-test";

/// The file that it logs into.
const SAID: &str = "said.jsonl";

/// A running gate before an origin of ours.
pub(crate) struct Gate {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) address: SocketAddr,
    pub(crate) process: Program,
    pub(crate) origin: Origin,
    admin: SocketAddr,
}

impl Gate {
    /// With one app that lets in whom `access` says.
    pub(crate) fn start(access: &str) -> Self {
        Self::prepare(access, ([127, 0, 0, 1], free_port()).into(), None)
    }

    /// On a socket that is already open.
    pub(crate) fn start_on(access: &str, listener: &TcpListener) -> Self {
        Self::prepare(access, listener.local_addr().unwrap(), Some(listener))
    }

    fn prepare(access: &str, address: SocketAddr, handed: Option<&TcpListener>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("policies")).unwrap();
        std::fs::write(folder.path().join("admin.token"), TOKEN).unwrap();
        let admin: SocketAddr = ([127, 0, 0, 1], free_port()).into();
        let origin = Origin::start();
        write(&folder, access, address, admin, origin.address);
        let process = spawn(&folder, handed);
        wait_for(admin);
        wait_for(address);
        Self { folder, address, process, origin, admin }
    }

    /// Ends nothing; starts the next process on the same socket.
    pub(crate) fn start_again(&mut self, listener: &TcpListener) {
        self.process = spawn(&self.folder, Some(listener));
    }

    /// Changes whom the app lets in.
    pub(crate) fn write(&self, access: &str) {
        write(&self.folder, access, self.address, self.admin, self.origin.address);
    }

    /// What it has logged so far.
    pub(crate) fn said(&self) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(self.folder.path().join(SAID)).unwrap();
        // A line may still be under way.
        let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        whole.map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, name: &str) {
        let status =
            Command::new("kill").args([&format!("-{name}"), &self.process.0.id().to_string()]).status();
        assert!(status.unwrap().success());
    }

    /// Asks the admin listener as an operator.
    pub(crate) fn admin(&self, method: &str, path: &str) -> (u16, String) {
        self.admin_with(method, path, &format!("Authorization: Bearer {TOKEN}\r\n"))
    }

    /// Asks the admin listener with these header lines.
    pub(crate) fn admin_with(&self, method: &str, path: &str, headers: &str) -> (u16, String) {
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n{headers}\r\n");
        let answer = support::exchange(self.admin, &request);
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
        (status.unwrap_or_else(|| panic!("no answer: {answer:?}")), answer)
    }
}

fn spawn(folder: &tempfile::TempDir, handed: Option<&TcpListener>) -> Program {
    let mut command = support::portcullis(folder.path());
    let said = std::fs::File::options().create(true).append(true).open(folder.path().join(SAID)).unwrap();
    command.args(["run", "--log-json"]).stdin(Stdio::null()).stderr(said);
    if let Some(listener) = handed {
        let parent_fd = listener.try_clone().unwrap().into();
        command.env("LISTEN_FDS", "1").fd_mappings(vec![FdMapping { parent_fd, child_fd: 3 }]).unwrap();
    }
    Program(command.spawn().unwrap())
}

fn write(
    folder: &tempfile::TempDir,
    access: &str,
    listen: SocketAddr,
    admin: SocketAddr,
    origin: SocketAddr,
) {
    let text = format!(
        "[server]\nlisten = \"{listen}\"\n[admin]\nlisten = \"{admin}\"\ntoken = {{ file = \"admin.token\" }}\n\
         [log]\nwait = \"30s\"\n[[app]]\nname = \"shop\"\nhosts = [\"shop.test\"]\nupstream = \"http://{origin}\"\naccess = \"{access}\"\n"
    );
    // Written beside and then moved, as the book advises.
    let beside = folder.path().join("portcullis.toml.new");
    std::fs::write(&beside, text).unwrap();
    std::fs::rename(&beside, folder.path().join("portcullis.toml")).unwrap();
}

/// One connection, kept open.
pub(crate) struct Caller(BufReader<TcpStream>);

impl Caller {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(BufReader::new(stream))
    }

    /// The status of an answer.
    pub(crate) fn get(&mut self, path: &str) -> u16 {
        self.send(path);
        self.receive()
    }

    pub(crate) fn send(&mut self, path: &str) {
        write!(self.0.get_mut(), "GET {path} HTTP/1.1\r\nHost: shop.test\r\n\r\n").unwrap();
    }

    pub(crate) fn receive(&mut self) -> u16 {
        let (mut status, mut length) = (None, 0);
        loop {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).unwrap() > 0, "the connection ended without an answer");
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            if status.is_none() {
                status = line.split(' ').nth(1).map(|status| status.parse().unwrap());
            } else if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        status.unwrap()
    }

    /// Whether the other side has closed, waiting for it.
    pub(crate) fn ended(&mut self) -> bool {
        self.0.read(&mut [0]).is_ok_and(|length| length == 0)
    }
}

/// Answers everything with 200, and `/slow` when told.
pub(crate) struct Origin {
    address: SocketAddr,
    slow: Arc<(Mutex<Slow>, Condvar)>,
}

#[derive(Default)]
struct Slow {
    arrived: bool,
    released: bool,
}

impl Origin {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let slow = Arc::new((Mutex::new(Slow::default()), Condvar::new()));
        let shared = Arc::clone(&slow);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let slow = Arc::clone(&shared);
                std::thread::spawn(move || serve(stream, &slow));
            }
        });
        Self { address, slow }
    }

    /// Returns when a request for `/slow` has arrived.
    pub(crate) fn wait_for_slow(&self) {
        let (state, changed) = &*self.slow;
        let limit = Duration::from_secs(30);
        let waited = changed.wait_timeout_while(state.lock().unwrap(), limit, |slow| !slow.arrived).unwrap();
        assert!(!waited.1.timed_out(), "no request for /slow");
    }

    /// Lets it be answered.
    pub(crate) fn finish_slow(&self) {
        let (state, changed) = &*self.slow;
        state.lock().unwrap().released = true;
        changed.notify_all();
    }
}

fn serve(stream: TcpStream, slow: &(Mutex<Slow>, Condvar)) {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    loop {
        head.clear();
        while !head.ends_with("\r\n\r\n") {
            match stream.read_line(&mut head) {
                Ok(length) if length > 0 => {}
                _ => return,
            }
        }
        if head.starts_with("GET /slow") {
            let (state, changed) = slow;
            let mut waiting = state.lock().unwrap();
            waiting.arrived = true;
            changed.notify_all();
            drop(changed.wait_while(waiting, |slow| !slow.released).unwrap());
        }
        if stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").is_err() {
            return;
        }
    }
}
