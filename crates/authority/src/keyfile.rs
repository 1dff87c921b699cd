//! Secret seeds on disk: always under a passphrase (Argon2id) and readable by their owner only (spec M-13, ADR 0021).
//!
//! Written once: an existing file is never replaced, so that no slip destroys a key.

use std::{fs::File, io::Read as _, path::Path};

use yilian_crypto::{
    Secret,
    password::{self, Cost},
};
use yilian_files::durable;

use crate::{AuthorityError, rng};

/// Longest key file, bytes.
const MAX_FILE: u64 = 4096;

/// Draws 32 bytes, writes them locked under `passphrase`, durable when this returns.
pub fn create(path: &Path, passphrase: &str, cost: Cost) -> Result<Secret<[u8; 32]>, AuthorityError> {
    let seed = Secret::random(&mut rng());
    let locked = password::lock(passphrase, cost, seed.expose(), &mut rng())
        .map_err(|reason| AuthorityError::Locked { path: path.display().to_string(), reason })?;
    durable::write_new(path, &locked).map_err(|error| unusable(path, error))?;
    Ok(seed)
}

/// Opens what `create` wrote; refuses a file that others can read.
pub fn open(path: &Path, passphrase: &str) -> Result<Secret<[u8; 32]>, AuthorityError> {
    let file = File::open(path).map_err(|error| unusable(path, error))?;
    check_mode(path, &file)?;
    let mut locked = Vec::new();
    file.take(MAX_FILE).read_to_end(&mut locked).map_err(|error| unusable(path, error))?;
    let seed = password::unlock(passphrase, &locked)
        .map_err(|reason| AuthorityError::Locked { path: path.display().to_string(), reason })?;
    let seed = seed.expose().as_slice().try_into().map_err(|_| unusable(path, "not a seed of 32 bytes"))?;
    Ok(Secret::new(seed))
}

fn unusable(path: &Path, reason: impl ToString) -> AuthorityError {
    AuthorityError::KeyFile { path: path.display().to_string(), reason: reason.to_string() }
}

fn check_mode(path: &Path, file: &File) -> Result<(), AuthorityError> {
    let file = file.metadata().map_err(|error| unusable(path, error))?;
    match durable::is_open_to_others(&file) {
        true => Err(AuthorityError::KeyFileMode(path.display().to_string())),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;

    use super::*;

    const FAST: Cost = Cost { memory_kib: 64, passes: 1, lanes: 1 };

    #[test]
    fn a_seed_opens_under_its_passphrase_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("root.key");
        let seed = create(&path, "correct", FAST).unwrap();
        assert_eq!(open(&path, "correct").unwrap().expose(), seed.expose());
        assert!(matches!(open(&path, "wrong"), Err(AuthorityError::Locked { .. })));
        assert!(!fs::read(&path).unwrap().windows(32).any(|bytes| bytes == seed.expose()));
    }

    #[test]
    fn an_existing_key_is_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("root.key");
        let seed = create(&path, "first", FAST).unwrap();
        assert!(matches!(create(&path, "second", FAST), Err(AuthorityError::KeyFile { .. })));
        assert_eq!(open(&path, "first").unwrap().expose(), seed.expose());
    }

    #[cfg(unix)]
    #[test]
    fn refuses_a_key_that_others_can_read() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("root.key");
        create(&path, "word", FAST).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(open(&path, "word"), Err(AuthorityError::KeyFileMode(_))));
    }
}
