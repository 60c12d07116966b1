//! The configuration: as it is written (`raw`), and as it is meant (`checked`). [`load`] leads from a file to the one or
//! to everything that is wrong with it; the schema and the reference page are generated from the same types.

mod checked;
mod country;
mod finding;
mod fixed;
pub(crate) mod measure;
mod raw;
#[cfg(test)]
mod reference;
mod schema;
mod source;
mod structure;

use std::io::Read;
use std::path::Path;

pub(crate) use checked::{
    AdminConfig, App, Config, Named, Payload, Route, TelemetryConfig, Upstream, UpstreamIdentityConfig,
    UpstreamTls, log_folder, state_file, upstream, with_hint,
};
pub(crate) use finding::{Finding, suggest};
pub(crate) use fixed::Fixed;
pub(crate) use raw::{RawField, RawFieldKind, RawForm};
pub(crate) use source::Source;

/// What became of a configuration file.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// The configuration, if nothing stands in its way.
    pub(crate) config: Option<Config>,
    /// What it names, as far as it could be read; `None` where it is no TOML at all.
    pub(crate) named: Option<Named>,
    /// The text, for findings about the files it names.
    pub(crate) source: Source,
    /// The text's bytes; empty where there is none.
    pub(crate) text: String,
    /// Everything that is wrong, in order of position.
    pub(crate) findings: Vec<Finding>,
}

/// Larger configurations are made by accident; users and devices belong in the directory.
const LONGEST_FILE: u64 = 1024 * 1024;

/// Reads and checks a configuration file.
pub(crate) fn load(path: &Path) -> Loaded {
    match read(path) {
        Ok(text) => load_text(path, text),
        Err(finding) => Loaded {
            config: None,
            named: None,
            source: Source::new(&path.display().to_string(), ""),
            text: String::new(),
            findings: vec![*finding],
        },
    }
}

/// Checks a configuration as if it stood at this path.
pub(crate) fn load_text(path: &Path, text: String) -> Loaded {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut source = Source::new(&name, &text);
    let table = structure::read(&mut source, &text, &schema::schema());
    let (mut config, mut named) = (None, None);
    if let Some(table) = table {
        match table.try_into::<raw::RawConfig>() {
            Ok(raw) => {
                let (checked, names) = checked::check(&raw, path, &mut source);
                (config, named) = (checked, Some(names));
            }
            Err(fault) => {
                let message = fault.message().to_owned();
                source.error("", "portcullis::config::wrong_type", message, "");
            }
        }
    }
    let findings = source.take_findings();
    Loaded { config, named, source, text, findings }
}

fn read(path: &Path) -> Result<String, Box<Finding>> {
    let shown = path.display();
    let unreadable = |fault: std::io::Error| {
        let help = match fault.kind() {
            std::io::ErrorKind::NotFound => "`portcullis init` writes one; `--config FILE` names another",
            _ => "check that it is a file and that we may read it",
        };
        let message = format!("cannot read the configuration `{shown}`: {fault}");
        Box::new(Finding::bare("portcullis::config::unreadable", message, Some(help.to_owned())))
    };
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(LONGEST_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > LONGEST_FILE) {
        let message = format!("the configuration `{shown}` is larger than {} KiB", LONGEST_FILE >> 10);
        let help = "is it the right file? users and devices belong in the directory".to_owned();
        return Err(Box::new(Finding::bare("portcullis::config::too_long", message, Some(help))));
    }
    String::from_utf8(bytes).map_err(|_| {
        let message = format!("the configuration `{shown}` is not UTF-8 text");
        Box::new(Finding::bare(
            "portcullis::config::syntax",
            message,
            Some("TOML files are UTF-8".to_owned()),
        ))
    })
}

#[cfg(test)]
mod tests;
