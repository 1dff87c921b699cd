//! A reproducible generator: SHA-256 of seed and counter. For tests only.

use rand_core::{Infallible, TryCryptoRng, TryRng};
use yilian_crypto::hash::sha256;

#[derive(Clone, Debug)]
pub struct Seeded {
    seed: u64,
    counter: u64,
}

impl Seeded {
    pub const fn new(seed: u64) -> Self {
        Self { seed, counter: 0 }
    }

    fn block(&mut self) -> [u8; 32] {
        let mut input = [0; 16];
        input[..8].copy_from_slice(&self.seed.to_be_bytes());
        input[8..].copy_from_slice(&self.counter.to_be_bytes());
        self.counter += 1;
        sha256(&input).0
    }

    /// Uniform enough below `bound` for choosing test cases.
    pub fn below(&mut self, bound: u64) -> u64 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.block()[..8]);
        u64::from_be_bytes(bytes) % bound
    }
}

impl TryRng for Seeded {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.try_next_u64()? as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.below(u64::MAX))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for chunk in out.chunks_mut(32) {
            chunk.copy_from_slice(&self.block()[..chunk.len()]);
        }
        Ok(())
    }
}

impl TryCryptoRng for Seeded {}
