//! Messages on disk (spec MB-9): each operation is one durable transaction.

use std::sync::Arc;

use commonware_codec::{Copying, DecodeExt as _, Encode as _};
use redb::{
    Database, ReadableDatabase as _, ReadableTable, ReadableTableMetadata as _, Table, TableDefinition,
    WriteTransaction,
};
use yilian_api::mailbox::{MessageKind, message_id};
use yilian_crypto::Digest;
use yilian_ledger::name::MemberId;

use super::{
    envelope::Envelope,
    error::MailboxError,
    quota::{Load, Quota},
};
use crate::{
    database::DatabaseError,
    payment::{PaymentError, Verified},
};

type Place = ([u8; 32], [u8; 32]);

/// (mailbox, message) → envelope.
const ENVELOPES: TableDefinition<Place, &[u8]> = TableDefinition::new("mailbox-envelopes");
/// (mailbox, message) → sealed bytes.
const SEALED: TableDefinition<Place, &[u8]> = TableDefinition::new("mailbox-sealed");
/// (end, mailbox, message).
const ENDS: TableDefinition<(u64, [u8; 32], [u8; 32]), ()> = TableDefinition::new("mailbox-ends");
/// Receipt mailbox → receipts promised to it or waiting in it.
const RESERVED: TableDefinition<[u8; 32], u32> = TableDefinition::new("mailbox-receipts");
/// (day, member) → posts paid by its signature. Not to which mailbox: that would be a list of who writes to whom.
const MEMBER_POSTS: TableDefinition<(u64, [u8; 32]), u32> = TableDefinition::new("mailbox-member-posts");
/// Bytes of unpaid messages.
const TOTALS: TableDefinition<&str, u64> = TableDefinition::new("mailbox-totals");
const FREE_BYTES: &str = "free-bytes";

/// What a message's rows take beside its bytes, as long as they stay: without it, tiny messages, and those their owner
/// deletes at once, would fill the disk for nothing.
pub const ROW_BYTES: u64 = 512;
const DAY_MS: u64 = 86_400_000;

#[derive(Clone)]
pub struct Store {
    database: Arc<Database>,
    quota: Quota,
}

/// A message about to be stored.
#[derive(Debug)]
pub struct Incoming {
    pub mailbox: Digest,
    pub sealed: Vec<u8>,
    pub receipt: Option<Digest>,
    pub payment: Option<Verified>,
}

/// Every table of the store, open in one transaction.
struct Tables<'t> {
    envelopes: Table<'t, Place, &'static [u8]>,
    sealed: Table<'t, Place, &'static [u8]>,
    ends: Table<'t, (u64, [u8; 32], [u8; 32]), ()>,
    reserved: Table<'t, [u8; 32], u32>,
    totals: Table<'t, &'static str, u64>,
}

impl Store {
    /// Creates the tables, so that readers find them.
    pub fn open(database: Arc<Database>, quota: Quota) -> Result<Self, DatabaseError> {
        let transaction = database.begin_write()?;
        Tables::open(&transaction)?;
        transaction.open_table(MEMBER_POSTS)?;
        transaction.commit()?;
        Ok(Self { database, quota })
    }

    /// Messages of all mailboxes.
    pub fn count(&self) -> Result<u64, DatabaseError> {
        Ok(self.database.begin_read()?.open_table(SEALED)?.len()?)
    }

    /// The envelope of a message, deleted or not, that has not expired.
    pub fn envelope(
        &self,
        mailbox: &Digest,
        message: &Digest,
        now: u64,
    ) -> Result<Option<Envelope>, MailboxError> {
        let transaction = self.database.begin_read().map_err(DatabaseError::from)?;
        let table = transaction.open_table(ENVELOPES).map_err(DatabaseError::from)?;
        Ok(read_envelope(&table, (mailbox.0, message.0))?.filter(|envelope| envelope.expires > now))
    }

