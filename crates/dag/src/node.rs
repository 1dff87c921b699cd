//! Interior nodes: UnixFS `File` in dag-pb, the canonical encoding only (spec DG-4).
//!
//! The decoder refuses everything the encoder would not write: other field orders, unknown fields, names, inline data,
//! metadata, long varints, links to other kinds of CID, more than 174 links.

use crate::{Cid, CidError, Codec, LINKS, MAX_NODE};

const LINK: u8 = 0x12;
const DATA: u8 = 0x0a;
const HASH: u8 = 0x0a;
const NAME: u8 = 0x12;
const TSIZE: u8 = 0x18;
const KIND: u8 = 0x08;
const FILE: u8 = 0x02;
const FILE_SIZE: u8 = 0x18;
const BLOCK_SIZE: u8 = 0x20;

/// A block with its address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    pub cid: Cid,
    pub bytes: Vec<u8>,
}

/// A child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    pub cid: Cid,
    /// Bytes of the file below.
    pub file_size: u64,
    /// Cumulative bytes of all blocks below.
    pub total_size: u64,
}

/// An interior node: its children, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub file_size: u64,
    pub links: Vec<Link>,
}

/// Why bytes are no interior node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeError {
    #[error("node of {0} bytes is larger than {MAX_NODE}")]
    TooLarge(usize),
    #[error("node ends early")]
    Truncated,
    #[error("node is not a UnixFS file in canonical dag-pb")]
    NotCanonical,
    #[error("node has no links")]
    NoLinks,
    #[error("node has more than {LINKS} links")]
    TooManyLinks,
    #[error("link: {0}")]
    Link(#[from] CidError),
    #[error("node lists {sizes} sizes for {links} links")]
    SizeCount { links: usize, sizes: usize },
    #[error("node declares {declared} bytes, its links {linked}")]
    FileSize { declared: u64, linked: u64 },
}

impl Node {
    /// Over these children, the file size their sum.
    pub fn new(links: Vec<Link>) -> Self {
        let file_size = links.iter().fold(0u64, |sum, link| sum.saturating_add(link.file_size));
        Self { file_size, links }
    }

    /// The canonical bytes and their address.
    pub fn encode(&self) -> Block {
        let mut bytes = Vec::with_capacity(64 * self.links.len() + 16);
        for link in &self.links {
            bytes.extend([LINK, link_len(link.total_size) as u8, HASH, Cid::BINARY as u8]);
            bytes.extend(link.cid.to_binary());
            bytes.extend([NAME, 0, TSIZE]);
            put_varint(link.total_size, &mut bytes);
        }
        let sizes = self.links.iter().map(|link| 1 + varint_len(link.file_size)).sum::<u64>();
        bytes.push(DATA);
        put_varint(3 + varint_len(self.file_size) + sizes, &mut bytes);
        bytes.extend([KIND, FILE, FILE_SIZE]);
        put_varint(self.file_size, &mut bytes);
        for link in &self.links {
            bytes.push(BLOCK_SIZE);
            put_varint(link.file_size, &mut bytes);
        }
        Block { cid: Cid::of(Codec::DagPb, &bytes), bytes }
    }

    /// Reads the canonical encoding; the address is not checked here.
    pub fn decode(bytes: &[u8]) -> Result<Self, NodeError> {
        if bytes.len() > MAX_NODE {
            return Err(NodeError::TooLarge(bytes.len()));
        }
        let mut rest = Cursor(bytes);
        let mut links = Vec::new();
        while rest.0.first() == Some(&LINK) {
            if links.len() == LINKS {
                return Err(NodeError::TooManyLinks);
            }
            links.push(decode_link(&mut rest)?);
        }
        if links.is_empty() {
            return Err(NodeError::NoLinks);
        }
        let file_size = decode_data(&mut rest, &mut links)?;
        let node = Self { file_size, links };
        // Lengths and field order were checked on the way; this leaves no second encoding of the same node.
        if node.encode().bytes == bytes { Ok(node) } else { Err(NodeError::NotCanonical) }
    }
}

fn decode_link(rest: &mut Cursor<'_>) -> Result<Link, NodeError> {
    rest.tag(LINK)?;
    let mut link = rest.message()?;
    link.tag(HASH)?;
    let cid = Cid::from_binary(link.message()?.0)?;
    link.tag(NAME)?;
    if !link.message()?.0.is_empty() {
        return Err(NodeError::NotCanonical);
    }
    link.tag(TSIZE)?;
    let total_size = link.varint()?;
    link.end()?;
    Ok(Link { cid, file_size: 0, total_size })
}

fn decode_data(rest: &mut Cursor<'_>, links: &mut [Link]) -> Result<u64, NodeError> {
    rest.tag(DATA)?;
    let mut data = rest.message()?;
    rest.end()?;
    data.tag(KIND)?;
    data.tag(FILE)?;
    data.tag(FILE_SIZE)?;
    let declared = data.varint()?;
    let mut sizes = 0;
    let mut linked = 0u64;
    while !data.0.is_empty() {
        data.tag(BLOCK_SIZE)?;
        let size = data.varint()?;
        if let Some(link) = links.get_mut(sizes) {
            link.file_size = size;
        }
        linked = linked.saturating_add(size);
        sizes += 1;
    }
    if sizes != links.len() {
        return Err(NodeError::SizeCount { links: links.len(), sizes });
    }
    if linked != declared {
        return Err(NodeError::FileSize { declared, linked });
    }
    Ok(declared)
}

