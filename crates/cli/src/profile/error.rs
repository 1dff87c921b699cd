//! Why a profile cannot be used, and what to do about it.

use std::{
    io,
    path::{Path, PathBuf},
};

use yilian_crypto::password::LockError;
use yilian_files::FormatError;

use super::Kind;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    #[error("{0:?} is no name for a profile: 1 to 32 letters, digits, '-' and '_'")]
    Name(String),
    #[error("this account has no home folder; name one with --home or YILIAN_HOME")]
    NoHome,
    #[error(
        "there is a profile already at {}; choose another name with --profile. Nothing was changed",
        .0.display()
    )]
    Exists(PathBuf),
    #[error("there is no profile {name} ({}); {}", .dir.display(), begin(*.wanted))]
    Missing { name: String, dir: PathBuf, wanted: Kind },
    #[error("profile {name} is {}, not {}; choose another one with --profile", .is.name(), .wanted.name())]
    Kind { name: String, is: Kind, wanted: Kind },
    #[error("another command is using profile {0}; wait until it is done")]
    Busy(String),
    #[error(
        "the password of profile {0} is wrong, or its seed.lock is damaged; whoever has the 24 words can restore it"
    )]
    Password(String),
    #[error("the seed cannot be opened: {0}")]
    Lock(#[from] LockError),
    #[error(transparent)]
    Format(#[from] FormatError),
    #[error("{} is damaged; a wallet is restored from its 24 words under another name", .0.display())]
    Damaged(PathBuf),
    #[error(
        "the profile is of another chain than the network's description names; choose the right one with --network"
    )]
    Chain,
    #[error("{path}: {text}")]
    Io { path: String, text: String, kind: io::ErrorKind },
}

const fn begin(kind: Kind) -> &'static str {
    match kind {
        Kind::Wallet => {
            "make one with `yilian wallet create`, or bring one back with `yilian wallet restore`"
        }
        Kind::Member => "make one with `yilian practitioner init`",
    }
}

impl ProfileError {
    pub(super) fn io(path: &Path, error: &io::Error) -> Self {
        Self::Io { path: path.display().to_string(), text: error.to_string(), kind: error.kind() }
    }

    /// Stable, for scripts.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Name(_) => "profile.name",
            Self::NoHome => "profile.home",
            Self::Exists(_) => "profile.exists",
            Self::Missing { .. } => "profile.missing",
            Self::Kind { .. } => "profile.kind",
            Self::Busy(_) => "profile.busy",
            Self::Password(_) => "profile.password",
            Self::Lock(_) => "profile.lock",
            Self::Format(_) => "profile.version",
            Self::Damaged(_) => "profile.damaged",
            Self::Chain => "profile.chain",
            Self::Io { .. } => "profile.file",
        }
    }
}
