//! What makes a line part of the log: its number, and a hash over it and all before it. A line as `line` writes it,
//! `{"kind":…}`, becomes `{"kind":…,"n":41,"chain":"…"}`; what stands before `,"n":` is the leaf of the tree.
//!
//! INVARIANT: a line's number is its place in the tree, so numbers have no gaps in a log that is whole.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::tree::{self, Hash, Tree};

/// The chain's value after a line: the first half of a SHA-256. It shows where a log was changed; that it was not is
/// proved by the signed root, which is not shortened.
pub(crate) type Link = [u8; LINK];

/// Where the chain has got to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Chain {
    pub(crate) tree: Tree,
    pub(crate) link: Link,
}

impl Chain {
    /// Lines in it.
    pub(crate) fn size(&self) -> u64 {
        self.tree.size()
    }

    /// Appends a line, with or without its line feed, to `sealed` as the next of the chain.
    pub(crate) fn seal(&mut self, line: &[u8], sealed: &mut Vec<u8>) {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let content = line.strip_suffix(b"}").unwrap_or(line);
        let number = self.size();
        self.push(tree::leaf(content));
        sealed.extend_from_slice(content);
        end(number, &self.link, sealed);
    }

    /// Goes on by a leaf.
    pub(crate) fn push(&mut self, leaf: Hash) {
        self.link = next(&self.link, &leaf);
        self.tree.push(leaf);
    }
}

/// The chain's value behind a leaf.
pub(crate) fn next(link: &Link, leaf: &Hash) -> Link {
    let mut both = [0; LINK + 32];
    let (before, behind) = both.split_at_mut(LINK);
    before.copy_from_slice(link);
    behind.copy_from_slice(leaf);
    digest(&SHA256, &both).as_ref().first_chunk().copied().unwrap_or_default()
}

/// A line of the chain, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sealed<'a> {
    /// What the leaf is made of.
    pub(crate) content: &'a [u8],
    /// The number it claims.
    pub(crate) number: u64,
    /// The chain's value it claims.
    pub(crate) link: Link,
}

impl<'a> Sealed<'a> {
    /// Takes a line apart, given without its line feed; `None` if it does not end as lines of the chain do.
    pub(crate) fn parse(line: &'a [u8]) -> Option<Self> {
        let line = line.strip_suffix(b"\"}")?;
        let (line, link) = line.split_at_checked(line.len().checked_sub(LINK_TEXT)?)?;
        let line = line.strip_suffix(CHAIN)?;
        let digits = line.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        let (content, number) = line.split_at_checked(line.len().checked_sub(digits)?)?;
        let content = content.strip_suffix(NUMBER)?;
        let number = std::str::from_utf8(number).ok()?.parse().ok()?;
        let mut bytes = Link::default();
        (URL_SAFE_NO_PAD.decode_slice(link, &mut bytes).ok()? == LINK).then_some(())?;
        Some(Self { content, number, link: bytes })
    }

    /// Its leaf; of an erased line the one that it keeps of what was there.
    pub(crate) fn leaf(&self) -> Option<Hash> {
        match self.content.strip_prefix(ERASED) {
            None => Some(tree::leaf(self.content)),
            Some(rest) => hash_from(std::str::from_utf8(rest.strip_suffix(b"\"")?).ok()?),
        }
    }

    /// Whether it stands in the place of a line that was erased.
    pub(crate) fn is_erased(&self) -> bool {
        self.content.starts_with(ERASED)
    }

    /// What stands in its place once it is erased: number, chain and leaf stay, so that the chain still holds.
    pub(crate) fn erased(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(ERASED);
        out.extend_from_slice(text(&tree::leaf(self.content)).as_bytes());
        out.push(b'"');
        end(self.number, &self.link, out);
    }
}

/// Bytes as lines have them.
pub(crate) fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A hash from a line's text.
pub(crate) fn hash_from(text: &str) -> Option<Hash> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

/// A link from a line's text.
pub(crate) fn link_from(text: &str) -> Option<Link> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

