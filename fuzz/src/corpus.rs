//! Where inputs lie: the repository's corpora, the ones of this machine's runs, and finds.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use crate::target::Target;

fn folder(kind: &str, target: &Target) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(kind).join(target.name);
    fs::create_dir_all(&path).unwrap_or_else(|error| panic!("cannot make {}: {error}", path.display()));
    path
}

/// In the repository: small, minimized.
pub fn kept(target: &Target) -> PathBuf {
    folder("corpus", target)
}

/// Of this machine.
pub fn working(target: &Target) -> PathBuf {
    folder("target/corpus", target)
}

/// Inputs that broke a property.
pub fn artifacts(target: &Target) -> PathBuf {
    folder("target/artifacts", target)
}

/// All files of a folder, by name.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).map(|entries| entries.flatten().map(|entry| entry.path()).collect());
    let mut files: Vec<PathBuf> = entries.unwrap_or_default();
    files.sort();
    files
}

pub fn clear(folder: &Path) {
    files(folder).iter().for_each(|file| drop(fs::remove_file(file)));
}

/// Puts the target's own seeds into the working corpus.
pub fn write_seeds(target: &Target) {
    for (index, seed) in target.warm_up().iter().enumerate() {
        let path = working(target).join(format!("seed-{index:03}"));
        fs::write(&path, seed).unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
    }
}

/// How many inputs the corpora hold and how many of them the target accepts.
pub fn census(target: &Target) -> (usize, usize) {
    let inputs = [working(target), kept(target)].into_iter().flat_map(|folder| files(&folder));
    let accepted: Vec<bool> =
        inputs.filter_map(|path| fs::read(path).ok()).map(|input| (target.run)(&input)).collect();
    (accepted.len(), accepted.iter().filter(|accepted| **accepted).count())
}

/// Runs inputs once each.
pub fn repeat(target: &'static Target, paths: &[&str]) -> ExitCode {
    target.warm_up();
    for path in paths {
        match fs::read(path) {
            Ok(input) => {
                let accepted = if target.hold(&input) { "accepted" } else { "refused" };
                println!("{path}: {} bytes, {accepted}", input.len());
            }
            Err(error) => {
                eprintln!("cannot read {path}: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

/// An empty folder to merge into.
pub fn merged(target: &Target) -> PathBuf {
    let path = folder("target/merged", target);
    clear(&path);
    path
}

/// Inputs of the repository's corpora are few and small: what is beyond stays on the machine that found it.
const MAX_KEPT: usize = 40;
const MAX_KEPT_BYTES: u64 = 4 << 10;

/// Puts what was merged in place of what was kept.
pub fn replace_kept(target: &Target, merged: &Path) {
    let kept = kept(target);
    clear(&kept);
    let size = |file: &PathBuf| fs::metadata(file).map_or(u64::MAX, |data| data.len());
    let mut small: Vec<PathBuf> = files(merged).into_iter().filter(|f| size(f) <= MAX_KEPT_BYTES).collect();
    small.sort_by_key(|file| std::cmp::Reverse(size(file)));
    for file in small.iter().take(MAX_KEPT) {
        let name = file.file_name().expect("a file has a name");
        let copied = fs::copy(file, kept.join(name));
        copied.unwrap_or_else(|error| panic!("cannot copy {}: {error}", file.display()));
    }
}
