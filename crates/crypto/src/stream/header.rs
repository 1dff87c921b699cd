//! The 64 bytes at the head of leaf 0 (spec S-5 to S-7).
//!
//! ```text
//!  0       suite 0x03
//!  1..8    padded length, big-endian, 56 bits
//!  8..32   true length (8 bytes, big-endian), AES-256-GCM: 8 bytes and tag;
//!          associated data: bytes 0..8 and 32..64
//! 32..64   key commitment, HKDF(DK, "commit")
//! ```

use subtle::ConstantTimeEq as _;

use super::{DataKey, HEADER, MAX_LEN, StreamError, layout::padme};
use crate::{
    Label,
    aead::{Aead, NONCE},
    kdf, suite,
};

const LENGTH: std::ops::Range<usize> = 8..32;
const COMMITMENT: std::ops::Range<usize> = 32..HEADER;

/// What a segment's nonce says about it; the first byte of every nonce (spec S-8).
#[derive(Clone, Copy)]
enum Part {
    Inner = 0,
    Last = 1,
    Length = 2,
}

/// A stream's key and header: what every segment is sealed with.
#[derive(Debug)]
pub(super) struct Context {
    aead: Aead,
    header: [u8; HEADER],
    /// True plaintext length.
    pub(super) len: u64,
    /// Length with padding.
    pub(super) padded: u64,
}

impl Context {
    /// For a new stream of `len` bytes.
    pub(super) fn new(key: &DataKey, len: u64) -> Result<Self, StreamError> {
        if len > MAX_LEN {
            return Err(StreamError::TooLong(len));
        }
        let padded = padme(len);
        let aead = stream_aead(key);
        let mut header = [0; HEADER];
        header[..8].copy_from_slice(&padded.to_be_bytes());
        header[0] = suite::STREAM;
        header[COMMITMENT].copy_from_slice(&commitment(key));
        let mut sealed = len.to_be_bytes().to_vec();
        aead.seal(nonce(Part::Length, 0), &length_context(&header), &mut sealed);
        header[LENGTH].copy_from_slice(&sealed);
        Ok(Self { aead, header, len, padded })
    }

    /// From the header of an existing stream. The key is checked before anything is decrypted (spec S-7).
    pub(super) fn open(key: &DataKey, header: &[u8]) -> Result<Self, StreamError> {
        let header: [u8; HEADER] = header.try_into().map_err(|_| StreamError::Header)?;
        let padded = padded_length(&header)?;
        if !bool::from(header[COMMITMENT].ct_eq(&commitment(key))) {
            return Err(StreamError::WrongKey);
        }
        let aead = stream_aead(key);
        let len = true_length(&aead, &header).filter(|&len| padme(len) == padded);
        Ok(Self { aead, header, len: len.ok_or(StreamError::TrueLength)?, padded })
    }

    pub(super) fn header(&self) -> &[u8; HEADER] {
        &self.header
    }

    /// Seals `plaintext` and zeros up to the length of `out` less the tag.
    pub(super) fn seal(&self, index: u64, last: bool, plaintext: &[u8], out: &mut [u8]) {
        self.aead.seal_padded_to(segment_nonce(index, last), &self.header, plaintext, out);
    }

    /// Opens `segment ‖ tag` into `out`.
    pub(super) fn open_to(
        &self,
        index: u64,
        last: bool,
        sealed: &[u8],
        out: &mut [u8],
    ) -> Result<(), StreamError> {
        self.aead
            .open_to(segment_nonce(index, last), &self.header, sealed, out)
            .map_err(|_| StreamError::Segment(index))
    }

    /// Opens `segment ‖ tag` where it lies.
    pub(super) fn open_slice<'a>(
        &self,
        index: u64,
        last: bool,
        sealed: &'a mut [u8],
    ) -> Result<&'a [u8], StreamError> {
        self.aead
            .open_slice(segment_nonce(index, last), &self.header, sealed)
            .map_err(|_| StreamError::Segment(index))
    }
}

fn stream_aead(key: &DataKey) -> Aead {
    Aead::new(&kdf::derive(key.expose(), Label::StreamKey, &[]))
}

/// Public: a pseudorandom function of the key, and binding, as SHA-256 is collision resistant (spec S-6).
fn commitment(key: &DataKey) -> [u8; 32] {
    *kdf::derive(key.expose(), Label::StreamCommitment, &[]).expose()
}

/// `part ‖ 0^3 ‖ index`: the last segment is sealed as such, as in STREAM (Hoang et al. 2015).
fn nonce(part: Part, index: u64) -> [u8; NONCE] {
    let mut nonce = [0; NONCE];
    nonce[0] = part as u8;
    nonce[4..].copy_from_slice(&index.to_be_bytes());
    nonce
}

fn segment_nonce(index: u64, last: bool) -> [u8; NONCE] {
    nonce(if last { Part::Last } else { Part::Inner }, index)
}

/// The header without the sealed length.
fn length_context(header: &[u8; HEADER]) -> [u8; 40] {
    let mut context = [0; 40];
    context[..8].copy_from_slice(&header[..8]);
    context[8..].copy_from_slice(&header[COMMITMENT]);
    context
}

fn padded_length(header: &[u8; HEADER]) -> Result<u64, StreamError> {
    let mut length = [0; 8];
    length[1..].copy_from_slice(&header[1..8]);
    let padded = u64::from_be_bytes(length);
    let valid = header[0] == suite::STREAM && padded <= MAX_LEN && padme(padded) == padded;
    if valid { Ok(padded) } else { Err(StreamError::Header) }
}

fn true_length(aead: &Aead, header: &[u8; HEADER]) -> Option<u64> {
    let mut sealed = header[LENGTH].to_vec();
    aead.open(nonce(Part::Length, 0), &length_context(header), &mut sealed).ok()?;
    Some(u64::from_be_bytes(sealed.try_into().ok()?))
}
