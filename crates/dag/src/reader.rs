//! The verifying reader: says which blocks a range of leaves needs and checks each block handed in (spec DG-5).
//!
//! Only the root's address is trusted. A block is bound to a *position*; its hash, codec, size, link count and every
//! declared size must be what that position has in the tree of the root's file length. So a cycle, a bomb or a deeper
//! tree cannot be expressed, and a swapped or foreign block is refused where it is handed in. A refused block leaves
//! the reader unchanged. Memory: 32 bytes a leaf of the interior nodes kept; `release` frees what was passed.

use std::{collections::BTreeMap, ops::Range};

use crate::{Cid, Codec, LEAF, Layout, MAX_NODE, Node, NodeError, Position, TooLarge};

/// A block to fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub at: Position,
    pub cid: Cid,
}

/// What an accepted block was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// An interior node; more blocks are known now.
    Node,
    /// Leaf `index`, whose first byte is byte `offset` of the file.
    Leaf { index: u64, offset: u64 },
}

/// Why a block was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    #[error("no block is known at level {} index {} yet, or ever", .0.level, .0.index)]
    Position(Position),
    #[error("block of {0} bytes is larger than any of its kind")]
    BlockTooLarge(usize),
    #[error("block's bytes are not those of {0}")]
    WrongBytes(Cid),
    #[error("interior node: {0}")]
    Node(#[from] NodeError),
    #[error(transparent)]
    FileTooLarge(#[from] TooLarge),
    #[error("file declares {declared} bytes where {expected} were announced")]
    FileSize { declared: u64, expected: u64 },
    #[error("node has {got} links where the file's length gives {expected}")]
    LinkCount { got: usize, expected: usize },
    #[error("tree is deeper than the file's length gives")]
    TooDeep,
    #[error("tree is shallower than the file's length gives")]
    TooShallow,
    #[error("link {link} declares {declared} bytes where {expected} are due")]
    LinkSize { link: usize, declared: u64, expected: u64 },
    #[error("leaf has {got} bytes where {expected} are due")]
    LeafSize { got: usize, expected: usize },
}

/// Knowledge about one file while its blocks come in.
#[derive(Clone, Debug)]
pub struct Reader {
    root: Cid,
    announced: Option<u64>,
    layout: Option<Layout>,
    /// Children's digests of the interior nodes accepted.
    nodes: BTreeMap<Position, Vec<[u8; 32]>>,
}

impl Reader {
    /// The length is taken from the root block.
    pub fn new(root: Cid) -> Self {
        Self { root, announced: None, layout: None, nodes: BTreeMap::new() }
    }

    /// The length is known already; another one in the root block is refused.
    pub fn with_length(root: Cid, bytes: u64) -> Result<Self, VerifyError> {
        let layout = Layout::new(bytes)?;
        match (root.codec(), layout.depth()) {
            (Codec::Raw, 1..) => Err(VerifyError::TooShallow),
            (Codec::DagPb, 0) => Err(VerifyError::TooDeep),
            _ => Ok(Self { root, announced: Some(bytes), layout: Some(layout), nodes: BTreeMap::new() }),
        }
    }

    pub fn root(&self) -> Cid {
        self.root
    }

    /// Shape of the tree, once the length is known.
    pub fn layout(&self) -> Option<&Layout> {
        self.layout.as_ref()
    }

    /// Blocks that the leaves of a range need next, in depth-first order, at most `limit`: interior nodes not accepted
    /// yet, and leaves whose address is known. Before the length is known that is the root, at level 0 if it is raw;
    /// if it is an interior node its level is filled in by `accept`.
    pub fn wanted(&self, leaves: Range<u64>, limit: usize) -> Vec<Wanted> {
        let mut out = Vec::new();
        match &self.layout {
            Some(layout) => self.collect(layout, layout.root(), &leaves, limit, &mut out),
            None => out.push(Wanted { at: self.provisional_root(), cid: self.root }),
        }
        out.truncate(limit);
        out
    }

    fn collect(
        &self,
        layout: &Layout,
        at: Position,
        leaves: &Range<u64>,
        limit: usize,
        out: &mut Vec<Wanted>,
    ) {
        let below = layout.leaves_below(at);
        if out.len() >= limit || below.start >= leaves.end || below.end <= leaves.start {
            return;
        }
        if at.level > 0 && self.nodes.contains_key(&at) {
            for index in layout.children(at) {
                self.collect(layout, Position { level: at.level - 1, index }, leaves, limit, out);
            }
        } else if let Some(cid) = self.cid_at(at) {
            out.push(Wanted { at, cid });
        }
    }

    /// Address of the block at a position, if the nodes above it were accepted.
    pub fn cid_at(&self, at: Position) -> Option<Cid> {
        let Some(layout) = &self.layout else {
            return (at == self.provisional_root()).then_some(self.root);
        };
        if !layout.contains(at) {
            return None;
        }
        if at == layout.root() {
            return Some(self.root);
        }
        let links = crate::LINKS as u64;
        let parent = Position { level: at.level + 1, index: at.index / links };
        let digest = self.nodes.get(&parent)?.get((at.index % links) as usize)?;
        Some(Cid::new(if at.level == 0 { Codec::Raw } else { Codec::DagPb }, *digest))
    }

    fn provisional_root(&self) -> Position {
        Position { level: usize::from(self.root.codec() == Codec::DagPb), index: 0 }
    }

    /// Checks the block at a position and takes it in.
    pub fn accept(&mut self, at: Position, block: &[u8]) -> Result<Accepted, VerifyError> {
        let cid = self.cid_at(at).ok_or(VerifyError::Position(at))?;
        let bound = if cid.codec() == Codec::Raw { LEAF } else { MAX_NODE };
        if block.len() > bound {
            return Err(VerifyError::BlockTooLarge(block.len()));
        }
        if !cid.matches(block) {
            return Err(VerifyError::WrongBytes(cid));
        }
        match cid.codec() {
            Codec::Raw => self.accept_leaf(at, block.len()),
            Codec::DagPb => self.accept_node(at, block),
        }
    }

    fn accept_leaf(&mut self, at: Position, got: usize) -> Result<Accepted, VerifyError> {
        let layout = match self.layout.take() {
            Some(layout) => layout,
            None => Layout::new(got as u64)?,
        };
        let expected = layout.leaf_len(at.index);
        let offset = layout.leaf_offset(at.index);
        self.layout = Some(layout);
        if got == expected {
            Ok(Accepted::Leaf { index: at.index, offset })
        } else {
            Err(VerifyError::LeafSize { got, expected })
        }
    }

    fn accept_node(&mut self, at: Position, block: &[u8]) -> Result<Accepted, VerifyError> {
        let node = Node::decode(block)?;
        let (layout, at) = match &self.layout {
            Some(layout) => (layout.clone(), at),
            None => {
                let layout = Layout::new(node.file_size)?;
                let root = layout.root();
                (layout, root)
            }
        };
        check_node(&layout, at, &node, self.announced)?;
        self.nodes.insert(at, node.links.iter().map(|link| *link.cid.digest()).collect());
        self.layout = Some(layout);
        Ok(Accepted::Node)
    }

    /// Forgets interior nodes that lie wholly before a leaf; their blocks are wanted again if one goes back.
    pub fn release(&mut self, before: u64) {
        if let Some(layout) = &self.layout {
            self.nodes.retain(|at, _| layout.leaves_below(*at).end > before);
        }
    }
}

fn check_node(layout: &Layout, at: Position, node: &Node, announced: Option<u64>) -> Result<(), VerifyError> {
    if at == layout.root() && node.file_size != announced.unwrap_or(node.file_size) {
        return Err(VerifyError::FileSize { declared: node.file_size, expected: layout.bytes() });
    }
    let Some(below) = at.level.checked_sub(1) else { return Err(VerifyError::TooDeep) };
    let children = layout.children(at);
    let expected = (children.end - children.start) as usize;
    if node.links.len() != expected {
        return Err(VerifyError::LinkCount { got: node.links.len(), expected });
    }
    for (number, (index, link)) in children.zip(&node.links).enumerate() {
        let child = Position { level: below, index };
        match (link.cid.codec(), below) {
            (Codec::DagPb, 0) => return Err(VerifyError::TooDeep),
            (Codec::Raw, 1..) => return Err(VerifyError::TooShallow),
            _ => {}
        }
        let sizes = [(link.file_size, layout.file_size(child)), (link.total_size, layout.total_size(child))];
        if let Some((declared, expected)) =
            sizes.into_iter().find(|(declared, expected)| declared != expected)
        {
            return Err(VerifyError::LinkSize { link: number, declared, expected });
        }
    }
    Ok(())
}
