//! Decrypting, leaves in any order (spec S-10 to S-12).

use super::{
    DataKey, HEADER, LEAF, StreamError,
    header::Context,
    layout::{self, leaf_len, leaf_range, leaves},
};
use crate::aead::TAG;

/// Decrypts leaves in any order, once the header was seen.
#[derive(Debug)]
pub struct Decryptor(Context);

impl Decryptor {
    /// From leaf 0 and the total ciphertext length; returns the first plaintext segment too.
    pub fn new(key: &DataKey, leaf0: &[u8], total: u64) -> Result<(Self, Vec<u8>), StreamError> {
        let header = leaf0.get(..HEADER).ok_or(StreamError::Header)?;
        let decryptor = Self::from_header(key, header, total)?;
        let first = decryptor.leaf(0, leaf0)?;
        Ok((decryptor, first))
    }

    /// From the first [`HEADER`] bytes and the total ciphertext length. Refuses a wrong key at once.
    pub fn from_header(key: &DataKey, header: &[u8], total: u64) -> Result<Self, StreamError> {
        let context = Context::open(key, header)?;
        if layout::total(context.padded) != total {
            return Err(StreamError::Length);
        }
        Ok(Self(context))
    }

    /// True plaintext length.
    pub fn len(&self) -> u64 {
        self.0.len
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Leaves of the stream, those of padding only included.
    pub fn leaves(&self) -> u64 {
        leaves(self.0.padded)
    }

    /// Plaintext of leaf `index` (padding stripped).
    pub fn leaf(&self, index: u64, leaf: &[u8]) -> Result<Vec<u8>, StreamError> {
        self.check_size(index, leaf.len())?;
        let sealed = &leaf[header_len(index)..];
        let mut plaintext = vec![0; sealed.len() - TAG];
        self.0.open_to(index, self.is_last(index), sealed, &mut plaintext)?;
        let keep = self.strip(index, &plaintext)?.len();
        plaintext.truncate(keep);
        Ok(plaintext)
    }

    /// Decrypts leaf `index` where it lies; returns the part that is plaintext (padding stripped). No copy is made.
    pub fn leaf_in_place<'a>(&self, index: u64, leaf: &'a mut [u8]) -> Result<&'a [u8], StreamError> {
        self.check_size(index, leaf.len())?;
        let sealed = &mut leaf[header_len(index)..];
        let plaintext = self.0.open_slice(index, self.is_last(index), sealed)?;
        self.strip(index, plaintext)
    }

    fn is_last(&self, index: u64) -> bool {
        index + 1 == self.leaves()
    }

    fn check_size(&self, index: u64, size: usize) -> Result<(), StreamError> {
        if index >= self.leaves() {
            return Err(StreamError::NoSuchLeaf(index));
        }
        if size == leaf_len(self.0.padded, index) { Ok(()) } else { Err(StreamError::Length) }
    }

    /// The segment without its padding, which must be zero (spec S-11).
    fn strip<'a>(&self, index: u64, plaintext: &'a [u8]) -> Result<&'a [u8], StreamError> {
        let range = leaf_range(self.0.len, index);
        let (text, padding) = plaintext.split_at((range.end - range.start) as usize);
        if padding.iter().all(|&byte| byte == 0) { Ok(text) } else { Err(StreamError::Padding(index)) }
    }
}

fn header_len(index: u64) -> usize {
    if index == 0 { HEADER } else { 0 }
}

/// All at once, for small objects.
pub fn decrypt(key: &DataKey, ciphertext: &[u8]) -> Result<Vec<u8>, StreamError> {
    let header = ciphertext.get(..HEADER).ok_or(StreamError::Header)?;
    let decryptor = Decryptor::from_header(key, header, ciphertext.len() as u64)?;
    let mut plaintext = Vec::with_capacity(decryptor.len() as usize);
    for (index, leaf) in ciphertext.chunks(LEAF).enumerate() {
        plaintext.extend_from_slice(&decryptor.leaf(index as u64, leaf)?);
    }
    Ok(plaintext)
}
