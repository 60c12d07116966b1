//! The corpus of Cedar's own integration tests: `cargo xtask corpus PATH`.
//!
//! PATH is an unpacked `cedar-integration-tests` with `corpus-tests.tar.gz` unpacked in it, or a tarball of that. Every
//! request is decided by the official authorizer and the engine, as in generated worlds; then many files at once, their
//! policies in one set, so that an index has something to choose from. The corpus is not kept here.

#![allow(clippy::print_stdout, reason = "a chore that says what it did")]

mod file;
mod group;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use portcullis_worlds::census::Census;
use portcullis_worlds::check::{self, Engine};

use crate::file::File;

/// How many files are merged into one set. Of ten, requests are still denied by default; of two hundred, hardly any.
const GROUPS: [usize; 2] = [10, 200];

fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1).map(PathBuf::from) else {
        println!("corpus PATH");
        return ExitCode::FAILURE;
    };
    match all(&path) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(failed) => {
            println!("{failed} failed");
            ExitCode::FAILURE
        }
        Err(fault) => {
            println!("{fault}");
            ExitCode::FAILURE
        }
    }
}

fn all(path: &Path) -> Result<usize, String> {
    let unpacked = tempfile::tempdir().map_err(|fault| fault.to_string())?;
    let root = if path.is_dir() { path } else { unpack(path, unpacked.path())? };
    // As in the long run: the official evaluator gives up where the stack is short.
    let roomy = std::thread::Builder::new().stack_size(256 << 20);
    std::thread::scope(|scope| {
        let work = roomy.spawn_scoped(scope, || parts(root)).map_err(|fault| fault.to_string())?;
        work.join().map_err(|_| "a panic".to_owned())?
    })
}

fn unpack<'a>(tarball: &Path, to: &'a Path) -> Result<&'a Path, String> {
    let status = Command::new("tar").arg("-xzf").arg(tarball).arg("-C").arg(to).status();
    match status {
        Ok(status) if status.success() => Ok(to),
        Ok(status) => Err(format!("tar: {status}")),
        Err(fault) => Err(format!("tar: {fault}")),
    }
}

fn parts(root: &Path) -> Result<usize, String> {
    let mut failed = 0_usize;
    for part in ["tests", "corpus-tests"] {
        let begun = Instant::now();
        let (mut files, mut census) = (Vec::new(), Census::default());
        let mut fail = |name: &str, why: &dyn std::fmt::Display| {
            failed = failed.saturating_add(1);
            println!("{name}: {why}");
        };
        for path in file::under(&root.join(part))? {
            match File::read(root, &path) {
                Ok(file) => files.push(file),
                Err(why) => fail(&path.display().to_string(), &why),
            }
        }
        for file in &files {
            match check::subject(&file.subject, 1, Engine::OURS) {
                Ok(counted) => census.add(&counted),
                Err(fault) => fail(&file.name, &fault),
            }
            for difference in file.unexpected() {
                fail(&file.name, &difference);
            }
        }
        println!("{part}, each alone: {census}; {:.0} s", begun.elapsed().as_secs_f64());
        for size in GROUPS {
            let begun = Instant::now();
            let census = group::merged(&files, size, &mut fail);
            println!("{part}, {size} files in one set: {census}; {:.0} s", begun.elapsed().as_secs_f64());
        }
    }
    Ok(failed)
}
