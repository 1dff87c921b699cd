//! What every test of this crate shares.
#![allow(clippy::unwrap_used)]

mod vectors;

use std::fmt::Debug;

use commonware_codec::{Copying, Decode, Encode};
use rand_core::{Infallible, TryCryptoRng, TryRng};
use sha2::{Digest as _, Sha256};

/// A reproducible generator for frozen bytes: SHA-256 in counter mode over a seed.
#[derive(Debug)]
pub struct Seeded {
    seed: u64,
    counter: u64,
}

impl Seeded {
    pub fn new(seed: u64) -> Self {
        Self { seed, counter: 0 }
    }

    fn block(&mut self) -> [u8; 32] {
        let input = [self.seed.to_be_bytes(), self.counter.to_be_bytes()].concat();
        self.counter += 1;
        Sha256::digest(input).into()
    }
}

impl TryRng for Seeded {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_be_bytes(self.block()[..4].try_into().unwrap()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_be_bytes(self.block()[..8].try_into().unwrap()))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for chunk in out.chunks_mut(32) {
            chunk.copy_from_slice(&self.block()[..chunk.len()]);
        }
        Ok(())
    }
}

impl TryCryptoRng for Seeded {}

/// Round trip, refusal of every truncation and of a trailing byte, no panic on random bytes.
pub fn codec_behaves<T>(value: &T)
where
    T: Encode + Decode<Cfg = ()> + PartialEq + Debug,
{
    let bytes = value.encode();
    assert_eq!(&T::decode_cfg(Copying(&bytes), &()).unwrap(), value);
    for cut in 0..bytes.len() {
        assert!(T::decode_cfg(Copying(&bytes[..cut]), &()).is_err(), "accepted {cut} bytes");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert!(T::decode_cfg(Copying(&longer), &()).is_err());
    let mut rng = Seeded::new(0);
    for _ in 0..256 {
        let mut noise = vec![0; bytes.len()];
        rand_core::Rng::fill_bytes(&mut rng, &mut noise);
        if let Ok(parsed) = T::decode_cfg(Copying(&noise), &()) {
            assert_eq!(parsed.encode(), noise, "an encoding is not canonical");
        }
    }
}
