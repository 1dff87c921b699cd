//! What the authority keeps, in one redb file (spec M-13). Every method is one transaction, durable when it returns.
//!
//! Values that say who somebody is, and secret ticket keys, are sealed under a key that is not in the file; a patient is looked
//! up by a keyed hash. What has ended is removed (`prune`), accounts of who fetched tickets when included.

mod applications;
mod people;
mod sealer;
mod ticket_keys;

use std::{fs::OpenOptions, path::Path};

use redb::{Database, ReadableDatabase as _, ReadableTable as _, TableDefinition};
use yilian_crypto::{
    Digest, Secret,
    ticket::{Class, Period},
};
use yilian_files::{Format, durable};
use yilian_ledger::{ChainId, name::MemberId};

use crate::AuthorityError;
pub(crate) use applications::{Application, Decision};
pub(crate) use people::{Code, Holder, WalletKey};
use sealer::Sealer;

/// Chain, issuer, and a sealed value that tells whether the key is the right one.
const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
/// Requests that must not be answered twice: (time until which to remember, hash).
const SEEN: TableDefinition<'_, (u64, [u8; 32]), ()> = TableDefinition::new("seen");
/// (period, class, holder) → hash of the blinded messages paid for.
const ISSUED: TableDefinition<'_, (u32, u8, [u8; 33]), [u8; 32]> = TableDefinition::new("issued");

/// Format of the store (spec ST-3).
pub const FORMAT: Format = Format::new("the authority's store", 1);
/// The store's own cache, bytes.
const CACHE: usize = 64 << 20;

pub struct Store {
    database: Database,
    sealer: Sealer,
}

impl Store {
    /// Opens or creates the file; refuses another key than it was made with.
    pub fn open(path: &Path, key: &Secret<[u8; 32]>) -> Result<Self, AuthorityError> {
        create_private(path).map_err(|error| AuthorityError::Store(Box::new(redb::Error::Io(error))))?;
        let store =
            Self { database: yilian_files::database::open(path, FORMAT, CACHE)?, sealer: Sealer::new(key) };
        let write = store.database.begin_write()?;
        {
            write.open_table(SEEN)?;
            write.open_table(ISSUED)?;
            people::create_tables(&write)?;
            ticket_keys::create_tables(&write)?;
            applications::create_tables(&write)?;
            let mut meta = write.open_table(META)?;
            let known = meta.get("key")?.map(|value| value.value().to_vec());
            match known {
                Some(sealed) => {
                    drop(store.sealer.open("key", &sealed).map_err(|_| AuthorityError::ForeignStore)?)
                }
                None => drop(meta.insert("key", store.sealer.seal("key", b"yilian").as_slice())?),
            }
        }
        write.commit()?;
        Ok(store)
    }

    /// Binds the store to one chain and issuer, once.
    pub(crate) fn bind(&self, chain: ChainId, issuer: MemberId) -> Result<(), AuthorityError> {
        let wanted = [chain.0.0, issuer.0.0].concat();
        let write = self.database.begin_write()?;
        {
            let mut meta = write.open_table(META)?;
            let bound = meta.get("bound")?.map(|value| value.value().to_vec());
            match bound {
                Some(bound) if bound == wanted => {}
                Some(_) => return Err(AuthorityError::ForeignStore),
                None => drop(meta.insert("bound", wanted.as_slice())?),
            }
        }
        Ok(write.commit()?)
    }

    /// Charges a holder's one request of a period and class. The same blinded messages again are not charged again
    /// (T-13); others are refused.
    pub(crate) fn charge(
        &self,
        class: Class,
        period: Period,
        holder: &Holder,
        blinded: &Digest,
    ) -> Result<(), AuthorityError> {
        let key = (period.0, class as u8, holder.0);
        let write = self.database.begin_write()?;
        {
            let mut issued = write.open_table(ISSUED)?;
            let before = issued.get(key)?.map(|value| value.value());
            match before {
                Some(before) if before == blinded.0 => return Ok(()),
                Some(_) => return Err(AuthorityError::Budget),
                None => drop(issued.insert(key, blinded.0)?),
            }
        }
        Ok(write.commit()?)
    }

    /// Forgets what has ended: replay marks and codes before `now`, keys and accounts of periods before `first`.
    pub(crate) fn prune(&self, now: u64, first: Period) -> Result<(), AuthorityError> {
        let write = self.database.begin_write()?;
        write.open_table(SEEN)?.retain_in(..(now, [0; 32]), |_, ()| false)?;
        write.open_table(ISSUED)?.retain_in(..(first.0, 0, [0; 33]), |_, _| false)?;
        people::prune(&write, &self.sealer, now)?;
        ticket_keys::prune(&write, first)?;
        Ok(write.commit()?)
    }

    /// Whether there is anything for `prune` to do is cheap to ask.
    pub(crate) fn is_pruned(&self, now: u64, first: Period) -> Result<bool, AuthorityError> {
        let read = self.database.begin_read()?;
        let seen = read.open_table(SEEN)?.first()?.is_some_and(|(key, _)| key.value().0 < now);
        let issued = read.open_table(ISSUED)?.first()?.is_some_and(|(key, _)| key.value().0 < first.0);
        Ok(!seen && !issued && !ticket_keys::any_before(&read, first)?)
    }
}

/// Marks a request as answered, within a transaction.
fn mark_seen(write: &redb::WriteTransaction, request: &Digest, until: u64) -> Result<(), AuthorityError> {
    let mut seen = write.open_table(SEEN)?;
    let known = seen.get((until, request.0))?.is_some();
    if known {
        return Err(AuthorityError::Replayed);
    }
    seen.insert((until, request.0), ())?;
    Ok(())
}

/// An empty file of mode 0600, if there is none.
fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    durable::private(options.write(true).create(true).truncate(false)).open(path).map(drop)
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store(..)")
    }
}
