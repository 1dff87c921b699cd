//! Sending a transaction and finding out, by proof, what became of it (spec R-13).
//!
//! A node's word on the outcome is a hint where to look: "applied" is believed when the entry is there, and a refusal
//! when it is not.

use yilian_api::ledger::TransactionStatus;
use yilian_ledger::{Entry, Name, Time, Transaction};

use crate::{
    client::{Client, at},
    error::{ClientError, Lie, NodeFault},
    host::{Host, NodeUrl},
    http,
};
use commonware_codec::Encode as _;

/// How often and how long to look again, ms.
const POLL_MS: u64 = 300;
const POLLS: usize = 100;
/// Looks after which another node gets the transaction, too: the first one may keep it to itself.
const PATIENCE: usize = 10;

impl<H: Host> Client<H> {
    /// Submits and waits until the bucket of `name` shows an entry for which `done` holds; that entry.
    pub async fn apply(
        &self,
        transaction: &Transaction,
        name: &Name,
        done: impl Fn(&Entry) -> bool,
    ) -> Result<Entry, ClientError> {
        let encoded = transaction.encode();
        let (mut node, mut status) =
            self.ask(async |node| http::ledger::submit(self.host(), node, &encoded).await).await?;
        for poll in 0..POLLS {
            if poll == PATIENCE
                && matches!(status, TransactionStatus::Pooled)
                && let Some(elsewhere) = self.submit_elsewhere(&encoded, &node).await
            {
                (node, status) = elsewhere;
            }
            match &status {
                TransactionStatus::Pooled => {}
                TransactionStatus::Applied { time, .. } => {
                    return self.confirm(&node, Time(*time), name, done).await;
                }
                TransactionStatus::Failed { code, detail, .. } => {
                    // Perhaps it failed because it had been applied before: look.
                    return match self.found(name, &done).await? {
                        Some(entry) => Ok(entry),
                        None => Err(ClientError::Rejected { code: code.clone(), detail: detail.clone() }),
                    };
                }
            }
            self.host().pause(POLL_MS).await;
            status = http::ledger::transaction(self.host(), &node, &transaction.digest())
                .await
                .map_err(|fault| at(&node, fault))?;
        }
        self.found(name, &done).await?.ok_or(ClientError::NotFinalized)
    }

    /// Every validator sees a transaction anyway, so that a second node learns nothing.
    async fn submit_elsewhere(
        &self,
        encoded: &[u8],
        first: &NodeUrl,
    ) -> Option<(NodeUrl, TransactionStatus)> {
        for node in self.nodes().into_iter().filter(|node| node != first) {
            match http::ledger::submit(self.host(), &node, encoded).await {
                Ok(status) => {
                    self.prefer(&node);
                    return Some((node, status));
                }
                Err(fault) => self.report(&node, &fault),
            }
        }
        None
    }

    async fn confirm(
        &self,
        node: &NodeUrl,
        time: Time,
        name: &Name,
        done: impl Fn(&Entry) -> bool,
    ) -> Result<Entry, ClientError> {
        // A time out of the future would make every honest node look stale.
        let bound = Time(self.now().0.saturating_add(yilian_finality::snapshot::MAX_AHEAD_MS));
        self.caused(time.min(bound));
        for _ in 0..POLLS {
            match self.found(name, &done).await {
                Ok(Some(entry)) => return Ok(entry),
                Ok(None) => break,
                // No node has got so far yet.
                Err(ClientError::StaleNode { .. }) => self.host().pause(POLL_MS).await,
                Err(other) => return Err(other),
            }
        }
        self.report(node, &NodeFault::Lied(Lie::Outcome));
        Err(ClientError::LyingNode { node: node.clone(), reason: Lie::Outcome })
    }

    async fn found(&self, name: &Name, done: impl Fn(&Entry) -> bool) -> Result<Option<Entry>, ClientError> {
        let view = self.look_up(name).await?;
        Ok(view.entry(name).filter(|entry| done(entry)).cloned())
    }
}