/// Bytes of a node with `head` equal children and a last one, each given as (file size, cumulative size).
pub(crate) fn encoded_len(head: u64, each: (u64, u64), tail: (u64, u64)) -> u64 {
    let links = head * (2 + link_len(each.1)) + 2 + link_len(tail.1);
    let sizes = head * (1 + varint_len(each.0)) + 1 + varint_len(tail.0);
    let data = 3 + varint_len(head * each.0 + tail.0) + sizes;
    links + 1 + varint_len(data) + data
}

/// Bytes of one link message; at most 51, so that its length is one byte.
fn link_len(total_size: u64) -> u64 {
    2 + Cid::BINARY as u64 + 2 + 1 + varint_len(total_size)
}

pub(crate) fn varint_len(value: u64) -> u64 {
    u64::from((64 - (value | 1).leading_zeros()).div_ceil(7))
}

pub(crate) fn put_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn byte(&mut self) -> Result<u8, NodeError> {
        let (first, rest) = self.0.split_first().ok_or(NodeError::Truncated)?;
        self.0 = rest;
        Ok(*first)
    }

    fn tag(&mut self, tag: u8) -> Result<(), NodeError> {
        if self.byte()? == tag { Ok(()) } else { Err(NodeError::NotCanonical) }
    }

    fn varint(&mut self) -> Result<u64, NodeError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(NodeError::NotCanonical)
    }

    fn message(&mut self) -> Result<Cursor<'a>, NodeError> {
        let len = usize::try_from(self.varint()?).map_err(|_| NodeError::Truncated)?;
        let (inner, rest) = self.0.split_at_checked(len).ok_or(NodeError::Truncated)?;
        self.0 = rest;
        Ok(Cursor(inner))
    }

    fn end(&self) -> Result<(), NodeError> {
        if self.0.is_empty() { Ok(()) } else { Err(NodeError::NotCanonical) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn link(n: u8, size: u64) -> Link {
        Link { cid: Cid::of(Codec::Raw, &[n]), file_size: size, total_size: size }
    }

    fn node() -> Node {
        Node::new(vec![link(1, 262_144), link(2, 262_144), link(3, 7)])
    }

    #[test]
    fn round_trips_and_refuses_truncation_and_trailing_bytes() {
        let bytes = node().encode().bytes;
        assert_eq!(Node::decode(&bytes).unwrap(), node());
        for end in 0..bytes.len() {
            assert!(Node::decode(&bytes[..end]).is_err(), "cut at {end}");
        }
        for extra in 0..=255 {
            assert!(Node::decode(&[bytes.as_slice(), &[extra]].concat()).is_err());
        }
    }

    #[test]
    fn refuses_any_changed_byte_outside_digests_and_equal_sizes() {
        let bytes = node().encode().bytes;
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x81;
            // A changed digest or cumulative size gives another node, never the same one.
            assert!(Node::decode(&changed) != Ok(node()), "byte {at}");
        }
    }

    #[test]
    fn refuses_more_links_than_a_node_has() {
        let full = Node::new(vec![link(0, 262_144); LINKS]);
        assert_eq!(Node::decode(&full.encode().bytes).unwrap(), full);
        let over = Node::new(vec![link(0, 262_144); LINKS + 1]).encode().bytes;
        assert_eq!(Node::decode(&over), Err(NodeError::TooManyLinks));
        assert_eq!(Node::decode(&vec![LINK; MAX_NODE + 1]), Err(NodeError::TooLarge(MAX_NODE + 1)));
    }

    #[test]
    fn widest_node_stays_below_the_bound() {
        let wide = Link { total_size: u64::MAX, ..link(0, u64::MAX / 200) };
        assert!(Node::new(vec![wide; LINKS]).encode().bytes.len() <= MAX_NODE);
    }

    #[test]
    fn refuses_a_declared_size_that_is_not_the_sum() {
        let mut lying = node();
        lying.file_size += 1;
        let linked = node().file_size;
        let error = NodeError::FileSize { declared: linked + 1, linked };
        assert_eq!(Node::decode(&lying.encode().bytes), Err(error));
    }

    #[test]
    fn refuses_leaf_data_and_directories() {
        // UnixFS file with inline data and no links: 0a 04 { 08 02 18 00 }.
        assert_eq!(Node::decode(&[DATA, 4, KIND, FILE, FILE_SIZE, 0]), Err(NodeError::NoLinks));
        assert_eq!(Node::decode(&[]), Err(NodeError::NoLinks));
        let mut directory = node().encode().bytes;
        let at = directory.windows(2).rposition(|w| w == [KIND, FILE]).unwrap();
        directory[at + 1] = 1;
        assert_eq!(Node::decode(&directory), Err(NodeError::NotCanonical));
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Node::decode(&bytes);
        }

        #[test]
        fn damaged_nodes_never_panic(at in 0usize..160, to: u8) {
            let mut bytes = node().encode().bytes;
            let at = at % bytes.len();
            bytes[at] = to;
            let _ = Node::decode(&bytes);
        }
    }
}
