//! Suite bytes: the first byte of every key, signature and ciphertext on the wire (spec C-4).
//!
//! A byte stands for a whole construction, not for an algorithm inside one. The delegation suites start at 0x10.

use bytes::BufMut;
use commonware_codec::{Buf, Error as CodecError, ReadExt as _, Write};

/// Ed25519 keys and signatures.
pub const ED25519: u8 = 0x01;
/// HPKE base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM: keys and sealed messages.
pub const HPKE: u8 = 0x02;
/// Padmé, AES-256-GCM in segments, key commitment by HKDF-SHA256: encrypted streams.
pub const STREAM: u8 = 0x03;
/// RSABSSA-SHA384-PSS-Randomized with 3072 bits: ticket keys and tickets.
pub const TICKET: u8 = 0x04;
/// Argon2id and AES-256-GCM: secrets locked on a device.
pub const LOCK: u8 = 0x05;

/// Writes `suite ‖ body`.
pub(crate) fn write<const N: usize>(suite: u8, body: &[u8; N], buf: &mut impl BufMut) {
    suite.write(buf);
    buf.put_slice(body);
}

/// Reads `suite ‖ body`, refusing another suite.
pub(crate) fn read<const N: usize>(suite: u8, buf: &mut impl Buf) -> Result<[u8; N], CodecError> {
    match u8::read(buf)? {
        found if found == suite => <[u8; N]>::read(buf),
        other => Err(CodecError::InvalidEnum(other)),
    }
}
