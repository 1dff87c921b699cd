//! Content addresses and the UnixFS DAG: building it from a stream, verifying it block by block (spec DG-*).
//!
//! One shape only: CIDv1, sha2-256, leaves of 256 KiB as raw blocks, balanced interior nodes of at most 174 links, the
//! bytes that `ipfs add --cid-version=1 --raw-leaves` makes. Since a file's length fixes its whole tree, everything that
//! departs from it is refused instead of interpreted. Pure: no I/O, no clock, compiles to wasm.

mod builder;
pub mod car;
mod cid;
mod layout;
mod node;
mod reader;
mod stream;

pub use builder::{BuildError, Builder, Built, Pushed, root_of};
pub use cid::{Cid, CidError, Codec};
pub use layout::{Layout, Position, TooLarge};
pub use node::{Block, Link, Node, NodeError};
pub use reader::{Accepted, Reader, VerifyError, Wanted};
pub use stream::{StreamError, StreamVerifier};

/// Bytes of a leaf; only the last one of a file may be shorter (spec DG-2).
pub const LEAF: usize = 262_144;

/// Most links of an interior node (spec DG-3).
pub const LINKS: usize = 174;

/// Most levels of interior nodes above the leaves (spec DG-3).
pub const MAX_DEPTH: usize = 3;

/// Largest file: a full tree of `MAX_DEPTH` levels, about 1.38 TB (spec DG-3).
pub const MAX_FILE: u64 = (LEAF * LINKS) as u64 * (LINKS * LINKS) as u64;

/// Largest encoding of an interior node, bytes; 174 links of the widest sizes stay below (spec DG-4).
pub const MAX_NODE: usize = 16_384;
