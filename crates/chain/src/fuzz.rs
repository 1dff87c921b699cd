//! Entrances for the fuzzer, behind the feature `fuzz`: decoders that are private otherwise, from bytes to the encoding of
//! what was understood.

use bytes::Bytes;
use commonware_codec::{Copying, DecodeExt as _, Encode as _};
use yilian_finality::{Header, Snapshot};
use yilian_ledger::{Outcome, Refusal, Transaction};

pub use crate::block::MAX_TRANSACTIONS;
use crate::{
    block::{Block, transaction_root},
    gossip,
    store::Row,
    summary::TransactionSummary,
};

pub fn block(bytes: &[u8]) -> Option<Vec<u8>> {
    Block::decode(Copying(bytes)).ok().map(|block| block.encode().to_vec())
}

/// The encoding of a block with these transactions, under `header` changed to commit to them.
pub fn make_block(header: &Header, transactions: &[&[u8]]) -> Vec<u8> {
    let mut header = header.clone();
    header.transactions = transactions.len() as u32;
    header.transaction_root = transaction_root(transactions.iter().map(|t| Transaction::digest_of(t)));
    let transactions = transactions.iter().map(|t| Bytes::copy_from_slice(t)).collect();
    Block { header, transactions }.encode().to_vec()
}

pub fn gossip(bytes: &[u8]) -> Option<Vec<u8>> {
    gossip::decode(Bytes::copy_from_slice(bytes)).map(|batch| batch.encode().to_vec())
}

pub fn row(bytes: &[u8]) -> Option<Vec<u8>> {
    Row::decode(Copying(bytes)).ok().map(|row| row.encode().to_vec())
}

/// A row with one transaction of each outcome.
pub fn make_row(snapshot: &Snapshot) -> Vec<u8> {
    let outcomes = [Outcome::Applied, Outcome::Failed(Refusal::RecordExists)];
    let digest = snapshot.header.digest();
    let summary = |outcome| TransactionSummary { digest, kind: "create", bytes: 700, outcome };
    let (header, finalization) = (snapshot.header.clone(), Some(snapshot.finalization.clone()));
    Row { header, finalization, bytes: 1400, transactions: outcomes.map(summary).into() }.encode().to_vec()
}
