//! A validator's secret on disk: 64 hex digits of its seed, readable by its owner only.

use std::{fs::File, io::Read as _, path::Path};

use yilian_crypto::Secret;
use yilian_files::durable;

use super::ConfigError;

const DIGITS: usize = 64;

/// Refuses a file that others can read.
pub fn read(path: &Path) -> Result<Secret<[u8; 32]>, ConfigError> {
    let failed = |error| ConfigError::Read { path: path.to_owned(), error };
    let file = File::open(path).map_err(failed)?;
    if durable::is_open_to_others(&file.metadata().map_err(failed)?) {
        return Err(ConfigError::KeyMode { path: path.to_owned() });
    }
    // Digits, a line end, and one byte that must not be there; allocated once, so that no copy is left behind.
    let mut text = Vec::with_capacity(DIGITS + 3);
    file.take(DIGITS as u64 + 3).read_to_end(&mut text).map_err(failed)?;
    let text = Secret::new(text);
    decode(text.expose()).ok_or_else(|| ConfigError::Key { path: path.to_owned() })
}

/// Makes a new file; never overwrites one.
pub fn write(path: &Path, seed: &Secret<[u8; 32]>) -> Result<(), ConfigError> {
    let failed = |error| ConfigError::Write { path: path.to_owned(), error };
    let mut text = vec![0; DIGITS + 1];
    // A buffer of the right length cannot be refused.
    let _ = hex::encode_to_slice(seed.expose(), &mut text[..DIGITS]);
    text[DIGITS] = b'\n';
    let text = Secret::new(text);
    durable::write_new(path, text.expose()).map_err(failed)
}

fn decode(text: &[u8]) -> Option<Secret<[u8; 32]>> {
    let digits = text.strip_suffix(b"\r\n").or(text.strip_suffix(b"\n")).unwrap_or(text);
    let mut seed = [0; 32];
    hex::decode_to_slice(digits, &mut seed).ok()?;
    Some(Secret::new(seed))
}
