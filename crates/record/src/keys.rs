//! The two keys of a log, kept in its folder and readable by our user alone: one signs checkpoints, one turns what
//! names a person into a pseudonym. Both are made when the log is first opened.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use aws_lc_rs::rand;

use crate::note::{Signer, Verifier};
use crate::redact::pseudonym::Pseudonyms;

/// The keys of a log.
#[derive(Debug)]
pub(crate) struct Keys {
    pub(crate) signer: Signer,
    pub(crate) pseudonyms: Pseudonyms,
}

impl Keys {
    /// Reads the keys of a folder, and makes those that are missing.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        let signer = match text(&folder.join(SIGNING))? {
            Some(text) => Signer::parse(&text).map_err(|fault| wrong(SIGNING, &fault))?,
            None => {
                let signer = Signer::generate().map_err(io::Error::other)?;
                create(&folder.join(SIGNING), &signer.secret())?;
                signer
            }
        };
        let pseudonyms = match text(&folder.join(PSEUDONYM))? {
            Some(text) => Pseudonyms::parse(text.trim())
                .ok_or_else(|| wrong(PSEUDONYM, &"it must have 64 hexadecimal digits"))?,
            None => {
                let mut key = [0; 32];
                rand::fill(&mut key).map_err(|_| io::Error::other("the system gives no random numbers"))?;
                let pseudonyms = Pseudonyms::new(key);
                create(&folder.join(PSEUDONYM), &pseudonyms.secret())?;
                pseudonyms
            }
        };
        Ok(Self { signer, pseudonyms })
    }

    /// Writes them again where they were taken away with their folder: who has signed must be known to have.
    pub(crate) fn keep(&self, folder: &Path) -> io::Result<()> {
        for (name, secret) in [(SIGNING, self.signer.secret()), (PSEUDONYM, self.pseudonyms.secret())] {
            match create(&folder.join(name), &secret) {
                Err(fault) if fault.kind() == io::ErrorKind::AlreadyExists => {}
                other => other?,
            }
        }
        Ok(())
    }
}

/// The key that checks a log's checkpoints; `None` before its gate ran for the first time.
pub fn verifier(folder: &Path) -> io::Result<Option<Verifier>> {
    let Some(text) = text(&folder.join(SIGNING))? else { return Ok(None) };
    let signer = Signer::parse(&text).map_err(|fault| wrong(SIGNING, &fault))?;
    Ok(Some(signer.verifier().clone()))
}

/// The pseudonyms of a log; `None` before its gate ran for the first time.
pub fn pseudonyms(folder: &Path) -> io::Result<Option<Pseudonyms>> {
    let Some(text) = text(&folder.join(PSEUDONYM))? else { return Ok(None) };
    Pseudonyms::parse(text.trim())
        .map(Some)
        .ok_or_else(|| wrong(PSEUDONYM, &"it must have 64 hexadecimal digits"))
}

fn text(path: &Path) -> io::Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// Whole or not at all: half a key would stand in the way of the next start.
fn create(path: &Path, secret: &str) -> io::Result<()> {
    if path.exists() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    let begun = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&begun)?;
    writeln!(file, "{secret}")?;
    file.sync_all()?;
    std::fs::rename(&begun, path)
}

fn wrong(name: &str, fault: &dyn std::fmt::Display) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!(
            "`{name}` holds no key: {fault}; put it back from a copy, or move it away and a new one is made"
        ),
    )
}

const SIGNING: &str = "signing.key";
const PSEUDONYM: &str = "pseudonym.key";

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn keys_are_made_once_for_us_alone_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(verifier(folder.path()).unwrap(), None);
        let keys = Keys::open(folder.path()).unwrap();
        assert_eq!(verifier(folder.path()).unwrap().as_ref(), Some(keys.signer.verifier()));
        for name in [SIGNING, PSEUDONYM] {
            let mode = std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            std::fs::remove_file(folder.path().join(name)).unwrap();
        }
        keys.keep(folder.path()).unwrap();
        keys.keep(folder.path()).unwrap();
        assert_eq!(Keys::open(folder.path()).unwrap().signer.secret(), keys.signer.secret());
    }

    #[test]
    fn half_a_key_is_an_error_and_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(SIGNING), "PRIVATE+KEY+a").unwrap();
        let fault = Keys::open(folder.path()).unwrap_err();
        assert!(fault.to_string().contains("`signing.key` holds no key"), "{fault}");
        assert_eq!(std::fs::read_to_string(folder.path().join(SIGNING)).unwrap(), "PRIVATE+KEY+a");
    }
}
