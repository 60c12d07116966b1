//! What every kind of server offers to the reader: where it listens, and its judgement of one request.

use std::path::{Path, PathBuf};

use crate::condition::Truth;
use crate::hop::Hop;
use crate::report::{Clue, Server};
use crate::source::Files;

/// One configuration root, read.
pub(crate) trait Site {
    /// Its kind: the id of its layer.
    fn kind(&self) -> &'static str;

    /// The root that it was read from.
    fn root(&self) -> &Path;

    /// Whether it answers at this address and port. Unknown if its configuration does not say.
    fn listens(&self, address: &str, port: u16) -> Truth;

    /// Whether it answers at this socket.
    fn listens_at(&self, _socket: &Path) -> bool {
        false
    }

    /// Whether it is a forward proxy, which is asked for other machines' addresses.
    fn forwards(&self) -> bool {
        false
    }

    /// Where its logs lie; applications on the same machine often write beside them.
    fn log_folders(&self) -> Vec<PathBuf> {
        crate::beside::logs(self.root(), self.kind())
            .iter()
            .filter_map(|log| log.parent().map(Path::to_path_buf))
            .collect()
    }

    /// What becomes of the request here.
    fn judge(&self, hop: &Hop, files: &mut Files) -> Judgement;
}

/// What one server makes of one request.
#[derive(Debug, Default)]
pub(crate) struct Judgement {
    pub(crate) clues: Vec<Clue>,
    pub(crate) server: Option<Server>,
    pub(crate) next: Vec<Next>,
}

/// Where the request goes from here.
#[derive(Debug, Clone)]
pub(crate) struct Next {
    /// For people: `127.0.0.1:8080`, `unix:/run/app.sock`.
    pub(crate) label: String,
    pub(crate) hop: Hop,
    pub(crate) socket: Option<PathBuf>,
    pub(crate) role: Role,
    /// Whether the server's own log says that this one answered 403.
    pub(crate) refused: Truth,
}

/// Why it goes there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The origin answers in the server's place.
    Origin,
    /// It is asked whether the request may pass.
    Authorizer,
    /// FastCGI.
    Php,
}