/// What a line grows by at most when it is sealed.
pub(crate) const SEAL: usize = NUMBER.len() + 20 + CHAIN.len() + LINK_TEXT + 2;

fn end(number: u64, link: &Link, out: &mut Vec<u8>) {
    let mut encoded = [b'A'; LINK_TEXT];
    // The text of sixteen bytes has its one length, so there is always room.
    let written = URL_SAFE_NO_PAD.encode_slice(link, &mut encoded).unwrap_or(0);
    out.extend_from_slice(NUMBER);
    out.extend_from_slice(number.to_string().as_bytes());
    out.extend_from_slice(CHAIN);
    out.extend_from_slice(encoded.get(..written).unwrap_or_default());
    out.extend_from_slice(b"\"}\n");
}

const LINK: usize = 16;
const LINK_TEXT: usize = 22;
const NUMBER: &[u8] = b",\"n\":";
const CHAIN: &[u8] = b",\"chain\":\"";
const ERASED: &[u8] = b"{\"kind\":\"erased\",\"v\":1,\"leaf\":\"";

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(lines: &[&str]) -> Vec<Vec<u8>> {
        let mut chain = Chain::default();
        let seal = |line: &&str| {
            let mut out = Vec::new();
            chain.seal(line.as_bytes(), &mut out);
            out
        };
        lines.iter().map(seal).collect()
    }

    #[test]
    fn a_sealed_line_is_json_with_its_number_and_chain() {
        let lines = sealed(&["{\"kind\":\"x\",\"a\":1}\n", "{\"kind\":\"y\",\"n\":7,\"chain\":\"no\"}"]);
        for (number, line) in lines.iter().enumerate() {
            assert!(line.len() <= 64 + SEAL);
            let line = line.strip_suffix(b"\n").unwrap();
            let json: serde_json::Value = serde_json::from_slice(line).unwrap();
            assert_eq!(json["n"], number);
            let parsed = Sealed::parse(line).unwrap();
            assert_eq!(parsed.number, number as u64);
            assert_eq!(json["chain"], text(&parsed.link));
        }
        let first = Sealed::parse(lines[0].strip_suffix(b"\n").unwrap()).unwrap();
        assert_eq!(first.content, b"{\"kind\":\"x\",\"a\":1");
        assert_eq!(first.link, next(&[0; 16], &tree::leaf(first.content)));
    }

    #[test]
    fn an_erased_line_keeps_the_chain() {
        let lines = sealed(&["{\"kind\":\"x\",\"who\":\"alice\"}"]);
        let line = Sealed::parse(lines[0].strip_suffix(b"\n").unwrap()).unwrap();
        let mut erased = Vec::new();
        line.erased(&mut erased);
        assert!(!String::from_utf8_lossy(&erased).contains("alice"));
        let erased = Sealed::parse(erased.strip_suffix(b"\n").unwrap()).unwrap();
        assert!(erased.is_erased() && !line.is_erased());
        assert_eq!((erased.leaf(), erased.number, erased.link), (line.leaf(), line.number, line.link));
    }

    #[test]
    fn what_is_no_sealed_line_is_none() {
        let good = "{\"kind\":\"x\",\"n\":3,\"chain\":\"AAAAAAAAAAAAAAAAAAAAAA\"}";
        assert!(Sealed::parse(good.as_bytes()).is_some());
        for wrong in [
            "",
            "}",
            "{\"kind\":\"x\"}",
            "{\"kind\":\"x\",\"n\":,\"chain\":\"AAAAAAAAAAAAAAAAAAAAAA\"}",
            "{\"kind\":\"x\",\"n\":99999999999999999999,\"chain\":\"AAAAAAAAAAAAAAAAAAAAAA\"}",
            "{\"kind\":\"x\",\"n\":3,\"chain\":\"AAAAAAAAAAAAAAAAAAAAA\"}",
            "{\"kind\":\"x\",\"n\":3,\"chain\":\"AAAAAAAAAAAAAAAAAAAA!A\"}",
        ] {
            assert_eq!(Sealed::parse(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
