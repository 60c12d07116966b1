//! Signed notes, as C2SP's signed-note defines them: a text, an empty line, and a line for each signature. Other tools
//! (Go's `sumdb/note`, witnesses of transparency logs) read and check what is written here.
//!
//! INVARIANT: a note's text is taken from it only together with who signed it, or by a name that says `unverified`.

use aws_lc_rs::rand;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::tree::sha256;

/// Why a key or a note is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Not a key.
    #[error("this is no {0}; it looks like `{1}`")]
    NotAKey(&'static str, &'static str),
    /// Not a note.
    #[error("this is no signed note: it needs a text, an empty line and a line `— name signature`")]
    NotANote,
    /// Signed by nobody whose key we have.
    #[error("it is signed by `{found}`, and not by `{wanted}`")]
    OtherSigner {
        /// Who signed it.
        found: String,
        /// Whose key was given.
        wanted: String,
    },
    /// The signature is not of this text.
    #[error("the signature of `{0}` is not of this text: one of the two was changed")]
    Forged(String),
    /// The system's random numbers, or the library.
    #[error("no key can be made: the system gives no random numbers")]
    NoKey,
}

/// A key that signs.
pub(crate) struct Signer {
    pair: Ed25519KeyPair,
    seed: [u8; 32],
    verifier: Verifier,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_tuple("Signer").field(&self.verifier.name).finish()
    }
}

impl Signer {
    /// A new key, with a name of its own.
    pub(crate) fn generate() -> Result<Self, NoteError> {
        let mut seed = [0; 32];
        rand::fill(&mut seed).map_err(|_| NoteError::NoKey)?;
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| NoteError::NoKey)?;
        let print = sha256(pair.public_key().as_ref());
        let [first, second, third, fourth, ..] = print;
        Self::of(format!("{NAME}{first:02x}{second:02x}{third:02x}{fourth:02x}"), seed)
    }

    /// From the text of a private key, as [`Self::secret`] gives it.
    pub(crate) fn parse(text: &str) -> Result<Self, NoteError> {
        let wrong = NoteError::NotAKey("private key", "PRIVATE+KEY+name+hash+key");
        let rest = text.trim().strip_prefix("PRIVATE+KEY+").ok_or(wrong.clone())?;
        let (name, hash, key) = parts(rest).ok_or(wrong.clone())?;
        let seed =
            key.strip_prefix(&[ALGORITHM]).and_then(|seed| seed.try_into().ok()).ok_or(wrong.clone())?;
        let signer = Self::of(name.to_owned(), seed)?;
        if signer.verifier.hash == hash { Ok(signer) } else { Err(wrong) }
    }

    fn of(name: String, seed: [u8; 32]) -> Result<Self, NoteError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| NoteError::NoKey)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| NoteError::NoKey)?;
        Ok(Self { pair, seed, verifier: Verifier::of(name, public) })
    }

    /// The private key as a text.
    pub(crate) fn secret(&self) -> String {
        let Verifier { name, hash, .. } = &self.verifier;
        format!("PRIVATE+KEY+{name}+{}+{}", hex(*hash), tagged(&self.seed))
    }

    /// The key that checks.
    pub(crate) fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// Signs a text, which must end with a line feed, into a note.
    pub(crate) fn sign(&self, text: &str) -> String {
        let mut signature = self.verifier.hash.to_be_bytes().to_vec();
        signature.extend_from_slice(self.pair.sign(text.as_bytes()).as_ref());
        format!("{text}\n{MARK}{} {}\n", self.verifier.name, STANDARD.encode(signature))
    }
}

/// A key that checks signatures: what may be published of a [`Signer`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    hash: u32,
    key: [u8; 32],
}

impl std::fmt::Display for Verifier {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(to, "{}+{}+{}", self.name, hex(self.hash), tagged(&self.key))
    }
}

impl std::str::FromStr for Verifier {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let wrong = NoteError::NotAKey("public key", "name+1a2b3c4d+AQ…");
        let (name, hash, key) = parts(text.trim()).ok_or(wrong.clone())?;
        let key = key.strip_prefix(&[ALGORITHM]).and_then(|key| key.try_into().ok()).ok_or(wrong.clone())?;
        let verifier = Self::of(name.to_owned(), key);
        if verifier.hash == hash { Ok(verifier) } else { Err(wrong) }
    }
}

impl Verifier {
    fn of(name: String, key: [u8; 32]) -> Self {
        let mut hashed = name.clone().into_bytes();
        hashed.extend_from_slice(&[b'\n', ALGORITHM]);
        hashed.extend_from_slice(&key);
        let [first, second, third, fourth, ..] = sha256(&hashed);
        Self { name, hash: u32::from_be_bytes([first, second, third, fourth]), key }
    }

    /// The name notes are signed with; the origin of checkpoints.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text of a note, if this key signed it.
    pub(crate) fn open<'a>(&self, note: &Note<'a>) -> Result<&'a str, NoteError> {
        let Some((_, bytes)) = note
            .signatures
            .iter()
            .find(|(name, bytes)| *name == self.name && bytes.starts_with(&self.hash.to_be_bytes()))
        else {
            let found = note.signatures.first().map(|(name, _)| (*name).to_owned()).unwrap_or_default();
            return Err(NoteError::OtherSigner { found, wanted: self.name.clone() });
        };
        let signature = bytes.get(4..).unwrap_or_default();
        UnparsedPublicKey::new(&ED25519, self.key)
            .verify(note.text.as_bytes(), signature)
            .map_err(|_| NoteError::Forged(self.name.clone()))?;
        Ok(note.text)
    }
}

