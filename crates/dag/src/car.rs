//! CARv1 with one root: the frames a gateway streams and a bounded decoder of them (spec DG-6).
//!
//! The decoder splits a byte stream into (CID, bytes) and bounds every length before it waits for the bytes; whether
//! the bytes are the CID's is the verifying reader's business.

use crate::{
    Cid, CidError, Codec, LEAF, Layout, MAX_NODE,
    node::{put_varint, varint_len},
};

/// DAG-CBOR of `{"roots": [cid], "version": 1}` around the 36 bytes of the CID.
const HEAD: [u8; 13] = [0xa2, 0x65, b'r', b'o', b'o', b't', b's', 0x81, 0xd8, 0x2a, 0x58, 37, 0];
const TAIL: [u8; 9] = [0x67, b'v', b'e', b'r', b's', b'i', b'o', b'n', 1];
const HEADER: usize = 1 + HEAD.len() + Cid::BINARY + TAIL.len();

/// Why a stream is no CAR of one file of this system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CarError {
    #[error("header is not a CARv1 header with the one root asked for")]
    Header,
    #[error("frame of {0} bytes is larger than any block")]
    FrameTooLarge(u64),
    #[error("frame's length is malformed")]
    Length,
    #[error("frame's address: {0}")]
    Cid(#[from] CidError),
    #[error("stream ends within a frame")]
    Truncated,
}

/// The header of a CAR with this root.
pub fn header(root: &Cid) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER);
    out.push((HEADER - 1) as u8);
    out.extend(HEAD);
    out.extend(root.to_binary());
    out.extend(TAIL);
    out
}

/// What goes before a block's bytes: the frame's length and the CID.
pub fn frame_head(cid: &Cid, len: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(Cid::BINARY + 4);
    put_varint((Cid::BINARY + len) as u64, &mut out);
    out.extend(cid.to_binary());
    out
}

/// Bytes of the whole CAR of a file, depth first with repeated blocks.
pub fn length(layout: &Layout) -> u64 {
    let frame = |len: u64| Cid::BINARY as u64 + varint_len(Cid::BINARY as u64 + len);
    let last = layout.leaf_len(layout.leaves() - 1) as u64;
    let leaves = (layout.leaves() - 1) * frame(LEAF as u64) + frame(last);
    // A frame's length takes two bytes for nodes of 2 to 174 links, one byte for those of a single link, which only
    // the last node of a level can be.
    let single = (1..=layout.depth()).filter(|level| layout.last_has_one_child(*level)).count() as u64;
    let nodes = layout.nodes() * (Cid::BINARY as u64 + 2) - single;
    HEADER as u64 + leaves + nodes + layout.total_size(layout.root())
}

/// Splits a stream into frames; holds at most one frame and what was just pushed.
#[derive(Clone, Debug)]
pub struct Decoder {
    root: Cid,
    buffer: Vec<u8>,
    /// Bytes of the buffer already handed out.
    taken: usize,
    started: bool,
}

impl Decoder {
    /// For the CAR of this root only.
    pub fn new(root: Cid) -> Self {
        Self { root, buffer: Vec::new(), taken: 0, started: false }
    }

    /// Adds bytes as they arrive. Take all frames before the next push to stay within bounds.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.taken);
        self.taken = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next complete frame, `None` while more bytes are needed.
    pub fn frame(&mut self) -> Result<Option<(Cid, &[u8])>, CarError> {
        if !self.started && !self.take_header()? {
            return Ok(None);
        }
        let rest = &self.buffer[self.taken..];
        let Some((len, prefix)) = frame_length(rest)? else { return Ok(None) };
        if len < Cid::BINARY {
            return Err(CarError::Length);
        }
        let Some(head) = rest.get(prefix..prefix + Cid::BINARY) else { return Ok(None) };
        let cid = Cid::from_binary(head)?;
        let bound = if cid.codec() == Codec::Raw { LEAF } else { MAX_NODE };
        if len - Cid::BINARY > bound {
            return Err(CarError::FrameTooLarge(len as u64));
        }
        if rest.len() < prefix + len {
            return Ok(None);
        }
        let start = self.taken + prefix + Cid::BINARY;
        self.taken += prefix + len;
        Ok(Some((cid, &self.buffer[start..self.taken])))
    }

