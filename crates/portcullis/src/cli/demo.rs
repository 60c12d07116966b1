//! `portcullis demo`: a whole small world on loopback, and a tour through its refusals.

use crate::demo;

use super::{Exit, complain};

/// Start a shop, an identity provider and the gate before it, all in this process, and show what is decided.
///
/// Needs nothing else and writes only below a temporary folder. Runs until interrupted.
#[derive(Debug, clap::Args)]
pub(crate) struct Demo {
    /// Take the whole tour, print each exchange, and end; fails if any answer is not what it should be.
    #[arg(long)]
    tour: bool,
    /// The port of the gate; a free one where it is taken.
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    port: u16,
}

impl Demo {
    pub(crate) fn run(&self) -> Exit {
        match demo::run(self.tour, self.port) {
            Ok(true) => Exit::Done,
            Ok(false) => Exit::Wrong,
            Err(fault) => {
                complain(format_args!("the demo could not be started: {fault:#}"), None);
                Exit::Failed
            }
        }
    }
}
