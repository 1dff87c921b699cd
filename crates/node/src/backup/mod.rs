//! Wallet backups (spec H-9): ciphertext under the name of its write key, the highest counter wins. Unpaid ones live on being
//! written again.

pub(crate) mod head;
mod room;

use std::sync::Arc;

use commonware_codec::{Copying, DecodeExt as _, Encode as _};
use redb::{Database, ReadableDatabase as _, ReadableTable, TableDefinition, WriteTransaction};
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
const DAY_MS: u64 = 24 * 3_600_000;

/// Bounds of backups, from the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BackupLimits {
    /// Bytes of all unpaid backups of the node.
    pub free_store_bytes: u64,
    /// An unpaid backup not written again for so many days is dropped.
    pub life_days: u32,
    /// So many days it stays even when the room is used up; after them, the oldest make room for new ones.
    pub keep_days: u32,
}

impl Default for BackupLimits {
    fn default() -> Self {
        Self { free_store_bytes: 1 << 30, life_days: 180, keep_days: 30 }
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
        room::create(&transaction)?;
        transaction.commit()?;
        Ok(Self { database, limits, payments })
    }

    /// Writes; the counter that is stored afterwards. `now` by the node's clock.
    pub async fn put(&self, mut new: NewBackup, now: u64) -> Result<u64, BackupError> {
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
        crate::blocking(move || backups.write(new, payment, now)).await
    }

    async fn verify_payment(
        &self,
        new: &NewBackup,
        payment: &UploadPayment,
    ) -> Result<Verified, BackupError> {
        let statement = Statement::backup_room(self.payments.audience(), &new.name, new.counter);
        Ok(self.payments.verify(payment, &statement, Purpose::Backup, price(new.blob.len())).await?)
    }

    fn write(&self, new: NewBackup, payment: Option<Verified>, now: u64) -> Result<u64, BackupError> {
        let transaction = self.database.begin_write().map_err(DatabaseError::from)?;
        let stored = read_head(&transaction.open_table(HEADS).map_err(DatabaseError::from)?, &new.name)?;
        if let Some(stored) = stored.filter(|stored| stored.counter >= new.counter) {
            return Err(BackupError::Counter { stored: stored.counter });
        }
        let bytes = new.blob.len() as u32;
        let grows = stored.is_none_or(|stored| stored.bytes < bytes);
        // Room once paid for stays paid for, as long as the backup does not outgrow it.
        let paid = payment.is_some() || (!grows && stored.is_some_and(|stored| stored.paid));
        if !paid && grows && new.blob.len() > FREE_BLOB {
            return Err(BackupError::PaymentRequired { tickets: price(new.blob.len()) });
        }
        let head =
            Head { counter: new.counter, key: new.key, signature: new.signature, bytes, paid, written: now };
        if let Some(stored) = stored {
            room::release(&transaction, &new.name, &stored)?;
        }
        room::take(&transaction, &new.name, &head)?;
        if !paid && grows && !self.make_room(&transaction, &new.name, now)? {
            return Err(BackupError::StoreFull);
        }
        if let Some(payment) = payment {
            payment.claim(&transaction)?;
        }
        store(&transaction, &new.name, &head, &new.blob)?;
        transaction.commit().map_err(DatabaseError::from)?;
        Ok(new.counter)
    }

    /// Drops the oldest unpaid backups, but for young ones and `name`, until the others fit; whether they do.
    fn make_room(
        &self,
        transaction: &WriteTransaction,
        name: &Digest,
        now: u64,
    ) -> Result<bool, DatabaseError> {
        let old = now.saturating_sub(u64::from(self.limits.keep_days) * DAY_MS);
        while room::taken(transaction)? > self.limits.free_store_bytes {
            let Some(oldest) = room::oldest(transaction, old)?.filter(|oldest| oldest != name) else {
                return Ok(false);
            };
            drop_backup(transaction, &oldest)?;
        }
        Ok(true)
    }

    /// Drops unpaid backups that were not written again for their life; how many.
    pub async fn prune(&self, now: u64) -> Result<usize, DatabaseError> {
        let (database, life) = (self.database.clone(), u64::from(self.limits.life_days) * DAY_MS);
        let prune = move || {
            let transaction = database.begin_write()?;
            let mut dropped = 0;
            while let Some(oldest) = room::oldest(&transaction, now.saturating_sub(life))? {
                drop_backup(&transaction, &oldest)?;
                dropped += 1;
            }
            transaction.commit()?;
            Ok(dropped)
        };
        crate::blocking(prune).await
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

fn store(
    transaction: &WriteTransaction,
    name: &Digest,
    head: &Head,
    blob: &[u8],
) -> Result<(), DatabaseError> {
    transaction.open_table(HEADS)?.insert(name.0, head.encode().as_ref())?;
    transaction.open_table(BLOBS)?.insert(name.0, blob)?;
    Ok(())
}

fn drop_backup(transaction: &WriteTransaction, name: &Digest) -> Result<(), DatabaseError> {
    let mut heads = transaction.open_table(HEADS)?;
    let head = read_head(&heads, name)?.ok_or_else(|| DatabaseError::corrupted("room taken by no backup"))?;
    heads.remove(name.0)?;
    transaction.open_table(BLOBS)?.remove(name.0)?;
    room::release(transaction, name, &head)
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
