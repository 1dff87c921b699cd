//! Ticket keys ahead of time (spec T-11): made early, brought into ledger state by governance before their period begins,
//! forgotten after it. Every step can be repeated: a key is made once, and what is in the ledger is asked of the ledger.

use std::{sync::Arc, time::Duration};

use yilian_crypto::ticket::{Class, Period, TicketKey};
use yilian_ledger::{Entry, Name, Time, transaction::Action};

use crate::{Authority, AuthorityError, Chain, ChainError, chain::approve};

/// Keys stand in the ledger for the current period and so many after it: wallets fetch for the next one, which must not wait
/// for a key.
pub const LEAD: u32 = 2;
/// Keys are made for so many periods after the current one, so that none is waited for.
pub const PREPARED: u32 = 4;

#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    #[error(transparent)]
    Chain(#[from] ChainError),
    #[error("the ledger holds another ticket key for {} in period {}", .0.as_str(), .1.0)]
    OtherKey(Class, Period),
    #[error("making a key was interrupted")]
    Interrupted,
}

/// Runs until dropped. Errors are logged and the step is tried again.
pub async fn run(authority: Arc<Authority>, chain: Arc<dyn Chain>, clock: impl Fn() -> Time + Send) {
    let pause = pause(authority.genesis().parameters.period_ms);
    loop {
        if let Err(error) = step(&authority, chain.as_ref(), clock()).await {
            tracing::warn!(%error, "ticket keys are not all set");
        }
        tokio::time::sleep(pause).await;
    }
}

/// Ten times a period, at most twice a second, at least every ten seconds.
fn pause(period_ms: u64) -> Duration {
    Duration::from_millis((period_ms / 10).clamp(500, 10_000))
}

/// Brings what is due into the ledger, in the order of periods, then prepares what will be due.
pub async fn step(authority: &Arc<Authority>, chain: &dyn Chain, now: Time) -> Result<(), ScheduleError> {
    let current = authority.period(now);
    for period in (0..=LEAD).map(|ahead| Period(current.0.saturating_add(ahead))) {
        for class in Class::ALL {
            bring(authority, chain, class, period, now).await?;
        }
    }
    for period in (LEAD + 1..=PREPARED).map(|ahead| Period(current.0.saturating_add(ahead))) {
        for class in Class::ALL {
            key(authority, class, period).await?;
        }
    }
    Ok(authority.prune(now)?)
}

/// One key: into the ledger unless it is there. A key of somebody else's is not worked with.
async fn bring(
    authority: &Arc<Authority>,
    chain: &dyn Chain,
    class: Class,
    period: Period,
    now: Time,
) -> Result<(), ScheduleError> {
    if authority.is_ticket_key_set(class, period)? {
        return Ok(());
    }
    let name = Name::ticket_key(class, period);
    let key = key(authority, class, period).await?;
    if chain.entry(name, now).await?.is_none() {
        let genesis = authority.genesis();
        let valid_until = now.after(genesis.parameters.max_validity_ms / 2);
        let action = Action::SetTicketKey { class, period, key: key.clone() };
        let transaction =
            approve(chain, genesis.chain_id(), authority.issuer(), action, (now, valid_until)).await?;
        // Whatever the answer, what counts is the state that is proved next.
        chain.submit(&transaction).await?;
    }
    match chain.entry(name, now).await? {
        Some(Entry::TicketKey(set)) if set == key => {
            tracing::info!(class = class.as_str(), period = period.0, "ticket key is set");
            Ok(authority.ticket_key_is_set(class, period)?)
        }
        // Not final yet: the next step will see it.
        None => Ok(()),
        Some(_) => Err(ScheduleError::OtherKey(class, period)),
    }
}

/// Making a key takes a second of computing: off the runtime's threads.
async fn key(authority: &Arc<Authority>, class: Class, period: Period) -> Result<TicketKey, ScheduleError> {
    let authority = Arc::clone(authority);
    let made = tokio::task::spawn_blocking(move || authority.ticket_key(class, period)).await;
    Ok(made.map_err(|_| ScheduleError::Interrupted)??)
}
