//! Writes the catalogue into the book: `cargo run -p portcullis-response --example write_book_pages -- docs/src/refusals`.
//!
//! One file for each page and an index. What is there and belongs to no page is left alone.

use std::path::PathBuf;
use std::process::ExitCode;

use portcullis_response::catalogue;

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else { return ExitCode::from(2) };
    for (name, text) in catalogue::book() {
        if std::fs::write(folder.join(name), text).is_err() {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
