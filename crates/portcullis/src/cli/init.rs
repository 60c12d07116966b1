//! `portcullis init`: a first configuration that works, written whole or not at all.
//!
//! INVARIANT: nothing that exists is overwritten, and a failure leaves nothing of ours behind.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine;
use portcullis_request::Host;

use super::{Exit, complain, say};
use crate::config;

/// Write a small, commented, working configuration.
///
/// Asks nothing and overwrites nothing. Afterwards `portcullis check` finds nothing, `portcullis key create` makes a
/// key, and `portcullis run` protects the service.
#[derive(Debug, clap::Args)]
pub(crate) struct Init {
    /// The folder to write to; made if it is not there.
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
    /// The service to protect.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9000", value_parser = upstream)]
    upstream: String,
    /// The host that callers use for it.
    #[arg(long, value_name = "NAME", default_value = "localhost", value_parser = host)]
    host: String,
}

impl Init {
    pub(crate) fn run(&self) -> Exit {
        let files = match self.files() {
            Ok(files) => files,
            Err(fault) => {
                complain(fault, None);
                return Exit::Failed;
            }
        };
        let in_the_way: Vec<_> = files
            .iter()
            .map(|file| self.folder.join(file.name))
            .filter(|path| path.symlink_metadata().is_ok())
            .collect();
        if !in_the_way.is_empty() {
            for path in in_the_way {
                complain(format_args!("`{}` exists already", path.display()), None);
            }
            complain("nothing was written", Some("name an empty folder, or move these away"));
            return Exit::Wrong;
        }
        let mut written = Written::default();
        match files.iter().try_for_each(|file| written.write(&self.folder, file)) {
            Ok(()) => {
                say(self.next_steps());
                Exit::Done
            }
            Err(fault) => {
                written.remove();
                complain(format_args!("{fault}; nothing was left behind"), None);
                Exit::Failed
            }
        }
    }

    fn files(&self) -> Result<Vec<File>, &'static str> {
        let configuration = include_str!("init/portcullis.toml")
            .replace("@UPSTREAM@", &self.upstream)
            .replace("@HOST@", &self.host);
        let public = |name, text: &str| File { name, text: text.to_owned(), secret: false };
        Ok(vec![
            public("portcullis.toml", &configuration),
            public("schema.cedarschema", include_str!("init/schema.cedarschema")),
            public("policies/app.cedar", include_str!("init/app.cedar")),
            public("policies/app.test.toml", include_str!("init/app.test.toml")),
            public("directory/people.toml", include_str!("init/people.toml")),
            // In folders of their own, so that a `.gitignore` that is there already is not in the way.
            File { name: "data/.gitignore", text: "*\n".to_owned(), secret: true },
            File { name: "secrets/.gitignore", text: "*\n".to_owned(), secret: true },
            File { name: "secrets/admin-token", text: format!("{}\n", token()?), secret: true },
        ])
    }

    fn next_steps(&self) -> String {
        let change = if self.folder == Path::new(".") {
            String::new()
        } else {
            format!("  cd {}\n", self.folder.display())
        };
        format!(
            "Wrote a configuration for {upstream} to {folder}. Now:\n\n{change}  portcullis check\n  \
             portcullis key create alice --user    # prints a key, once\n  portcullis run\n\nand elsewhere:\n\n  \
             curl -i -H 'Host: {host}' http://127.0.0.1:8080/    # without a key: 401\n  \
             curl -i -H 'Host: {host}' -H \"X-API-Key: $KEY\" http://127.0.0.1:8080/    # passed on",
            upstream = self.upstream,
            folder = self.folder.display(),
            host = self.host,
        )
    }
}

struct File {
    name: &'static str,
    text: String,
    secret: bool,
}

/// What was made so far, to be taken back if the rest cannot be.
#[derive(Default)]
struct Written {
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
}

impl Written {
    fn write(&mut self, folder: &Path, file: &File) -> Result<(), String> {
        let path = folder.join(file.name);
        let named = path.display().to_string();
        let cannot = |fault: std::io::Error| format!("cannot write `{named}`: {fault}");
        if let Some(parent) = path.parent() {
            self.make(parent, file.secret).map_err(cannot)?;
        }
        let mut options = OpenOptions::new();
        // `create_new` again: somebody else may have been quicker since we looked.
        options.write(true).create_new(true);
        private_file(&mut options, file.secret);
        let mut opened = options.open(&path).map_err(cannot)?;
        self.files.push(path);
        opened.write_all(file.text.as_bytes()).map_err(cannot)
    }

    fn make(&mut self, folder: &Path, secret: bool) -> std::io::Result<()> {
        if folder.as_os_str().is_empty() || folder.is_dir() {
            return Ok(());
        }
        if let Some(parent) = folder.parent() {
            self.make(parent, false)?;
        }
        let mut builder = DirBuilder::new();
        private_folder(&mut builder, secret);
        builder.create(folder)?;
        self.folders.push(folder.to_owned());
        Ok(())
    }

    /// Takes back what was made, as far as that goes; the fault that led here is the one to tell.
    fn remove(self) {
        for file in self.files.into_iter().rev() {
            drop(std::fs::remove_file(file));
        }
        for folder in self.folders.into_iter().rev() {
            drop(std::fs::remove_dir(folder));
        }
    }
}

#[cfg(unix)]
fn private_file(options: &mut OpenOptions, secret: bool) {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(if secret { 0o600 } else { 0o644 });
}

#[cfg(unix)]
fn private_folder(builder: &mut DirBuilder, secret: bool) {
    use std::os::unix::fs::DirBuilderExt;
    builder.mode(if secret { 0o700 } else { 0o755 });
}

#[cfg(not(unix))]
fn private_file(_options: &mut OpenOptions, _secret: bool) {}

#[cfg(not(unix))]
fn private_folder(_builder: &mut DirBuilder, _secret: bool) {}

/// 256 random bits: nobody guesses them, and nobody has to type them.
pub(crate) fn token() -> Result<String, &'static str> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| "the system gives no random numbers")?;
    Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
}

fn upstream(text: &str) -> Result<String, String> {
    config::upstream(text).map(|_| text.to_owned()).map_err(|(message, help)| format!("{message}; {help}"))
}

fn host(text: &str) -> Result<String, String> {
    Host::parse(text).map(|host| host.to_string()).map_err(|fault| fault.to_string())
}

#[cfg(test)]
mod tests;
