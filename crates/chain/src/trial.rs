//! Tickets and free transactions tried over the newest final state (spec B-27): at the door, when a peer sends them, and
//! again while they wait.
//!
//! A refusal that nothing can undo is one at once. One that another transaction can undo is believed only when this node
//! knows of no such transaction and its state is of now, and, at the door, after a second: another node may be ahead.

use std::{collections::BTreeSet, time::Duration};

use commonware_runtime::Spawner;
use commonware_storage::Context as StorageContext;
use tracing::debug;
use yilian_crypto::{Digest, ticket::Period};
use yilian_finality::snapshot::MAX_AHEAD_MS;
use yilian_ledger::{
    BlockContext, Checked, Entry, Epoch, ExecuteError, Height, Known, Name, Refusal, Time, select,
};

use crate::{
    claims::{heals, spends},
    handle::ChainError,
    platform::now_ms,
    pool::Prospect,
    query::Query,
    work::within,
};

/// Rounds of fetching for one transaction: parameters, its names, and those above a member, one by one.
const MAX_ROUNDS: usize = 16;
/// How long what a transaction needs may take to arrive here.
const GRACE: Duration = Duration::from_secs(1);
/// How often a transaction that waits is tried again.
const STEP: Duration = Duration::from_millis(100);
/// How late the newest block may be beyond the idle interval, for the state to be of now, ms.
const LATE_MS: u64 = 10_000;
/// Most transactions tried again in one round.
const MAX_REVIEWED: usize = 256;

/// How a transaction stands over the newest final state.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Trial {
    /// It pays, or it would be applied.
    Good,
    /// And what was read for that.
    Refused(Refusal, BTreeSet<Name>),
}

/// What this node makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Good,
    /// What it needs is on its way, or this node is behind.
    Waits,
    /// Nothing that this node knows of will help.
    Unlikely(Refusal),
    /// Nothing will ever help.
    Refused(Refusal),
}

impl<E: Spawner + StorageContext> Query<E> {
    /// A transaction from this node's own client. `Err`: it is not to be pooled, for this reason.
    pub async fn admit(&self, clock: &E, checked: &Checked) -> Result<Result<Prospect, Refusal>, ChainError> {
        let deadline = clock.current() + GRACE;
        let mut tip = self.shared.tip();
        let mut place = None;
        loop {
            tip.borrow_and_update();
            let refusal = match self.judge(checked, now_ms(clock)).await? {
                Verdict::Good => return Ok(Ok(Prospect::Good)),
                Verdict::Waits => return Ok(Ok(Prospect::Doubtful)),
                Verdict::Refused(refusal) => return Ok(Err(refusal)),
                Verdict::Unlikely(refusal) => refusal,
            };
            place = place.or_else(|| self.shared.doubts.try_acquire().ok());
            let Ok(rest) = deadline.duration_since(clock.current()) else { return Ok(Err(refusal)) };
            if place.is_none() {
                return Ok(Err(refusal));
            }
            // Whatever ends the wait, the loop looks again.
            let _ = within(clock, rest.min(STEP), tip.changed()).await;
        }
    }

    pub async fn judge(&self, checked: &Checked, now: u64) -> Result<Verdict, ChainError> {
        let (refusal, names) = match self.trial(checked, now).await? {
            Trial::Good => return Ok(Verdict::Good),
            Trial::Refused(refusal, names) => (refusal, names),
        };
        if !heals(refusal) {
            return Ok(Verdict::Refused(refusal));
        }
        let waits = self.is_behind(now) || self.is_coming(&names, &checked.digest());
        Ok(if waits { Verdict::Waits } else { Verdict::Unlikely(refusal) })
    }

    /// Drops what has waited for longer than the grace and cannot be in a block, for as long as the node runs.
    pub async fn review(self, clock: E) {
        loop {
            clock.sleep(2 * STEP).await;
            let now = now_ms(&clock);
            let height = self.shared.tip().borrow().height;
            let before = now.saturating_sub(GRACE.as_millis() as u64);
            let waiting = self.shared.pool().free_since(before, height, MAX_REVIEWED);
            for checked in waiting {
                let digest = checked.digest();
                match self.judge(&checked, now).await {
                    Ok(Verdict::Good) => self.shared.pool().passed(&digest, height),
                    Ok(Verdict::Unlikely(refusal) | Verdict::Refused(refusal)) => {
                        debug!(%refusal, "pooled transaction refused");
                        self.shared.drop_pooled(&digest, refusal);
                    }
                    // Damaged stores are told where blocks are executed.
                    Ok(Verdict::Waits) | Err(_) => {}
                }
            }
        }
    }

    /// The newest final block is older than it can be.
    fn is_behind(&self, now: u64) -> bool {
        let newest = self.shared.tip().borrow().time.0;
        newest.saturating_add(self.shared.parameters().idle_block_ms).saturating_add(LATE_MS) < now
    }

    /// Something pooled, or in a block that is not final, writes one of `names`.
    fn is_coming(&self, names: &BTreeSet<Name>, whose: &Digest) -> bool {
        self.shared.pending().writes_any(names) || self.shared.pool().brings(names, whose)
    }

    async fn trial(&self, checked: &Checked, now: u64) -> Result<Trial, ChainError> {
        let (height, time) = {
            let tip = self.shared.tip();
            let tip = tip.borrow();
            (Height(tip.height.0 + 1), Time(now.max(tip.time.0 + 1)))
        };
        if checked.transaction().body.payment().is_some() {
            return self.try_tickets(checked, time).await;
        }
        let context = BlockContext { chain: self.shared.chain, height, epoch: Epoch::default(), time };
        // Ended grants that still stand are not what this asks about: nothing is due.
        let swept = Entry::ExpiryCursor { period: Period(u32::MAX), index: 0 };
        let mut known = Known::from([(Name::expiry_cursor(), Some(swept))]);
        for _ in 0..MAX_ROUNDS {
            match select(&context, &self.shared.committee_keys, &known, std::slice::from_ref(checked)) {
                Ok(selection) => {
                    return Ok(match selection.refused.first() {
                        None => Trial::Good,
                        Some((_, refusal)) => Trial::Refused(*refusal, known.into_keys().collect()),
                    });
                }
                Err(ExecuteError::Missing(missing)) => {
                    for name in missing.0 {
                        let entry = self.entry(name).await?;
                        known.insert(name, entry);
                    }
                }
                Err(ExecuteError::InvalidBlock(..) | ExecuteError::Recheck(_) | ExecuteError::Damaged(_)) => {
                    return Err(ChainError::Damaged);
                }
            }
        }
        Err(ChainError::Damaged)
    }

    /// Good tickets are a place in a block, whatever becomes of what they pay for.
    async fn try_tickets(&self, checked: &Checked, time: Time) -> Result<Trial, ChainError> {
        let refused = |refusal| Ok(Trial::Refused(refusal, BTreeSet::new()));
        let parameters = self.shared.parameters();
        let payment = checked.transaction().body.payment();
        for ticket in payment.into_iter().flat_map(|payment| payment.tickets()) {
            match parameters.ticket_window(ticket.period, time) {
                // Clocks differ: a leader may be ahead.
                Err(Refusal::TicketEarly)
                    if parameters.ticket_window(ticket.period, time.after(MAX_AHEAD_MS)).is_ok() => {}
                Err(refusal) => return refused(refusal),
                Ok(()) => {}
            }
        }
        for ticket in spends(checked) {
            if self.entry(ticket).await?.is_some() {
                return refused(Refusal::TicketSpent);
            }
        }
        Ok(Trial::Good)
    }
}
