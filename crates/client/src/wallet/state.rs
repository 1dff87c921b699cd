//! What a wallet remembers beyond its seed (spec W-13).
//!
//! Losing it loses notes, names of readers and unspent tickets, never a record. It is encoded with the ledger's codec,
//! encrypted under a key of the seed before it leaves, and bounded when read back.

use std::collections::BTreeMap;

use bytes::BufMut;
use commonware_codec::{Buf, EncodeSize, Error, Read, ReadExt as _, Write};
use yilian_crypto::{
    Digest, Secret,
    sign::SigningKey,
    stream::ciphertext_len,
    ticket::{Class, Period, Ticket, TicketWithKey},
};
use yilian_dag::Cid;
use yilian_ledger::{
    ChainId, Time,
    name::{Aid, Bid, MemberId},
};

use super::index::{GrantIndex, Lane, ObjectIndex, RecordIndex};
use crate::{
    record::{Attachment, summary::Summary},
    wire::{Blob, Text, at_most, entries, layout, tags},
};

const MAX_ITEMS: usize = 1 << 20;

/// Longest note, bytes.
pub type Note = Text<512>;

#[derive(Clone, Debug)]
pub struct State {
    pub version: u8,
    pub chain: ChainId,
    pub lane: Lane,
    pub next_record: u32,
    pub next_object: u32,
    pub backup_counter: u64,
    pub offers: BTreeMap<RecordIndex, Offer>,
    pub records: BTreeMap<RecordIndex, Record>,
    pub grants: BTreeMap<(RecordIndex, GrantIndex), Grant>,
    pub pins: Vec<Pin>,
    pub unpinned: Vec<Unpinned>,
    pub tickets: Vec<HeldTicket>,
    pub pending: Vec<PendingTickets>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfferStatus {
    /// Shown; a draft may come.
    Open,
    /// The draft was refused; the index is spent.
    Refused,
    /// Accepted; the record may not be on the chain yet.
    Adopting,
    /// On the chain.
    Adopted,
    /// Given up without a draft; the index is spent.
    Abandoned,
}

tags!(OfferStatus { Open = 0, Refused = 1, Adopting = 2, Adopted = 3, Abandoned = 4 });

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    pub created: Time,
    pub status: OfferStatus,
    pub note: Note,
}

layout!(Offer { created, status, note });

/// A record on the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub aid: Aid,
    /// The ledger's time of the entry.
    pub time: Time,
    /// `None` until it was read once on this device.
    pub summary: Option<Summary>,
    /// This device's next grant counter.
    pub next_grant: u32,
    pub note: Note,
}

layout!(Record { aid, time, summary, next_grant, note });

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantStatus {
    /// On its way: the index is spent, the chain may or may not know it.
    Submitted,
    Active,
    Withdrawn,
    /// The ledger refused it; the index stays spent.
    Failed,
}

tags!(GrantStatus { Submitted = 0, Active = 1, Withdrawn = 2, Failed = 3 });

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub bid: Bid,
    pub status: GrantStatus,
    pub reader: Option<Reader>,
    pub granted: Time,
    pub expiry: Time,
    /// Opening message still to be sent.
    pub outgoing: Option<Outgoing>,
    /// Opening message that was sent.
    pub posted: Option<PostedAt>,
    /// By a verified receipt.
    pub opened: Option<Time>,
    pub note: Note,
}

layout!(Grant { bid, status, reader, granted, expiry, outgoing, posted, opened, note });

/// Whom a grant is for; the chain does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    pub member: MemberId,
    pub name: Text<128>,
    pub mailbox: Digest,
}

layout!(Reader { member, name, mailbox });

/// A sealed message that waits for its random delay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    pub not_before: Time,
    pub mailbox: Digest,
    pub sealed: Blob<{ yilian_api::mailbox::MAX_MESSAGE }>,
}

layout!(Outgoing { not_before, mailbox, sealed });

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostedAt {
    pub node: Text<256>,
    pub message: Digest,
}

layout!(PostedAt { node, message });

/// An object kept in the content store by one of our pin keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    pub cid: Text<128>,
    pub node: Text<256>,
    pub object: ObjectIndex,
}

layout!(Pin { cid, node, object });

/// An attachment of a record of ours that only others' pins keep so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unpinned {
    pub cid: Cid,
    /// Of the ciphertext.
    pub bytes: u64,
}

layout!(Unpinned { cid, bytes });

impl Unpinned {
    pub(crate) fn of(attachment: &Attachment) -> Self {
        // A length beyond what a stream holds is no object's: nothing will be pinned for it.
        let bytes = ciphertext_len(attachment.length).unwrap_or(u64::MAX);
        Self { cid: attachment.cid, bytes }
    }
}

/// An unspent ticket. It is taken out, and the state saved, before it is shown to anybody.
#[derive(Clone, Debug)]
pub struct HeldTicket(pub TicketWithKey);

impl Write for HeldTicket {
    fn write(&self, buf: &mut impl BufMut) {
        self.0.ticket.write(buf);
        self.0.one_time.seed().expose().write(buf);
    }
}

impl EncodeSize for HeldTicket {
    fn encode_size(&self) -> usize {
        self.0.ticket.encode_size() + 32
    }
}

impl Read for HeldTicket {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, Error> {
        let ticket = Ticket::read_cfg(buf, &())?;
        let one_time = SigningKey::from_seed(Secret::new(<[u8; 32]>::read(buf)?));
        if one_time.verifying_key() != ticket.one_time_key {
            return Err(Error::Invalid("HeldTicket", "one-time key is another"));
        }
        Ok(Self(TicketWithKey { ticket, one_time }))
    }
}

impl State {
    pub fn new(chain: ChainId, lane: Lane) -> Self {
        Self {
            version: 1,
            chain,
            lane,
            next_record: 0,
            next_object: 0,
            backup_counter: 0,
            offers: BTreeMap::new(),
            records: BTreeMap::new(),
            grants: BTreeMap::new(),
            pins: Vec::new(),
            unpinned: Vec::new(),
            tickets: Vec::new(),
            pending: Vec::new(),
        }
    }
}

layout!(State {
    version,
    chain,
    lane,
    next_record,
    next_object,
    backup_counter,
    offers: entries(MAX_ITEMS),
    records: entries(MAX_ITEMS),
    grants: entries_by_pair(),
    pins: at_most(MAX_ITEMS),
    unpinned: at_most(MAX_ITEMS),
    tickets: at_most(MAX_ITEMS),
    pending: at_most(MAX_PENDING),
});

/// Most batches of tickets asked for and not yet received.
const MAX_PENDING: usize = 16;

/// A batch of blinded requests, saved before it is sent: the authority signs one batch a period, and gives the same
/// answer to the same batch, so that a lost answer costs nothing.
#[derive(Clone, Debug)]
pub struct PendingTickets {
    pub class: Class,
    pub period: Period,
    pub requests: Vec<SavedRequest>,
}

layout!(PendingTickets { class, period, requests: at_most(MAX_BATCH) });

/// Most tickets of a batch.
pub const MAX_BATCH: usize = yilian_api::authority::MAX_TICKETS;

/// A request as [`yilian_crypto::ticket::Request::save`] gives it; secret.
pub type SavedRequest = Blob<1024>;

fn entries_by_pair() -> (commonware_codec::RangeCfg<usize>, (((), ()), ())) {
    (commonware_codec::RangeCfg::new(0..=MAX_ITEMS), (((), ()), ()))
}
