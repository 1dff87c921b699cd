//! Pins: who keeps an object from collection (spec CS-7).
//!
//! A pin comes into being with a paid upload and is named by a one-time key. That key may release and renew it; other
//! keys may not pin what they did not pay for. The caller has checked the key's signature.

use redb::{ReadableDatabase, ReadableTable, WriteTransaction};
use yilian_dag::Cid;

use crate::{
    Store, StoreError,
    index::{self, PINS},
};

/// A pin key's wire form: suite byte and key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PinKey(pub [u8; 33]);

impl Store {
    /// Renews a released pin. `time` is the signed request's, and must be later than that of the last one.
    pub fn pin(&self, root: &Cid, key: &PinKey, time: u64, now: u64) -> Result<(), StoreError> {
        self.set_pin(root, key, true, time, now)
    }

    /// Releases a pin; without any the object goes at a collection after its grace time.
    pub fn unpin(&self, root: &Cid, key: &PinKey, time: u64, now: u64) -> Result<(), StoreError> {
        self.set_pin(root, key, false, time, now)
    }

    /// Whether a key's pin is active.
    pub fn is_pinned_by(&self, root: &Cid, key: &PinKey) -> Result<bool, StoreError> {
        let pins = self.index.begin_read()?.open_table(PINS)?;
        Ok(pins.get((root.to_compact(), key.0))?.is_some_and(|row| row.value().0))
    }

    fn set_pin(&self, root: &Cid, key: &PinKey, active: bool, time: u64, now: u64) -> Result<(), StoreError> {
        let tx = self.index.begin_write()?;
        let row = (root.to_compact(), key.0);
        let mut entry = index::object_in(&tx, root)?.ok_or(StoreError::UnknownObject)?;
        {
            let mut pins = tx.open_table(PINS)?;
            let (was, last) = pins.get(row)?.ok_or(StoreError::UnknownPin)?.value();
            if time <= last {
                return Err(StoreError::PinReplayed);
            }
            pins.insert(row, (active, time))?;
            entry.pins = recount(entry.pins, was, active);
        }
        if entry.pins == 0 {
            entry.idle_since = now;
        }
        index::set_object(&tx, &entry)?;
        tx.commit()?;
        Ok(())
    }
}

/// The pin of a paid upload.
pub(crate) fn add(tx: &WriteTransaction, root: &Cid, key: &PinKey) -> Result<(), StoreError> {
    let mut entry = index::object_in(tx, root)?.ok_or(StoreError::UnknownObject)?;
    let row = (root.to_compact(), key.0);
    let mut pins = tx.open_table(PINS)?;
    let (was, last) = pins.get(row)?.map_or((false, 0), |row| row.value());
    // The time of the last request stays, so that a release cannot be played again over this pin.
    pins.insert(row, (true, last))?;
    entry.pins = recount(entry.pins, was, true);
    index::set_object(tx, &entry)
}

fn recount(pins: u32, was: bool, is: bool) -> u32 {
    match (was, is) {
        (false, true) => pins.saturating_add(1),
        (true, false) => pins.saturating_sub(1),
        _ => pins,
    }
}
