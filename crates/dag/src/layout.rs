//! The tree that a file of a given length has: pure arithmetic (spec DG-3).
//!
//! Level 0 are the leaves, each level above groups 174 nodes of the one below from the left, until one node is left.
//! A file of at most one leaf is that leaf. Nothing in a block can change this shape; blocks are checked against it.

use std::ops::Range;

use crate::{LEAF, LINKS, MAX_DEPTH, MAX_FILE, node};

/// Place of a block in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// 0 for leaves.
    pub level: usize,
    /// From the left within the level.
    pub index: u64,
}

/// A file longer than the deepest tree holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a file of {0} bytes is larger than {MAX_FILE}")]
pub struct TooLarge(pub u64);

/// Shape of the tree of one file length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    bytes: u64,
    /// Nodes at each level, root last.
    counts: Vec<u64>,
    /// Cumulative block bytes of a full subtree, by level.
    full: Vec<u64>,
    /// Cumulative block bytes of the last subtree, by level.
    last: Vec<u64>,
}

impl Layout {
    /// Shape for a file of `bytes` bytes.
    pub fn new(bytes: u64) -> Result<Self, TooLarge> {
        if bytes > MAX_FILE {
            return Err(TooLarge(bytes));
        }
        let mut layout = Self { bytes, counts: vec![leaves(bytes)], full: vec![LEAF as u64], last: vec![] };
        layout.last.push(layout.file_size(Position { level: 0, index: layout.counts[0] - 1 }));
        while layout.counts[layout.depth()] > 1 {
            layout.grow();
        }
        Ok(layout)
    }

    fn grow(&mut self) {
        let below = self.depth();
        let count = self.counts[below].div_ceil(LINKS as u64);
        let (size, total) = (span(below), self.full[below]);
        self.full.push(weight((LINKS - 1) as u64, (size, total), (size, total)));
        let children = self.counts[below] - (count - 1) * LINKS as u64;
        let tail = self.file_size(Position { level: below, index: self.counts[below] - 1 });
        self.last.push(weight(children - 1, (size, total), (tail, self.last[below])));
        self.counts.push(count);
    }

    /// Length of the file.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Number of leaves, at least 1.
    pub fn leaves(&self) -> u64 {
        self.counts[0]
    }

    /// Levels above the leaves, 0 to 3.
    pub fn depth(&self) -> usize {
        self.counts.len() - 1
    }

    /// Where the root stands.
    pub fn root(&self) -> Position {
        Position { level: self.depth(), index: 0 }
    }

    pub fn contains(&self, at: Position) -> bool {
        self.counts.get(at.level).is_some_and(|count| at.index < *count)
    }

    /// Bytes of the file below a position, 0 outside the tree.
    pub fn file_size(&self, at: Position) -> u64 {
        if at.level > MAX_DEPTH {
            return 0;
        }
        let span = span(at.level);
        let start = at.index.saturating_mul(span);
        self.bytes.saturating_sub(start).min(span)
    }

    /// Cumulative bytes of all blocks below and at a position: dag-pb's `Tsize`.
    pub fn total_size(&self, at: Position) -> u64 {
        let sizes = if at.index + 1 == self.counts[at.level] { &self.last } else { &self.full };
        sizes[at.level]
    }

    /// Positions of a node's children, empty for a leaf.
    pub fn children(&self, at: Position) -> Range<u64> {
        match at.level.checked_sub(1) {
            Some(below) => {
                let start = at.index * LINKS as u64;
                start..(start + LINKS as u64).min(self.counts[below])
            }
            None => 0..0,
        }
    }

    pub(crate) fn last_has_one_child(&self, level: usize) -> bool {
        let children = self.children(Position { level, index: self.counts[level] - 1 });
        children.end - children.start == 1
    }

    /// Offset in the file of a leaf, bytes.
    pub fn leaf_offset(&self, leaf: u64) -> u64 {
        leaf.saturating_mul(LEAF as u64)
    }

    /// Bytes of a leaf, 0 outside the file.
    pub fn leaf_len(&self, leaf: u64) -> usize {
        self.file_size(Position { level: 0, index: leaf }) as usize
    }

    /// Leaves that carry a byte range; the range is cut to the file.
    pub fn leaves_of(&self, range: Range<u64>) -> Range<u64> {
        let end = range.end.min(self.bytes);
        if range.start >= end {
            return 0..0;
        }
        range.start / LEAF as u64..end.div_ceil(LEAF as u64)
    }

    /// Leaves below a position.
    pub fn leaves_below(&self, at: Position) -> Range<u64> {
        let wide = span(at.level) / LEAF as u64;
        let start = at.index.saturating_mul(wide).min(self.leaves());
        start..start.saturating_add(wide).min(self.leaves())
    }

    /// Interior nodes of the whole tree.
    pub fn nodes(&self) -> u64 {
        self.counts[1..].iter().sum()
    }
}

fn leaves(bytes: u64) -> u64 {
    bytes.div_ceil(LEAF as u64).max(1)
}

/// File bytes below a full node of a level.
fn span(level: usize) -> u64 {
    (LEAF as u64) * (LINKS as u64).pow(level as u32)
}

/// Cumulative size of a node with `head` equal children and a last one, each given as (file size, cumulative size).
fn weight(head: u64, each: (u64, u64), tail: (u64, u64)) -> u64 {
    head * each.1 + tail.1 + node::encoded_len(head, each, tail)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const L: u64 = LEAF as u64;

    #[test]
    fn depth_grows_exactly_at_full_levels() {
        let depth = |bytes| Layout::new(bytes).unwrap().depth();
        assert_eq!([depth(0), depth(1), depth(L), depth(L + 1)], [0, 0, 0, 1]);
        assert_eq!([depth(174 * L), depth(174 * L + 1)], [1, 2]);
        assert_eq!([depth(174 * 174 * L), depth(174 * 174 * L + 1), depth(MAX_FILE)], [2, 3, 3]);
        assert_eq!(Layout::new(MAX_FILE + 1), Err(TooLarge(MAX_FILE + 1)));
        assert_eq!(Layout::new(u64::MAX), Err(TooLarge(u64::MAX)));
    }

    #[test]
    fn byte_ranges_map_to_the_leaves_that_carry_them() {
        let layout = Layout::new(3 * L + 5).unwrap();
        assert_eq!(layout.leaves(), 4);
        assert_eq!(layout.leaves_of(0..1), 0..1);
        assert_eq!(layout.leaves_of(L - 1..L + 1), 0..2);
        assert_eq!(layout.leaves_of(L..2 * L), 1..2);
        assert_eq!(layout.leaves_of(3 * L..u64::MAX), 3..4);
        assert_eq!(layout.leaves_of(3 * L + 5..u64::MAX), 0..0);
        assert_eq!((layout.leaf_len(2), layout.leaf_len(3), layout.leaf_len(4)), (LEAF, 5, 0));
    }

    #[test]
    fn children_cover_each_level_once() {
        let layout = Layout::new(400 * L).unwrap();
        let at = |level, index| Position { level, index };
        assert_eq!(layout.children(layout.root()), 0..3);
        assert_eq!(layout.children(at(1, 2)), 348..400);
        assert_eq!(layout.leaves_below(at(1, 2)), 348..400);
        assert_eq!(layout.children(at(0, 3)), 0..0);
        assert_eq!(layout.file_size(at(1, 2)), 52 * L);
        assert_eq!(layout.nodes(), 4);
        assert!(!layout.contains(at(1, 3)) && !layout.contains(at(3, 0)));
    }
}
