//! Builds the DAG from leaves in order (spec DG-2, DG-3), in memory bounded by 174 links a level.
//!
//! Refuses leaves longer than 256 KiB, a further leaf after a short one, and files beyond `MAX_FILE`.

use crate::{Block, Cid, Codec, LEAF, LINKS, Link, MAX_FILE, Node};

/// Why a leaf was refused; the builder is as before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    #[error("leaf of {0} bytes is larger than {LEAF}")]
    LeafTooLarge(usize),
    #[error("a leaf is empty")]
    EmptyLeaf,
    #[error("a leaf follows one shorter than {LEAF} bytes")]
    AfterShortLeaf,
    #[error("a file larger than {MAX_FILE} bytes")]
    FileTooLarge,
    #[error("a leaf's address must have the raw codec")]
    Codec,
}

/// What a leaf brought about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// The leaf's address.
    pub cid: Cid,
    /// Interior nodes completed by it, children before parents.
    pub nodes: Vec<Block>,
}

/// The finished tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    pub root: Cid,
    /// Length of the file.
    pub bytes: u64,
    pub leaves: u64,
    /// The remaining interior nodes, children before parents, the root last if it is one.
    pub nodes: Vec<Block>,
}

/// Takes leaves, gives interior nodes and the root.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    /// Links waiting for a parent, by level; each holds at most 174.
    levels: Vec<Vec<Link>>,
    bytes: u64,
    leaves: u64,
    short: bool,
}

impl Builder {
    pub fn new() -> Self {
        Self::default()
    }

    /// Length of the file so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Leaves so far.
    pub fn leaves(&self) -> u64 {
        self.leaves
    }

    /// Hashes and adds a leaf of 1 to 262,144 bytes.
    pub fn push(&mut self, leaf: &[u8]) -> Result<Pushed, BuildError> {
        self.check(leaf.len())?;
        self.push_hashed(Cid::of(Codec::Raw, leaf), leaf.len())
    }

    /// Adds a leaf hashed before.
    pub fn push_hashed(&mut self, cid: Cid, len: usize) -> Result<Pushed, BuildError> {
        self.check(len)?;
        if cid.codec() != Codec::Raw {
            return Err(BuildError::Codec);
        }
        self.bytes += len as u64;
        self.leaves += 1;
        self.short = len < LEAF;
        let mut nodes = Vec::new();
        self.add(0, Link { cid, file_size: len as u64, total_size: len as u64 }, &mut nodes);
        Ok(Pushed { cid, nodes })
    }

    fn check(&self, len: usize) -> Result<(), BuildError> {
        match len {
            0 => Err(BuildError::EmptyLeaf),
            _ if len > LEAF => Err(BuildError::LeafTooLarge(len)),
            _ if self.short => Err(BuildError::AfterShortLeaf),
            _ if self.bytes + len as u64 > MAX_FILE => Err(BuildError::FileTooLarge),
            _ => Ok(()),
        }
    }

    /// A level is closed only when one more link arrives: a full last level may be the root's.
    fn add(&mut self, level: usize, link: Link, nodes: &mut Vec<Block>) {
        if self.levels.len() == level {
            self.levels.push(Vec::with_capacity(LINKS));
        }
        if self.levels[level].len() == LINKS {
            self.close(level, nodes);
        }
        self.levels[level].push(link);
    }

    fn close(&mut self, level: usize, nodes: &mut Vec<Block>) {
        let node = Node::new(std::mem::take(&mut self.levels[level]));
        let below = node.links.iter().map(|link| link.total_size).sum::<u64>();
        let block = node.encode();
        let total_size = below + block.bytes.len() as u64;
        let link = Link { cid: block.cid, file_size: node.file_size, total_size };
        nodes.push(block);
        self.add(level + 1, link, nodes);
    }

    /// Closes every level, from the leaves up. Without leaves: the empty file, one empty raw block.
    pub fn finish(mut self) -> Built {
        let mut nodes = Vec::new();
        let mut level = 0;
        while level < self.levels.len() {
            let top = level + 1 == self.levels.len();
            if !(top && self.levels[level].len() == 1) {
                self.close(level, &mut nodes);
            }
            level += 1;
        }
        let root = match self.levels.last().and_then(|links| links.first()) {
            Some(link) => link.cid,
            None => Cid::of(Codec::Raw, b""),
        };
        Built { root, bytes: self.bytes, leaves: self.leaves.max(1), nodes }
    }
}

/// Root of a file at hand.
pub fn root_of(file: &[u8]) -> Result<Cid, BuildError> {
    let mut builder = Builder::new();
    for leaf in file.chunks(LEAF) {
        builder.push(leaf)?;
    }
    Ok(builder.finish().root)
}
