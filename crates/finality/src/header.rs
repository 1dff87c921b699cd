//! A block's header (spec F-2). Its digest is the block's digest, so a light client needs no bodies.

use bytes::BufMut;
use commonware_codec::{
    Buf, Encode as _, EncodeSize, Error as CodecError, MaxEncodeSize, Read, ReadExt as _, Write,
};
use commonware_consensus::simplex::types::Context;
use commonware_cryptography::{ed25519, sha256};
use commonware_storage::mmr::Location;
use commonware_utils::range::NonEmptyRange;
use yilian_crypto::{Digest, Label, hash::tagged};
use yilian_ledger::{Epoch, Height, Time, transition::Counts};

/// What the engine needs a header to commit to besides the ledger's own fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Engine {
    /// Round, leader and parent under which the block was proposed.
    pub context: Context<sha256::Digest, ed25519::PublicKey>,
    /// Root of the state database's operations, the target of a state synchronization.
    pub operations_root: Digest,
    /// Operations from the first active one to the end.
    pub operations: NonEmptyRange<Location>,
}

/// Everything a block's digest commits to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub parent: Digest,
    pub height: Height,
    pub epoch: Epoch,
    pub time: Time,
    /// Transactions of the block, in order.
    pub transaction_root: Digest,
    /// How many they are.
    pub transactions: u32,
    /// Canonical root of the state after the block: what proofs verify against.
    pub state_root: Digest,
    /// Entries per bucketed kind after the block.
    pub counts: Counts,
    /// `Committee::digest` of the next block's committee: another one than this block's only if this is the last block of
    /// its epoch.
    pub next_committee: Digest,
    pub engine: Engine,
}

impl Header {
    /// Largest encoding, bytes.
    pub const MAX_SIZE: usize = 4 * 32
        + 3 * 8
        + 4
        + 5 * 8
        + Context::<sha256::Digest, ed25519::PublicKey>::MAX_ENCODE_SIZE
        + 32
        + NonEmptyRange::<Location>::MAX_ENCODE_SIZE;

    /// The block's digest: `tagged(Header, [encoding])` (F-3).
    pub fn digest(&self) -> Digest {
        tagged(Label::Header, &[&self.encode()])
    }
}

impl Write for Header {
    fn write(&self, buf: &mut impl BufMut) {
        self.parent.write(buf);
        self.height.0.write(buf);
        self.epoch.0.write(buf);
        self.time.0.write(buf);
        self.transaction_root.write(buf);
        self.transactions.write(buf);
        self.state_root.write(buf);
        for count in [
            self.counts.records,
            self.counts.grants,
            self.counts.slots,
            self.counts.practitioners,
            self.counts.institutions,
        ] {
            count.write(buf);
        }
        self.next_committee.write(buf);
        self.engine.write(buf);
    }
}

impl EncodeSize for Header {
    fn encode_size(&self) -> usize {
        4 * 32 + 3 * 8 + 4 + 5 * 8 + self.engine.encode_size()
    }
}

impl Read for Header {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, CodecError> {
        Ok(Self {
            parent: Digest::read(buf)?,
            height: Height(u64::read(buf)?),
            epoch: Epoch(u64::read(buf)?),
            time: Time(u64::read(buf)?),
            transaction_root: Digest::read(buf)?,
            transactions: u32::read(buf)?,
            state_root: Digest::read(buf)?,
            counts: Counts {
                records: u64::read(buf)?,
                grants: u64::read(buf)?,
                slots: u64::read(buf)?,
                practitioners: u64::read(buf)?,
                institutions: u64::read(buf)?,
            },
            next_committee: Digest::read(buf)?,
            engine: Engine::read(buf)?,
        })
    }
}

impl Write for Engine {
    fn write(&self, buf: &mut impl BufMut) {
        self.context.write(buf);
        self.operations_root.write(buf);
        self.operations.write(buf);
    }
}

impl EncodeSize for Engine {
    fn encode_size(&self) -> usize {
        self.context.encode_size() + 32 + self.operations.encode_size()
    }
}

impl Read for Engine {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, CodecError> {
        Ok(Self {
            context: Context::read(buf)?,
            operations_root: Digest::read(buf)?,
            operations: NonEmptyRange::read(buf)?,
        })
    }
}
