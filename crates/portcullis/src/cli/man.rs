//! `portcullis man`: manual pages from the same definitions as `--help`.

use std::path::{Path, PathBuf};

use super::{Exit, complain};

/// Write the manual pages into a folder, one for each command.
#[derive(Debug, clap::Args)]
pub(crate) struct Man {
    /// Where to; made if it does not exist.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

impl Man {
    pub(crate) fn run(&self, command: clap::Command) -> Exit {
        let written = std::fs::create_dir_all(&self.folder)
            .and_then(|()| write_pages(&self.folder, &command.disable_help_subcommand(true), "portcullis"));
        match written {
            Ok(()) => Exit::Done,
            Err(fault) => {
                complain(
                    format_args!("cannot write manual pages to `{}`: {fault}", self.folder.display()),
                    Some("name a folder that you may write to"),
                );
                Exit::Failed
            }
        }
    }
}

fn write_pages(folder: &Path, command: &clap::Command, name: &str) -> std::io::Result<()> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone().name(name.to_owned())).render(&mut page)?;
    std::fs::write(folder.join(format!("{name}.1")), page)?;
    for sub in command.get_subcommands() {
        write_pages(folder, sub, &format!("{name}-{}", sub.get_name()))?;
    }
    Ok(())
}