    fn take_header(&mut self) -> Result<bool, CarError> {
        let expected = header(&self.root);
        let seen = self.buffer.len().min(expected.len());
        if self.buffer[..seen] != expected[..seen] {
            return Err(CarError::Header);
        }
        self.started = seen == expected.len();
        self.taken = if self.started { seen } else { 0 };
        Ok(self.started)
    }

    /// Whether the stream ended between two frames.
    pub fn finish(&self) -> Result<(), CarError> {
        if self.started && self.taken == self.buffer.len() { Ok(()) } else { Err(CarError::Truncated) }
    }
}

/// A frame's length and the bytes it is written in; at most three suffice for the largest block.
fn frame_length(bytes: &[u8]) -> Result<Option<(usize, usize)>, CarError> {
    let mut value = 0usize;
    for (at, byte) in bytes.iter().take(3).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * at);
        if *byte < 0x80 {
            // One length has one encoding.
            return if *byte == 0 { Err(CarError::Length) } else { Ok(Some((value, at + 1))) };
        }
    }
    if bytes.len() < 3 { Ok(None) } else { Err(CarError::FrameTooLarge(1 << 21)) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn car(blocks: &[&[u8]]) -> (Cid, Vec<u8>) {
        let root = Cid::of(Codec::Raw, blocks[0]);
        let mut out = header(&root);
        for block in blocks {
            out.extend(frame_head(&Cid::of(Codec::Raw, block), block.len()));
            out.extend_from_slice(block);
        }
        (root, out)
    }

    #[test]
    fn splits_frames_however_the_stream_is_cut() {
        let long = vec![7; 70_000];
        let (root, bytes) = car(&[b"one", b"", &long]);
        for step in [1, 2, 59, 1000, bytes.len()] {
            let mut decoder = Decoder::new(root);
            let mut sizes = Vec::new();
            for piece in bytes.chunks(step) {
                decoder.push(piece);
                while let Some((cid, block)) = decoder.frame().unwrap() {
                    assert!(cid.matches(block));
                    sizes.push(block.len());
                }
            }
            decoder.finish().unwrap();
            assert_eq!(sizes, [3, 0, 70_000]);
        }
    }

    #[test]
    fn refuses_a_foreign_header_and_a_truncated_stream() {
        let (root, bytes) = car(&[b"one"]);
        let mut other = Decoder::new(Cid::of(Codec::Raw, b"two"));
        other.push(&bytes);
        assert_eq!(other.frame(), Err(CarError::Header));
        for end in 0..bytes.len() {
            let mut decoder = Decoder::new(root);
            decoder.push(&bytes[..end]);
            while decoder.frame().unwrap().is_some() {}
            // The header alone is a complete stream of no frames; the reader misses the blocks.
            assert_eq!(decoder.finish().is_ok(), end == HEADER, "cut at {end}");
        }
    }

    #[test]
    fn refuses_an_oversize_frame_before_its_bytes_come() {
        let root = Cid::of(Codec::Raw, b"x");
        let mut start = header(&root);
        let mut decoder = Decoder::new(root);
        decoder.push(&[start.clone(), frame_head(&root, LEAF + 1)].concat());
        assert!(matches!(decoder.frame(), Err(CarError::FrameTooLarge(_))));
        start.extend([0xff, 0xff, 0xff, 0xff]);
        let mut decoder = Decoder::new(root);
        decoder.push(&start);
        assert!(matches!(decoder.frame(), Err(CarError::FrameTooLarge(_))));
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), keep: bool) {
            let root = Cid::of(Codec::Raw, b"x");
            let mut decoder = Decoder::new(root);
            if keep {
                decoder.push(&header(&root));
                let _ = decoder.frame();
            }
            decoder.push(&bytes);
            while let Ok(Some(_)) = decoder.frame() {}
            let _ = decoder.finish();
        }
    }
}
