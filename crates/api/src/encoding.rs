//! Binary values as JSON strings: one canonical form each, every other form refused.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use yilian_crypto::{
    Digest,
    sign::{Signature, VerifyingKey},
};

/// Suite byte in front of Ed25519 keys and signatures.
const ED25519: u8 = 0x01;

/// A string that does not hold what its field promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodingError {
    #[error("not lower-case hex of {0} bytes")]
    Hex(usize),
    #[error("not base64url without padding")]
    Base64,
    #[error("longer than {0} bytes")]
    TooLong(usize),
    #[error("not an Ed25519 key in canonical form behind suite byte 01")]
    Key,
    #[error("not an Ed25519 signature behind suite byte 01")]
    Signature,
}

/// Base64url without padding.
pub fn to_base64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes at most `max` bytes; the length is checked before anything is allocated.
pub fn from_base64(text: &str, max: usize) -> Result<Vec<u8>, EncodingError> {
    if text.len() > max.div_ceil(3) * 4 {
        return Err(EncodingError::TooLong(max));
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| EncodingError::Base64)?;
    if bytes.len() > max {
        return Err(EncodingError::TooLong(max));
    }
    Ok(bytes)
}

/// Exactly `N` bytes of lower-case hex.
pub fn from_hex<const N: usize>(text: &str) -> Result<[u8; N], EncodingError> {
    let mut out = [0; N];
    let canonical = text.len() == 2 * N && !text.bytes().any(|b| b.is_ascii_uppercase());
    if !canonical || hex::decode_to_slice(text, &mut out).is_err() {
        return Err(EncodingError::Hex(N));
    }
    Ok(out)
}

pub fn to_hex(bytes: &[u8]) -> String {
    hex::encode(bytes)
}

pub fn digest_from_hex(text: &str) -> Result<Digest, EncodingError> {
    from_hex(text).map(Digest)
}

/// 33 bytes: suite byte, key.
pub fn key_to_hex(key: &VerifyingKey) -> String {
    hex::encode(key_to_bytes(key))
}

pub fn key_from_hex(text: &str) -> Result<VerifyingKey, EncodingError> {
    key_from_bytes(&from_hex(text)?)
}

pub fn key_to_bytes(key: &VerifyingKey) -> [u8; 33] {
    with_suite(key.as_bytes())
}

pub fn key_from_bytes(bytes: &[u8; 33]) -> Result<VerifyingKey, EncodingError> {
    let key = without_suite(bytes).ok_or(EncodingError::Key)?;
    VerifyingKey::from_bytes(&key).map_err(|_| EncodingError::Key)
}

/// 65 bytes: suite byte, signature.
pub fn signature_to_hex(signature: &Signature) -> String {
    hex::encode(signature_to_bytes(signature))
}

pub fn signature_from_hex(text: &str) -> Result<Signature, EncodingError> {
    signature_from_bytes(&from_hex(text)?)
}

pub fn signature_to_bytes(signature: &Signature) -> [u8; 65] {
    with_suite(signature.as_bytes())
}

pub fn signature_from_bytes(bytes: &[u8; 65]) -> Result<Signature, EncodingError> {
    without_suite(bytes).map(Signature::from_bytes).ok_or(EncodingError::Signature)
}

fn with_suite<const N: usize, const M: usize>(raw: &[u8; N]) -> [u8; M] {
    const { assert!(M == N + 1) };
    let mut out = [ED25519; M];
    out[1..].copy_from_slice(raw);
    out
}

fn without_suite<const M: usize, const N: usize>(bytes: &[u8; M]) -> Option<[u8; N]> {
    let (suite, raw) = bytes.split_first()?;
    if *suite != ED25519 {
        return None;
    }
    raw.try_into().ok()
}
