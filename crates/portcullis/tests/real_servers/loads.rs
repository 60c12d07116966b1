//! Loads: of benchmarks, of callers that mean harm, and of a log that cannot be written; what a good caller notices of them.
//!
//! Nothing here is a measurement that may fail for the machine's sake: bounds on times and memory are generous, figures are
//! printed. For figures at full size see `hostile`.

mod benchmarks;
mod disk;
mod good;
mod hostile;

use crate::gate::{Gate, origin};
use crate::support::{Program, exchange};

/// A gate before `origin.js` that lets everybody in.
fn open_gate() -> (Gate, Program, u16) {
    let (origin, port) = origin();
    (Gate::start(&app(port)), origin, port)
}

/// The app of [`open_gate`].
fn app(port: u16) -> String {
    format!(
        "[[app]]\nname = \"shop\"\nhosts = [\"shop.test\"]\nupstream = \"http://127.0.0.1:{port}\"\naccess = \"anyone\"\n"
    )
}

/// The origin knows how often it was asked.
fn asked(port: u16) -> usize {
    let address = ([127, 0, 0, 1], port).into();
    let answer = exchange(address, "GET /asked HTTP/1.1\r\nHost: origin\r\nConnection: close\r\n\r\n");
    answer.rsplit("\r\n").find_map(|line| line.parse().ok()).unwrap_or_else(|| panic!("{answer}"))
}
