//! State that a client may act on: fetched by prefix bucket, verified against the committee, fresh (spec R-2).
//!
//! A single name is never asked for, but for names that are the same for everybody (parameters, ticket keys): the node
//! asked learns a bucket. Buckets are kept while they are fresh, and dropped at once when this client changed the chain.

mod cache;
pub mod directory;
pub mod transaction;

use std::{collections::BTreeMap, sync::Arc};

use yilian_finality::{Prefix, VerifiedHeader, verify_answer, verify_bucket};
use yilian_ledger::{Entry, Kind, Name, Parameters, Time};

use crate::{
    client::{Client, finality, lock},
    error::{ClientError, Lie, NodeFault},
    host::{Host, NodeUrl},
    http,
};
pub use cache::Cache;

/// A whole bucket: complete, proved, and from when.
#[derive(Clone, Debug)]
pub struct View {
    pub header: VerifiedHeader,
    pub node: NodeUrl,
    entries: Arc<BTreeMap<Name, Entry>>,
}

impl View {
    /// The ledger's time of this view.
    pub fn time(&self) -> Time {
        self.header.header().time
    }

    /// `None`: proved absent.
    pub fn entry(&self, name: &Name) -> Option<&Entry> {
        self.entries.get(name)
    }

    pub fn entries(&self) -> impl Iterator<Item = (&Name, &Entry)> {
        self.entries.iter()
    }
}

impl<H: Host> Client<H> {
    /// A fresh verified header.
    pub async fn header(&self) -> Result<VerifiedHeader, ClientError> {
        if let Some(header) = lock(&self.cache).header(self.oldest()) {
            return Ok(header);
        }
        let (_, header) =
            self.ask(async |node| self.check(&http::ledger::newest(self.host(), node).await?)).await?;
        lock(&self.cache).keep_header(header.clone());
        Ok(header)
    }

    /// The bucket that `name` lies in, complete. Absence and grants are asked for anew. What is kept and not stale serves
    /// for a name that is there: a record never changes; a member may have been revoked since (see `member_now`).
    pub async fn look_up(&self, name: &Name) -> Result<View, ClientError> {
        let kept = lock(&self.cache).view(name, self.oldest());
        match kept {
            Some(view) if view.entry(name).is_some() && name.kind() != Some(Kind::Grant) => Ok(view),
            _ => self.bucket_of(name).await,
        }
    }

    /// The same, content with whatever is not stale: for scans over many names.
    pub async fn scan(&self, name: &Name) -> Result<View, ClientError> {
        let kept = lock(&self.cache).view(name, self.oldest());
        match kept {
            Some(view) => Ok(view),
            None => self.bucket_of(name).await,
        }
    }

    async fn bucket_of(&self, name: &Name) -> Result<View, ClientError> {
        let header = self.header().await?;
        let prefix = Prefix::of(name, &header.header().counts).ok_or(ClientError::WrongEntry)?;
        self.bucket(prefix).await
    }

    /// The same, asked anew: where what was true a minute ago does not do, as for a grant that may be withdrawn.
    pub async fn look_up_now(&self, name: &Name) -> Result<View, ClientError> {
        let header = self.header().await?;
        let prefix = Prefix::of(name, &header.header().counts).ok_or(ClientError::WrongEntry)?;
        self.bucket(prefix).await
    }

    /// Every entry of a kind: institutions, intermediates, roots.
    pub async fn whole(&self, kind: Kind) -> Result<View, ClientError> {
        let prefix = Prefix { kind, bits: 0, value: [0; 31] };
        if let Some(view) = lock(&self.cache).exactly(&prefix, self.oldest()) {
            return Ok(view);
        }
        self.bucket(prefix).await
    }

    /// The same, asked anew.
    pub(crate) async fn whole_now(&self, kind: Kind) -> Result<View, ClientError> {
        self.bucket(Prefix { kind, bits: 0, value: [0; 31] }).await
    }

    async fn bucket(&self, prefix: Prefix) -> Result<View, ClientError> {
        let (node, (header, entries)) = self
            .ask(async |node| {
                let (snapshot, bucket) = http::ledger::bucket(self.host(), node, &prefix).await?;
                let header = self.check(&snapshot)?;
                let entries = verify_bucket(&header, &prefix, &bucket).map_err(finality)?;
                Ok((header, entries))
            })
            .await?;
        let view = View { header, node, entries: Arc::new(entries) };
        let mut cache = lock(&self.cache);
        cache.keep_header(view.header.clone());
        cache.keep(prefix, view.clone());
        Ok(view)
    }

    /// One name that everybody asks for.
    pub(crate) async fn public_entry(&self, name: &Name) -> Result<Option<Entry>, ClientError> {
        let (_, entry) = self
            .ask(async |node| {
                let (snapshot, answer) = http::ledger::entry(self.host(), node, name).await?;
                let header = self.check(&snapshot)?;
                verify_answer(&header, name, &answer).map_err(finality)
            })
            .await?;
        Ok(entry)
    }

    /// The chain's parameters as they are now.
    pub async fn parameters(&self) -> Result<Parameters, ClientError> {
        match self.public_entry(&Name::parameters()).await? {
            Some(Entry::Parameters(parameters)) => Ok(parameters),
            _ => Err(ClientError::WrongEntry),
        }
    }

    /// Who a node is: it holds the key it names, and the key is in the committee. Everything else is a lie.
    pub(crate) async fn audience(&self, node: &NodeUrl) -> Result<yilian_api::signing::Audience, NodeFault> {
        if let Some(audience) = lock(&self.cache).audience(node) {
            return Ok(audience);
        }
        let key = http::ledger::identity(self.host(), node, self.chain().0).await?;
        if !self.genesis().committee.contains(&key) {
            return Err(NodeFault::Lied(Lie::Identity));
        }
        let audience = yilian_api::signing::Audience { chain: self.chain().0, node: key };
        lock(&self.cache).keep_audience(node, audience);
        Ok(audience)
    }

    /// Forgets what is older than `time`: this client caused a change then.
    pub(crate) fn caused(&self, time: Time) {
        lock(&self.cache).raise_floor(time);
    }

    /// Forgets all buckets: the next look-ups ask again.
    pub fn refresh(&self) {
        lock(&self.cache).clear();
    }

    /// Headers before this are stale.
    fn oldest(&self) -> Time {
        Time(self.now().0.saturating_sub(self.genesis().parameters.stale_after_ms))
    }
}
