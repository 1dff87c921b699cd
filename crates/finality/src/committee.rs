//! A committee: the validators' keys of one term (spec F-1).

use commonware_codec::{Copying, DecodeExt as _};
use commonware_cryptography::ed25519::PublicKey;
use commonware_utils::{
    N3f1,
    ordered::{Quorum as _, Set},
};
use yilian_crypto::{Digest, Label, hash::tagged, sign::VerifyingKey};
use yilian_ledger::{Genesis, ValidatorKey};

/// Largest committee: a certificate stays below 17 KiB.
pub use yilian_ledger::committee::MAX_COMMITTEE;

/// Sorted, distinct Ed25519 keys; a validator's index is its place in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committee {
    keys: Set<PublicKey>,
}

/// A list of keys is no committee.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitteeError {
    #[error("a committee has 1 to {MAX_COMMITTEE} members")]
    Size,
    #[error("a committee member's key is not an Ed25519 key")]
    Key,
    #[error("committee keys are not sorted and distinct")]
    Order,
}

impl Committee {
    /// The committee of raw keys, which must stand sorted and distinct (F-1).
    pub fn new(keys: &[[u8; 32]]) -> Result<Self, CommitteeError> {
        if keys.is_empty() || keys.len() > MAX_COMMITTEE {
            return Err(CommitteeError::Size);
        }
        if !keys.is_sorted_by(|a, b| a < b) {
            return Err(CommitteeError::Order);
        }
        let keys: Vec<PublicKey> = keys.iter().map(decode_key).collect::<Result<_, _>>()?;
        Ok(Self { keys: Set::from_iter_dedup(keys) })
    }

    /// The committee of epoch 0.
    pub fn genesis(genesis: &Genesis) -> Result<Self, CommitteeError> {
        Self::new(&genesis.committee)
    }

    /// Members in order.
    pub fn keys(&self) -> &Set<PublicKey> {
        &self.keys
    }

    /// Raw keys in order.
    pub fn raw(&self) -> Vec<ValidatorKey> {
        let raw =
            |key: &PublicKey| <ValidatorKey>::try_from(key.as_ref()).expect("an Ed25519 key has 32 bytes");
        self.keys.iter().map(raw).collect()
    }

    pub fn len(&self) -> usize {
        self.keys.len()
    }

    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Votes that certify: more than two thirds.
    pub fn quorum(&self) -> usize {
        self.keys.quorum::<N3f1>() as usize
    }

    /// `tagged(Committee, keys)`: what a header names as the next committee.
    pub fn digest(&self) -> Digest {
        digest_of(&self.raw())
    }
}

/// The digest of members that are a committee (F-1): they are not checked here.
pub fn digest_of(members: &[ValidatorKey]) -> Digest {
    let parts: Vec<&[u8]> = members.iter().map(AsRef::as_ref).collect();
    tagged(Label::Committee, &parts)
}

/// By the strict rules for keys (no small order, canonical), which the engine's own decoding is more lenient than.
fn decode_key(raw: &[u8; 32]) -> Result<PublicKey, CommitteeError> {
    VerifyingKey::from_bytes(raw).map_err(|_| CommitteeError::Key)?;
    PublicKey::decode(Copying(raw)).map_err(|_| CommitteeError::Key)
}
