//! A client: sends its order to some validator and waits until it is final; asks elsewhere when nobody answers.

use std::{future::Future, time::Duration};

use commonware_runtime::{Clock, deterministic};
use futures::future::{Either, select};
use yilian_chain::{ChainError, SubmitError};
use yilian_ledger::Transaction;
use yilian_testkit::ledger::Seeded;

use crate::{board::Board, violation::Violation, world::Order};

const ANSWER: Duration = Duration::from_secs(4);
const FINAL: Duration = Duration::from_secs(8);
const PAUSE: Duration = Duration::from_millis(300);

/// What `future` gives, if it does in time.
pub async fn within<T>(clock: &impl Clock, limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    let sleep = clock.sleep(limit);
    futures::pin_mut!(future, sleep);
    match select(future, sleep).await {
        Either::Left((value, _)) => Some(value),
        Either::Right(_) => None,
    }
}

/// Until the order is final or refused.
pub async fn serve(clock: deterministic::Context, board: Board, order: Order, seed: u64) {
    let mut rng = Seeded::new(seed);
    loop {
        if let Some(refused) = attempt(&clock, &board, &order, &mut rng).await {
            return board.end(refused);
        }
        clock.sleep(PAUSE).await;
    }
}

/// `None`: asked again later, of somebody else.
async fn attempt(
    clock: &deterministic::Context,
    board: &Board,
    order: &Order,
    rng: &mut Seeded,
) -> Option<bool> {
    let digest = Transaction::digest_of(&order.bytes);
    let door = board.pick(rng)?;
    let answer = within(clock, ANSWER, door.handle.submit(order.bytes.clone())).await;
    if !board.counts(&door) {
        return None;
    }
    match answer? {
        Err(SubmitError::Refused(refusal)) => {
            board.note(&format!("{} refused {}: {refusal}", door.node, order.kind));
            return Some(true);
        }
        Err(SubmitError::PoolFull | SubmitError::Stopped) => return None,
        Ok(_) if order.is_bad => {
            board.violate(Violation::Accepted { node: door.node });
            return Some(false);
        }
        Ok(_) => {}
    }
    let settled = within(clock, FINAL, door.handle.wait_final(digest)).await;
    if !board.counts(&door) {
        return None;
    }
    match settled? {
        Ok(place) => {
            board.acknowledge(order, digest, place, door.node);
            Some(false)
        }
        Err(ChainError::Refused(refusal)) => {
            board.note(&format!("{} dropped {}: {refusal}", door.node, order.kind));
            Some(true)
        }
        Err(_) => None,
    }
}