/// A note whose signatures nobody has checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note<'a> {
    text: &'a str,
    signatures: Vec<(&'a str, Vec<u8>)>,
}

impl<'a> Note<'a> {
    /// The one note that this is.
    pub(crate) fn parse(text: &'a str) -> Result<Self, NoteError> {
        match Self::first(text)? {
            (note, "") => Ok(note),
            _ => Err(NoteError::NotANote),
        }
    }

    /// The first of several notes, and what stands behind it.
    pub(crate) fn first(text: &'a str) -> Result<(Self, &'a str), NoteError> {
        let at = text.find("\n\n").ok_or(NoteError::NotANote)?;
        let (signed, mut rest) = text.split_at_checked(at + 1).ok_or(NoteError::NotANote)?;
        rest = rest.strip_prefix('\n').unwrap_or(rest);
        let mut signatures = Vec::new();
        while let Some(line) = rest.strip_prefix(MARK) {
            let (line, behind) = line.split_once('\n').ok_or(NoteError::NotANote)?;
            let (name, signature) = line.split_once(' ').ok_or(NoteError::NotANote)?;
            signatures.push((name, STANDARD.decode(signature).map_err(|_| NoteError::NotANote)?));
            rest = behind;
        }
        if signatures.is_empty() || signatures.len() > MOST_SIGNATURES {
            return Err(NoteError::NotANote);
        }
        Ok((Self { text: signed, signatures }, rest))
    }

    /// Its text, whoever wrote it.
    pub(crate) fn unverified(&self) -> &'a str {
        self.text
    }
}

/// `name+hash+key`.
fn parts(text: &str) -> Option<(&str, u32, Vec<u8>)> {
    let (name, rest) = text.split_once('+')?;
    let (hash, key) = rest.split_once('+')?;
    let sound = !name.is_empty() && !name.contains(char::is_whitespace) && hash.len() == 8;
    let hash = u32::from_str_radix(hash, 16).ok().filter(|_| sound)?;
    Some((name, hash, STANDARD.decode(key).ok()?))
}

fn hex(hash: u32) -> String {
    format!("{hash:08x}")
}

fn tagged(key: &[u8]) -> String {
    let mut bytes = vec![ALGORITHM];
    bytes.extend_from_slice(key);
    STANDARD.encode(bytes)
}

/// Ed25519, as signed notes number it.
const ALGORITHM: u8 = 1;
const MARK: &str = "— ";
const NAME: &str = "portcullis/decision-log/";
const MOST_SIGNATURES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_can_be_opened_and_nothing_else() {
        let signer = Signer::generate().unwrap();
        let again = Signer::parse(&signer.secret()).unwrap();
        let note = again.sign("one\ntwo\n");
        let verifier: Verifier = signer.verifier().to_string().parse().unwrap();
        assert_eq!(verifier.open(&Note::parse(&note).unwrap()), Ok("one\ntwo\n"));
        let changed = note.replace("two", "too");
        let forged = verifier.open(&Note::parse(&changed).unwrap());
        assert!(matches!(forged, Err(NoteError::Forged(_))), "{forged:?}");
        let other = Signer::generate().unwrap();
        let foreign = other.verifier().open(&Note::parse(&note).unwrap());
        assert!(matches!(foreign, Err(NoteError::OtherSigner { .. })), "{foreign:?}");
    }

    #[test]
    fn notes_one_after_the_other_are_told_apart() {
        let signer = Signer::generate().unwrap();
        let both = [signer.sign("a\n"), signer.sign("b\n")].concat();
        let (first, rest) = Note::first(&both).unwrap();
        assert_eq!(signer.verifier().open(&first), Ok("a\n"));
        assert_eq!(signer.verifier().open(&Note::parse(rest).unwrap()), Ok("b\n"));
        assert_eq!(Note::parse(&both), Err(NoteError::NotANote));
    }

    #[test]
    fn the_key_of_the_go_implementation_is_read() {
        // The public key and the note of the documentation of golang.org/x/mod/sumdb/note.
        let key: Verifier =
            "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW".parse().unwrap();
        let note = "If you think cryptography is the answer to your problem,\n\
            then you don't know what your problem is.\n\n\
            — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
        assert!(key.open(&Note::parse(note).unwrap()).is_ok());
    }

    #[test]
    fn what_is_no_note_or_key_is_refused() {
        for wrong in
            ["", "text\n", "text\n\n", "text\n\n— name\n", "text\n\n— name !\n", "text\n\n- name AA==\n"]
        {
            assert_eq!(Note::parse(wrong), Err(NoteError::NotANote), "{wrong:?}");
        }
        for wrong in
            ["", "name", "name+c74f20a3+AA==", "a b+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"]
        {
            assert!(wrong.parse::<Verifier>().is_err(), "{wrong}");
        }
        assert!(Signer::parse("PRIVATE+KEY+a+00000000+AQ==").is_err());
    }
}
