//! Values that stand in many places: durations, sizes, networks, files and folders.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;

use super::{Checker, with_hint};
use crate::config::finding::{nearest, quoted};
use crate::config::measure;
use crate::config::raw::PathText;
use crate::config::source::element;

impl Checker<'_> {
    pub(super) fn duration(
        &mut self,
        path: &str,
        text: &str,
        least: Duration,
        most: Duration,
    ) -> Option<Duration> {
        match measure::duration(text) {
            Ok(duration) if (least..=most).contains(&duration) => Some(duration),
            Ok(_) => {
                let message = format!("`{path}` is out of range: `{text}`");
                let help = format!("write {} to {}", short(least), short(most));
                self.source.error(path, "portcullis::config::out_of_range", message, help);
                None
            }
            Err(help) => {
                let message = format!("{} is no duration", quoted(text));
                self.source.error(path, "portcullis::config::bad_duration", message, help);
                None
            }
        }
    }

    pub(super) fn size(&mut self, path: &str, text: &str, least: u64, most: u64) -> Option<u64> {
        match measure::size(text) {
            Ok(size) if (least..=most).contains(&size) => Some(size),
            Ok(_) => {
                let message = format!("`{path}` is out of range: `{text}`");
                let help = format!("write `{}KiB` to `{}KiB`", least >> 10, most >> 10);
                self.source.error(path, "portcullis::config::out_of_range", message, help);
                None
            }
            Err(help) => {
                let message = format!("{} is no size", quoted(text));
                self.source.error(path, "portcullis::config::bad_size", message, help);
                None
            }
        }
    }

    pub(super) fn resolve(&self, written: &PathText) -> PathBuf {
        self.folder.join(&written.0)
    }

    pub(super) fn existing_file(&mut self, path: &str, written: &PathText) -> Option<PathBuf> {
        let file = self.resolve(written);
        if !written.0.is_empty() && file.is_file() {
            return Some(file);
        }
        self.not_there(path, written, "file", &file);
        None
    }

    pub(super) fn existing_folder(&mut self, path: &str, written: &PathText) -> Option<PathBuf> {
        let folder = self.resolve(written);
        if !written.0.is_empty() && folder.is_dir() {
            return Some(folder);
        }
        self.not_there(path, written, "folder", &folder);
        None
    }

    fn not_there(&mut self, path: &str, written: &PathText, what: &str, at: &Path) {
        let message = if at.exists() {
            format!("{} is no {what}", quoted(&written.0))
        } else {
            format!("the {what} {} does not exist", quoted(&written.0))
        };
        let siblings = siblings(at);
        let help = match nearest(&name_of(at), siblings.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "paths are relative to the folder of the configuration file".to_owned(),
        };
        self.source.error(path, "portcullis::config::not_found", message, help);
    }

    pub(super) fn networks(&mut self, path: &str, written: &[String]) -> Vec<IpNet> {
        let mut networks = Vec::new();
        for (index, network) in written.iter().enumerate() {
            match portcullis_context::network::network(network) {
                Ok(network) => networks.push(network),
                Err(fault) => {
                    let (message, help) = with_hint(&fault);
                    self.source.error(
                        &element(path, index),
                        "portcullis::config::bad_network",
                        message,
                        help,
                    );
                }
            }
        }
        networks
    }
}

fn short(duration: Duration) -> String {
    let (seconds, milliseconds) = (duration.as_secs(), duration.as_millis());
    match seconds {
        0 => format!("`{milliseconds}ms`"),
        _ if seconds.is_multiple_of(86400) => format!("`{}d`", seconds / 86400),
        _ if seconds.is_multiple_of(3600) => format!("`{}h`", seconds / 3600),
        _ if seconds.is_multiple_of(60) => format!("`{}m`", seconds / 60),
        _ => format!("`{seconds}s`"),
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The names beside a path, for a suggestion; a bounded look.
fn siblings(path: &Path) -> Vec<String> {
    let entries = path.parent().and_then(|parent| std::fs::read_dir(parent).ok());
    let mut names: Vec<String> =
        entries.into_iter().flatten().take(1000).flatten().map(|entry| name_of(&entry.path())).collect();
    names.sort_unstable();
    names
}
