//! Following the chain of committees (spec F-11 to F-15, R-2).
//!
//! A header that the known committee did not certify makes the client ask the node that showed it how its committee came
//! into office. Every step is verified against the committee before, and kept; a node that cannot lead there is named.

use yilian_api::ledger::MAX_STEPS;
use yilian_finality::{FinalityError, Followed, Snapshot, Trust, VerifiedHeader, verify};
use yilian_ledger::ValidatorKey;

use crate::{
    client::{Client, finality, lock},
    error::NodeFault,
    host::{Host, NodeUrl},
    http,
};

/// Most changes of the committee that are followed at a time: the next question goes on where this one stopped.
const MAX_FOLLOWED: usize = 1024;

impl<H: Host> Client<H> {
    /// The newest committee that this client knows; to be kept durably ([`Trust::keep`]).
    pub fn trust(&self) -> Trust {
        lock(&self.trust).clone()
    }

    /// Takes up what was kept, unless it is older than what is known.
    pub fn resume(&self, kept: Trust) {
        let mut trust = lock(&self.trust);
        if kept.chain() == trust.chain() && kept.epoch() > trust.epoch() {
            *trust = kept;
        }
    }

    /// Whether a key is in the newest committee known.
    pub(crate) fn validates(&self, key: &ValidatorKey) -> bool {
        lock(&self.trust).committee().raw().contains(key)
    }

    /// Certificate and freshness of a header that a node showed, and that it is not older than what this client caused.
    pub(crate) async fn check(
        &self,
        node: &NodeUrl,
        snapshot: &Snapshot,
    ) -> Result<VerifiedHeader, NodeFault> {
        let now = self.host().now();
        let header = match verify(&self.trust(), snapshot, now) {
            Err(FinalityError::UnknownCommittee { .. }) => {
                self.follow(node).await?;
                verify(&self.trust(), snapshot, now)
            }
            other => other,
        };
        let header = header.map_err(finality)?;
        let (floor, time) = (lock(&self.cache).floor(), header.header().time);
        if time < floor {
            return Err(NodeFault::Stale { age_ms: floor.0 - time.0 });
        }
        Ok(header)
    }

    /// Follows the committees as far as a node leads.
    async fn follow(&self, node: &NodeUrl) -> Result<(), NodeFault> {
        for _ in 0..MAX_FOLLOWED / MAX_STEPS {
            let from = self.trust().epoch();
            let steps = http::ledger::steps(self.host(), node, from).await?;
            let mut moved = false;
            for step in &steps {
                moved |= lock(&self.trust).follow(step).map_err(finality)? == Followed::New;
            }
            if !moved || steps.len() < MAX_STEPS {
                return Ok(());
            }
        }
        Ok(())
    }
}
