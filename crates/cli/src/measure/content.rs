//! The content store by itself: storing and verified reading of one large object, against hashing its bytes and nothing
//! else, in the same run.

use std::{
    io::{self, Read},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use rand_core::Rng as _;
use serde::{Deserialize, Serialize};
use yilian_content::{Limits, PinKey, Store};
use yilian_crypto::hash::sha256;
use yilian_dag::LEAF;

use super::machine;
use crate::{native::rng, process, query::now_ms};

const MIB: u64 = 1 << 20;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Content {
    pub bytes: u64,
    /// SHA-256 of the bytes leaf by leaf, the fastest of passes before, between and after. Seconds, as those below.
    pub hash_seconds: f64,
    /// Written, hashed, synced, indexed.
    pub put_seconds: f64,
    /// Every leaf hashed and compared before it is handed out; the bytes come from the system's cache of the file.
    pub get_seconds: f64,
    /// Time of storing by the time of hashing.
    pub put_by_hash: f64,
    pub get_by_hash: f64,
    /// By how much memory grew at most over what the process held before, bytes.
    pub peak_memory: Option<u64>,
}

impl Content {
    pub fn mib_per_second(&self, seconds: f64) -> f64 {
        self.bytes as f64 / MIB as f64 / seconds
    }
}

/// Stores and reads so many MiB in a temporary folder.
pub fn measure(mib: u64) -> anyhow::Result<Content> {
    let folder =
        tempfile::Builder::new().prefix("yilian-content-").tempdir().context("no temporary folder")?;
    let store = Store::open(folder.path(), Limits::default())?;
    let bytes = mib * MIB;
    let source = Pattern::new(bytes);
    machine::reset_peak();
    let held = process::memory(std::process::id());

    let (before, ()) = timed(|| hash(source.clone()))?;
    let (put, root) = timed(|| Ok(store.put(source.clone(), &PinKey([0; 33]), now_ms())?))?;
    let (between, ()) = timed(|| hash(source.clone()))?;
    let (get, read) = timed(|| {
        let mut object = store.object(&root)?.context("what was stored is not there")?;
        Ok(object.read(0..bytes, &mut io::sink())?)
    })?;
    anyhow::ensure!(read == bytes, "{read} bytes were read of {bytes}");
    let (after, ()) = timed(|| hash(source))?;

    let peak = machine::peak_memory(std::process::id());
    let hashed = before.min(between).min(after);
    Ok(Content {
        bytes,
        hash_seconds: hashed.as_secs_f64(),
        put_seconds: put.as_secs_f64(),
        get_seconds: get.as_secs_f64(),
        put_by_hash: put.as_secs_f64() / hashed.as_secs_f64(),
        get_by_hash: get.as_secs_f64() / hashed.as_secs_f64(),
        peak_memory: peak.zip(held).map(|(peak, held)| peak.saturating_sub(held)),
    })
}

fn timed<T>(work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<(Duration, T)> {
    let start = Instant::now();
    let done = work()?;
    Ok((start.elapsed(), done))
}

fn hash(mut source: Pattern) -> anyhow::Result<()> {
    let mut leaf = vec![0; LEAF];
    while source.left > 0 {
        let length = source.left.min(LEAF as u64) as usize;
        source.read_exact(&mut leaf[..length])?;
        std::hint::black_box(sha256(&leaf[..length]));
    }
    Ok(())
}

/// Random bytes, another leaf each time: making them costs no more than copying.
#[derive(Clone, Debug)]
struct Pattern {
    leaf: Vec<u8>,
    /// Bytes of the present leaf that were handed out.
    taken: usize,
    number: u64,
    left: u64,
}

impl Pattern {
    fn new(bytes: u64) -> Self {
        let mut leaf = vec![0; LEAF];
        rng().fill_bytes(&mut leaf);
        Self { leaf, taken: LEAF, number: 0, left: bytes }
    }
}

impl Read for Pattern {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.taken == LEAF {
            self.leaf[..8].copy_from_slice(&self.number.to_le_bytes());
            (self.taken, self.number) = (0, self.number + 1);
        }
        let length = buf.len().min(LEAF - self.taken).min(usize::try_from(self.left).unwrap_or(usize::MAX));
        buf[..length].copy_from_slice(&self.leaf[self.taken..self.taken + length]);
        self.taken += length;
        self.left -= length as u64;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_pattern_has_its_length_and_no_leaf_twice() {
        let bytes = 3 * LEAF as u64 + 5;
        let mut all = Vec::new();
        Pattern::new(bytes).read_to_end(&mut all).unwrap();
        assert_eq!(all.len() as u64, bytes);
        let leaves: std::collections::BTreeSet<_> = all.chunks(LEAF).map(sha256).collect();
        assert_eq!(leaves.len(), 4);
        let source = Pattern::new(bytes);
        let read = |mut source: Pattern| {
            let mut out = Vec::new();
            source.read_to_end(&mut out).unwrap();
            out
        };
        assert_eq!(read(source.clone()), read(source));
    }

    #[test]
    fn content_is_stored_and_read() {
        let content = measure(1).unwrap();
        assert_eq!(content.bytes, MIB);
        assert!(content.put_seconds > 0.0 && content.get_seconds > 0.0 && content.hash_seconds > 0.0);
    }
}
