//! Every key of a wallet from the seed, by label and index (spec W-11).
//!
//! One owner key, salt, draft and record delegator key and mailbox a record index; one withdrawal key, blinding and
//! receipt mailbox a grant. Nothing here remembers what was used: that is the state's duty.

use yilian_api::mailbox::mailbox_id;
use yilian_crypto::{
    Digest, Label, Secret,
    hash::tagged,
    kdf,
    seal::{SealingKey, SealingSecretKey},
    seed::Seed,
    sign::{SigningKey, VerifyingKey},
};
use yilian_delegation::{Blinding, DelegatorSecretKey};
use yilian_ledger::name::{Aid, Bid};

use super::index::{GrantIndex, Lane, ObjectIndex, RecordIndex};

/// Derives; holds the seed, so it is kept as short as the wallet is open.
#[derive(Clone, Debug)]
pub struct Keys {
    seed: Seed,
}

/// A mailbox's keys: who may empty it, and to what it is sealed.
#[derive(Clone, Debug)]
pub struct MailboxKeys {
    pub owner: SigningKey,
    pub sealing: SealingSecretKey,
}

/// A backup's keys for one lane: its name is the hash of the write key.
#[derive(Clone, Debug)]
pub struct BackupKeys {
    pub write: SigningKey,
    pub encryption: Secret<[u8; 32]>,
}

/// Where to leave a message: what an offer or a card shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MailboxAddress {
    pub id: Digest,
    pub sealing: SealingKey,
}

crate::wire::layout!(MailboxAddress { id, sealing });

/// `oc`: hides the owner key in an offer and binds it (spec R-5).
pub fn owner_commitment(owner: &VerifyingKey, salt: &[u8; 32]) -> Digest {
    tagged(Label::OwnerCommitment, &[owner.as_bytes(), salt])
}

impl MailboxKeys {
    /// Both keys from one 32-byte secret.
    pub fn from_seed(secret: &Secret<[u8; 32]>) -> Self {
        Self {
            owner: SigningKey::from_seed(kdf::derive(secret.expose(), Label::MailboxRequest, &[])),
            sealing: SealingSecretKey::from_seed(&kdf::derive(secret.expose(), Label::MailboxSeal, &[])),
        }
    }

    pub fn id(&self) -> Digest {
        mailbox_id(&self.owner.verifying_key())
    }

    pub fn address(&self) -> MailboxAddress {
        MailboxAddress { id: self.id(), sealing: self.sealing.public() }
    }
}

impl Keys {
    pub fn new(seed: Seed) -> Self {
        Self { seed }
    }

    pub fn seed(&self) -> &Seed {
        &self.seed
    }

    fn record_key(&self, label: Label, record: RecordIndex) -> Secret<[u8; 32]> {
        self.seed.derive(label, &[record.number()])
    }

    fn grant_key(&self, label: Label, record: RecordIndex, grant: GrantIndex) -> Secret<[u8; 32]> {
        self.seed.derive(label, &[record.number(), grant.number()])
    }

    pub fn owner(&self, record: RecordIndex) -> SigningKey {
        SigningKey::from_seed(self.record_key(Label::WalletOwner, record))
    }

    pub fn aid(&self, record: RecordIndex) -> Aid {
        Aid::of(&self.owner(record).verifying_key())
    }

    pub fn salt(&self, record: RecordIndex) -> Secret<[u8; 32]> {
        self.record_key(Label::WalletSalt, record)
    }

    pub fn owner_commitment(&self, record: RecordIndex) -> Digest {
        owner_commitment(&self.owner(record).verifying_key(), self.salt(record).expose())
    }

    /// Whose public key the offer shows; opens drafts only.
    pub fn draft_delegator(&self, record: RecordIndex) -> DelegatorSecretKey {
        DelegatorSecretKey::from_seed(&self.record_key(Label::WalletDraft, record))
    }

    /// Whose public key is shown to nobody.
    pub fn record_delegator(&self, record: RecordIndex) -> DelegatorSecretKey {
        DelegatorSecretKey::from_seed(&self.record_key(Label::WalletRecord, record))
    }

    /// One-time mailbox of an offer.
    pub fn mailbox(&self, record: RecordIndex) -> MailboxKeys {
        MailboxKeys::from_seed(&self.record_key(Label::WalletMailbox, record))
    }

    pub fn withdrawal(&self, record: RecordIndex, grant: GrantIndex) -> SigningKey {
        SigningKey::from_seed(self.grant_key(Label::WalletWithdrawal, record, grant))
    }

    pub fn bid(&self, record: RecordIndex, grant: GrantIndex) -> Bid {
        Bid::of(&self.withdrawal(record, grant).verifying_key())
    }

    pub fn blinding(&self, record: RecordIndex, grant: GrantIndex) -> Blinding {
        Blinding::from_seed(&self.grant_key(Label::WalletBlinding, record, grant))
    }

    /// Where the receipt for a grant's opening message is left.
    pub fn receipt_mailbox(&self, record: RecordIndex, grant: GrantIndex) -> MailboxKeys {
        MailboxKeys::from_seed(&self.grant_key(Label::WalletMailbox, record, grant))
    }

    pub fn pin(&self, object: ObjectIndex) -> SigningKey {
        SigningKey::from_seed(self.seed.derive(Label::WalletPin, &[object.number()]))
    }

    /// Known to the authority as this wallet's; appears nowhere else.
    pub fn authority(&self) -> SigningKey {
        SigningKey::from_seed(self.seed.derive(Label::AuthorityRequest, &[]))
    }

    pub fn backup(&self, lane: Lane) -> BackupKeys {
        let lane = u64::from(lane.number());
        BackupKeys {
            write: SigningKey::from_seed(self.seed.derive(Label::WalletBackup, &[lane, 0])),
            encryption: self.seed.derive(Label::WalletBackup, &[lane, 1]),
        }
    }

    /// Encrypts the wallet's state on this device.
    pub(crate) fn state(&self) -> Secret<[u8; 32]> {
        self.seed.derive(Label::WalletState, &[])
    }
}
