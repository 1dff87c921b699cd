//! RSASSA-PSS, SHA-384, MGF1-SHA-384, salt of 48 bytes (RFC 8017 section 8.1.2) over `prefix ‖ message`.
//!
//! `aws-lc-rs` natively, since a validator checks one for every transaction; the pure implementation in wasm. A test
//! holds the two against each other.

use super::{MODULUS, PREFIX, TicketError, TicketKey};
use crate::Digest;

#[cfg(not(target_arch = "wasm32"))]
pub(super) fn verify(
    key: &TicketKey,
    prefix: &[u8; PREFIX],
    message: &Digest,
    signature: &[u8; MODULUS],
) -> Result<(), TicketError> {
    use aws_lc_rs::signature::{RSA_PSS_2048_8192_SHA384, UnparsedPublicKey};
    UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA384, key.der())
        .verify(&[&prefix[..], &message.0].concat(), signature)
        .map_err(|_| TicketError::Signature)
}

#[cfg(target_arch = "wasm32")]
pub(super) use pure as verify;

#[cfg(any(target_arch = "wasm32", test))]
pub(super) fn pure(
    key: &TicketKey,
    prefix: &[u8; PREFIX],
    message: &Digest,
    signature: &[u8; MODULUS],
) -> Result<(), TicketError> {
    use blind_rsa_signatures::{MessageRandomizer, PublicKeySha384PSSRandomized as Inner, Signature};
    Inner::from_der(key.der())
        .map_err(|_| TicketError::Key)?
        .verify(&Signature(signature.to_vec()), Some(MessageRandomizer(*prefix)), message.0)
        .map_err(|_| TicketError::Signature)
}
