//! Which mailboxes are standing ones: those that members' certificates name (spec MB-3).
//!
//! A set in memory, read from the chain's buckets of institutions and practitioners at start and again after a block
//! that changed membership. It may trail the chain by a few seconds.

use std::{
    collections::HashSet,
    sync::{PoisonError, RwLock},
    time::Duration,
};

use tokio::sync::broadcast::error::RecvError;
use yilian_chain::{BlockSummary, Handle};
use yilian_crypto::Digest;
use yilian_finality::{Prefix, Trust, verify_bucket, verify_historical};
use yilian_ledger::{Entry, Genesis, Kind, Name, Time};

use crate::view::Unavailable;

/// Between two readings, and before another try.
const PAUSE: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub struct Standing {
    /// `None` until read for the first time.
    mailboxes: RwLock<Option<HashSet<Digest>>>,
}

impl Standing {
    /// `None`: not read yet.
    pub fn contains(&self, mailbox: &Digest) -> Option<bool> {
        let mailboxes = self.mailboxes.read().unwrap_or_else(PoisonError::into_inner);
        mailboxes.as_ref().map(|set| set.contains(mailbox))
    }

    /// Keeps the set up to date until the chain stops.
    pub async fn follow(&self, chain: Handle, genesis: Genesis) {
        let mut blocks = chain.subscribe();
        loop {
            match read(&chain, &genesis).await {
                Ok(set) => *self.mailboxes.write().unwrap_or_else(PoisonError::into_inner) = Some(set),
                Err(Unavailable) => {
                    tokio::time::sleep(PAUSE / 10).await;
                    continue;
                }
            }
            loop {
                match blocks.recv().await {
                    Ok(block) if !changes_membership(&chain, &block).await => {}
                    Ok(_) | Err(RecvError::Lagged(_)) => break,
                    Err(RecvError::Closed) => return,
                }
            }
            tokio::time::sleep(PAUSE / 10).await;
        }
    }
}

async fn changes_membership(chain: &Handle, block: &BlockSummary) -> bool {
    if block.transactions == 0 {
        return false;
    }
    match chain.block(block.height).await {
        Ok(Some(view)) => view.transactions.iter().any(|t| matches!(t.kind, "add-member" | "revoke")),
        _ => true,
    }
}

async fn read(chain: &Handle, genesis: &Genesis) -> Result<HashSet<Digest>, Unavailable> {
    let now = chain.snapshot().ok_or(Unavailable)?.header.time;
    let mut mailboxes = HashSet::new();
    for kind in [Kind::Institution, Kind::Practitioner] {
        for prefix in prefixes(kind, chain) {
            let bucketed = chain.bucket(prefix).await.map_err(|_| Unavailable)?;
            let (epoch, committee) = chain.term();
            let trust = Trust::of(genesis, epoch, committee).map_err(|_| Unavailable)?;
            let header = verify_historical(&trust, &bucketed.snapshot).map_err(|_| Unavailable)?;
            let entries = verify_bucket(&header, &prefix, &bucketed.bucket).map_err(|_| Unavailable)?;
            mailboxes.extend(entries.values().flat_map(|entry| named_by(entry, now)));
        }
    }
    Ok(mailboxes)
}

/// Every prefix of the length that clients ask for.
fn prefixes(kind: Kind, chain: &Handle) -> Vec<Prefix> {
    let mut first = [0; 32];
    first[0] = kind as u8;
    let counts = chain.status().counts;
    let bits = Prefix::of(&Name(first), &counts).map_or(0, |prefix| prefix.bits.min(20));
    (0..1u32 << bits)
        .filter_map(|index| {
            let mut value = [0; 31];
            value[..4].copy_from_slice(&index.checked_shl(32 - u32::from(bits)).unwrap_or(0).to_be_bytes());
            Prefix::new(kind, bits, value)
        })
        .collect()
}

fn named_by(entry: &Entry, now: Time) -> Vec<Digest> {
    let Entry::Member(member) = entry else { return Vec::new() };
    if member.revoked_by(now) {
        return Vec::new();
    }
    let valid = member.certificates.iter().filter(|certified| certified.holds_at(now).is_ok());
    valid.filter_map(|certified| certified.certificate.contents().mailbox).collect()
}
