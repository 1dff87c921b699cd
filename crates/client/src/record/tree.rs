//! The digest tree of a plaintext (spec R-4): what an author signs instead of the bytes, computed while they stream.
//!
//! Leaves of 64 KiB; a binary tree in which the left subtree is the largest full one (the shape of RFC 6962); leaf,
//! node and root hashed in kinds of their own, the root with the length.

use yilian_crypto::{Digest, Label, hash::tagged};

/// Bytes of a leaf.
pub const LEAF: usize = 64 << 10;

/// Takes bytes in pieces of any size, in memory of one leaf and 64 digests.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    leaf: Vec<u8>,
    /// Roots of full subtrees, widest first, with the number of leaves below.
    full: Vec<(u64, Digest)>,
    leaves: u64,
    length: u64,
}

impl Tree {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn push(&mut self, mut bytes: &[u8]) {
        self.length += bytes.len() as u64;
        while !bytes.is_empty() {
            let take = bytes.len().min(LEAF - self.leaf.len());
            self.leaf.extend_from_slice(&bytes[..take]);
            bytes = &bytes[take..];
            if self.leaf.len() == LEAF {
                self.close_leaf();
            }
        }
    }

    pub fn finish(mut self) -> Digest {
        if !self.leaf.is_empty() || self.leaves == 0 {
            self.close_leaf();
        }
        let mut subtrees = self.full.iter().rev().map(|(_, digest)| *digest);
        let last = subtrees.next().unwrap_or_default();
        let top = subtrees.fold(last, |right, left| node(&left, &right));
        tagged(Label::RecordTree, &[b"root", &self.length.to_be_bytes(), &top.0])
    }

    fn close_leaf(&mut self) {
        let mut digest = tagged(Label::RecordTree, &[b"leaf", &self.leaves.to_be_bytes(), &self.leaf]);
        let mut width = 1;
        while let Some((left_width, left)) = self.full.last().copied() {
            if left_width != width {
                break;
            }
            self.full.pop();
            digest = node(&left, &digest);
            width *= 2;
        }
        self.full.push((width, digest));
        self.leaves += 1;
        self.leaf.clear();
    }
}

fn node(left: &Digest, right: &Digest) -> Digest {
    tagged(Label::RecordTree, &[b"node", &left.0, &right.0])
}

/// All at once.
pub fn digest(bytes: &[u8]) -> Digest {
    let mut tree = Tree::new();
    tree.push(bytes);
    tree.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_definition(bytes: &[u8]) -> Digest {
        fn subtree(leaves: &[Digest]) -> Digest {
            if leaves.len() == 1 {
                return leaves[0];
            }
            let split = leaves.len().next_power_of_two() / 2;
            node(&subtree(&leaves[..split]), &subtree(&leaves[split..]))
        }
        let mut chunks: Vec<&[u8]> = bytes.chunks(LEAF).collect();
        if chunks.is_empty() {
            chunks.push(&[]);
        }
        let leaf = |(i, chunk): (usize, &&[u8])| {
            tagged(Label::RecordTree, &[b"leaf", &(i as u64).to_be_bytes(), chunk])
        };
        let leaves: Vec<_> = chunks.iter().enumerate().map(leaf).collect();
        let length = (bytes.len() as u64).to_be_bytes();
        tagged(Label::RecordTree, &[b"root", &length, &subtree(&leaves).0])
    }

    #[test]
    fn streaming_gives_the_tree_of_the_definition() {
        for size in [0, 1, LEAF - 1, LEAF, LEAF + 1, 2 * LEAF, 3 * LEAF, 5 * LEAF + 7, 8 * LEAF] {
            let bytes: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
            let mut tree = Tree::new();
            bytes.chunks(10_007).for_each(|piece| tree.push(piece));
            assert_eq!(tree.finish(), by_definition(&bytes), "{size} bytes");
        }
    }

    #[test]
    fn every_byte_and_the_length_count() {
        let bytes = vec![7; LEAF + 3];
        let whole = digest(&bytes);
        for at in [0, LEAF - 1, LEAF, LEAF + 2] {
            let mut other = bytes.clone();
            other[at] ^= 1;
            assert_ne!(digest(&other), whole);
        }
        assert_ne!(digest(&bytes[..LEAF + 2]), whole);
        assert_ne!(digest(&[]), digest(&[0]));
    }
}
