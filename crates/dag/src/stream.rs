//! A whole file out of a CAR stream, verified while it arrives (spec DG-7).
//!
//! Demands the depth-first order with every block, repeated ones too, and nothing else: the first missing, swapped,
//! foreign or additional block ends it. Memory: one frame and the interior nodes of the current path.

use std::ops::Range;

use crate::{
    Accepted, Cid, Reader, VerifyError,
    car::{CarError, Decoder},
};

/// Why a download was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    #[error("CAR: {0}")]
    Car(#[from] CarError),
    #[error("got block {got} where {expected} is due")]
    Order { got: Cid, expected: Cid },
    #[error(transparent)]
    Verify(#[from] VerifyError),
    #[error("a block follows the last one")]
    Surplus,
    #[error("stream ends before leaf {0}")]
    Missing(u64),
}

/// Verifies the CAR of one file.
#[derive(Clone, Debug)]
pub struct StreamVerifier {
    decoder: Decoder,
    reader: Reader,
    next_leaf: u64,
}

impl StreamVerifier {
    /// For a file whose length its root block tells.
    pub fn new(root: Cid) -> Self {
        Self { decoder: Decoder::new(root), reader: Reader::new(root), next_leaf: 0 }
    }

    /// For a file of known length.
    pub fn with_length(root: Cid, bytes: u64) -> Result<Self, StreamError> {
        let reader = Reader::with_length(root, bytes)?;
        Ok(Self { decoder: Decoder::new(root), reader, next_leaf: 0 })
    }

    /// Takes bytes as they arrive and hands out verified leaves in order: index, bytes.
    pub fn push(&mut self, bytes: &[u8], mut leaf: impl FnMut(u64, &[u8])) -> Result<(), StreamError> {
        self.decoder.push(bytes);
        while let Some((cid, block)) = self.decoder.frame()? {
            let due = self.reader.wanted(rest(self.next_leaf), 1);
            let due = due.first().ok_or(StreamError::Surplus)?;
            if due.cid != cid {
                return Err(StreamError::Order { got: cid, expected: due.cid });
            }
            if let Accepted::Leaf { index, .. } = self.reader.accept(due.at, block)? {
                leaf(index, block);
                self.next_leaf = index + 1;
                self.reader.release(self.next_leaf);
            }
        }
        Ok(())
    }

    /// Length of the file, once the root arrived.
    pub fn bytes(&self) -> Option<u64> {
        self.reader.layout().map(|layout| layout.bytes())
    }

    /// Succeeds if the whole file was handed out.
    pub fn finish(&self) -> Result<(), StreamError> {
        match self.reader.layout() {
            Some(layout) if layout.leaves() == self.next_leaf => Ok(self.decoder.finish()?),
            _ => Err(StreamError::Missing(self.next_leaf)),
        }
    }
}

fn rest(from: u64) -> Range<u64> {
    from..u64::MAX
}
