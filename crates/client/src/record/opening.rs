//! What opens a record (spec R-8), and dossiers (spec R-9).

use bytes::BufMut;
use commonware_codec::{Buf, Error, FixedSize, Read, ReadExt as _, Write};
use yilian_crypto::{Digest, Label, Secret, hash::tagged, sign::VerifyingKey, stream::DataKey};
use yilian_dag::{Cid, Codec};
use yilian_delegation::{CapsuleKey, FreshCapsuleKey, Wrap, Wrapped};

use crate::wire::{Text, at_most, layout};

/// Most records in one dossier.
pub const MAX_DOSSIER: usize = 1024;

/// Content, its key, and the hiding part of `com`: what `K` and `W` give.
#[derive(Clone, Debug)]
pub struct ContentKey {
    pub cid: Cid,
    pub key: DataKey,
    pub commitment: Secret<[u8; 32]>,
}

/// `K` does not open `W`, or what is inside is no content address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the record's key does not open")]
pub struct ContentKeyError;

impl ContentKey {
    /// From `K` and `W`.
    pub fn unwrap(key: &CapsuleKey, wrapped: &Wrapped) -> Result<Self, ContentKeyError> {
        let wrap = key.unwrap(wrapped).map_err(|_| ContentKeyError)?;
        let codec = Codec::from_u64(u64::from(wrap.codec)).map_err(|_| ContentKeyError)?;
        Ok(Self {
            cid: Cid::new(codec, wrap.digest.0),
            key: DataKey::from_bytes(wrap.data_key.clone()),
            commitment: key.commitment_key(),
        })
    }

    /// `com = H(CID ‖ HKDF(K, "com"))`: which content an entry stands for.
    pub fn com(&self) -> Digest {
        com(&self.cid, &self.commitment)
    }
}

/// `com` of a record's entry (spec R-8).
pub fn com(cid: &Cid, commitment: &Secret<[u8; 32]>) -> Digest {
    tagged(Label::ContentCommitment, &[&cid.to_compact(), commitment.expose()])
}

/// `W` for a content, under a capsule's key that was just made.
pub fn wrap(capsule_key: FreshCapsuleKey, cid: &Cid, key: &DataKey) -> Wrapped {
    let wrap = Wrap {
        data_key: Secret::new(*key.expose()),
        codec: cid.codec() as u8,
        digest: Digest(*cid.digest()),
    };
    capsule_key.wrap(&wrap).expect("a Cid has one of the two codecs that wrapping takes")
}

/// Opens one record without its capsule: inside a dossier.
#[derive(Clone, Debug)]
pub struct RecordOpening {
    pub owner: VerifyingKey,
    pub salt: Secret<[u8; 32]>,
    pub content: ContentKey,
}

impl Write for RecordOpening {
    fn write(&self, buf: &mut impl BufMut) {
        self.owner.write(buf);
        self.salt.expose().write(buf);
        self.content.cid.write(buf);
        self.content.key.expose().write(buf);
        self.content.commitment.expose().write(buf);
    }
}

impl FixedSize for RecordOpening {
    const SIZE: usize = VerifyingKey::SIZE + 32 + Cid::SIZE + 32 + 32;
}

impl Read for RecordOpening {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, _: &()) -> Result<Self, Error> {
        Ok(Self {
            owner: VerifyingKey::read(buf)?,
            salt: Secret::new(<[u8; 32]>::read(buf)?),
            content: ContentKey {
                cid: Cid::read(buf)?,
                key: DataKey::from_bytes(Secret::new(<[u8; 32]>::read(buf)?)),
                commitment: Secret::new(<[u8; 32]>::read(buf)?),
            },
        })
    }
}

/// Body of a record of form `Dossier`.
#[derive(Clone, Debug)]
pub struct Dossier {
    pub title: Text<256>,
    pub records: Vec<RecordOpening>,
}

layout!(Dossier { title, records: at_most(MAX_DOSSIER) });
