//! temp
use std::path::PathBuf;
use crate::explain::{Known, explain};
use crate::read::read;
/// temp
pub fn temp(paths: &[PathBuf]) -> String {
    let report = explain(read(paths, None, &|_| {}), &Known::default());
    crate::report::json::json(&report).to_string()
}
