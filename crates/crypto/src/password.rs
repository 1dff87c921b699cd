//! Argon2id (RFC 9106): locks a seed on a device; enters no identifier.

use rand_core::CryptoRng;

use crate::Secret;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    #[error("the password is wrong or the file is damaged")]
    Password,
    #[error("the file is not a locked seed of a known version")]
    Format,
}

/// Argon2id cost; stored beside the ciphertext and bounded when read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    pub memory_kib: u32,
    pub passes: u32,
    pub lanes: u32,
}

impl Cost {
    /// RFC 9106 section 4, second recommendation: 64 MiB, 3 passes, 4 lanes.
    pub const DEFAULT: Self = Self { memory_kib: 65_536, passes: 3, lanes: 4 };
}

/// Version, cost, salt, ciphertext of `secret`.
pub fn lock(_password: &str, _cost: Cost, _secret: &[u8], _rng: &mut impl CryptoRng) -> Vec<u8> {
    todo!()
}

pub fn unlock(_password: &str, _locked: &[u8]) -> Result<Secret<Vec<u8>>, LockError> {
    todo!()
}