    /// Stores a message; its end. The same bytes in the same mailbox are the same message: posting them again changes
    /// nothing, uses no payment up and answers alike, whether or not the owner took them.
    pub fn post(&self, incoming: Incoming, now: u64) -> Result<u64, MailboxError> {
        let transaction = self.database.begin_write().map_err(DatabaseError::from)?;
        let expires = {
            let mut tables = Tables::open(&transaction)?;
            let place = (incoming.mailbox.0, message_id(&incoming.sealed).0);
            match read_envelope(&tables.envelopes, place)? {
                Some(envelope) if envelope.expires > now => return Ok(envelope.expires),
                Some(_) => tables.remove(place)?,
                None => {}
            }
            let member = incoming.payment.as_ref().and_then(Verified::member);
            let paid = incoming.payment.is_some();
            tables.admit(&incoming, &self.quota, paid, now)?;
            if let Some(payment) = incoming.payment {
                payment.claim(&transaction)?;
            }
            if let Some(member) = member {
                count_member_post(&transaction, member, &self.quota, now)?;
            }
            if let Some(receipt) = &incoming.receipt {
                tables.reserve(receipt, &self.quota)?;
            }
            let envelope = Envelope {
                kind: MessageKind::Message,
                paid,
                deleted: false,
                received: now,
                expires: self.quota.expires(now, paid),
                bytes: incoming.sealed.len() as u32,
                receipt: incoming.receipt,
            };
            tables.insert(place, &envelope, &incoming.sealed)?;
            envelope.expires
        };
        transaction.commit().map_err(DatabaseError::from)?;
        Ok(expires)
    }

    /// What waits, oldest first.
    pub fn list(&self, mailbox: &Digest, now: u64) -> Result<Vec<(Digest, Envelope)>, MailboxError> {
        let transaction = self.database.begin_read().map_err(DatabaseError::from)?;
        let table = transaction.open_table(ENVELOPES).map_err(DatabaseError::from)?;
        let mut waiting = envelopes_in(&table, mailbox)?;
        waiting.retain(|(_, envelope)| !envelope.deleted && envelope.expires > now);
        waiting.sort_by_key(|(id, envelope)| (envelope.received, *id));
        Ok(waiting)
    }

    /// The sealed bytes of a message that no receipt is demanded for (any more).
    pub fn fetch(&self, mailbox: &Digest, message: &Digest, now: u64) -> Result<Vec<u8>, MailboxError> {
        let transaction = self.database.begin_read().map_err(DatabaseError::from)?;
        let place = (mailbox.0, message.0);
        let envelopes = transaction.open_table(ENVELOPES).map_err(DatabaseError::from)?;
        let envelope = waiting(read_envelope(&envelopes, place)?, now)?;
        if envelope.receipt.is_some() {
            return Err(MailboxError::ReceiptRequired);
        }
        let sealed = transaction.open_table(SEALED).map_err(DatabaseError::from)?;
        Ok(read_sealed(&sealed, place)?)
    }

    /// Leaves the (verified) receipt and hands the message out, in one transaction: never one without the other.
    pub fn fetch_against_receipt(
        &self,
        mailbox: &Digest,
        message: &Digest,
        receipt: &[u8],
        now: u64,
    ) -> Result<Vec<u8>, MailboxError> {
        let transaction = self.database.begin_write().map_err(DatabaseError::from)?;
        let sealed = {
            let mut tables = Tables::open(&transaction)?;
            let place = (mailbox.0, message.0);
            let mut envelope = waiting(read_envelope(&tables.envelopes, place)?, now)?;
            if let Some(target) = envelope.receipt.take() {
                tables.rewrite(place, &envelope)?;
                tables.leave_receipt(&target, receipt, self.quota.expires(now, true), now)?;
            }
            read_sealed(&tables.sealed, place)?
        };
        transaction.commit().map_err(DatabaseError::from)?;
        Ok(sealed)
    }

