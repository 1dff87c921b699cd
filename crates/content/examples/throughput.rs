//! Put and get of one large object beside SHA-256 alone: `cargo run --release -p yilian-content --example throughput`
//! `[MiB] [FOLDER]`. The folder should lie on the disk to be measured; it is left as it was.
#![allow(clippy::unwrap_used)]

use std::{
    io::{self, Read, Write},
    time::{Duration, Instant},
};

use sha2::{Digest, Sha256};
use yilian_content::{Limits, PinKey, Store};
use yilian_dag::LEAF;

/// Bytes that do not repeat within a leaf's distance, made faster than they are hashed.
struct Source {
    left: u64,
    leaf: u64,
    pattern: Vec<u8>,
}

impl Source {
    fn new(bytes: u64) -> Self {
        let mut state = 1u64;
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) as u8
        };
        Self { left: bytes, leaf: 0, pattern: (0..LEAF).map(|_| next()).collect() }
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = buffer.len().min(LEAF).min(self.left as usize);
        self.pattern[..8].copy_from_slice(&self.leaf.to_be_bytes());
        buffer[..len].copy_from_slice(&self.pattern[..len]);
        self.left -= len as u64;
        self.leaf += 1;
        Ok(len)
    }
}

fn main() {
    let mut args = std::env::args().skip(1);
    let bytes = args.next().map_or(1024, |mib| mib.parse::<u64>().unwrap()) << 20;
    let folder = tempfile::tempdir_in(args.next().unwrap_or_else(|| ".".into())).unwrap();
    let store = Store::open(folder.path(), Limits::default()).unwrap();
    let pin = PinKey([1; 33]);

    let hash = timed(|| {
        let mut source = Source::new(bytes);
        let mut buffer = vec![0; LEAF];
        let mut sha = Sha256::new();
        while source.read(&mut buffer).unwrap() > 0 {
            sha.update(&buffer);
        }
        std::hint::black_box(sha.finalize());
    });
    let mut root = None;
    let put = timed(|| root = Some(store.put(Source::new(bytes), &pin, 0).unwrap()));
    let root = root.unwrap();
    let get = timed(|| {
        let read = store.object(&root).unwrap().unwrap().read(0..u64::MAX, &mut io::sink()).unwrap();
        assert_eq!(read, bytes);
    });

    let mut out = io::stdout().lock();
    writeln!(out, "{} MiB, one hashing thread, wall clock", bytes >> 20).unwrap();
    for (name, time) in [("sha256", hash), ("put, on disk for good", put), ("get, verified", get)] {
        let rate = bytes as f64 / 1e6 / time.as_secs_f64();
        let share = hash.as_secs_f64() / time.as_secs_f64();
        writeln!(out, "{name:24} {rate:7.0} MB/s  {share:.2} of sha256").unwrap();
    }
    if let Some(peak) = peak_memory() {
        writeln!(out, "peak memory {peak}").unwrap();
    }
}

fn timed(run: impl FnOnce()) -> Duration {
    let start = Instant::now();
    run();
    start.elapsed()
}

/// High-water mark of resident memory, where the system tells.
fn peak_memory() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    Some(line.split_whitespace().skip(1).collect::<Vec<_>>().join(" "))
}
