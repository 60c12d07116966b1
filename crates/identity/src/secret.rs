//! A value that must not be seen: wiped when dropped, never printed. It deliberately implements neither `Display`,
//! `Serialize` nor comparison; whoever needs the text says [`Secret::expose`], which is easy to search for.

use std::fmt;
use std::io::Read;
use std::path::Path;

use zeroize::Zeroizing;

/// A secret text.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

/// Why a secret could not be read. Never holds any of it.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read.
    #[error("cannot read the secret file `{path}`: {fault}")]
    Unreadable {
        /// Which file.
        path: String,
        /// What the system said.
        fault: std::io::Error,
    },
    /// The environment variable is not there.
    #[error("the environment variable `{0}` is not set; set it, or name another source for this secret")]
    Unset(String),
    /// Nothing but white space.
    #[error("the secret in `{0}` is empty")]
    Empty(String),
    /// Too long to be one.
    #[error("the secret in `{0}` is longer than 64 KiB; is it the right file?")]
    TooLong(String),
    /// Not text.
    #[error("the secret in `{0}` is not UTF-8 text; encode binary secrets, for example as base64")]
    NotText(String),
}

impl Secret {
    /// Takes over a text as it is.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Reads a file of at most 64 KiB. One line end at its end is not part of the secret: editors and `echo` add it.
    pub fn from_file(path: &Path) -> Result<Self, SecretError> {
        let name = || path.display().to_string();
        let unreadable = |fault| SecretError::Unreadable { path: name(), fault };
        // Allocated whole beforehand, so that growing leaves no copy behind that nobody wipes.
        let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
        let file = std::fs::File::open(path).map_err(unreadable)?;
        let limit = u64::try_from(LONGEST + 1).unwrap_or(u64::MAX);
        file.take(limit).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() > LONGEST {
            return Err(SecretError::TooLong(name()));
        }
        let text = std::str::from_utf8(&bytes).map_err(|_| SecretError::NotText(name()))?;
        Self::checked(text, name())
    }

    /// Reads an environment variable.
    pub fn from_env(name: &str) -> Result<Self, SecretError> {
        match std::env::var(name).map(Zeroizing::new) {
            Ok(text) if text.len() > LONGEST => Err(SecretError::TooLong(name.to_owned())),
            Ok(text) => Self::checked(&text, name.to_owned()),
            Err(std::env::VarError::NotPresent) => Err(SecretError::Unset(name.to_owned())),
            Err(std::env::VarError::NotUnicode(_)) => Err(SecretError::NotText(name.to_owned())),
        }
    }

    /// The secret itself. Neither log nor store what comes out of here.
    pub fn expose(&self) -> &str {
        &self.0
    }

    fn checked(text: &str, name: String) -> Result<Self, SecretError> {
        let text = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
        if text.trim().is_empty() {
            return Err(SecretError::Empty(name));
        }
        Ok(Self::new(text.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

const LONGEST: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::{LONGEST, Secret, SecretError};

    fn read(content: &[u8]) -> Result<Secret, SecretError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, content).unwrap();
        Secret::from_file(&path)
    }

    #[test]
    fn a_file_loses_one_line_end_and_nothing_else() {
        assert_eq!(read(b"hunter2\n").unwrap().expose(), "hunter2");
        assert_eq!(read(b"hunter2\r\n").unwrap().expose(), "hunter2");
        assert_eq!(read(b" hunter2 \n\n").unwrap().expose(), " hunter2 \n");
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        assert!(matches!(read(b"\n"), Err(SecretError::Empty(_))));
        assert!(matches!(read(b""), Err(SecretError::Empty(_))));
        assert!(matches!(read(&[0xff, 0xfe]), Err(SecretError::NotText(_))));
        assert!(read(&vec![b'a'; LONGEST]).is_ok());
        assert!(matches!(read(&vec![b'a'; LONGEST + 1]), Err(SecretError::TooLong(_))));
        assert!(matches!(Secret::from_file("/nowhere/at/all".as_ref()), Err(SecretError::Unreadable { .. })));
        assert!(matches!(Secret::from_env("PORTCULLIS_NOT_SET"), Err(SecretError::Unset(_))));
    }

    #[test]
    fn it_comes_from_the_environment() {
        assert_eq!(Secret::from_env("CARGO_PKG_NAME").unwrap().expose(), "portcullis-identity");
    }

    #[test]
    fn it_does_not_print() {
        let secret = Secret::new("hunter2".to_owned());
        assert_eq!(format!("{secret:?} {:?}", Some(&secret)), "Secret(…) Some(Secret(…))");
    }
}
