//! Encrypted wallet backups: the highest counter wins.
//!
//! A backup's name is the hash of its write key, both derived from the seed; the blob is ciphertext of a size that is a
//! power of two, so that its length tells little.
//!
//! | method and path | body → answer |
//! | --- | --- |
//! | `PUT /v1/backups/{name}` | `Backup` → `BackupStored`; refused if its counter is not higher than the stored one |
//! | `GET /v1/backups/{name}` | → `Backup` without payment |

use serde::{Deserialize, Serialize};
use yilian_crypto::{Digest, Label, hash::tagged, sign::VerifyingKey};

/// Smallest and largest blob, bytes; sizes between are powers of two.
pub const MIN_BLOB: usize = 4 << 10;
pub const MAX_BLOB: usize = 1 << 20;
/// Blobs up to this size need no payment while the node has free room.
pub const FREE_BLOB: usize = 64 << 10;
/// One ticket pays for this many bytes of a larger one.
pub const BYTES_PER_TICKET: usize = 256 << 10;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Backup {
    /// Write key, hex; its hash is the name.
    pub key: String,
    /// Grows with every write.
    pub counter: u64,
    /// Ciphertext, base64url.
    pub blob: String,
    /// By the write key (`Statement::backup`).
    pub signature: String,
    /// Needed above `FREE_BLOB` when the backup is new or grows (`Statement::backup_room`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<crate::content::UploadPayment>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BackupStored {
    pub counter: u64,
}

/// Name of the backup that `write_key` may write.
pub fn backup_name(write_key: &VerifyingKey) -> Digest {
    tagged(Label::Backup, &[b"name", write_key.as_bytes()])
}
