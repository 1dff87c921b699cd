//! Argon2id (RFC 9106): locks a seed on a device; enters no identifier (spec P-1 to P-4).
//!
//! A locked file names its own cost. It may come from an attacker, so the cost is held against [`Cost::MAX`] before
//! any memory is taken.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use rand_core::CryptoRng;
use zeroize::{Zeroize as _, Zeroizing};

use crate::{
    Label, Secret,
    aead::{Aead, NONCE, TAG},
    kdf, suite,
};

/// Longest secret that is locked, bytes.
pub const MAX_SECRET: usize = 65_536;

/// Suite, cost and salt, in front of the ciphertext.
const HEADER: usize = 1 + 3 * 4 + SALT;
const SALT: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    #[error("the password is wrong or the file is damaged")]
    Password,
    #[error("the file is not a locked seed")]
    Format,
    #[error(
        "the file is locked by suite {0}, which this program does not know: use the newer version that locked it"
    )]
    Suite(u8),
    #[error("the file or caller asks for a password cost out of bounds")]
    Cost,
    #[error("a secret of {0} bytes is longer than {MAX_SECRET}")]
    TooLong(usize),
    #[error("not enough memory for the password cost")]
    Memory,
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
    /// The most that a file may ask for: 256 MiB, 8 passes, 16 lanes, some seconds.
    pub const MAX: Self = Self { memory_kib: 262_144, passes: 8, lanes: 16 };

    fn params(self) -> Result<Params, LockError> {
        let bounded = self.memory_kib <= Self::MAX.memory_kib
            && self.passes <= Self::MAX.passes
            && self.lanes <= Self::MAX.lanes;
        // The library refuses zeros and less than 8 KiB a lane.
        bounded
            .then(|| Params::new(self.memory_kib, self.passes, self.lanes, Some(32)).ok())
            .flatten()
            .ok_or(LockError::Cost)
    }

    fn write(self, buf: &mut Vec<u8>) {
        for field in [self.memory_kib, self.passes, self.lanes] {
            buf.extend_from_slice(&field.to_be_bytes());
        }
    }

    fn read(bytes: &[u8; 12]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l] = *bytes;
        Self {
            memory_kib: u32::from_be_bytes([a, b, c, d]),
            passes: u32::from_be_bytes([e, f, g, h]),
            lanes: u32::from_be_bytes([i, j, k, l]),
        }
    }
}

