//! `portcullis log key` and `log pseudonym`: what may be published of a log's keys, and what one of them makes of a name.

use std::path::Path;

use portcullis_record::keys;

use super::Failure;
use crate::cli::{Exit, say};

/// Print the public key that checks this log's checkpoints (`name+hash+key`, as signed notes have it).
#[derive(Debug, clap::Args)]
pub(super) struct Key;

/// Print the pseudonym of a name: what stands in its place where `log.redact.hash` says so.
#[derive(Debug, clap::Args)]
pub(super) struct Pseudonym {
    /// The identifier, address or other text.
    #[arg(value_name = "NAME")]
    name: String,
}

impl Key {
    pub(super) fn run(&self, folder: &Path) -> Result<Exit, Failure> {
        say(keys::verifier(folder).map_err(Failure::failed)?.ok_or_else(none)?);
        Ok(Exit::Done)
    }
}

impl Pseudonym {
    pub(super) fn run(&self, folder: &Path) -> Result<Exit, Failure> {
        let pseudonyms = keys::pseudonyms(folder).map_err(Failure::failed)?.ok_or_else(none)?;
        say(pseudonyms.of(&self.name));
        Ok(Exit::Done)
    }
}

fn none() -> Failure {
    Failure::wrong("this log has no keys", "they are made when a gate first opens it, and stay in its folder")
}
