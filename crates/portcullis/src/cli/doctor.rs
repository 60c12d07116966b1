//! `portcullis doctor`: who answered 403, why, and what to do. All of it is the diagnostician's; here it gets its streams
//! and its exit code.

use portcullis_diagnose::command::{self, Doctor};

use super::Exit;

/// Runs the command.
pub(crate) fn run(doctor: &Doctor) -> Exit {
    match command::run(doctor, &mut std::io::stdout().lock(), &mut std::io::stderr().lock()) {
        command::Exit::Diagnosed => Exit::Done,
        command::Exit::Undecided => Exit::Wrong,
        command::Exit::Usage => Exit::Usage,
        command::Exit::Unreachable => Exit::Failed,
    }
}
