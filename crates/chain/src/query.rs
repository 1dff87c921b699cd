//! Answers from the state database (spec B-40 to B-42).
//!
//! Proofs exist against the newest applied state only, so header, certificate and proofs are taken under one read lock of
//! the database: the header is the one whose state root the locked database has. A state whose block has no certificate
//! of its own is followed at once by one that has; until then an answer waits.

use std::{sync::Arc, time::Duration};

use commonware_codec::Encode as _;
use commonware_cryptography::sha256;
use commonware_glue::stateful::db::ReadGuard;
use commonware_runtime::Spawner;
use commonware_storage::{
    Context as StorageContext,
    qmdb::{any::ordered::Update, current::ordered::proof::constant::ExclusionProof},
};
use tracing::error;
use yilian_crypto::Digest;
use yilian_finality::{
    Answer, Bucket, Link, Linked, Prefix, Snapshot,
    bucket::{MAX_LINKS, Member, Walk},
};
use yilian_ledger::{Entry, Name};

use crate::{
    block::ledger_digest,
    handle::{Answered, Bucketed, ChainError},
    shared::Shared,
    state::{Databases, State, state_key},
    work::{rest, within},
};

/// How long an answer waits for a certified state.
const PATIENCE: Duration = Duration::from_secs(5);

pub struct Query<E: Spawner + StorageContext> {
    pub shared: Arc<Shared>,
    pub databases: Databases<E>,
}

impl<E: Spawner + StorageContext> Clone for Query<E> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), databases: self.databases.clone() }
    }
}

impl<E: Spawner + StorageContext> Query<E> {
    pub async fn answer(&self, clock: &E, name: Name) -> Result<Answered, ChainError> {
        let (snapshot, state) = self.certified(clock).await?;
        let link = link(&state, &name).await?;
        let entry = if link.link.name == name { Some(self.entry_of(&link.link)?) } else { None };
        let encoded = entry.as_ref().map(|e| e.encode().to_vec());
        Ok(Answered { snapshot, answer: Answer { entry: encoded, link }, entry })
    }

    pub async fn bucket(&self, clock: &E, prefix: Prefix) -> Result<Bucketed, ChainError> {
        let _turn = self.shared.buckets.acquire().await.map_err(|_| ChainError::Stopped)?;
        let (snapshot, state) = self.certified(clock).await?;
        let first = link(&state, &prefix.first()).await?;
        let mut walk = Walk::start(&prefix, &first).ok_or(ChainError::Damaged)?;
        let entry = if walk.first_belongs() { Some(self.encoded(&first.link)?) } else { None };
        let mut members = vec![Member { link: first, entry }];
        while let Some(name) = walk.next() {
            if members.len() == MAX_LINKS {
                return Err(ChainError::BucketTooLarge);
            }
            let link = link(&state, &name).await?;
            walk.step(&link);
            let entry = Some(self.encoded(&link.link)?);
            members.push(Member { link, entry });
        }
        let bucket = Bucket::new(members).map_err(|_| ChainError::Damaged)?;
        Ok(Bucketed { snapshot, bucket })
    }

    /// Unproved.
    pub async fn entry(&self, name: Name) -> Result<Option<Entry>, ChainError> {
        let value = {
            let state = self.databases.read().await;
            state.get(&state_key(&name)).await.map_err(damaged)?
        };
        match value {
            Some(digest) => self.stored(&name, &ledger_digest(&digest)).map(Some),
            None if self.shared.tip().borrow().height.0 == 0 => {
                Ok(self.shared.genesis_entries.get(&name).cloned())
            }
            None => Ok(None),
        }
    }

    /// The database, locked, with the certified header of just its state.
    async fn certified(&self, clock: &E) -> Result<(Snapshot, ReadGuard<'_, State<E>>), ChainError> {
        let deadline = clock.current() + PATIENCE;
        let mut tip = self.shared.tip();
        loop {
            tip.mark_seen();
            let state = self.databases.read().await;
            if let Some(snapshot) = self.shared.certified(&ledger_digest(&state.root())) {
                return Ok((snapshot, state));
            }
            drop(state);
            let Some(rest) = rest(clock, deadline) else { return Err(ChainError::NotReady) };
            // Whatever ends the wait, the loop looks again.
            let _ = within(clock, rest, tip.changed()).await;
        }
    }

    fn entry_of(&self, link: &Link) -> Result<Entry, ChainError> {
        self.stored(&link.name, &link.value)
    }

    fn encoded(&self, link: &Link) -> Result<Vec<u8>, ChainError> {
        self.entry_of(link).map(|entry| entry.encode().to_vec())
    }

    fn stored(&self, name: &Name, digest: &Digest) -> Result<Entry, ChainError> {
        match self.shared.entry(name, digest) {
            Ok(Some(entry)) => Ok(entry),
            Ok(None) => Err(ChainError::Damaged),
            Err(error) => Err(damaged(error)),
        }
    }
}

/// The link that covers `name`, proved.
async fn link<E: Spawner + StorageContext>(state: &State<E>, name: &Name) -> Result<Linked, ChainError> {
    let key = state_key(name);
    if let Some(value) = state.get(&key).await.map_err(damaged)? {
        let proved = state.key_value_proof(key).await.map_err(damaged)?;
        let link = link_of(&key, &value, &proved.next_key);
        return Ok(Linked { link, proof: proved.proof });
    }
    match state.exclusion_proof(&key).await.map_err(damaged)? {
        ExclusionProof::KeyValue(proof, Update { key, value, next_key }) => {
            Ok(Linked { link: link_of(&key, &value, &next_key), proof })
        }
        ExclusionProof::Commit(..) => Err(ChainError::NotReady),
    }
}

fn link_of(name: &sha256::Digest, value: &sha256::Digest, next: &sha256::Digest) -> Link {
    Link { name: Name(name.0), value: ledger_digest(value), next: Name(next.0) }
}

fn damaged(error: impl std::fmt::Display) -> ChainError {
    error!(%error, "state cannot be read");
    ChainError::Damaged
}
