//! A checkpoint: how many lines the log has and the root of their tree, signed. In the form of C2SP's tlog-checkpoint,
//! so that other tools can check signature and consistency. Whoever keeps one can prove any later change before it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::note::{Note, NoteError, Signer, Verifier};
use crate::tree::{Hash, Tree};

/// The state of the log that was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Checkpoint {
    /// Lines in the log.
    pub size: u64,
    /// The root of their tree.
    pub root: [u8; 32],
}

impl Checkpoint {
    /// Signs the state of a tree.
    pub(crate) fn sign(tree: &Tree, signer: &Signer) -> String {
        let origin = signer.verifier().name();
        signer.sign(&format!("{origin}\n{}\n{}\n", tree.size(), STANDARD.encode(tree.root())))
    }

    /// The state that a note vouches for, if this key signed it.
    pub(crate) fn open(note: &Note<'_>, verifier: &Verifier) -> Result<Self, NoteError> {
        let text = verifier.open(note)?;
        match Self::read(text) {
            Some((origin, checkpoint)) if origin == verifier.name() => Ok(checkpoint),
            _ => Err(NoteError::NotANote),
        }
    }

    /// What a note says, whoever signed it.
    pub(crate) fn unverified(note: &Note<'_>) -> Option<Self> {
        Self::read(note.unverified()).map(|(_, checkpoint)| checkpoint)
    }

    fn read(text: &str) -> Option<(&str, Self)> {
        let mut lines = text.lines();
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        let canonical =
            size == "0" || !size.starts_with('0') && size.bytes().all(|byte| byte.is_ascii_digit());
        let size = size.parse().ok().filter(|_| canonical)?;
        let root: Hash = STANDARD.decode(root).ok()?.try_into().ok()?;
        Some((origin, Self { size, root }))
    }
}

/// Every checkpoint of a file that holds notes one after the other, as `checkpoint_copy` makes it.
pub(crate) fn all(text: &str, verifier: &Verifier) -> Result<Vec<Checkpoint>, NoteError> {
    let mut checkpoints = Vec::new();
    let mut rest = text;
    while !rest.trim().is_empty() {
        let (note, behind) = Note::first(rest)?;
        checkpoints.push(Checkpoint::open(&note, verifier)?);
        rest = behind.trim_start_matches('\n');
    }
    Ok(checkpoints)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::leaf;

    #[test]
    fn a_checkpoint_says_size_and_root_and_is_read_back() {
        let signer = Signer::generate().unwrap();
        let mut tree = Tree::default();
        tree.push(leaf(b"a"));
        let first = Checkpoint::sign(&tree, &signer);
        tree.push(leaf(b"b"));
        let second = Checkpoint::sign(&tree, &signer);
        let lines: Vec<_> = first.lines().collect();
        assert_eq!(lines[0], signer.verifier().name());
        assert_eq!(lines[1], "1");
        assert_eq!(lines[2], STANDARD.encode(leaf(b"a")));
        assert_eq!(lines[3], "");
        assert!(lines[4].starts_with(&format!("— {} ", lines[0])));
        let read = all(&[first, second.clone()].concat(), signer.verifier()).unwrap();
        assert_eq!(
            read,
            [Checkpoint { size: 1, root: leaf(b"a") }, Checkpoint { size: 2, root: tree.root() }]
        );
        let other = Signer::generate().unwrap();
        assert!(all(&second, other.verifier()).is_err());
    }

    #[test]
    fn a_note_about_something_else_is_no_checkpoint() {
        let signer = Signer::generate().unwrap();
        let name = signer.verifier().name();
        for text in [
            "other\n1\nAA==\n".to_owned(),
            format!("{name}\n01\n{}\n", STANDARD.encode([0; 32])),
            format!("{name}\n1\nAA==\n"),
        ] {
            let note = signer.sign(&text);
            assert!(Checkpoint::open(&Note::parse(&note).unwrap(), signer.verifier()).is_err(), "{text}");
        }
    }
}
