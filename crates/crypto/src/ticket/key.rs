//! The public ticket key (spec T-1): 3072-bit modulus, exponent 65537, nothing else.

use std::fmt;

use super::{MODULUS, TicketError};

/// DER of a SubjectPublicKeyInfo (rsaEncryption) up to the modulus.
const HEAD: [u8; 33] = [
    0x30, 0x82, 0x01, 0xa2, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01,
    0x05, 0x00, 0x03, 0x82, 0x01, 0x8f, 0x00, 0x30, 0x82, 0x01, 0x8a, 0x02, 0x82, 0x01, 0x81, 0x00,
];
/// And after it: INTEGER 65537.
const TAIL: [u8; 5] = [0x02, 0x03, 0x01, 0x00, 0x01];

/// The authority's public key for one period and class. 385 bytes on the wire: suite byte, modulus.
#[derive(Clone, PartialEq, Eq)]
pub struct TicketKey {
    der: Vec<u8>,
}

impl TicketKey {
    /// Bytes of the DER form.
    pub const DER: usize = HEAD.len() + MODULUS + TAIL.len();

    /// From the DER SubjectPublicKeyInfo; exactly one encoding of each key is accepted.
    pub fn from_der(der: &[u8]) -> Result<Self, TicketError> {
        let modulus = der
            .strip_prefix(&HEAD)
            .and_then(|rest| rest.strip_suffix(&TAIL))
            .and_then(|modulus| <&[u8; MODULUS]>::try_from(modulus).ok())
            .ok_or(TicketError::Key)?;
        Self::from_modulus(modulus)
    }

    /// From the big-endian modulus: 3072 bits exactly, odd.
    pub fn from_modulus(modulus: &[u8; MODULUS]) -> Result<Self, TicketError> {
        if modulus[0] & 0x80 == 0 || modulus[MODULUS - 1] & 1 == 0 {
            return Err(TicketError::Key);
        }
        Ok(Self { der: [&HEAD[..], modulus, &TAIL].concat() })
    }

    /// DER SubjectPublicKeyInfo, 422 bytes.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Big-endian, 384 bytes.
    pub fn modulus(&self) -> &[u8] {
        &self.der[HEAD.len()..HEAD.len() + MODULUS]
    }

    /// Whether `value` can be a blinded message or a signature under this key: 384 bytes, non-zero, below the modulus.
    pub fn holds(&self, value: &[u8]) -> bool {
        value.len() == MODULUS && value < self.modulus() && value.iter().any(|&byte| byte != 0)
    }
}

impl fmt::Debug for TicketKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TicketKey({}..)", crate::hash::sha256(&self.der))
    }
}
