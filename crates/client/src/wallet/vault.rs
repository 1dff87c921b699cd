//! Deterministic authenticated encryption of what a wallet keeps: its state on the device, its backups (spec W-14).
//!
//! The message key derives from a PRF of the plaintext (the idea of SIV, RFC 5297), so equal plaintexts give equal
//! ciphertexts and nothing else repeats: no counter to lose, no randomness to run out of. Layout: PRF value (32 bytes),
//! AES-256-GCM ciphertext with tag.

use yilian_crypto::{
    Label, Secret,
    aead::{Aead, AeadError},
    kdf,
};

/// Bytes a sealed state or backup is longer than its plaintext.
pub const OVERHEAD: usize = 32 + yilian_crypto::aead::TAG;

fn message_key(key: &Secret<[u8; 32]>, label: Label, prf: &[u8; 32]) -> Aead {
    Aead::new(&kdf::derive(key.expose(), label, &[b"key", prf]))
}

/// Encrypts under `key`; `label` tells state and backup apart.
pub fn seal(key: &Secret<[u8; 32]>, label: Label, plaintext: &[u8]) -> Vec<u8> {
    let prf = *kdf::derive(key.expose(), label, &[b"prf", plaintext]).expose();
    let mut body = plaintext.to_vec();
    message_key(key, label, &prf).seal([0; 12], &prf, &mut body);
    let mut out = Vec::with_capacity(32 + body.len());
    out.extend_from_slice(&prf);
    out.append(&mut body);
    out
}

/// Inverse of `seal`; wrong key, damage and truncation are one error.
pub fn open(key: &Secret<[u8; 32]>, label: Label, sealed: &[u8]) -> Result<Secret<Vec<u8>>, AeadError> {
    let (prf, body) = sealed.split_first_chunk::<32>().ok_or(AeadError)?;
    let mut body = body.to_vec();
    message_key(key, label, prf).open([0; 12], prf, &mut body)?;
    Ok(Secret::new(body))
}
