//! Wallet backups (spec H-9): ciphertext under the name of its write key, the highest counter wins.

mod head;

use std::sync::Arc;

use commonware_codec::{Copying, DecodeExt as _, Encode as _};
use redb::{Database, ReadableDatabase as _, ReadableTable, TableDefinition};
use serde::{Deserialize, Serialize};
use yilian_api::{
    backup::{self, BYTES_PER_TICKET, FREE_BLOB, MAX_BLOB, MIN_BLOB, backup_name},
    content::UploadPayment,
    encoding,
    problem::Code,
    signing::Statement,
};
use yilian_crypto::{
    Digest,
    sign::{Signature, VerifyingKey},
};

use self::head::Head;
use crate::{
    database::DatabaseError,
    http::error::ApiError,
    payment::{PaymentError, Payments, Purpose, Verified},
};

/// Name → head.
const HEADS: TableDefinition<[u8; 32], &[u8]> = TableDefinition::new("backups");
/// Name → ciphertext.
const BLOBS: TableDefinition<[u8; 32], &[u8]> = TableDefinition::new("backup-blobs");
const TOTALS: TableDefinition<&str, u64> = TableDefinition::new("backup-totals");
const FREE_BYTES: &str = "free-bytes";

/// Bounds of backups, from the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BackupLimits {
    /// Bytes of all unpaid backups of the node.
    pub free_store_bytes: u64,
}

