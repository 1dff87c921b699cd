//! When to propose (spec B-6) and the engine's timeouts that go with it.
//!
//! A leader proposes at once when transactions wait, and an empty block when the parent is `idle_block_ms` old. In between
//! it waits, but no longer than its view lasts at the others: then the view passes, without a block, to the next leader.
//! So an idle chain changes leader every two seconds, and a leader that has died costs two seconds at most.

use std::{sync::Arc, time::Duration};

use commonware_consensus::{Application, marshal::ancestry::Ancestry, simplex::scheme::ed25519::Scheme};
use commonware_cryptography::Digested;
use commonware_runtime::{Clock, Supervisor};
use futures::{StreamExt as _, future::select};
use yilian_finality::Header;

use crate::{application::Consensus, block::Block, platform::now_ms, shared::Shared, work::within};

/// How long a view waits for its leader's block.
pub const LEADER_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a view waits for its block to be certified.
pub const CERTIFICATION_TIMEOUT: Duration = Duration::from_secs(3);
/// How often a vote to pass a view is repeated.
pub const TIMEOUT_RETRY: Duration = Duration::from_secs(1);
/// A leader not heard from for so long is skipped at once.
pub const SKIP_TIMEOUT: Duration = Duration::from_secs(6);
/// Before the end of its view a leader begins no block: it would meet votes to pass the view.
const GUARD_MS: u64 = 100;
/// Longest wait for a block's time to come within 2 s of the own clock, ms. A leader that is further ahead is refused.
pub const MAX_TIME_WAIT_MS: u64 = 1_000;
/// How long a transaction may wait in the pool, ms.
pub const MAX_POOLED_MS: u64 = 600_000;

/// One leader's view.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// An empty block is due.
    due: u64,
    /// Too late to begin a block.
    end: u64,
}

impl Pace {
    /// `now` in ms.
    pub fn start(now: u64, parent: &Header, idle_block_ms: u64) -> Self {
        Self { due: due(parent, idle_block_ms), end: now + LEADER_TIMEOUT.as_millis() as u64 - GUARD_MS }
    }

    /// Whether an empty block is due on top of `parent`.
    pub fn is_due_after(parent: &Header, now: u64, idle_block_ms: u64) -> bool {
        now >= due(parent, idle_block_ms)
    }

    pub fn is_due(&self, now: u64) -> bool {
        now >= self.due
    }

    /// How long to wait for transactions at most; `None` when the view is over.
    pub fn rest(&self, now: u64) -> Option<Duration> {
        let until = if self.is_due(now) { self.end } else { self.due.min(self.end) };
        (now < self.end).then(|| Duration::from_millis(until.saturating_sub(now).max(1)))
    }
}

/// The first block is due at once.
fn due(parent: &Header, idle_block_ms: u64) -> u64 {
    if parent.height.0 == 0 { 0 } else { parent.time.0.saturating_add(idle_block_ms) }
}

/// Asks for a block only when there is something to build: the engine finalizes nothing while a block is being built, so
/// a leader must not wait inside of it.
#[derive(Clone)]
pub struct Paced<A> {
    pub inner: A,
    pub shared: Arc<Shared>,
}

impl<E, A> Application<E> for Paced<A>
where
    E: Clock + Supervisor,
    A: Application<E, SigningScheme = Scheme, Context = Consensus, Block = Block, Input = ()> + Sync,
{
    type SigningScheme = Scheme;
    type Context = Consensus;
    type Block = Block;
    type Input = ();

    async fn propose(
        &mut self,
        (clock, consensus): (E, Consensus),
        ancestry: impl Ancestry<Block>,
        (): (),
    ) -> Option<Digested<Block>> {
        let parent: Digested<Block> = ancestry.clone().next().await?;
        let (parent, digest) = (&parent.inner().header, parent.inner().header.digest());
        let (mut arrivals, mut tip) = (self.shared.arrivals(), self.shared.tip());
        let pace = Pace::start(now_ms(&clock), parent, self.shared.parameters().idle_block_ms);
        loop {
            arrivals.mark_seen();
            tip.mark_seen();
            self.shared.reconsider(&digest);
            if pace.is_due(now_ms(&clock)) || !self.shared.candidates(&digest).is_empty() {
                let context = (clock.child("build"), consensus.clone());
                let block = self.inner.propose(context, ancestry.clone(), ()).await;
                if block.is_some() {
                    return block;
                }
            }
            let rest = pace.rest(now_ms(&clock))?;
            // Whatever ends the wait, the loop looks again.
            let news = async {
                let (arrival, block) = (arrivals.changed(), tip.changed());
                futures::pin_mut!(arrival, block);
                let _ = select(arrival, block).await;
            };
            let _ = within(&clock, rest, news).await;
        }
    }

    async fn verify(&mut self, context: (E, Consensus), ancestry: impl Ancestry<Block>) -> bool {
        self.inner.verify(context, ancestry).await
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use yilian_crypto::Digest;
    use yilian_ledger::{Counts, Time};
    use yilian_testkit::{finality, ledger::World};

    use super::*;

    fn parent(height: u64) -> Header {
        let genesis = World::new(1).genesis;
        finality::header(&genesis, Digest([9; 32]), Counts::default(), height, Time(50_000))
    }

    #[test]
    fn an_empty_block_is_due_when_the_parent_is_old_enough() {
        let pace = Pace::start(50_100, &parent(7), 1_000);
        assert!(!pace.is_due(50_999));
        assert!(pace.is_due(51_000));
        assert_eq!(pace.rest(50_400), Some(Duration::from_millis(600)));
    }

    #[test]
    fn the_first_block_is_due_at_once() {
        let mut genesis = parent(1);
        genesis.height.0 = 0;
        assert!(Pace::start(1, &genesis, 10_000).is_due(1));
    }

    #[test]
    fn a_leader_stops_before_its_view_ends() {
        let pace = Pace::start(50_000, &parent(7), 10_000);
        assert_eq!(pace.rest(50_000), Some(Duration::from_millis(1_900)));
        assert_eq!(pace.rest(51_900), None);
    }
}
