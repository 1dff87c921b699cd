//! A certified member's keys (spec W-16): signing, sealing, delegatee and mailbox keys from one seed, by generation.
//!
//! Renewal begins a generation: new signing, sealing and delegatee keys. The older ones stay derivable, so that earlier
//! grants and messages stay readable; the standing mailbox keeps its key and so its id.

use rand_core::CryptoRng;
use yilian_crypto::{
    Digest, Label,
    certificate::{Certificate, Level},
    seal::SealingSecretKey,
    seed::Seed,
    sign::SigningKey,
};
use yilian_delegation::{DelegateeSecretKey, ProofOfPossession};
use yilian_ledger::{Kind, name::MemberId};

use crate::wallet::keys::MailboxKeys;

const SIGNING: u64 = 0;
const SEALING: u64 = 1;
const DELEGATEE: u64 = 2;
const MAILBOX: u64 = 3;

/// Most generations tried when something old is opened.
pub const MAX_GENERATIONS: u32 = 64;

/// A member's key ring.
#[derive(Clone, Debug)]
pub struct MemberKeys {
    seed: Seed,
    generation: u32,
}

impl MemberKeys {
    /// `generation`: 0 at first, one more after each renewal.
    pub fn new(seed: Seed, generation: u32) -> Self {
        Self { seed, generation: generation.min(MAX_GENERATIONS - 1) }
    }

    pub fn generation(&self) -> u32 {
        self.generation
    }

    pub fn seed(&self) -> &Seed {
        &self.seed
    }

    /// The keys of the next certificate.
    pub fn renewed(&self) -> Self {
        Self::new(self.seed.clone(), self.generation + 1)
    }

    pub fn signing(&self) -> SigningKey {
        SigningKey::from_seed(self.seed.derive(Label::MemberKeys, &[SIGNING, u64::from(self.generation)]))
    }

    pub fn sealing(&self) -> SealingSecretKey {
        self.sealing_of(self.generation)
    }

    pub fn delegatee(&self) -> DelegateeSecretKey {
        self.delegatee_of(self.generation)
    }

    /// Owner of the standing mailbox, the same in every generation.
    pub fn mailbox(&self) -> SigningKey {
        SigningKey::from_seed(self.seed.derive(Label::MemberKeys, &[MAILBOX]))
    }

    pub fn mailbox_id(&self) -> Digest {
        yilian_api::mailbox::mailbox_id(&self.mailbox().verifying_key())
    }

    /// Proof of possession of the delegatee key, as the certificate carries it.
    pub fn prove_delegatee(&self, member: MemberId, rng: &mut impl CryptoRng) -> ProofOfPossession {
        self.delegatee().prove(member.possession_context(), rng)
    }

    /// Newest first: with which an incoming message is tried.
    pub(crate) fn mailbox_ring(&self) -> impl Iterator<Item = MailboxKeys> + '_ {
        let owner = self.mailbox();
        self.generations().map(move |n| MailboxKeys { owner: owner.clone(), sealing: self.sealing_of(n) })
    }

    /// Newest first: with which a grant is tried.
    pub(crate) fn delegatee_ring(&self) -> impl Iterator<Item = DelegateeSecretKey> + '_ {
        self.generations().map(|n| self.delegatee_of(n))
    }

    fn generations(&self) -> impl Iterator<Item = u32> + use<> {
        (0..=self.generation).rev()
    }

    fn sealing_of(&self, generation: u32) -> SealingSecretKey {
        let ikm = self.seed.derive(Label::MemberKeys, &[SEALING, u64::from(generation)]);
        SealingSecretKey::from_seed(&ikm)
    }

    fn delegatee_of(&self, generation: u32) -> DelegateeSecretKey {
        let ikm = self.seed.derive(Label::MemberKeys, &[DELEGATEE, u64::from(generation)]);
        DelegateeSecretKey::from_seed(&ikm)
    }
}

/// A member at work: keys, identity, current certificate.
#[derive(Clone, Debug)]
pub struct Member {
    pub id: MemberId,
    pub certificate: Certificate,
    pub keys: MemberKeys,
}

/// The certificate is not for these keys, or of a level that neither writes nor reads records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MemberError {
    #[error("the certificate is not for this signing key")]
    Keys,
    #[error("only institutions and practitioners write and read records")]
    Level,
}

impl Member {
    pub fn new(id: MemberId, certificate: Certificate, keys: MemberKeys) -> Result<Self, MemberError> {
        if certificate.contents().signing_key != keys.signing().verifying_key() {
            return Err(MemberError::Keys);
        }
        match certificate.contents().level {
            Level::Institution | Level::Practitioner => Ok(Self { id, certificate, keys }),
            Level::Root | Level::Intermediate => Err(MemberError::Level),
        }
    }

    pub fn kind(&self) -> Kind {
        match self.certificate.contents().level {
            Level::Practitioner => Kind::Practitioner,
            _ => Kind::Institution,
        }
    }
}
