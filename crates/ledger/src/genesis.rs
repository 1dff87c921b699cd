//! Genesis: parameters, committee, first roots and ticket keys (spec L-23 to L-26). Its digest is the chain id, so that
//! nobody can be led to another chain under the same name.

use std::collections::BTreeMap;

use bytes::BufMut;
use commonware_codec::{Buf, Encode as _, EncodeSize, Error, Read, ReadExt as _, Write};
use yilian_crypto::{
    Digest, Label,
    certificate::{Certificate, Level, MAX_CERTIFICATE},
    hash::tagged,
    ticket::{Class, Period, TicketKey},
};

use crate::{
    CommitteeEntry, Entry, Epochs, Name, Parameters, Time, ValidatorKey,
    codec::{codec_newtype, read_list, read_text, text_size, write_text},
    committee::check_members,
    member::{Certified, MemberEntry},
    name::{Kind, MemberId},
};

pub use crate::committee::MAX_COMMITTEE;

/// Blocks of an epoch unless told otherwise: about three hours while the chain is idle.
pub const EPOCH_BLOCKS: u64 = 1024;
/// Most blocks of an epoch: half a year while the chain is idle.
const MAX_EPOCH_BLOCKS: u64 = 1 << 20;
/// Most root certificates and ticket keys of a genesis, and the longest name, bytes.
const MAX_ROOTS: usize = 16;
const MAX_TICKET_KEYS: usize = 8;
const MAX_NAME: usize = 64;

/// Binds every signature to one chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainId(pub Digest);

codec_newtype!(ChainId(Digest));

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genesis {
    /// Name for people and uniqueness, e.g. "yilian-demo"; 1 to 64 bytes.
    pub name: String,
    /// Chain start, ms.
    pub time: u64,
    pub parameters: Parameters,
    /// Validators' Ed25519 keys (raw, ascending, 1 to 256): committee of epoch 0.
    pub committee: Vec<ValidatorKey>,
    /// Blocks of an epoch, 2 to 2^20: a committee changes between epochs only.
    pub epoch_blocks: u64,
    /// Root certificates, DER, 1 to 16.
    pub roots: Vec<Vec<u8>>,
    /// Ticket keys of the first two periods, both classes; at most 8.
    pub ticket_keys: Vec<(Class, Period, TicketKey)>,
}

/// What is wrong with a genesis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenesisError {
    #[error("the chain's name is empty or longer than 64 bytes")]
    Name,
    #[error("a parameter is out of its bounds, or the sequence number is not 0")]
    Parameters,
    #[error("the committee is empty, larger than 256, not ascending, or has a key that is none")]
    Committee,
    #[error("an epoch has 2 to 1048576 blocks")]
    EpochBlocks,
    #[error("root {0} is not a self-signed root certificate, or stands twice")]
    Root(usize),
    #[error("there are no roots, or more than 16")]
    Roots,
    #[error("a ticket key stands twice, or there are more than 8")]
    TicketKeys,
}

impl Genesis {
    /// `tagged(Genesis, [encoding])`.
    pub fn chain_id(&self) -> ChainId {
        ChainId(tagged(Label::Genesis, &[&self.encode()]))
    }

    /// How this chain's heights fall into epochs.
    pub const fn epochs(&self) -> Epochs {
        Epochs { blocks: self.epoch_blocks }
    }

    /// Checks everything that decoding does; a decoded genesis is valid.
    pub fn validate(&self) -> Result<(), GenesisError> {
        self.entries().map(|_| ())
    }