impl Default for BackupLimits {
    fn default() -> Self {
        Self { free_store_bytes: 1 << 30 }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("the hash of this key is not the backup's name")]
    Name,
    #[error("a backup has {MIN_BLOB} to {MAX_BLOB} bytes and a size that is a power of two")]
    Size,
    #[error("the write key did not sign this backup with this counter")]
    Signature,
    #[error("counter {stored} is stored: write with a higher one")]
    Counter { stored: u64 },
    #[error("a new or larger backup of this size costs {tickets} tickets or a member's signature")]
    PaymentRequired { tickets: usize },
    #[error("the node's room for unpaid backups is used up; pay with a ticket")]
    StoreFull,
    #[error("no such backup is stored here")]
    Unknown,
    #[error(transparent)]
    Payment(#[from] PaymentError),
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl BackupError {
    pub fn code(&self) -> Code {
        match self {
            Self::Name => Code::BackupName,
            Self::Size => Code::BackupSize,
            Self::Signature => Code::RequestUnauthorized,
            Self::Counter { .. } => Code::BackupCounter,
            Self::PaymentRequired { .. } => Code::PaymentRequired,
            Self::StoreFull => Code::BackupStore,
            Self::Unknown => Code::BackupUnknown,
            Self::Payment(error) => error.code(),
            Self::Database(_) => Code::Internal,
        }
    }
}

impl From<BackupError> for ApiError {
    fn from(error: BackupError) -> Self {
        Self::of(error.code(), &error)
    }
}

/// A backup as written, decoded.
#[derive(Debug)]
pub struct NewBackup {
    pub name: Digest,
    pub key: VerifyingKey,
    pub counter: u64,
    pub blob: Vec<u8>,
    pub signature: Signature,
    pub payment: Option<UploadPayment>,
}

#[derive(Clone)]
pub struct Backups {
    database: Arc<Database>,
    limits: BackupLimits,
    payments: Payments,
}

impl Backups {
    pub fn open(
        database: Arc<Database>,
        limits: BackupLimits,
        payments: Payments,
    ) -> Result<Self, DatabaseError> {
        let transaction = database.begin_write()?;
        transaction.open_table(HEADS)?;
        transaction.open_table(BLOBS)?;
        transaction.open_table(TOTALS)?;
        transaction.commit()?;
        Ok(Self { database, limits, payments })
    }

    /// Writes; the counter that is stored afterwards.
    pub async fn put(&self, mut new: NewBackup) -> Result<u64, BackupError> {
        let bytes = new.blob.len();
        if !(MIN_BLOB..=MAX_BLOB).contains(&bytes) || !bytes.is_power_of_two() {
            return Err(BackupError::Size);
        }
        if backup_name(&new.key) != new.name {
            return Err(BackupError::Name);
        }
        Statement::backup(&self.payments.audience().chain, new.counter, &new.blob)
            .verify(&new.key, &new.signature)
            .map_err(|_| BackupError::Signature)?;
        let payment = match new.payment.take() {
            Some(payment) => Some(self.verify_payment(&new, &payment).await?),
            None => None,
        };
        let backups = self.clone();
        crate::blocking(move || backups.write(new, payment)).await
    }

    async fn verify_payment(
        &self,
        new: &NewBackup,
        payment: &UploadPayment,
    ) -> Result<Verified, BackupError> {
        let statement = Statement::backup_room(self.payments.audience(), &new.name, new.counter);
        Ok(self.payments.verify(payment, &statement, Purpose::Backup, price(new.blob.len())).await?)
    }

    fn write(&self, new: NewBackup, payment: Option<Verified>) -> Result<u64, BackupError> {
        let transaction = self.database.begin_write().map_err(DatabaseError::from)?;
        {
            let mut heads = transaction.open_table(HEADS).map_err(DatabaseError::from)?;
            let mut blobs = transaction.open_table(BLOBS).map_err(DatabaseError::from)?;
            let mut totals = transaction.open_table(TOTALS).map_err(DatabaseError::from)?;
            let free = totals.get(FREE_BYTES).map_err(DatabaseError::from)?.map_or(0, |bytes| bytes.value());

            let stored = read_head(&heads, &new.name)?;
            if let Some(stored) = stored.filter(|stored| stored.counter >= new.counter) {
                return Err(BackupError::Counter { stored: stored.counter });
            }
            let bytes = new.blob.len() as u32;
            let grows = stored.is_none_or(|stored| stored.bytes < bytes);
            // Room once paid for stays paid for, as long as the backup does not outgrow it.
            let paid = payment.is_some() || (!grows && stored.is_some_and(|stored| stored.paid));
            let freed = stored.filter(|stored| !stored.paid).map_or(0, |stored| u64::from(stored.bytes));
            let mut total = free.saturating_sub(freed);
            if !paid {
                total += u64::from(bytes);
                if grows && new.blob.len() > FREE_BLOB {
                    return Err(BackupError::PaymentRequired { tickets: price(new.blob.len()) });
                }
                if grows && total > self.limits.free_store_bytes {
                    return Err(BackupError::StoreFull);
                }
            }
            if let Some(payment) = payment {
                payment.claim(&transaction)?;
            }
            let head = Head { counter: new.counter, key: new.key, signature: new.signature, bytes, paid };
            heads.insert(new.name.0, head.encode().as_ref()).map_err(DatabaseError::from)?;
            blobs.insert(new.name.0, new.blob.as_slice()).map_err(DatabaseError::from)?;
            totals.insert(FREE_BYTES, total).map_err(DatabaseError::from)?;
        }
        transaction.commit().map_err(DatabaseError::from)?;
        Ok(new.counter)
    }

    /// As it was written; whoever knows the name may read, since the blob opens with the seed only.
    pub fn read(&self, name: &Digest) -> Result<backup::Backup, BackupError> {
        let transaction = self.database.begin_read().map_err(DatabaseError::from)?;
        let heads = transaction.open_table(HEADS).map_err(DatabaseError::from)?;
        let blobs = transaction.open_table(BLOBS).map_err(DatabaseError::from)?;
        let head = read_head(&heads, name)?.ok_or(BackupError::Unknown)?;
        let blob = blobs
            .get(name.0)
            .map_err(DatabaseError::from)?
            .ok_or_else(|| DatabaseError::corrupted("a backup without its blob"))?;
        Ok(backup::Backup {
            key: encoding::key_to_hex(&head.key),
            counter: head.counter,
            blob: encoding::to_base64(blob.value()),
            signature: encoding::signature_to_hex(&head.signature),
            payment: None,
        })
    }
}

/// Tickets for the room of a backup; one pays for a small one, too, when the unpaid room is used up.
fn price(bytes: usize) -> usize {
    bytes.div_ceil(BYTES_PER_TICKET)
}

fn read_head(
    heads: &impl ReadableTable<[u8; 32], &'static [u8]>,
    name: &Digest,
) -> Result<Option<Head>, DatabaseError> {
    let Some(row) = heads.get(name.0)? else { return Ok(None) };
    let head = Head::decode(Copying(row.value()));
    head.map(Some).map_err(|_| DatabaseError::corrupted("a backup's head does not decode"))
}
