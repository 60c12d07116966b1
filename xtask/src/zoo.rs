//! `cargo xtask zoo`: the diagnostician on real servers.
//!
//! Builds `portcullis`, lets `zoo/zoo.py` score it, and writes the book's chapter on request. What is scored, and how, is
//! told by `zoo/README.md`; nothing of it is decided here.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::run::{root, run, run_with};

const DOCTOR: &str = "portcullis doctor --json {headers} {local} {url}";
const LOGS: &str = "portcullis logs --json {log}";
const CHAPTER: &str = "docs/src/zoo.md";

const HELP: &str = "\
cargo xtask zoo [--set NAME] [--names NAME…] [--jobs N] [--json FILE] [--page] [--install]
                [--profile NAME] [--doctor COMMAND] [--logs COMMAND]

  --set NAME        only this set of scenarios, not all
  --names NAME…     only these scenarios
  --jobs N          so many at a time (1)
  --json FILE       write all results there
  --page            write docs/src/zoo.md; needs all sets, and a reason in zoo/misses.toml for every miss
  --install         first install the servers (Debian packages, a virtual environment, node packages)
  --profile NAME    build portcullis with this profile (release)
  --doctor COMMAND  score this instead of `portcullis doctor`; with --logs, nothing is built
  --logs COMMAND    score this instead of `portcullis logs`
";

/// What was typed.
#[derive(Debug, Default, PartialEq)]
struct Options {
    set: Option<String>,
    names: Vec<String>,
    jobs: Option<String>,
    json: Option<String>,
    page: bool,
    install: bool,
    profile: Option<String>,
    doctor: Option<String>,
    logs: Option<String>,
    help: bool,
}

/// Builds, scores, and writes the chapter if asked to.
pub(crate) fn score() -> Result<(), String> {
    let options = parse(std::env::args().skip(2))?;
    if options.help {
        print!("{HELP}");
        return Ok(());
    }
    if options.install {
        run("python3", &["zoo/zoo.py", "install"])?;
    }
    let profile = options.profile.as_deref().unwrap_or("release");
    if options.doctor.is_none() || options.logs.is_none() {
        run("cargo", &["build", "--profile", profile, "--package", "portcullis"])?;
    }
    let result = match (&options.json, options.page) {
        // Everything below runs in the workspace's root; a relative name is relative to where it was typed.
        (Some(file), _) => Some(std::path::absolute(file).map_err(|fault| format!("`{file}`: {fault}"))?),
        (None, true) => Some(target().join("zoo.json")),
        (None, false) => None,
    }
    .map(|file| file.display().to_string());
    let arguments = arguments(&options, result.as_deref());
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    // The commands say `portcullis`, as its user would; the path says which one that is.
    run_with(&[("PATH", &path_with(&binaries(profile))?)], "python3", &arguments)?;
    if let (true, Some(result)) = (options.page, result) {
        run("python3", &["zoo/zoo.py", "page", "--result", &result, "--out", CHAPTER])?;
        println!("wrote {CHAPTER}; docs/src/SUMMARY.md must name it");
    }
    Ok(())
}

/// The zoo's own tests, and its scenarios that need no server beside Python.
pub(crate) fn check() -> Result<(), String> {
    let quietly = [("PYTHONDONTWRITEBYTECODE", "1")];
    let tests = ["-m", "unittest", "discover", "--start-directory", "zoo/tests"];
    run_with(&quietly, "python3", &[&tests[..], &["--top-level-directory", "zoo"]].concat())?;
    run("python3", &["zoo/zoo.py", "verify", "--kind", "replay", "--quiet", "--jobs", "2"])
}

fn parse(words: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options::default();
    let mut words = words.peekable();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("`{word}` needs a value\n\n{HELP}"));
        match word.as_str() {
            "--set" => options.set = Some(value()?),
            "--jobs" => options.jobs = Some(value()?),
            "--json" => options.json = Some(value()?),
            "--profile" => options.profile = Some(value()?),
            "--doctor" => options.doctor = Some(value()?),
            "--logs" => options.logs = Some(value()?),
            "--page" => options.page = true,
            "--install" => options.install = true,
            "--help" | "-h" => options.help = true,
            "--names" => {
                options.names.push(value()?);
                while let Some(name) = words.next_if(|word| !word.starts_with("--")) {
                    options.names.push(name);
                }
            }
            other => return Err(format!("`zoo` does not know `{other}`\n\n{HELP}")),
        }
    }
    if options.page && (options.set.is_some() || !options.names.is_empty()) {
        return Err("`--page` publishes all sets: leave out --set and --names".to_owned());
    }
    Ok(options)
}

/// The words that let `zoo.py` score.
fn arguments(options: &Options, result: Option<&str>) -> Vec<String> {
    let doctor = options.doctor.as_deref().unwrap_or(DOCTOR);
    let logs = options.logs.as_deref().unwrap_or(LOGS);
    let mut arguments = vec!["zoo/zoo.py", "score", "--cmd", doctor, "--logs-cmd", logs];
    let jobs = options.jobs.as_deref();
    for (name, value) in [("--set", options.set.as_deref()), ("--jobs", jobs), ("--json", result)] {
        if let Some(value) = value {
            arguments.extend([name, value]);
        }
    }
    arguments.extend(options.names.iter().map(String::as_str));
    arguments.into_iter().map(str::to_owned).collect()
}

fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |folder| root().join(folder))
}

/// Where cargo puts what it builds with a profile.
fn binaries(profile: &str) -> PathBuf {
    target().join(if profile == "dev" { "debug" } else { profile })
}

fn path_with(folder: &std::path::Path) -> Result<String, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&path));
    let joined: OsString = std::env::join_paths(folders).map_err(|fault| format!("PATH: {fault}"))?;
    joined.into_string().map_err(|_| "PATH is not text".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Options, String> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn names_end_at_the_next_option() {
        let options = parsed("--names real-001 own/log-002 --jobs 2").unwrap();
        assert_eq!(options.names, ["real-001", "own/log-002"]);
        assert_eq!(options.jobs.as_deref(), Some("2"));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        assert!(parsed("--sets open").unwrap_err().contains("does not know `--sets`"));
        assert!(parsed("--set").unwrap_err().contains("needs a value"));
        assert!(parsed("open").is_err());
    }

    #[test]
    fn a_chapter_is_about_all_sets() {
        assert!(parsed("--page --set open").is_err());
        assert!(parsed("--page --names real-001").is_err());
        assert!(parsed("--page --jobs 2").is_ok());
    }

    #[test]
    fn the_scored_commands_are_those_that_people_type() {
        let arguments = arguments(&parsed("--set own --names log-001").unwrap(), Some("zoo.json"));
        let expected = [
            "zoo/zoo.py",
            "score",
            "--cmd",
            "portcullis doctor --json {headers} {local} {url}",
            "--logs-cmd",
            "portcullis logs --json {log}",
            "--set",
            "own",
            "--json",
            "zoo.json",
            "log-001",
        ];
        assert_eq!(arguments, expected);
    }
}
