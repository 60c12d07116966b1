//! Signed notes of erasure: which lines were erased, when, and for whom (by pseudonym, so that it can be shown to have
//! been done without saying whom the log has forgotten).

use std::collections::HashMap;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::keys::Keys;
use crate::note::{Note, NoteError, Verifier};
use crate::tree::Hash;

/// The file that holds them, one after the other.
pub(crate) const ERASURES: &str = "erasures";

/// Every line that was erased.
#[derive(Debug, Default)]
pub(crate) struct Erasures {
    lines: HashMap<u64, Hash>,
    /// Why notes of the file are not believed.
    pub(crate) faults: Vec<NoteError>,
}

impl Erasures {
    /// Reads the notes of a log. Without a key they are believed unchecked.
    pub(crate) fn read(folder: &Path, verifier: Option<&Verifier>) -> io::Result<Self> {
        let text = match std::fs::read_to_string(folder.join(ERASURES)) {
            Ok(text) => text,
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(fault) => return Err(fault),
        };
        let mut erasures = Self::default();
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (note, behind) = match Note::first(rest) {
                Ok(found) => found,
                Err(fault) => {
                    erasures.faults.push(fault);
                    break;
                }
            };
            rest = behind;
            let opened = match verifier {
                Some(verifier) => verifier.open(&note),
                None => Ok(note.unverified()),
            };
            match opened.and_then(|text| lines(text).ok_or(NoteError::NotANote)) {
                Ok(lines) => erasures.lines.extend(lines),
                Err(fault) => erasures.faults.push(fault),
            }
        }
        Ok(erasures)
    }

    /// Whether a line with this number and this leaf was erased by who has the key.
    pub(crate) fn names(&self, number: u64, leaf: &Hash) -> bool {
        self.lines.get(&number) == Some(leaf)
    }
}

/// Signs for lines that are about to be erased.
pub(super) fn sign(folder: &Path, keys: &Keys, principal: &str, lines: &[(u64, Hash)]) -> io::Result<()> {
    let origin = keys.signer.verifier().name();
    let time = jiff::Timestamp::now();
    let mut text =
        format!("{origin}{PURPOSE}\n{time:.6}\n{}\n{}\n", keys.pseudonyms.of(principal), lines.len());
    for (number, leaf) in lines {
        text.push_str(&format!("{number} {}\n", STANDARD.encode(leaf)));
    }
    let note = keys.signer.sign(&text);
    let path = folder.join(ERASURES);
    let mut file = std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    file.write_all(note.as_bytes())?;
    file.sync_all()
}

/// The lines that a note of erasure names; `None` if it is no such note.
fn lines(text: &str) -> Option<Vec<(u64, Hash)>> {
    let mut rows = text.lines();
    rows.next()?.strip_suffix(PURPOSE)?;
    let (_time, _whom) = (rows.next()?, rows.next()?);
    let count: usize = rows.next()?.parse().ok()?;
    let lines = rows
        .map(|row| {
            let (number, leaf) = row.split_once(' ')?;
            Some((number.parse().ok()?, STANDARD.decode(leaf).ok()?.try_into().ok()?))
        })
        .collect::<Option<Vec<_>>>()?;
    (lines.len() == count).then_some(lines)
}

/// Behind the origin: no checkpoint can be taken for a note of erasure, nor the other way round.
const PURPOSE: &str = "/erasure";