    /// State at height 0, in order of names: parameters, committee, roots, ticket keys and the expiry cursor.
    pub fn entries(&self) -> Result<Vec<(Name, Entry)>, GenesisError> {
        if self.name.is_empty() || self.name.len() > MAX_NAME {
            return Err(GenesisError::Name);
        }
        if self.parameters.validate().is_err() || self.parameters.sequence != 0 {
            return Err(GenesisError::Parameters);
        }
        check_members(&self.committee).map_err(|_| GenesisError::Committee)?;
        if !(2..=MAX_EPOCH_BLOCKS).contains(&self.epoch_blocks) {
            return Err(GenesisError::EpochBlocks);
        }
        let mut entries = BTreeMap::new();
        let committee = CommitteeEntry::genesis(self.committee.clone());
        entries.insert(Name::committee(), Entry::Committee(committee));
        entries.insert(Name::parameters(), Entry::Parameters(self.parameters.clone()));
        let period = self.parameters.period(Time(self.time));
        entries.insert(Name::expiry_cursor(), Entry::ExpiryCursor { period, index: 0 });
        self.add_roots(&mut entries)?;
        self.add_ticket_keys(&mut entries)?;
        Ok(entries.into_iter().collect())
    }

    fn add_roots(&self, entries: &mut BTreeMap<Name, Entry>) -> Result<(), GenesisError> {
        if self.roots.is_empty() || self.roots.len() > MAX_ROOTS {
            return Err(GenesisError::Roots);
        }
        for (i, der) in self.roots.iter().enumerate() {
            let root = root(der, Time(self.time)).ok_or(GenesisError::Root(i))?;
            if entries.insert(root.id.name(Kind::Root), Entry::Member(root)).is_some() {
                return Err(GenesisError::Root(i));
            }
        }
        Ok(())
    }

    fn add_ticket_keys(&self, entries: &mut BTreeMap<Name, Entry>) -> Result<(), GenesisError> {
        if self.ticket_keys.len() > MAX_TICKET_KEYS {
            return Err(GenesisError::TicketKeys);
        }
        for (class, period, key) in &self.ticket_keys {
            let name = Name::ticket_key(*class, *period);
            if entries.insert(name, Entry::TicketKey(key.clone())).is_some() {
                return Err(GenesisError::TicketKeys);
            }
        }
        Ok(())
    }
}

/// The member that a root certificate makes.
fn root(der: &[u8], since: Time) -> Option<MemberEntry> {
    let certificate = Certificate::parse(der).ok()?;
    if certificate.contents().level != Level::Root || certificate.verify_issued_by(&certificate).is_err() {
        return None;
    }
    let id = MemberId::of(None, &certificate.contents().subject_id);
    let certificates = vec![Certified { certificate, since, revoked: None }];
    Some(MemberEntry { id, level: Level::Root, issuer: None, certificates, revoked: None })
}

impl Write for Genesis {
    fn write(&self, buf: &mut impl BufMut) {
        write_text(&self.name, buf);
        self.time.write(buf);
        self.parameters.write(buf);
        self.committee.write(buf);
        self.epoch_blocks.write(buf);
        self.roots.write(buf);
        self.ticket_keys.write(buf);
    }
}

impl EncodeSize for Genesis {
    fn encode_size(&self) -> usize {
        text_size(&self.name)
            + self.time.encode_size()
            + self.parameters.encode_size()
            + self.committee.encode_size()
            + self.epoch_blocks.encode_size()
            + self.roots.encode_size()
            + self.ticket_keys.encode_size()
    }
}

impl Read for Genesis {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, Error> {
        let der = (commonware_codec::RangeCfg::new(1..=MAX_CERTIFICATE), ());
        let genesis = Self {
            name: read_text(buf, 1, MAX_NAME)?,
            time: u64::read(buf)?,
            parameters: Parameters::read(buf)?,
            committee: read_list(buf, 1, MAX_COMMITTEE)?,
            epoch_blocks: u64::read(buf)?,
            roots: Vec::read_cfg(buf, &(commonware_codec::RangeCfg::new(1..=MAX_ROOTS), der))?,
            ticket_keys: Vec::read_cfg(
                buf,
                &(commonware_codec::RangeCfg::new(0..=MAX_TICKET_KEYS), ((), (), ())),
            )?,
        };
        genesis.validate().map_err(|e| Error::Wrapped("genesis", Box::new(e)))?;
        Ok(genesis)
    }
}
