//! `portcullis logs`: what anybody's access log says about its 403s. Arguments and work are those of `portcullis-accesslog`.

use portcullis_accesslog::command;

use super::Exit;

pub(crate) use command::Logs;

/// Runs the command.
pub(crate) fn run(logs: &Logs) -> Exit {
    match logs.run() {
        command::Exit::Explained => Exit::Done,
        command::Exit::Undecided => Exit::Wrong,
        command::Exit::Unreadable => Exit::Failed,
    }
}
