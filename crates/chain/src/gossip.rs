//! Transactions between validators (spec B-24 to B-26): each node sends its own clients' transactions to all others, once
//! at once and again while they wait; what comes from a peer is checked before it is pooled, and not passed on.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use commonware_codec::{Decode as _, Encode as _, RangeCfg};
use commonware_cryptography::ed25519::PublicKey;
use commonware_p2p::{Receiver, Recipients, Sender};
use commonware_runtime::{IoBuf, Spawner};
use commonware_storage::Context as StorageContext;
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};
use tokio::sync::mpsc;
use tracing::debug;
use yilian_ledger::{Checked, Entry, Transaction, transaction::MAX_TRANSACTION};

use crate::{
    platform::now_ms,
    pool::{Prospect, Source},
    query::Query,
    shared::Shared,
    trial::Verdict,
    work::within,
};

/// Most transactions and bytes of one message.
const MAX_BATCH: usize = 256;
const MAX_BATCH_BYTES: usize = MAX_TRANSACTION + (64 << 10);
/// Largest payload of a message.
pub const MAX_PAYLOAD: usize = MAX_BATCH_BYTES + 5 * (MAX_BATCH + 1);
/// How often a node says that it is there, and repeats what waits.
const BEAT: Duration = Duration::from_secs(5);

fn encode(batch: &Vec<Bytes>) -> IoBuf {
    IoBuf::from(batch.encode())
}

fn decode(message: Bytes) -> Option<Vec<Bytes>> {
    let limits = (RangeCfg::new(0..=MAX_BATCH), RangeCfg::new(0..=MAX_TRANSACTION));
    Vec::<Bytes>::decode_cfg(message, &limits).ok()
}

/// Sends what `outgoing` brings, several at a time, and a beat in between.
pub async fn send<E: Spawner + StorageContext>(
    clock: E,
    shared: Arc<Shared>,
    mut outgoing: mpsc::Receiver<Bytes>,
    mut sender: impl Sender<PublicKey = PublicKey>,
) {
    let mut held: Option<Bytes> = None;
    loop {
        let first = match held.take() {
            Some(bytes) => Some(bytes),
            None => match within(&clock, BEAT, outgoing.recv()).await {
                Some(Some(bytes)) => Some(bytes),
                Some(None) => return,
                None => None,
            },
        };
        let mut batch = Vec::new();
        match first {
            Some(bytes) => {
                let mut size = bytes.len();
                batch.push(bytes);
                while batch.len() < MAX_BATCH
                    && let Ok(bytes) = outgoing.try_recv()
                {
                    size += bytes.len();
                    if size > MAX_BATCH_BYTES {
                        held = Some(bytes);
                        break;
                    }
                    batch.push(bytes);
                }
            }
            None => batch = waiting(&shared, now_ms(&clock)),
        }
        sender.send(Recipients::All, encode(&batch), false);
    }
}

/// Own transactions that have waited for a beat: a peer that was away has not heard of them.
fn waiting(shared: &Shared, now: u64) -> Vec<Bytes> {
    let before = now.saturating_sub(BEAT.as_millis() as u64);
    let mut size = 0;
    let fits = |bytes: &Bytes| {
        size += bytes.len();
        size <= MAX_BATCH_BYTES
    };
    let own = shared.pool().own_since(before);
    own.iter().map(|checked| checked.encoded().clone()).take(MAX_BATCH).take_while(fits).collect()
}

/// Checks and pools what peers send, one message at a time.
pub async fn receive<E: Spawner + StorageContext>(
    clock: E,
    query: Query<E>,
    mut receiver: impl Receiver<PublicKey = PublicKey>,
) {
    let shared = query.shared.clone();
    while let Ok((peer, message)) = receiver.recv().await {
        let Ok(peer) = <[u8; 32]>::try_from(peer.as_ref()) else { continue };
        shared.hear(peer);
        let Some(batch) = decode(Bytes::copy_from_slice(message.as_ref())) else {
            debug!("malformed gossip");
            continue;
        };
        let fresh: Vec<Bytes> = batch.into_iter().filter(|bytes| is_fresh(&shared, bytes)).collect();
        if fresh.is_empty() {
            continue;
        }
        for checked in check_all(&shared, fresh).await {
            // Damaged stores are told where blocks are executed.
            let Ok(verdict) = query.judge(&checked, now_ms(&clock)).await else { continue };
            let prospect = match verdict {
                Verdict::Good => Prospect::Good,
                Verdict::Waits | Verdict::Unlikely(_) => Prospect::Doubtful,
                Verdict::Refused(refusal) => {
                    debug!(%refusal, "gossiped transaction refused");
                    continue;
                }
            };
            match shared.take_in(checked.clone(), Source::Peer(peer), prospect) {
                Ok(_) => prepare(&query, checked).await,
                Err(reason) => debug!(%reason, "gossiped transaction dropped"),
            }
        }
    }
}

/// Neither pooled nor in a block that waits to be final nor in one that is.
pub fn is_fresh(shared: &Shared, bytes: &[u8]) -> bool {
    let digest = Transaction::digest_of(bytes);
    !shared.pool().contains(&digest)
        && shared.pending().checked(&digest).is_none()
        && matches!(shared.store.transaction(&digest), Ok(None))
}

async fn check_all(shared: &Arc<Shared>, batch: Vec<Bytes>) -> Vec<Checked> {
    let own = shared.clone();
    let check = move || {
        let check = |bytes: Bytes| match Checked::check(&bytes, own.chain, &*own) {
            Ok(checked) => Some(checked),
            Err(refusal) => {
                debug!(%refusal, "gossiped transaction refused");
                None
            }
        };
        batch.into_par_iter().filter_map(check).collect()
    };
    shared.compute(check).await.unwrap_or_default()
}

/// Re-encrypts for a grant ahead of its block.
pub async fn prepare<E: Spawner + StorageContext>(query: &Query<E>, checked: Checked) {
    let Some(name) = checked.prepares() else { return };
    if let Ok(Some(Entry::Record(record))) = query.entry(name).await {
        drop(query.shared.compute(move || checked.prepare(&record)));
    }
}
