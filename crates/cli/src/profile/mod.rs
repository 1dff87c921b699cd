//! Profiles on disk: one folder for one person and device, a patient's wallet or a member's keys.
//!
//! ```text
//! ~/.yilian/me/profile.json   which kind, of which chain; nothing secret
//!              seed.lock      the seed under the password (Argon2id; spec P-2)
//!              state          what the wallet or the member remembers, encrypted under a key of the seed (spec W-6)
//!              member.json    a member's identity and certificate, public
//!              in-use         locked while a command works here
//! ```
//!
//! A profile appears whole or not at all, is readable by its owner only, and is used by one command at a time: two at
//! once would draw the same index or spend the same ticket.

mod args;
mod error;
mod identity;
pub mod password;
pub mod prompt;
mod sealed;
mod session;

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use yilian_api::encoding::digest_from_hex;
use yilian_crypto::{
    Secret,
    password::{Cost, LockError, lock, unlock},
    seed::Seed,
};
use yilian_files::{Format, durable};
use yilian_ledger::ChainId;

pub use args::ProfileArgs;
pub use error::ProfileError;
pub use identity::{Identity, Pending};
pub use sealed::{ListedGrant, Memory, SentRecord};
pub use session::{NativeClient, Patient, Staff, connect, faults};

use crate::native::rng;

const DESCRIPTION: &str = "profile.json";
const SEED: &str = "seed.lock";
const STATE: &str = "state";
const IN_USE: &str = "in-use";
/// Format of the description, and with it of the folder (spec ST-4).
const FORMAT: Format = Format::new("a profile", 1);
/// Longest file read back, bytes: a wallet of very many records.
const MAX_FILE: u64 = 256 << 20;

/// Whose profile it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Wallet,
    Member,
}

impl Kind {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wallet => "a patient's wallet",
            Self::Member => "a member's profile",
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Description {
    version: u32,
    kind: Kind,
    /// Chain id, hex.
    chain: String,
}

/// An existing profile, held by this command.
#[derive(Debug)]
pub struct Profile {
    name: String,
    dir: PathBuf,
    chain: ChainId,
    _held: File,
}

/// A profile in the making, in a folder aside.
#[derive(Debug)]
pub struct NewProfile {
    aside: tempfile::TempDir,
    target: PathBuf,
}

impl NewProfile {
    /// Refuses a name that is taken.
    pub fn begin(
        args: &ProfileArgs,
        kind: Kind,
        chain: ChainId,
        seed: &Seed,
        password: &Secret<String>,
    ) -> Result<Self, ProfileError> {
        args.check_free()?;
        let (home, target) = (args.home()?, args.dir()?);
        let aside = closed_folder(&home).map_err(|error| ProfileError::io(&home, &error))?;
        write_seed(aside.path(), seed, password)?;
        let description = Description { version: FORMAT.number, kind, chain: chain.0.to_string() };
        write_json(&aside.path().join(DESCRIPTION), &description)?;
        Ok(Self { aside, target })
    }

    /// Where the first state goes.
    pub fn state(&self) -> PathBuf {
        self.aside.path().join(STATE)
    }

    pub fn dir(&self) -> &Path {
        self.aside.path()
    }

    /// The profile takes its name; whoever was faster keeps it.
    pub fn finish(self) -> Result<PathBuf, ProfileError> {
        let moved = fs::rename(self.aside.path(), &self.target);
        moved.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists | io::ErrorKind::DirectoryNotEmpty => {
                ProfileError::Exists(self.target.clone())
            }
            _ => ProfileError::io(&self.target, &error),
        })?;
        // The folder has its name; there is nothing left to clean up.
        let _ = self.aside.keep();
        Ok(self.target)
    }
}

