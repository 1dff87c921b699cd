//! Encrypting, leaf by leaf, in memory of one leaf (spec S-9).

use std::ops::Range;

use super::{
    DataKey, HEADER, StreamError,
    header::Context,
    layout::{self, leaf_len, leaf_range, leaves},
};

/// Encrypts leaf by leaf, in order.
#[derive(Debug)]
pub struct Encryptor {
    context: Context,
    next: u64,
}

impl Encryptor {
    /// For exactly `len` plaintext bytes. The key must be fresh: it is used up here.
    pub fn new(key: DataKey, len: u64) -> Result<Self, StreamError> {
        Ok(Self { context: Context::new(&key, len)?, next: 0 })
    }

    /// Plaintext that the next leaf takes; `None` after the last. Empty for leaves of padding only.
    pub fn next_range(&self) -> Option<Range<u64>> {
        self.pending().then(|| leaf_range(self.context.len, self.next))
    }

    /// Bytes of the next leaf; `None` after the last.
    pub fn next_len(&self) -> Option<usize> {
        self.pending().then(|| leaf_len(self.context.padded, self.next))
    }

    /// The next leaf, from exactly the bytes of its [`leaf_range`]; `None` after the last.
    pub fn next_leaf(&mut self, plaintext: &[u8]) -> Result<Option<Vec<u8>>, StreamError> {
        let Some(len) = self.next_len() else { return Ok(None) };
        let mut leaf = vec![0; len];
        self.next_leaf_to(plaintext, &mut leaf)?;
        Ok(Some(leaf))
    }

    /// The next leaf, into a buffer of [`Self::next_len`] bytes that the caller can use again; no copy is made.
    pub fn next_leaf_to(&mut self, plaintext: &[u8], leaf: &mut [u8]) -> Result<(), StreamError> {
        let index = self.next;
        let range = self.next_range().ok_or(StreamError::NoSuchLeaf(index))?;
        let expected = (range.end - range.start) as usize;
        if plaintext.len() != expected {
            return Err(StreamError::Input { expected, got: plaintext.len() });
        }
        if leaf.len() != leaf_len(self.context.padded, index) {
            return Err(StreamError::Length);
        }
        let (header, segment) = leaf.split_at_mut(if index == 0 { HEADER } else { 0 });
        header.copy_from_slice(&self.context.header()[..header.len()]);
        self.next += 1;
        self.context.seal(index, !self.pending(), plaintext, segment);
        Ok(())
    }

    fn pending(&self) -> bool {
        self.next < leaves(self.context.padded)
    }
}

/// All at once, for small objects.
///
/// # Panics
/// If `plaintext` is longer than [`super::MAX_LEN`].
pub fn encrypt(key: DataKey, plaintext: &[u8]) -> Vec<u8> {
    let mut encryptor = Encryptor::new(key, plaintext.len() as u64).expect("memory holds less than 1 TiB");
    let mut ciphertext = vec![0; layout::total(encryptor.context.padded) as usize];
    let mut rest = ciphertext.as_mut_slice();
    while let (Some(range), Some(len)) = (encryptor.next_range(), encryptor.next_len()) {
        let (leaf, tail) = rest.split_at_mut(len);
        let text = &plaintext[range.start as usize..range.end as usize];
        encryptor.next_leaf_to(text, leaf).expect("ranges and lengths are the encryptor's own");
        rest = tail;
    }
    ciphertext
}
