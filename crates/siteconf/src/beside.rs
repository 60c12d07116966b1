//! Logs that no configuration names: files beside a configuration, or in the usual places, that are called after the
//! server. Also whom a server runs as, where only the running process knows.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::modes::{Worker, user_name};
use crate::source::files_in;

/// Logs looked into.
const MOST_LOGS: usize = 16;
/// Entries of one folder.
const MOST_ENTRIES: usize = 2_000;

/// Log files that may be this server's.
pub(crate) fn logs(root: &Path, kind: &str) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = Vec::new();
    for base in root.ancestors().skip(1).take(3).filter(|base| base.components().count() > 2) {
        folders.extend(["log", "logs", "var/log"].iter().map(|name| base.join(name)));
    }
    folders.extend([PathBuf::from(format!("/var/log/{kind}")), PathBuf::from("/var/log")]);
    let mut found = Vec::new();
    for folder in folders {
        let named_after = folder.file_name().is_some_and(|name| name == kind);
        found.extend(files_in(&folder, MOST_ENTRIES).into_iter().filter(|path| {
            let name =
                path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
            is_log(&name) && (named_after || name.contains(kind))
        }));
    }
    found.truncate(MOST_LOGS);
    found
}

/// Log files of applications beside logs that a configuration names.
pub(crate) fn applications(folders: &[PathBuf]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in folders {
        let named = |path: &PathBuf| {
            let name =
                path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
            is_log(&name) && !name.contains("access")
        };
        found.extend(files_in(folder, MOST_ENTRIES).into_iter().filter(named));
    }
    found.sort();
    found.dedup();
    found.truncate(MOST_LOGS);
    found
}

fn is_log(name: &str) -> bool {
    [".log", ".out", ".err", ".log.1"].iter().any(|ending| name.ends_with(ending))
}

/// Whom the process runs as that was started with this configuration.
pub(crate) fn running_as(root: &Path) -> Option<Worker> {
    let wanted = root.to_string_lossy().into_owned();
    let entries = std::fs::read_dir("/proc").ok()?;
    let mut best: Option<Worker> = None;
    for entry in entries.take(20_000).filter_map(Result::ok) {
        let folder = entry.path();
        let numeric = folder
            .file_name()
            .is_some_and(|name| name.to_string_lossy().bytes().all(|byte| byte.is_ascii_digit()));
        if !numeric {
            continue;
        }
        let Ok(line) = std::fs::read(folder.join("cmdline")) else { continue };
        if !line.split(|byte| *byte == 0).skip(1).any(|word| word == wanted.as_bytes()) {
            continue;
        }
        let Ok(about) = std::fs::metadata(&folder) else { continue };
        let name = user_name(about.uid());
        let worker = Worker::named(&name, None).unwrap_or(Worker {
            name,
            uid: about.uid(),
            groups: vec![about.gid()],
        });
        // A master may run as root while its workers do not.
        if best.as_ref().is_none_or(|known| known.uid == 0) {
            best = Some(worker);
        }
    }
    best
}

/// The command line of the process that was started with this configuration.
pub(crate) fn arguments(root: &Path) -> Option<Vec<String>> {
    let wanted = root.to_string_lossy().into_owned();
    let entries = std::fs::read_dir("/proc").ok()?;
    for entry in entries.take(20_000).filter_map(Result::ok) {
        let Ok(line) = std::fs::read(entry.path().join("cmdline")) else { continue };
        let words: Vec<String> =
            line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect();
        if words.iter().skip(1).any(|word| *word == wanted) {
            return Some(words);
        }
    }
    None
}

/// Sources of the application that listens at a port of this machine: what its command line names.
pub(crate) fn sources_of(port: u16) -> Vec<PathBuf> {
    let Some(process) = listener(port) else { return Vec::new() };
    let Ok(line) = std::fs::read(process.join("cmdline")) else { return Vec::new() };
    let words: Vec<String> =
        line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    let folder = std::fs::read_link(process.join("cwd")).unwrap_or_default();
    let told = |names: &[&str]| {
        let at = words.iter().position(|word| names.contains(&word.as_str()))?;
        words.get(at + 1).map(|place| folder.join(place))
    };
    let base = told(&["--chdir", "--app-dir", "--pythonpath"]).unwrap_or_else(|| folder.clone());
    let mut found = Vec::new();
    for word in words.iter().skip(1).take(64) {
        let ending = Path::new(word).extension().map(|ending| ending.to_string_lossy().into_owned());
        if matches!(ending.as_deref(), Some("py" | "js" | "cjs" | "mjs" | "rb")) {
            found.push(folder.join(word));
        } else if let Some((module, _)) =
            word.split_once(':').filter(|(module, _)| !module.contains(['/', '-']))
        {
            let file = module.replace('.', "/");
            found.push(base.join(format!("{file}.py")));
            // `shop.wsgi:application` has its settings beside it.
            found.extend(Path::new(&file).parent().map(|package| base.join(package).join("settings.py")));
        }
    }
    found.retain(|path| path.is_file());
    found
}

/// The process that listens at a port of this machine, as a folder of `/proc`.
fn listener(port: u16) -> Option<PathBuf> {
    let wanted = format!(":{port:04X}");
    let inodes: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| std::fs::read_to_string(table).ok())
        .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            // State 0A is listening.
            let listens = fields.get(1)?.ends_with(&wanted) && fields.get(3) == Some(&"0A");
            listens.then(|| fields.get(9).map(|inode| format!("socket:[{inode}]"))).flatten()
        })
        .collect();
    if inodes.is_empty() {
        return None;
    }
    let entries = std::fs::read_dir("/proc").ok()?;
    entries.take(20_000).filter_map(Result::ok).map(|entry| entry.path()).find(|process| {
        let Ok(open) = std::fs::read_dir(process.join("fd")) else { return false };
        open.take(4_096).filter_map(Result::ok).any(|file| {
            std::fs::read_link(file.path())
                .is_ok_and(|target| inodes.iter().any(|inode| target.as_os_str() == inode.as_str()))
        })
    })
}