    /// Drops the bytes; the row stays until its end.
    pub fn delete(&self, mailbox: &Digest, message: &Digest, now: u64) -> Result<(), MailboxError> {
        let transaction = self.database.begin_write().map_err(DatabaseError::from)?;
        {
            let mut tables = Tables::open(&transaction)?;
            let place = (mailbox.0, message.0);
            let mut envelope = waiting(read_envelope(&tables.envelopes, place)?, now)?;
            tables.drop_bytes(place, &envelope)?;
            if envelope.kind == MessageKind::Receipt {
                tables.release(mailbox)?;
            }
            if let Some(target) = envelope.receipt.take() {
                tables.release(&target)?;
            }
            envelope.deleted = true;
            tables.rewrite(place, &envelope)?;
        }
        transaction.commit().map_err(DatabaseError::from)?;
        Ok(())
    }

    /// Removes what ended, at most `limit` messages. Returns how many.
    pub fn prune(&self, now: u64, limit: usize) -> Result<usize, DatabaseError> {
        let transaction = self.database.begin_write()?;
        let removed = {
            let mut tables = Tables::open(&transaction)?;
            let mut over = Vec::new();
            for row in tables.ends.range(..=(now, [0xff; 32], [0xff; 32]))?.take(limit) {
                let (_, mailbox, message) = row?.0.value();
                over.push((mailbox, message));
            }
            over.iter().try_for_each(|place| tables.remove(*place))?;
            let mut days = transaction.open_table(MEMBER_POSTS)?;
            days.retain(|(day, _), _| day >= now / DAY_MS)?;
            over.len()
        };
        transaction.commit()?;
        Ok(removed)
    }
}

impl<'t> Tables<'t> {
    fn open(transaction: &'t WriteTransaction) -> Result<Self, DatabaseError> {
        Ok(Self {
            envelopes: transaction.open_table(ENVELOPES)?,
            sealed: transaction.open_table(SEALED)?,
            ends: transaction.open_table(ENDS)?,
            reserved: transaction.open_table(RESERVED)?,
            totals: transaction.open_table(TOTALS)?,
        })
    }

    fn admit(&self, incoming: &Incoming, quota: &Quota, paid: bool, now: u64) -> Result<(), MailboxError> {
        let bytes = incoming.sealed.len() as u64;
        let mut load = Load::default();
        for (_, envelope) in envelopes_in(&self.envelopes, &incoming.mailbox)? {
            if envelope.expires > now {
                load.add(&envelope);
            }
        }
        load.admit(quota, paid, bytes)?;
        let room = bytes.saturating_add(ROW_BYTES);
        if !paid && self.free_bytes()?.saturating_add(room) > quota.free_store_bytes {
            return Err(MailboxError::StoreFull);
        }
        Ok(())
    }

    fn insert(&mut self, place: Place, envelope: &Envelope, sealed: &[u8]) -> Result<(), DatabaseError> {
        self.rewrite(place, envelope)?;
        self.sealed.insert(place, sealed)?;
        self.ends.insert((envelope.expires, place.0, place.1), ())?;
        if !envelope.paid {
            let bytes = self.free_bytes()?.saturating_add(u64::from(envelope.bytes) + ROW_BYTES);
            self.totals.insert(FREE_BYTES, bytes)?;
        }
        Ok(())
    }

    fn rewrite(&mut self, place: Place, envelope: &Envelope) -> Result<(), DatabaseError> {
        self.envelopes.insert(place, envelope.encode().as_ref())?;
        Ok(())
    }

    /// The row goes, and with it all that counted for it.
    fn remove(&mut self, place: Place) -> Result<(), DatabaseError> {
        let Some(envelope) = read_envelope(&self.envelopes, place)? else { return Ok(()) };
        if !envelope.deleted {
            self.drop_bytes(place, &envelope)?;
            if envelope.kind == MessageKind::Receipt {
                self.release(&Digest(place.0))?;
            }
        }
        if !envelope.paid {
            self.give_back(ROW_BYTES)?;
        }
        if let Some(target) = &envelope.receipt {
            self.release(target)?;
        }
        self.envelopes.remove(place)?;
        self.ends.remove((envelope.expires, place.0, place.1))?;
        Ok(())
    }

    fn drop_bytes(&mut self, place: Place, envelope: &Envelope) -> Result<(), DatabaseError> {
        self.sealed.remove(place)?;
        if envelope.paid { Ok(()) } else { self.give_back(u64::from(envelope.bytes)) }
    }

