//! Pins: who keeps an object from collection (spec CS-7).
//!
//! A pin comes into being with a paid upload and is named by a one-time key. That key may release and renew it; other
//! keys may not pin what they did not pay for. A pin that a member's signature paid for ends by itself. The caller has
//! checked the key's signature.

use redb::{ReadableDatabase, ReadableTable, WriteTransaction};
use yilian_dag::Cid;

use crate::{
    Store, StoreError,
    holds::{self, Payer},
    index::{self, PINS},
};

/// A pin key's wire form: suite byte and key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PinKey(pub [u8; 33]);

/// A pin that arises.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewPin {
    pub key: PinKey,
    /// Its end, if it has one, ms.
    pub until: Option<u64>,
    pub payer: Payer,
}

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

    /// Takes away the pins whose end has come; how many.
    pub(crate) fn end_pins(&self, now: u64) -> Result<u64, StoreError> {
        let mut ended = Vec::new();
        for row in self.index.begin_read()?.open_table(PINS)?.iter()? {
            let (key, row) = row?;
            if has_ended(row.value().2, now) {
                ended.push(key.value());
            }
        }
        if ended.is_empty() {
            return Ok(0);
        }
        let tx = self.index.begin_write()?;
        for row in &ended {
            end_pin(&tx, *row, now)?;
        }
        tx.commit()?;
        Ok(ended.len() as u64)
    }

    fn set_pin(&self, root: &Cid, key: &PinKey, active: bool, time: u64, now: u64) -> Result<(), StoreError> {
        let tx = self.index.begin_write()?;
        let row = (root.to_compact(), key.0);
        index::object_in(&tx, root)?.ok_or(StoreError::UnknownObject)?;
        {
            let mut pins = tx.open_table(PINS)?;
            let (_, last, until) = pins.get(row)?.ok_or(StoreError::UnknownPin)?.value();
            if has_ended(until, now) {
                return Err(StoreError::UnknownPin);
            }
            if time <= last {
                return Err(StoreError::PinReplayed);
            }
            pins.insert(row, (active, time, until))?;
        }
        holds::note(&tx, root, key, None, now)?;
        holds::settle(&tx, root, now)?;
        tx.commit()?;
        Ok(())
    }
}

/// The pin of a paid upload, until its end if it has one. A pin without end stays so.
pub(crate) fn add(tx: &WriteTransaction, root: &Cid, pin: &NewPin, now: u64) -> Result<(), StoreError> {
    index::object_in(tx, root)?.ok_or(StoreError::UnknownObject)?;
    let row = (root.to_compact(), pin.key.0);
    {
        let mut pins = tx.open_table(PINS)?;
        let (was, last, held) = pins.get(row)?.map_or((false, 0, pin.until), |row| row.value());
        let until = if was && held.is_none() { None } else { pin.until };
        // The time of the last request stays, so that a release cannot be played again over this pin.
        pins.insert(row, (true, last, until))?;
    }
    holds::note(tx, root, &pin.key, Some(pin.payer), now)?;
    holds::settle(tx, root, now)
}

/// Looks again: since it was found, the pin may have been paid for anew.
fn end_pin(tx: &WriteTransaction, row: ([u8; 33], [u8; 33]), now: u64) -> Result<(), StoreError> {
    {
        let mut pins = tx.open_table(PINS)?;
        let Some((_, _, until)) = pins.get(row)?.map(|row| row.value()) else { return Ok(()) };
        if !has_ended(until, now) {
            return Ok(());
        }
        pins.remove(row)?;
    }
    holds::forget(tx, row.0, row.1)?;
    holds::settle(tx, &index::cid(&row.0)?, now)
}

fn has_ended(until: Option<u64>, now: u64) -> bool {
    until.is_some_and(|until| until <= now)
}
