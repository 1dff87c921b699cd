//! What the demonstration writes: HL7's published FHIR examples and a file of the size of an imaging study.

use std::{
    fs,
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;

/// One FHIR bundle, as published.
#[derive(Clone, Debug)]
pub struct Bundle {
    pub name: String,
    pub bytes: Vec<u8>,
}

impl Bundle {
    /// Whether a resource of this type is in it.
    pub fn holds(&self, resource: &str) -> bool {
        let Ok(bundle) = serde_json::from_slice::<serde_json::Value>(&self.bytes) else { return false };
        let entries = bundle["entry"].as_array().map(Vec::as_slice).unwrap_or_default();
        entries.iter().any(|entry| entry["resource"]["resourceType"] == resource)
    }
}

#[derive(Clone, Debug)]
pub struct Inputs {
    /// FHIR R4 examples.
    pub r4: Vec<Bundle>,
    /// International Patient Summaries.
    pub ips: Vec<Bundle>,
}

/// Largest bundle taken from the examples; the terminologies among them are far larger than any patient's record.
const MAX_BUNDLE: usize = 512 << 10;

impl Inputs {
    /// From the folders `r4` and `ips` that `make setup` fills.
    pub fn load(folder: &Path) -> anyhow::Result<Self> {
        let hint = || format!("no FHIR examples in {}; `make setup` fetches them", folder.display());
        let r4 = bundles(&folder.join("r4")).with_context(hint)?;
        let ips = bundles(&folder.join("ips")).with_context(hint)?;
        anyhow::ensure!(r4.len() >= 8 && ips.len() >= 2, "{}", hint());
        Ok(Self { r4, ips })
    }
}

fn bundles(folder: &Path) -> anyhow::Result<Vec<Bundle>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_none_or(|e| e != "json") {
            continue;
        }
        let bytes = fs::read(&path)?;
        if bytes.len() <= MAX_BUNDLE {
            let name = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
            found.push(Bundle { name, bytes });
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// Makes a file of `bytes` incompressible, reproducible bytes (SplitMix64, Steele et al. 2014), like an imaging study.
pub fn imaging_file(path: PathBuf, bytes: u64) -> anyhow::Result<PathBuf> {
    let mut out = BufWriter::with_capacity(1 << 20, fs::File::create(&path)?);
    let (mut state, mut left) = (0x00c0_ffee_u64, bytes);
    while left > 0 {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let word = (z ^ (z >> 31)).to_le_bytes();
        let n = left.min(8) as usize;
        out.write_all(&word[..n])?;
        left -= n as u64;
    }
    out.flush()?;
    Ok(path)
}
