//! The content store on one large object, beside hashing alone and encrypting alone.

use std::{
    io::{self, Read},
    time::Instant,
};

use anyhow::{Context as _, ensure};
use yilian_content::{Limits, PinKey, Store};
use yilian_crypto::{Secret, aead::Aead, hash::sha256};
use yilian_dag::LEAF;

use crate::{
    machine,
    report::{Section, Target},
};

const GIB: u64 = 1 << 30;
const ROUNDS: usize = 3;

/// Seconds of the wall clock: writing waits for the disk, and that counts.
#[derive(Clone, Copy)]
struct Round {
    hash: f64,
    encrypt: f64,
    put: f64,
    get: f64,
}

pub fn run() -> anyhow::Result<Section> {
    let (mut rounds, mut grown) = (Vec::new(), 0);
    for _ in 0..ROUNDS {
        let (round, memory) = round()?;
        rounds.push(round);
        grown = memory.max(grown);
    }
    let median = |of: fn(&Round) -> f64| crate::harness::median(rounds.iter().map(of));
    let row = |name: &str, of: fn(&Round) -> f64| {
        let seconds = median(of);
        let share = crate::harness::median(rounds.iter().map(|r| r.hash / of(r)));
        vec![name.into(), format!("{seconds:.2}"), format!("{:.0}", 1024.0 / seconds), format!("{share:.2}")]
    };
    let share = |of: fn(&Round) -> f64| crate::harness::median(rounds.iter().map(|r| r.hash / of(r)));
    let mib = grown as f64 / (1 << 20) as f64;
    Ok(Section {
        title: "Content, 1 GiB",
        note: "Wall clock, median of three rounds of all four; the file lies in the temporary folder (`TMPDIR`) and is synced \
               before put returns; get reads it from the system's cache and verifies every leaf.",
        columns: vec!["", "seconds", "MiB/s", "of SHA-256 alone"],
        rows: vec![
            row("SHA-256 alone", |r| r.hash),
            row("AES-256-GCM alone", |r| r.encrypt),
            row("put", |r| r.put),
            row("verified get", |r| r.get),
            vec!["memory grew by at most".into(), format!("{mib:.1} MiB"), "-".into(), "-".into()],
        ],
        targets: vec![
            Target::at_least("put, of SHA-256 alone", 0.5, share(|r| r.put)),
            Target::at_least("verified get, of SHA-256 alone", 0.5, share(|r| r.get)),
            Target::at_most("memory, MiB", 64.0, mib),
        ],
    })
}

fn round() -> anyhow::Result<(Round, u64)> {
    let folder = tempfile::Builder::new().prefix("yilian-bench-").tempdir()?;
    let store = Store::open(folder.path(), Limits::default())?;
    let (hash, ()) = timed(|| each_leaf(|leaf| _ = std::hint::black_box(sha256(leaf))))?;
    let aead = Aead::new(&Secret::new([1; 32]));
    let (encrypt, ()) = timed(|| {
        let mut sealed = Vec::with_capacity(LEAF + 16);
        each_leaf(|leaf| {
            sealed.clear();
            sealed.extend_from_slice(leaf);
            aead.seal([0; 12], &[], &mut sealed);
            std::hint::black_box(&sealed);
        })
    })?;
    machine::reset_peak();
    let held = machine::memory("VmRSS").context("the system does not tell")?;
    let (put, root) = timed(|| Ok(store.put(Pattern::new(), &PinKey([0; 33]), 0)?))?;
    let (get, read) = timed(|| {
        let mut object = store.object(&root)?.context("what was stored is there")?;
        Ok(object.read(0..GIB, &mut io::sink())?)
    })?;
    ensure!(read == GIB, "{read} bytes were read");
    let peak = machine::memory("VmHWM").context("the system does not tell")?;
    Ok((Round { hash, encrypt, put, get }, peak.saturating_sub(held)))
}

fn timed<T>(work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<(f64, T)> {
    let start = Instant::now();
    let done = work()?;
    Ok((start.elapsed().as_secs_f64(), done))
}

fn each_leaf(mut act: impl FnMut(&[u8])) -> anyhow::Result<()> {
    let (mut source, mut leaf) = (Pattern::new(), vec![0; LEAF]);
    for _ in 0..GIB / LEAF as u64 {
        source.read_exact(&mut leaf)?;
        act(&leaf);
    }
    Ok(())
}

/// 1 GiB of leaves that differ; making them costs no more than copying.
struct Pattern {
    leaf: Vec<u8>,
    taken: usize,
    number: u64,
    left: u64,
}

impl Pattern {
    fn new() -> Self {
        let mut state = 1u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as u8
        };
        Self { leaf: (0..LEAF).map(|_| next()).collect(), taken: LEAF, number: 0, left: GIB }
    }
}

impl Read for Pattern {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken == LEAF {
            self.leaf[..8].copy_from_slice(&self.number.to_le_bytes());
            (self.taken, self.number) = (0, self.number + 1);
        }
        let length =
            buffer.len().min(LEAF - self.taken).min(usize::try_from(self.left).unwrap_or(usize::MAX));
        buffer[..length].copy_from_slice(&self.leaf[self.taken..self.taken + length]);
        (self.taken, self.left) = (self.taken + length, self.left - length as u64);
        Ok(length)
    }
}
