//! A scripted source of randomness, seeds and hex for the tests of this crate.
#![allow(clippy::unwrap_used, dead_code)]

use std::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};
use yilian_crypto::{Label, Secret, kdf};
use yilian_delegation::{DelegateeSecretKey, DelegatorSecretKey};

/// Deterministic: block n is a hash of the seed and n.
pub struct Seeded {
    seed: Vec<u8>,
    block: u64,
}

impl Seeded {
    pub fn new(seed: &str) -> Self {
        Self { seed: seed.as_bytes().to_vec(), block: 0 }
    }
}

impl TryRng for Seeded {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.try_next_u64().map(|n| n as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes).map(|()| u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for chunk in out.chunks_mut(32) {
            let block = kdf::derive(&self.seed, Label::Backup, &[&self.block.to_be_bytes()]);
            chunk.copy_from_slice(&block.expose()[..chunk.len()]);
            self.block += 1;
        }
        Ok(())
    }
}

impl TryCryptoRng for Seeded {}

/// 32 bytes of keying material named by a text.
pub fn seed(name: &str) -> Secret<[u8; 32]> {
    kdf::derive(name.as_bytes(), Label::Backup, &[])
}

pub fn delegator(name: &str) -> DelegatorSecretKey {
    DelegatorSecretKey::from_seed(&seed(name))
}

pub fn delegatee(name: &str) -> DelegateeSecretKey {
    DelegateeSecretKey::from_seed(&seed(name))
}

pub fn unhex<const N: usize>(text: &str) -> [u8; N] {
    hex::decode(text).unwrap().try_into().unwrap()
}