    fn give_back(&mut self, bytes: u64) -> Result<(), DatabaseError> {
        let left = self.free_bytes()?.saturating_sub(bytes);
        self.totals.insert(FREE_BYTES, left)?;
        Ok(())
    }

    fn free_bytes(&self) -> Result<u64, DatabaseError> {
        Ok(self.totals.get(FREE_BYTES)?.map_or(0, |bytes| bytes.value()))
    }

    /// Room for one receipt, kept from the post until the receipt is gone, so that a receipt is never refused.
    fn reserve(&mut self, receipts: &Digest, quota: &Quota) -> Result<(), MailboxError> {
        let taken = self.reserved.get(receipts.0).map_err(DatabaseError::from)?.map_or(0, |n| n.value());
        if taken >= quota.receipts {
            return Err(MailboxError::ReceiptsFull);
        }
        self.reserved.insert(receipts.0, taken + 1).map_err(DatabaseError::from)?;
        Ok(())
    }

    fn release(&mut self, receipts: &Digest) -> Result<(), DatabaseError> {
        let left = self.reserved.get(receipts.0)?.map_or(0, |n| n.value()).saturating_sub(1);
        if left == 0 {
            self.reserved.remove(receipts.0)?;
        } else {
            self.reserved.insert(receipts.0, left)?;
        }
        Ok(())
    }

    fn leave_receipt(
        &mut self,
        target: &Digest,
        receipt: &[u8],
        expires: u64,
        now: u64,
    ) -> Result<(), DatabaseError> {
        let place = (target.0, message_id(receipt).0);
        // Its signer may have posted the same bytes as a message: with that one's short life the receipt would end.
        self.remove(place)?;
        let envelope = Envelope {
            kind: MessageKind::Receipt,
            paid: true,
            deleted: false,
            received: now,
            expires,
            bytes: receipt.len() as u32,
            receipt: None,
        };
        self.insert(place, &envelope, receipt)
    }
}

fn waiting(envelope: Option<Envelope>, now: u64) -> Result<Envelope, MailboxError> {
    envelope.filter(|envelope| !envelope.deleted && envelope.expires > now).ok_or(MailboxError::Unknown)
}

fn read_envelope(
    table: &impl ReadableTable<Place, &'static [u8]>,
    place: Place,
) -> Result<Option<Envelope>, DatabaseError> {
    table.get(place)?.map(|row| decode(row.value())).transpose()
}

fn read_sealed(
    table: &impl ReadableTable<Place, &'static [u8]>,
    place: Place,
) -> Result<Vec<u8>, DatabaseError> {
    let row = table.get(place)?.ok_or_else(|| DatabaseError::corrupted("an envelope without its message"))?;
    Ok(row.value().to_vec())
}

fn envelopes_in(
    table: &impl ReadableTable<Place, &'static [u8]>,
    mailbox: &Digest,
) -> Result<Vec<(Digest, Envelope)>, DatabaseError> {
    let mut found = Vec::new();
    for row in table.range((mailbox.0, [0; 32])..=(mailbox.0, [0xff; 32]))? {
        let (place, envelope) = row?;
        found.push((Digest(place.value().1), decode(envelope.value())?));
    }
    Ok(found)
}

fn decode(bytes: &[u8]) -> Result<Envelope, DatabaseError> {
    Envelope::decode(Copying(bytes))
        .map_err(|_| DatabaseError::corrupted("a mailbox envelope does not decode"))
}

fn count_member_post(
    transaction: &WriteTransaction,
    member: MemberId,
    quota: &Quota,
    now: u64,
) -> Result<(), MailboxError> {
    let mut table = transaction.open_table(MEMBER_POSTS).map_err(DatabaseError::from)?;
    let key = (now / DAY_MS, member.0.0);
    let posts = table.get(key).map_err(DatabaseError::from)?.map_or(0, |n| n.value());
    if posts >= quota.member_posts_per_day {
        return Err(PaymentError::Allowance.into());
    }
    table.insert(key, posts + 1).map_err(DatabaseError::from)?;
    Ok(())
}
