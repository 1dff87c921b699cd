//! Which committee a client believes (spec F-11 to F-15).
//!
//! Trust begins with the genesis' committee and moves on by steps: the last header of a committee's term, certified by
//! that committee, names the digest of the one that follows. A certificate is bound to its committee, so terms in which
//! nothing changed need no step: whatever the known committee certifies in a later epoch shows that it is still in office.
//! Trust never moves back, and each step is worth keeping by itself: following may be interrupted anywhere.

use bytes::BufMut;
use commonware_codec::{Buf, EncodeSize, Error as CodecError, RangeCfg, Read, ReadExt as _, Write};
use yilian_crypto::Digest;
use yilian_ledger::{ChainId, Epoch, Epochs, Genesis, ValidatorKey, committee::MAX_COMMITTEE};

use crate::{Committee, FinalityError, Snapshot, certificate::verify_certificate, committee::CommitteeError};

/// The newest committee that a client knows, and how it came into office.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    chain: ChainId,
    epochs: Epochs,
    stale_after_ms: u64,
    committee: Committee,
    /// First epoch of the committee's term.
    epoch: Epoch,
    /// `None`: by the genesis, or by the word of whoever made this.
    before: Option<Before>,
}

/// The committee before, and the last header of its term.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Before {
    committee: Committee,
    last: Digest,
}

/// How one committee follows another: the last header of the first one's term, certified by it, and the members that the
/// header names as the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub last: Snapshot,
    /// Raw keys, ascending.
    pub members: Vec<ValidatorKey>,
}

/// What a step that holds meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Followed {
    /// The committee of the step is trusted from now on.
    New,
    /// It is the step by which the trusted committee came into office.
    Known,
}

/// Why kept trust is not taken up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeptError {
    #[error("what was kept of the committees does not decode: it is damaged, or of another version")]
    Malformed,
    #[error("what was kept of the committees is of another chain")]
    Chain,
    #[error("genesis: {0}")]
    Genesis(#[from] CommitteeError),
}

impl Trust {
    /// The genesis' committee.
    pub fn genesis(genesis: &Genesis) -> Result<Self, CommitteeError> {
        Self::of(genesis, Epoch(0), Committee::genesis(genesis)?)
    }

    /// A committee that is known from elsewhere, from the first epoch of its term on: a node knows it by executing.
    pub fn of(genesis: &Genesis, epoch: Epoch, committee: Committee) -> Result<Self, CommitteeError> {
        Ok(Self {
            chain: genesis.chain_id(),
            epochs: genesis.epochs(),
            stale_after_ms: genesis.parameters.stale_after_ms,
            committee,
            epoch,
            before: None,
        })
    }

    /// What [`Trust::keep`] gave, on the same chain.
    pub fn resume(genesis: &Genesis, kept: &[u8]) -> Result<Self, KeptError> {
        use commonware_codec::{Copying, DecodeExt as _};
        let kept = Kept::decode(Copying(kept)).map_err(|_| KeptError::Malformed)?;
        if kept.chain != genesis.chain_id() {
            return Err(KeptError::Chain);
        }
        let committee = |members: &[ValidatorKey]| Committee::new(members).map_err(|_| KeptError::Malformed);
        let mut trust = Self::of(genesis, kept.epoch, committee(&kept.members)?)?;
        if let Some((members, last)) = kept.before {
            trust.before = Some(Before { committee: committee(&members)?, last });
        }
        Ok(trust)
    }

    /// To be kept durably: public, but whoever can change it can choose the committee.
    pub fn keep(&self) -> Vec<u8> {
        use commonware_codec::Encode as _;
        let before = self.before.as_ref().map(|before| (before.committee.raw(), before.last));
        Kept { chain: self.chain, epoch: self.epoch, members: self.committee.raw(), before }.encode().to_vec()
    }

    pub fn chain(&self) -> ChainId {
        self.chain
    }

    pub fn committee(&self) -> &Committee {
        &self.committee
    }

    /// First epoch of the committee's term: steps from it on are what a client asks for.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Header age from which on it is stale, ms (genesis parameter).
    pub fn stale_after_ms(&self) -> u64 {
        self.stale_after_ms
    }

