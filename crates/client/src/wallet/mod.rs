//! The patient's wallet: a seed, and a state that is saved before anything that depends on it leaves (spec W-*).

pub mod index;
pub mod keys;
pub mod purse;
pub mod state;
pub mod vault;

use commonware_codec::Encode as _;
use yilian_crypto::{Label, Secret, aead::AeadError, seed::Seed};
use yilian_ledger::{ChainId, Time};

use self::{
    index::{GrantIndex, Lane, ObjectIndex, RecordIndex},
    keys::Keys,
    state::{Note, Offer, OfferStatus, Record, State},
};
use crate::wire::decode;

/// Where the encrypted state is kept: a file, IndexedDB. `save` returns when the bytes will survive a crash.
#[allow(async_fn_in_trait)]
pub trait Store {
    async fn save(&mut self, sealed: &[u8]) -> Result<(), StoreError>;
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the wallet could not be saved: {0}")]
pub struct StoreError(pub String);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WalletError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the wallet file is damaged or of another seed")]
    Sealed(#[from] AeadError),
    #[error("the wallet file is of an unknown form")]
    Malformed,
    #[error(
        "the wallet file was written in format {found}, this program knows format {VERSION}: use the newer program of the two"
    )]
    Version { found: u8 },
    #[error("the wallet is of another chain")]
    Chain,
    #[error("the lane's indexes are used up")]
    Exhausted,
}

/// The only version of the state.
const VERSION: u8 = 1;

/// An open wallet.
#[derive(Debug)]
pub struct Wallet<S> {
    keys: Keys,
    state: State,
    store: S,
}

impl<S: Store> Wallet<S> {
    /// A new wallet, or a further device of an old one with a lane of its own; saved at once.
    pub async fn create(seed: Seed, chain: ChainId, lane: Lane, store: S) -> Result<Self, WalletError> {
        let mut wallet = Self { keys: Keys::new(seed), state: State::new(chain, lane), store };
        wallet.save().await?;
        Ok(wallet)
    }

    /// From what the store was given last.
    pub fn open(seed: Seed, chain: ChainId, sealed: &[u8], store: S) -> Result<Self, WalletError> {
        let keys = Keys::new(seed);
        let bytes = vault::open(&keys.state(), Label::WalletState, sealed)?;
        // Another version may have another layout behind this byte.
        match bytes.expose().first() {
            Some(&VERSION) => {}
            Some(&found) => return Err(WalletError::Version { found }),
            None => return Err(WalletError::Malformed),
        }
        let state: State = decode(bytes.expose()).map_err(|_| WalletError::Malformed)?;
        match state {
            State { chain: other, .. } if other != chain => Err(WalletError::Chain),
            state => Ok(Self { keys, state, store }),
        }
    }

    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    pub fn store(&self) -> &S {
        &self.store
    }

    pub fn into_store(self) -> S {
        self.store
    }

    /// Writes the state; every flow calls it before it acts on what changed.
    pub(crate) async fn save(&mut self) -> Result<(), WalletError> {
        let bytes = Secret::new(self.state.encode().to_vec());
        let sealed = vault::seal(&self.keys.state(), Label::WalletState, bytes.expose());
        Ok(self.store.save(&sealed).await?)
    }

    pub(crate) fn state_mut(&mut self) -> &mut State {
        &mut self.state
    }

    /// A record index that was never given out on this lane; it is on disk before the caller sees it.
    pub(crate) async fn draw_record(
        &mut self,
        status: OfferStatus,
        now: Time,
        note: &str,
    ) -> Result<RecordIndex, WalletError> {
        let counter = self.state.next_record;
        let index = RecordIndex::new(self.state.lane, counter);
        self.state.next_record = counter.checked_add(1).ok_or(WalletError::Exhausted)?;
        let offer = Offer { created: now, status, note: Note::clipped(note) };
        self.state.offers.insert(index, offer);
        self.save().await?;
        Ok(index)
    }

    /// A grant index of a record, never given out on this lane; on disk before the caller sees it.
    pub(crate) async fn draw_grant(
        &mut self,
        record: RecordIndex,
    ) -> Result<Option<GrantIndex>, WalletError> {
        let lane = self.state.lane;
        let Some(entry) = self.state.records.get_mut(&record) else { return Ok(None) };
        let counter = entry.next_grant;
        entry.next_grant = counter.checked_add(1).ok_or(WalletError::Exhausted)?;
        self.save().await?;
        Ok(Some(GrantIndex::new(lane, counter)))
    }

    /// A pin key's index; on disk before the caller sees it.
    pub(crate) async fn draw_object(&mut self) -> Result<ObjectIndex, WalletError> {
        let counter = self.state.next_object;
        self.state.next_object = counter.checked_add(1).ok_or(WalletError::Exhausted)?;
        self.save().await?;
        Ok(ObjectIndex::new(self.state.lane, counter))
    }

    /// Notes that a record is on the chain; keeps what is known of it.
    pub(crate) async fn keep_record(
        &mut self,
        index: RecordIndex,
        record: Record,
    ) -> Result<(), WalletError> {
        if let Some(offer) = self.state.offers.get_mut(&index) {
            offer.status = OfferStatus::Adopted;
        }
        match self.state.records.get_mut(&index) {
            Some(known) => {
                known.time = record.time;
                known.summary = record.summary.or_else(|| known.summary.take());
            }
            None => {
                self.state.records.insert(index, record);
            }
        }
        self.save().await
    }

    /// Changes an offer's status and saves.
    pub(crate) async fn mark_offer(
        &mut self,
        index: RecordIndex,
        status: OfferStatus,
    ) -> Result<(), WalletError> {
        if let Some(offer) = self.state.offers.get_mut(&index) {
            offer.status = status;
        }
        self.save().await
    }

    /// A note of one's own on a record.
    pub async fn annotate(&mut self, index: RecordIndex, note: &str) -> Result<(), WalletError> {
        if let Some(record) = self.state.records.get_mut(&index) {
            record.note = Note::clipped(note);
        }
        self.save().await
    }
}
