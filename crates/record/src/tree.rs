//! The Merkle tree over the lines of the log, as RFC 6962 defines it: leaves are lines, a checkpoint signs its root.
//! Only its peaks are kept (the roots of its whole subtrees), so that it grows for ever in a few hundred bytes.
//!
//! INVARIANT: there are as many peaks as the size has bits set, the largest first.

use aws_lc_rs::digest::{Context, SHA256, digest};

/// A SHA-256 hash.
pub(crate) type Hash = [u8; 32];

/// The hash of a leaf, from what it holds.
pub(crate) fn leaf(content: &[u8]) -> Hash {
    let mut context = Context::new(&SHA256);
    context.update(&[LEAF]);
    context.update(content);
    fixed(context.finish().as_ref())
}

/// SHA-256 itself.
pub(crate) fn sha256(bytes: &[u8]) -> Hash {
    fixed(digest(&SHA256, bytes).as_ref())
}

/// A growing tree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Tree {
    size: u64,
    peaks: Vec<Hash>,
}

impl Tree {
    /// The tree of this size with these peaks; `None` where the two do not fit together.
    pub(crate) fn of(size: u64, peaks: Vec<Hash>) -> Option<Self> {
        (u32::try_from(peaks.len()) == Ok(size.count_ones())).then_some(Self { size, peaks })
    }

    /// Leaves in it.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The roots of its whole subtrees, the largest first.
    pub(crate) fn peaks(&self) -> &[Hash] {
        &self.peaks
    }

    /// Adds a leaf.
    pub(crate) fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        let mut complete = self.size;
        while complete & 1 == 1
            && let Some(left) = self.peaks.pop()
        {
            hash = node(&left, &hash);
            complete >>= 1;
        }
        self.peaks.push(hash);
        self.size = self.size.saturating_add(1);
    }

    /// The root.
    pub(crate) fn root(&self) -> Hash {
        let mut peaks = self.peaks.iter().rev();
        match peaks.next() {
            None => sha256(b""),
            Some(smallest) => peaks.fold(*smallest, |right, left| node(left, &right)),
        }
    }
}

fn node(left: &Hash, right: &Hash) -> Hash {
    let mut context = Context::new(&SHA256);
    context.update(&[NODE]);
    context.update(left);
    context.update(right);
    fixed(context.finish().as_ref())
}

fn fixed(bytes: &[u8]) -> Hash {
    // SHA-256 has 32 bytes; anything else would fit no hash that is compared with it.
    bytes.try_into().unwrap_or([0; 32])
}

/// Keeps leaves and inner nodes apart: without it a node could be passed off as a leaf.
const LEAF: u8 = 0;
const NODE: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition of RFC 6962 §2.1, word for word.
    fn defined(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => sha256(b""),
            [leaf] => *leaf,
            _ => {
                let split = 1 << (leaves.len() - 1).ilog2();
                node(&defined(&leaves[..split]), &defined(&leaves[split..]))
            }
        }
    }

    #[test]
    fn the_root_is_that_of_the_definition_at_every_size() {
        let leaves: Vec<_> = (0_u8..130).map(|number| leaf(&[number])).collect();
        let mut tree = Tree::default();
        for size in 0..=leaves.len() {
            assert_eq!(tree.root(), defined(&leaves[..size]), "{size}");
            let again = Tree::of(tree.size(), tree.peaks().to_vec());
            assert_eq!(again.as_ref(), Some(&tree));
            if let Some(leaf) = leaves.get(size) {
                tree.push(*leaf);
            }
        }
        assert_eq!(Tree::of(3, vec![[0; 32]]), None);
    }

    #[test]
    fn hashes_are_those_of_certificate_transparency() {
        // Test vectors of the Certificate Transparency implementations: the empty tree, and the leaf of no bytes.
        let hex = |hash: Hash| hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(
            hex(Tree::default().root()),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(hex(leaf(b"")), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
    }
}
