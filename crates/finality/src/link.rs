//! The authenticated list of names (spec F-6).
//!
//! The state is a cyclic list, sorted by name: each link says which value a name has and which name follows. A proof
//! that a link is active under a state root therefore proves presence of its name and absence of every name between it
//! and the next. Everything else (answers, buckets) is made of links.

use bytes::BufMut;
use commonware_codec::{Buf, EncodeSize, Error as CodecError, FixedSize, Read, ReadExt as _, Write};
use commonware_cryptography::{Sha256, sha256};
use commonware_storage::{
    merkle::mmr,
    qmdb::{
        any::{
            ordered::{Operation, Update},
            value::FixedEncoding,
        },
        current::proof::constant::OperationProof,
    },
};
use yilian_crypto::Digest;
use yilian_ledger::Name;

use crate::FinalityError;

/// Bytes of a chunk of the state's activity bitmap.
pub const CHUNK: usize = 32;
/// Most digests in the proof of one link (a path and the peaks of a tree of 2^62 leaves).
pub const MAX_DIGESTS: usize = 122;

/// The engine's proof that one operation is active under a state root.
pub type Proof = OperationProof<mmr::Family, sha256::Digest, CHUNK>;

/// One name of the state, what it stands for and which name follows (the first one after the last).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    pub name: Name,
    /// `Entry::digest`.
    pub value: Digest,
    pub next: Name,
}

/// A link with the proof that it is active.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linked {
    pub link: Link,
    pub proof: Proof,
}

impl Link {
    /// Whether no name but the link's own can exist at `name`: it lies in `name..next`, which wraps around after the
    /// last name and is everything where there is one name only.
    pub fn covers(&self, name: &Name) -> bool {
        if self.name < self.next {
            self.name <= *name && *name < self.next
        } else {
            self.name <= *name || *name < self.next
        }
    }

    /// Whether this is the last link: the next is the first.
    pub fn is_last(&self) -> bool {
        self.next <= self.name
    }
}

impl Linked {
    /// Holds iff the link is active under `root` (F-6).
    pub fn verify(&self, root: &Digest) -> Result<(), FinalityError> {
        type Op = Operation<mmr::Family, sha256::Digest, FixedEncoding<sha256::Digest>>;
        let operation = Op::Update(Update {
            key: sha256::Digest::from(self.link.name.0),
            value: sha256::Digest::from(self.link.value.0),
            next_key: sha256::Digest::from(self.link.next.0),
        });
        if self.proof.verify::<Sha256, _>(operation, &sha256::Digest::from(root.0)) {
            Ok(())
        } else {
            Err(FinalityError::Proof)
        }
    }
}

impl Write for Link {
    fn write(&self, buf: &mut impl BufMut) {
        buf.put_slice(&self.name.0);
        self.value.write(buf);
        buf.put_slice(&self.next.0);
    }
}

impl FixedSize for Link {
    const SIZE: usize = 96;
}

impl Read for Link {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, CodecError> {
        Ok(Self {
            name: Name(<[u8; 32]>::read(buf)?),
            value: Digest::read(buf)?,
            next: Name(<[u8; 32]>::read(buf)?),
        })
    }
}

impl Write for Linked {
    fn write(&self, buf: &mut impl BufMut) {
        self.link.write(buf);
        self.proof.write(buf);
    }
}

impl EncodeSize for Linked {
    fn encode_size(&self) -> usize {
        Link::SIZE + self.proof.encode_size()
    }
}

impl Read for Linked {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, CodecError> {
        Ok(Self { link: Link::read(buf)?, proof: Proof::read_cfg(buf, &MAX_DIGESTS)? })
    }
}