/// `suite ‖ memory_kib ‖ passes ‖ lanes ‖ salt (16) ‖ AES-256-GCM(secret)`; integers are big-endian u32 (spec P-2).
pub fn lock(
    password: &str,
    cost: Cost,
    secret: &[u8],
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>, LockError> {
    if secret.len() > MAX_SECRET {
        return Err(LockError::TooLong(secret.len()));
    }
    let mut salt = [0; SALT];
    rng.fill_bytes(&mut salt);
    let aead = password_aead(password, cost, &salt)?;
    let mut locked = Vec::with_capacity(HEADER + secret.len() + TAG);
    locked.push(suite::LOCK);
    cost.write(&mut locked);
    locked.extend_from_slice(&salt);
    let mut body = Vec::with_capacity(secret.len() + TAG);
    body.extend_from_slice(secret);
    // The key is of this salt alone, hence a constant nonce.
    aead.seal([0; NONCE], &locked, &mut body);
    locked.extend_from_slice(&body);
    Ok(locked)
}

/// Opens what [`lock`] made. Cost out of bounds is refused before memory is taken.
pub fn unlock(password: &str, locked: &[u8]) -> Result<Secret<Vec<u8>>, LockError> {
    if locked.len() < HEADER + TAG || locked.len() > HEADER + MAX_SECRET + TAG {
        return Err(LockError::Format);
    }
    let (header, sealed) = locked.split_at(HEADER);
    let (&found, rest) = header.split_first().ok_or(LockError::Format)?;
    if found != suite::LOCK {
        return Err(LockError::Suite(found));
    }
    let (cost, salt) = rest.split_first_chunk::<12>().ok_or(LockError::Format)?;
    let aead = password_aead(password, Cost::read(cost), salt)?;
    let mut body = sealed.to_vec();
    aead.open([0; NONCE], header, &mut body).map_err(|_| LockError::Password)?;
    Ok(Secret::new(body))
}

fn password_aead(password: &str, cost: Cost, salt: &[u8]) -> Result<Aead, LockError> {
    let params = cost.params()?;
    let mut memory = Vec::new();
    memory.try_reserve_exact(params.block_count()).map_err(|_| LockError::Memory)?;
    memory.resize(params.block_count(), Block::default());
    let mut hashed = Zeroizing::new([0; 32]);
    let result = Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into_with_memory(
        password.as_bytes(),
        salt,
        hashed.as_mut_slice(),
        &mut memory,
    );
    memory.iter_mut().for_each(|block| block.zeroize());
    result.map_err(|_| LockError::Cost)?;
    Ok(Aead::new(&kdf::derive(hashed.as_slice(), Label::DeviceLock, &[])))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::test::Seeded;

    const CHEAP: Cost = Cost { memory_kib: 32, passes: 1, lanes: 4 };

    fn locked() -> Vec<u8> {
        lock("correct 马 battery", CHEAP, b"the seed", &mut Seeded::new(1)).unwrap()
    }

    #[test]
    fn the_password_unlocks() {
        let secret = unlock("correct 马 battery", &locked()).unwrap();
        assert_eq!(secret.expose(), b"the seed");
    }

    #[test]
    fn refuses_another_password() {
        for wrong in ["", "correct 马 batterz", "correct 马 battery "] {
            assert_eq!(unlock(wrong, &locked()).unwrap_err(), LockError::Password);
        }
    }

    #[test]
    fn the_same_secret_locks_differently_each_time() {
        let mut rng = Seeded::new(1);
        let mut lock = || lock("p", CHEAP, b"s", &mut rng).unwrap();
        assert_ne!(lock(), lock());
    }

    #[test]
    fn refuses_damage_anywhere() {
        let locked = locked();
        for at in (1 + 12)..locked.len() {
            let mut damaged = locked.clone();
            damaged[at] ^= 1;
            assert_eq!(unlock("correct 马 battery", &damaged).unwrap_err(), LockError::Password, "byte {at}");
        }
        for cut in 0..locked.len() {
            assert!(unlock("correct 马 battery", &locked[..cut]).is_err(), "accepted {cut} bytes");
        }
        let mut other_suite = locked.clone();
        other_suite[0] = suite::STREAM;
        assert_eq!(unlock("correct 马 battery", &other_suite).unwrap_err(), LockError::Suite(suite::STREAM));
    }

    #[test]
    fn refuses_a_changed_cost_that_is_within_bounds() {
        let mut cheaper = locked();
        cheaper[1 + 7] = 2;
        assert_eq!(unlock("correct 马 battery", &cheaper).unwrap_err(), LockError::Password);
    }

    /// A forged file must not make the device take gigabytes or hours: refused at once, before any memory.
    #[test]
    fn refuses_a_forged_cost_before_taking_memory() {
        let forged = |memory_kib, passes, lanes| {
            let mut file = vec![suite::LOCK];
            Cost { memory_kib, passes, lanes }.write(&mut file);
            file.extend([0; SALT + TAG]);
            unlock("p", &file).unwrap_err()
        };
        for (memory, passes, lanes) in [
            (u32::MAX, 3, 4),
            (Cost::MAX.memory_kib + 1, 3, 4),
            (65_536, u32::MAX, 4),
            (65_536, 9, 4),
            (65_536, 3, 17),
            (65_536, 3, u32::MAX),
            (0, 3, 4),
            (65_536, 0, 4),
            (65_536, 3, 0),
            (31, 3, 4),
        ] {
            assert_eq!(forged(memory, passes, lanes), LockError::Cost, "{memory} {passes} {lanes}");
        }
        assert_eq!(forged(32, 1, 4), LockError::Password, "the control: a bounded cost is computed");
    }

    #[test]
    fn refuses_long_secrets_and_costs_out_of_bounds_when_locking() {
        let mut rng = Seeded::new(1);
        let long = vec![0; MAX_SECRET + 1];
        assert_eq!(lock("p", CHEAP, &long, &mut rng), Err(LockError::TooLong(MAX_SECRET + 1)));
        let dear = Cost { memory_kib: u32::MAX, ..CHEAP };
        assert_eq!(lock("p", dear, b"s", &mut rng), Err(LockError::Cost));
        assert_eq!(
            unlock("p", &vec![suite::LOCK; HEADER + MAX_SECRET + TAG + 1]).unwrap_err(),
            LockError::Format
        );
    }

    #[test]
    fn the_default_cost_is_within_bounds() {
        assert!(Cost::DEFAULT.params().is_ok() && Cost::MAX.params().is_ok());
    }
}
