//! Transactions signed and encoded before a clock starts, on all cores.

use commonware_codec::Encode as _;
use indicatif::ProgressBar;
use rand_core::Rng as _;
use yilian_client::record::opening::{com, wrap};
use yilian_crypto::{Secret, sign::SigningKey, stream::DataKey};
use yilian_dag::{Cid, Codec};
use yilian_delegation::{Blinding, DelegateeKey, DelegateeSecretKey, DelegatorSecretKey};
use yilian_ledger::{
    ChainId, Time,
    name::Aid,
    transaction::{Create, Grant},
};

use super::tickets::Tickets;
use crate::{native::rng, query::now_ms};

/// What a patient needs to grant a record.
#[derive(Clone, Debug)]
pub struct Record {
    owner: SigningKey,
    delegator: DelegatorSecretKey,
}

impl Record {
    pub fn aid(&self) -> Aid {
        Aid::of(&self.owner.verifying_key())
    }
}

/// Makes transactions as a wallet does. The content that a record points to is not stored: the ledger cannot see it.
pub struct Maker {
    pub chain: ChainId,
    pub tickets: Tickets,
    pub max_validity_ms: u64,
    reader: DelegateeKey,
}

impl Maker {
    pub fn new(chain: ChainId, tickets: Tickets, max_validity_ms: u64) -> Self {
        let reader = DelegateeSecretKey::from_seed(&Secret::random(&mut rng())).public();
        Self { chain, tickets, max_validity_ms, reader }
    }

    /// A record of a fresh owner, and the transaction that creates it.
    pub fn create(&self) -> anyhow::Result<(Record, Vec<u8>)> {
        let owner = SigningKey::generate(&mut rng());
        let delegator = DelegatorSecretKey::from_seed(&Secret::random(&mut rng()));
        let mut digest = [0; 32];
        rng().fill_bytes(&mut digest);
        let cid = Cid::new(Codec::DagPb, digest);
        let (capsule, key) = delegator.encapsulate(&owner.verifying_key().encode(), &mut rng());
        let com = com(&cid, &key.commitment_key());
        let wrapped = wrap(key, &cid, &DataKey::generate(&mut rng()));
        let ticket = [self.tickets.issue()?];
        let transaction = Create::sign(self.chain, &owner, capsule, wrapped, com, &ticket);
        Ok((Record { owner, delegator }, transaction.encode().to_vec()))
    }

    /// A grant of a record, with a withdrawal key and a blinding of its own.
    pub fn grant(&self, record: &Record) -> anyhow::Result<Vec<u8>> {
        let withdrawal = SigningKey::generate(&mut rng());
        let blinding = Blinding::from_seed(&Secret::random(&mut rng()));
        let rk = record.delegator.rekey(&self.reader, &blinding);
        let valid_until = Time(now_ms()).after(self.max_validity_ms / 4 * 3);
        let ticket = [self.tickets.issue()?];
        let transaction = Grant::sign(self.chain, &record.owner, &withdrawal, rk, 0, valid_until, &ticket);
        Ok(transaction.encode().to_vec())
    }
}

/// `make(0..count)`, in order, made by all cores.
pub fn in_parallel<T: Send>(
    count: usize,
    bar: &ProgressBar,
    make: impl Fn(usize) -> anyhow::Result<T> + Sync,
) -> anyhow::Result<Vec<T>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = count.div_ceil(threads).max(1);
    let one = |index| {
        let made = make(index);
        bar.inc(1);
        made
    };
    let parts: Vec<anyhow::Result<Vec<T>>> = std::thread::scope(|scope| {
        let range = |from: usize| from..(from + share).min(count);
        let start = |from| scope.spawn(move || range(from).map(one).collect());
        let running: Vec<_> = (0..count).step_by(share).map(start).collect();
        let ended = running.into_iter().map(|thread| thread.join());
        ended.map(|part| part.unwrap_or_else(|_| Err(anyhow::anyhow!("a thread failed")))).collect()
    });
    let mut all = Vec::with_capacity(count);
    for part in parts {
        all.extend(part?);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn work_in_parallel_keeps_its_order_and_its_errors() {
        let bar = ProgressBar::hidden();
        for count in [0, 1, 7, 100] {
            assert_eq!(in_parallel(count, &bar, Ok).unwrap(), (0..count).collect::<Vec<_>>());
        }
        let fails = |index| if index == 5 { Err(anyhow::anyhow!("five")) } else { Ok(index) };
        assert_eq!(in_parallel(9, &bar, fails).unwrap_err().to_string(), "five");
    }
}