impl Profile {
    /// Opens and holds the profile that the arguments name.
    pub fn open(args: &ProfileArgs, kind: Kind) -> Result<Self, ProfileError> {
        let (name, dir) = (args.name()?.to_owned(), args.dir()?);
        let described = read(&dir.join(DESCRIPTION)).map_err(|error| match error {
            ProfileError::Io { kind: io::ErrorKind::NotFound, .. } => {
                ProfileError::Missing { name: name.clone(), dir: dir.clone(), wanted: kind }
            }
            other => other,
        })?;
        let description: Description = parse(&dir.join(DESCRIPTION), &described, FORMAT)?;
        if description.kind != kind {
            return Err(ProfileError::Kind { name, is: description.kind, wanted: kind });
        }
        let damaged = || ProfileError::Damaged(dir.join(DESCRIPTION));
        let chain = digest_from_hex(&description.chain).map(ChainId).map_err(|_| damaged())?;
        let held = hold(&dir, &name)?;
        Ok(Self { name, dir, chain, _held: held })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn chain(&self) -> ChainId {
        self.chain
    }

    pub fn state(&self) -> PathBuf {
        self.dir.join(STATE)
    }

    pub fn read_state(&self) -> Result<Vec<u8>, ProfileError> {
        read(&self.state())
    }

    /// The seed, by the password.
    pub fn unlock(&self, password: &Secret<String>) -> Result<Seed, ProfileError> {
        let path = self.dir.join(SEED);
        let opened = unlock(password.expose(), &read(&path)?).map_err(|error| match error {
            LockError::Password => ProfileError::Password(self.name.clone()),
            other => ProfileError::Lock(other),
        })?;
        let bytes: [u8; 32] =
            opened.expose().as_slice().try_into().map_err(|_| ProfileError::Damaged(path))?;
        Ok(Seed::from_bytes(Secret::new(bytes)))
    }

    /// Locks the seed under another password, at once or not at all.
    pub fn relock(&self, seed: &Seed, password: &Secret<String>) -> Result<(), ProfileError> {
        write_seed(&self.dir, seed, password)
    }
}

/// A fresh folder in `home`, which is made if absent; both are closed to other accounts.
fn closed_folder(home: &Path) -> io::Result<tempfile::TempDir> {
    let (mut parents, mut folder) = (fs::DirBuilder::new(), tempfile::Builder::new());
    parents.recursive(true);
    folder.prefix(".new-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
        parents.mode(0o700);
        folder.permissions(fs::Permissions::from_mode(0o700));
    }
    parents.create(home)?;
    folder.tempdir_in(home)
}

fn write_seed(dir: &Path, seed: &Seed, password: &Secret<String>) -> Result<(), ProfileError> {
    let locked = lock(password.expose(), Cost::DEFAULT, seed.expose(), &mut rng())?;
    let path = dir.join(SEED);
    durable::write(&path, &locked).map_err(|error| ProfileError::io(&path, &error))
}

/// The lock goes with the process, however it ends.
fn hold(dir: &Path, name: &str) -> Result<File, ProfileError> {
    let path = dir.join(IN_USE);
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|error| ProfileError::io(&path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ProfileError::Busy(name.to_owned())),
        Err(TryLockError::Error(error)) => Err(ProfileError::io(&path, &error)),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, ProfileError> {
    use io::Read as _;
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| ProfileError::io(path, &error))?;
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(|error| ProfileError::io(path, &error))?;
    if bytes.len() as u64 > MAX_FILE { Err(ProfileError::Damaged(path.to_owned())) } else { Ok(bytes) }
}

fn read_json<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T, ProfileError> {
    serde_json::from_slice(&read(path)?).map_err(|_| ProfileError::Damaged(path.to_owned()))
}

/// What a JSON file with a `version` holds. The version is looked at first: of another one nothing else is known.
fn parse<T: for<'de> Deserialize<'de>>(path: &Path, text: &[u8], format: Format) -> Result<T, ProfileError> {
    #[derive(Deserialize)]
    struct Versioned {
        #[serde(default = "first")]
        version: u32,
    }
    let damaged = || ProfileError::Damaged(path.to_owned());
    let Versioned { version } = serde_json::from_slice(text).map_err(|_| damaged())?;
    format.check(path, version)?;
    serde_json::from_slice(text).map_err(|_| damaged())
}

/// The version of what was written before versions were.
const fn first() -> u32 {
    1
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<(), ProfileError> {
    let text = serde_json::to_vec_pretty(value).map_err(|_| ProfileError::Damaged(path.to_owned()))?;
    durable::write(path, &text).map_err(|error| ProfileError::io(path, &error))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use yilian_crypto::Digest;
    use yilian_files::FormatError;

    const CHAIN: ChainId = ChainId(Digest([7; 32]));

    fn password(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    fn made(home: &Path, kind: Kind) -> ProfileArgs {
        let args = ProfileArgs::at(home, "me");
        let seed = Seed::from_bytes(Secret::new([3; 32]));
        let new = NewProfile::begin(&args, kind, CHAIN, &seed, &password("long enough")).unwrap();
        new.finish().unwrap();
        args
    }

    #[test]
    fn the_password_opens_a_profile_and_another_one_does_not() {
        let home = tempfile::tempdir().unwrap();
        let args = made(home.path(), Kind::Wallet);
        let profile = Profile::open(&args, Kind::Wallet).unwrap();
        assert_eq!(profile.chain(), CHAIN);
        assert_eq!(profile.unlock(&password("long enough")).unwrap().expose(), &[3; 32]);
        assert!(matches!(profile.unlock(&password("long enougH")), Err(ProfileError::Password(_))));
    }

    #[test]
    fn a_new_password_replaces_the_old_one() {
        let home = tempfile::tempdir().unwrap();
        let args = made(home.path(), Kind::Wallet);
        let profile = Profile::open(&args, Kind::Wallet).unwrap();
        let seed = profile.unlock(&password("long enough")).unwrap();
        profile.relock(&seed, &password("another one")).unwrap();
        assert!(profile.unlock(&password("long enough")).is_err());
        assert_eq!(profile.unlock(&password("another one")).unwrap().expose(), &[3; 32]);
    }

    #[test]
    fn a_profile_is_used_by_one_command_at_a_time() {
        let home = tempfile::tempdir().unwrap();
        let args = made(home.path(), Kind::Wallet);
        let first = Profile::open(&args, Kind::Wallet).unwrap();
        assert!(matches!(Profile::open(&args, Kind::Wallet), Err(ProfileError::Busy(_))));
        drop(first);
        Profile::open(&args, Kind::Wallet).unwrap();
    }

    #[test]
    fn refuses_a_taken_name_another_kind_and_an_absent_profile() {
        let home = tempfile::tempdir().unwrap();
        let args = made(home.path(), Kind::Member);
        let seed = Seed::from_bytes(Secret::new([4; 32]));
        let again = NewProfile::begin(&args, Kind::Wallet, CHAIN, &seed, &password("x"));
        assert!(matches!(again, Err(ProfileError::Exists(_))));
        assert!(matches!(Profile::open(&args, Kind::Wallet), Err(ProfileError::Kind { .. })));
        let absent = ProfileArgs::at(home.path(), "absent");
        assert!(matches!(Profile::open(&absent, Kind::Wallet), Err(ProfileError::Missing { .. })));
    }

    #[test]
    fn a_damaged_profile_is_an_error_and_no_panic() {
        let home = tempfile::tempdir().unwrap();
        let args = made(home.path(), Kind::Wallet);
        fs::write(home.path().join("me").join(SEED), b"x").unwrap();
        let profile = Profile::open(&args, Kind::Wallet).unwrap();
        assert!(matches!(
            profile.unlock(&password("long enough")),
            Err(ProfileError::Lock(LockError::Format))
        ));
        drop(profile);
        fs::write(home.path().join("me").join(DESCRIPTION), b"{").unwrap();
        assert!(matches!(Profile::open(&args, Kind::Wallet), Err(ProfileError::Damaged(_))));
    }

    #[test]
    fn a_profile_of_another_version_is_refused_whatever_else_it_holds() {
        let home = tempfile::tempdir().unwrap();
        let args = made(home.path(), Kind::Wallet);
        let path = home.path().join("me").join(DESCRIPTION);
        fs::write(&path, br#"{"version": 9, "kind": "a kind of the future"}"#).unwrap();
        let refused = Profile::open(&args, Kind::Wallet);
        assert!(matches!(refused, Err(ProfileError::Format(FormatError::Newer { found: 9, known: 1, .. }))));
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_can_look_into_a_profile() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        made(&home.path().join("all"), Kind::Wallet);
        let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(home.path().join("all")), 0o700);
        assert_eq!(mode(home.path().join("all/me")), 0o700);
        assert_eq!(mode(home.path().join("all/me").join(SEED)), 0o600);
    }
}
