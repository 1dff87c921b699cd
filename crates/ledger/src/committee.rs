//! The committee in the state: who validates now, and who from which epoch on (spec L-100 to L-104).
//!
//! One entry holds the members in force and at most one change to come. Nothing is written at an epoch's beginning: who
//! is in force follows from the entry and the block's epoch.

use bytes::BufMut;
use commonware_codec::{Buf, EncodeSize, Error, Read, ReadExt as _, Write};
use yilian_crypto::sign::VerifyingKey;

use crate::{
    Epoch, Refusal,
    codec::{codec_struct, read_list},
};

/// Most validators of a committee.
pub const MAX_COMMITTEE: usize = 256;
/// How many epochs ahead of the block's a change may be set.
pub const EPOCHS_AHEAD: u64 = 1024;
/// Bound while decoding: a list that is only somewhat too long has a refusal of its own.
const MAX_DECODED: usize = 4 * MAX_COMMITTEE;

/// Raw Ed25519 key of a validator.
pub type ValidatorKey = [u8; 32];

/// What the state says about validators.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommitteeEntry {
    /// Changes so far.
    pub sequence: u64,
    /// In force until `next` begins; ascending.
    pub members: Vec<ValidatorKey>,
    pub next: Option<Change>,
}

/// Members from an epoch on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The first epoch of these members.
    pub epoch: Epoch,
    /// Ascending.
    pub members: Vec<ValidatorKey>,
}

/// The action that sets a change, in place of one that was set and has not begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetCommittee {
    /// The entry's plus one.
    pub sequence: u64,
    pub change: Change,
}

codec_struct!(SetCommittee { sequence, change });

impl CommitteeEntry {
    pub fn genesis(members: Vec<ValidatorKey>) -> Self {
        Self { sequence: 0, members, next: None }
    }

    /// Who validates in `epoch`, which is the epoch of a block on this state or the one after it.
    pub fn at(&self, epoch: Epoch) -> &[ValidatorKey] {
        match &self.next {
            Some(change) if change.epoch <= epoch => &change.members,
            _ => &self.members,
        }
    }

    /// This entry with a change set in `epoch`, in which the change must not have begun (rules L-102, L-103).
    pub(crate) fn set(&self, epoch: Epoch, action: &SetCommittee) -> Result<Self, Refusal> {
        if self.sequence.checked_add(1) != Some(action.sequence) {
            return Err(Refusal::CommitteeSequence);
        }
        if action.change.epoch <= epoch {
            return Err(Refusal::CommitteePast);
        }
        if action.change.epoch.0 > epoch.0.saturating_add(EPOCHS_AHEAD) {
            return Err(Refusal::CommitteeAhead);
        }
        let (sequence, members) = (action.sequence, self.at(epoch).to_vec());
        Ok(Self { sequence, members, next: Some(action.change.clone()) })
    }
}

/// Rule L-101: 1 to 256 keys, ascending, canonical and not of small order.
pub fn check_members(members: &[ValidatorKey]) -> Result<(), Refusal> {
    if !(1..=MAX_COMMITTEE).contains(&members.len()) {
        return Err(Refusal::CommitteeSize);
    }
    if !members.is_sorted_by(|a, b| a < b) {
        return Err(Refusal::CommitteeOrder);
    }
    if members.iter().any(|key| VerifyingKey::from_bytes(key).is_err()) {
        return Err(Refusal::CommitteeKey);
    }
    Ok(())
}

impl Write for CommitteeEntry {
    fn write(&self, buf: &mut impl BufMut) {
        self.sequence.write(buf);
        self.members.write(buf);
        self.next.write(buf);
    }
}

impl EncodeSize for CommitteeEntry {
    fn encode_size(&self) -> usize {
        self.sequence.encode_size() + self.members.encode_size() + self.next.encode_size()
    }
}

impl Read for CommitteeEntry {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, Error> {
        Ok(Self {
            sequence: u64::read(buf)?,
            members: read_list(buf, 1, MAX_COMMITTEE)?,
            next: Option::<Change>::read(buf)?,
        })
    }
}

impl Write for Change {
    fn write(&self, buf: &mut impl BufMut) {
        self.epoch.write(buf);
        self.members.write(buf);
    }
}

impl EncodeSize for Change {
    fn encode_size(&self) -> usize {
        self.epoch.encode_size() + self.members.encode_size()
    }
}

impl Read for Change {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, Error> {
        Ok(Self { epoch: Epoch::read(buf)?, members: read_list(buf, 0, MAX_DECODED)? })
    }
}
