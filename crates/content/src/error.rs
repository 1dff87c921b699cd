//! What the store refuses or cannot do, one variant per condition.

use std::io;

use yilian_dag::{BuildError, Cid, TooLarge};

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("object of {bytes} bytes is larger than {limit}")]
    ObjectTooLarge { bytes: u64, limit: u64 },
    #[error("store is full: {free} of its bytes are left, {wanted} are wanted")]
    Quota { wanted: u64, free: u64 },
    #[error("{0} uploads are open, which is the most")]
    TooManyUploads(usize),
    #[error("open uploads may announce {free} more bytes, {wanted} are wanted")]
    UploadBytes { wanted: u64, free: u64 },
    #[error("no such upload is open")]
    UnknownUpload,
    #[error("leaf {got} came where {expected} is due")]
    LeafOrder { got: u64, expected: u64 },
    #[error("leaf has {got} bytes where {expected} are due")]
    LeafSize { got: usize, expected: usize },
    #[error("upload has {next} of {leaves} leaves")]
    Incomplete { next: u64, leaves: u64 },
    #[error("content's root is {got}, announced was {announced}")]
    RootMismatch { announced: Cid, got: Cid },
    #[error("the member's allowance has {free} bytes left today, {wanted} are wanted")]
    Allowance { wanted: u64, free: u64 },
    #[error("ticket was used for another upload here")]
    TicketSpent,
    #[error("no such object is stored")]
    UnknownObject,
    #[error("this key holds no paid pin on the object")]
    UnknownPin,
    #[error("pin request is not newer than the last one")]
    PinReplayed,
    #[error("block {0} is damaged on disk")]
    Corrupt(Cid),
    #[error("index contradicts itself: {0}")]
    IndexDamaged(&'static str),
    #[error("the disk has {free} bytes above its reserve, {wanted} are wanted")]
    Reserve { wanted: u64, free: u64 },
    #[error("disk is full")]
    DiskFull,
    #[error("disk: {0}")]
    Io(io::Error),
    #[error("index: {0}")]
    Index(Box<redb::Error>),
    #[error(transparent)]
    Open(#[from] yilian_files::OpenError),
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull,
            _ => Self::Io(error),
        }
    }
}

impl From<redb::Error> for StoreError {
    fn from(error: redb::Error) -> Self {
        match error {
            redb::Error::Io(error) => error.into(),
            other => Self::Index(Box::new(other)),
        }
    }
}

macro_rules! from_index {
    ($($error:ident),*) => {
        $(impl From<redb::$error> for StoreError {
            fn from(error: redb::$error) -> Self {
                redb::Error::from(error).into()
            }
        })*
    };
}

from_index!(DatabaseError, TransactionError, TableError, StorageError, CommitError);
