//! Where things stand: padded length, leaves, and the plaintext each of them carries (spec S-1, S-2, S-4).

use std::ops::Range;

use super::{FIRST_SEGMENT, HEADER, MAX_LEN, SEGMENT, StreamError};
use crate::aead::TAG;

/// Padded plaintext length by Padmé (PURBs, Nikitin et al. 2019, algorithm 1): at most 12 % more, and only
/// `O(log log len)` bits of the length remain visible. Lengths near `u64::MAX`, which no stream has, stay as they are.
pub fn padme(len: u64) -> u64 {
    if len < 2 {
        return len;
    }
    let exponent = len.ilog2();
    let significant = exponent.ilog2() + 1;
    let mask = (1u64 << (exponent - significant)) - 1;
    len.checked_add(mask).map_or(len, |sum| sum & !mask)
}

/// Number of leaves of a stream of `len` plaintext bytes; at least one.
pub fn leaf_count(len: u64) -> u64 {
    leaves(padme(len))
}

/// Ciphertext bytes of a stream of `len` plaintext bytes.
pub fn ciphertext_len(len: u64) -> Result<u64, StreamError> {
    if len > MAX_LEN { Err(StreamError::TooLong(len)) } else { Ok(total(padme(len))) }
}

/// Plaintext range (before padding, empty in leaves of padding only) that leaf `index` carries.
pub fn leaf_range(len: u64, index: u64) -> Range<u64> {
    let end = FIRST_SEGMENT.saturating_add(index.saturating_mul(SEGMENT));
    let start = if index == 0 { 0 } else { end.saturating_sub(SEGMENT) };
    start.min(len)..end.min(len)
}

/// Indexes of the leaves that carry the plaintext `range`; none for an empty range.
pub fn leaves_of(range: Range<u64>) -> Range<u64> {
    if range.is_empty() {
        return 0..0;
    }
    leaf_at(range.start)..leaf_at(range.end - 1) + 1
}

/// Leaf that carries the plaintext byte at `offset`.
fn leaf_at(offset: u64) -> u64 {
    offset.checked_sub(FIRST_SEGMENT).map_or(0, |rest| 1 + rest / SEGMENT)
}

/// Leaves of a stream of `padded` bytes.
pub(super) fn leaves(padded: u64) -> u64 {
    1 + padded.saturating_sub(FIRST_SEGMENT).div_ceil(SEGMENT)
}

/// Ciphertext bytes of a stream of `padded` bytes, at most [`MAX_LEN`].
pub(super) fn total(padded: u64) -> u64 {
    HEADER as u64 + padded + leaves(padded) * TAG as u64
}

/// Bytes of leaf `index` of a stream of `padded` bytes: header (in leaf 0), segment, tag.
pub(super) fn leaf_len(padded: u64, index: u64) -> usize {
    let Range { start, end } = leaf_range(padded, index);
    let header = if index == 0 { HEADER } else { 0 };
    header + (end - start) as usize + TAG
}