    /// Holds iff the trusted committee certified the header (F-4, F-12).
    pub(crate) fn verify(&self, snapshot: &Snapshot) -> Result<(), FinalityError> {
        let epoch = snapshot.header.epoch;
        if epoch < self.epoch {
            return Err(FinalityError::Superseded { epoch, trusted: self.epoch });
        }
        match self.certified(&self.committee, snapshot) {
            Err(FinalityError::Certificate) if epoch > self.epoch => {
                Err(FinalityError::UnknownCommittee { epoch, trusted: self.epoch })
            }
            other => other,
        }
    }

    /// Moves on to the committee of a step, if the trusted one leads to it (F-13). Nothing changes on an error.
    pub fn follow(&mut self, step: &Step) -> Result<Followed, FinalityError> {
        let header = &step.last.header;
        if !self.epochs.is_last(header.height) || self.epochs.of(header.height) != header.epoch {
            return Err(FinalityError::Boundary);
        }
        let epoch = Epoch(header.epoch.0.checked_add(1).ok_or(FinalityError::Boundary)?);
        if epoch <= self.epoch {
            return self.look_back(step, epoch);
        }
        self.verify(&step.last)?;
        let committee = Committee::new(&step.members).map_err(|_| FinalityError::Members)?;
        if committee.digest() != header.next_committee {
            return Err(FinalityError::Members);
        }
        let before = std::mem::replace(&mut self.committee, committee);
        self.before = Some(Before { committee: before, last: header.digest() });
        self.epoch = epoch;
        Ok(Followed::New)
    }

    /// A step into the trusted term or an earlier one (F-14): the known one, evidence of a fork, or nothing to go by.
    fn look_back(&self, step: &Step, epoch: Epoch) -> Result<Followed, FinalityError> {
        let superseded = FinalityError::Superseded { epoch, trusted: self.epoch };
        if epoch < self.epoch {
            return Err(superseded);
        }
        let Some(before) = &self.before else {
            let names_it = step.last.header.next_committee == self.committee.digest();
            return if names_it { Ok(Followed::Known) } else { Err(superseded) };
        };
        if step.last.header.digest() == before.last {
            return Ok(Followed::Known);
        }
        self.certified(&before.committee, &step.last)?;
        Err(FinalityError::Fork { epoch })
    }

    fn certified(&self, committee: &Committee, snapshot: &Snapshot) -> Result<(), FinalityError> {
        let Snapshot { header, finalization } = snapshot;
        verify_certificate(self.chain, self.epochs, committee, header, finalization)
    }
}

/// Encoded trust.
struct Kept {
    chain: ChainId,
    epoch: Epoch,
    members: Vec<ValidatorKey>,
    before: Option<(Vec<ValidatorKey>, Digest)>,
}

/// First byte of kept trust.
const VERSION: u8 = 1;

fn read_members(buf: &mut impl Buf) -> Result<Vec<ValidatorKey>, CodecError> {
    Vec::read_cfg(buf, &(RangeCfg::new(1..=MAX_COMMITTEE), ()))
}

impl Write for Kept {
    fn write(&self, buf: &mut impl BufMut) {
        VERSION.write(buf);
        self.chain.write(buf);
        self.epoch.write(buf);
        self.members.write(buf);
        self.before.is_some().write(buf);
        if let Some((members, last)) = &self.before {
            members.write(buf);
            last.write(buf);
        }
    }
}

impl EncodeSize for Kept {
    fn encode_size(&self) -> usize {
        let before =
            self.before.as_ref().map_or(0, |(members, last)| members.encode_size() + last.encode_size());
        1 + self.chain.encode_size() + self.epoch.encode_size() + self.members.encode_size() + 1 + before
    }
}

impl Read for Kept {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, CodecError> {
        if u8::read(buf)? != VERSION {
            return Err(CodecError::Invalid("Trust", "unknown version"));
        }
        Ok(Self {
            chain: ChainId::read(buf)?,
            epoch: Epoch::read(buf)?,
            members: read_members(buf)?,
            before: match bool::read(buf)? {
                true => Some((read_members(buf)?, Digest::read(buf)?)),
                false => None,
            },
        })
    }
}

impl Write for Step {
    fn write(&self, buf: &mut impl BufMut) {
        self.last.write(buf);
        self.members.write(buf);
    }
}

impl EncodeSize for Step {
    fn encode_size(&self) -> usize {
        self.last.encode_size() + self.members.encode_size()
    }
}

impl Read for Step {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, CodecError> {
        Ok(Self { last: Snapshot::read(buf)?, members: read_members(buf)? })
    }
}
