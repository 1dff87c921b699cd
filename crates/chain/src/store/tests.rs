#![allow(clippy::unwrap_used)]

use yilian_files::{FormatError, OpenError};
use yilian_ledger::{Counts, Outcome, Refusal, Time, entry::Ended};
use yilian_testkit::{finality, ledger::World};

use super::*;

fn open(directory: &Path) -> Result<Store, StoreError> {
    Store::open(&directory.join("entries.redb"), ChainId(Digest([1; 32])))
}

fn row(height: u64, transactions: Vec<TransactionSummary>) -> Row {
    let genesis = World::new(1).genesis;
    let header = finality::header(&genesis, Digest([9; 32]), Counts::default(), height, Time(height));
    Row { header, finalization: Some(vec![1, 2, 3]), bytes: 7, transactions }
}

fn entry(i: u64) -> Entry {
    Entry::Tombstone { ended: Time(i), reason: Ended::Withdrawn }
}

fn name(kind: Kind) -> Name {
    let mut name = [5; 32];
    name[0] = kind as u8;
    Name(name)
}

#[test]
fn gives_back_what_was_committed_after_a_restart_and_twice_is_once() {
    let directory = tempfile::tempdir().unwrap();
    let failed = TransactionSummary {
        digest: Digest([3; 32]),
        kind: "create",
        bytes: 700,
        outcome: Outcome::Failed(Refusal::RecordExists),
    };
    let applied = TransactionSummary { digest: Digest([4; 32]), outcome: Outcome::Applied, ..failed.clone() };
    let row = row(1, vec![failed.clone(), applied.clone()]);
    let (name, entry) = (name(Kind::Record), entry(1));
    for _ in 0..2 {
        let store = open(directory.path()).unwrap();
        let commit = Commit { row: row.clone(), writes: vec![(name, &entry)], superseded: &[] };
        store.commit(&commit).unwrap();
    }
    let store = open(directory.path()).unwrap();
    assert_eq!(store.entry(&name, &entry.digest()).unwrap(), Some(entry.clone()));
    assert_eq!(store.entry(&name, &Digest([0; 32])).unwrap(), None);
    assert_eq!(store.block(Height(1)).unwrap(), Some(row.clone()));
    assert_eq!(store.block(Height(2)).unwrap(), None);
    assert_eq!(store.transaction(&failed.digest).unwrap(), Some((row.clone(), failed)));
    assert_eq!(store.transaction(&applied.digest).unwrap(), Some((row, applied)));
    assert_eq!(store.transaction(&Digest([5; 32])).unwrap(), None);
}

#[test]
fn refuses_the_store_of_another_chain() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path()).unwrap());
    let other = Store::open(&directory.path().join("entries.redb"), ChainId(Digest([2; 32])));
    assert!(matches!(other, Err(StoreError::OtherChain)));
}

#[test]
fn refuses_a_store_of_another_format() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(directory.path()).unwrap());
    let path = directory.path().join("entries.redb");
    let future = redb::Database::create(&path).unwrap();
    let write = future.begin_write().unwrap();
    let format = redb::TableDefinition::<&str, u32>::new("format");
    write.open_table(format).unwrap().insert("number", 9).unwrap();
    write.commit().unwrap();
    drop(future);
    assert!(matches!(
        open(directory.path()),
        Err(StoreError::Open(OpenError::Format(FormatError::Newer { found: 9, .. })))
    ));
}

#[test]
fn erases_an_ended_grant_after_the_lag_and_keeps_other_values() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    let (grant, member) = (name(Kind::Grant), name(Kind::Institution));
    let (old, new) = (entry(1), entry(2));
    let both = |entry| vec![(grant, entry), (member, entry)];
    store.commit(&Commit { row: row(1, vec![]), writes: both(&old), superseded: &[] }).unwrap();
    let superseded = [(grant, old.digest()), (member, old.digest())];
    store.commit(&Commit { row: row(2, vec![]), writes: both(&new), superseded: &superseded }).unwrap();
    for height in 3..=2 + DROP_LAG {
        store.commit(&Commit { row: row(height, vec![]), writes: vec![], superseded: &[] }).unwrap();
    }
    assert!(store.entry(&grant, &old.digest()).unwrap().is_some());
    let next = row(3 + DROP_LAG, vec![]);
    store.commit(&Commit { row: next, writes: vec![], superseded: &[] }).unwrap();
    assert!(store.entry(&grant, &old.digest()).unwrap().is_none());
    assert!(store.entry(&grant, &new.digest()).unwrap().is_some());
    assert!(store.entry(&member, &old.digest()).unwrap().is_some());
}

#[test]
fn lists_blocks_newest_first() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    for height in 1..=5 {
        store.commit(&Commit { row: row(height, vec![]), writes: vec![], superseded: &[] }).unwrap();
    }
    let heights = |before, limit| -> Vec<u64> {
        store.blocks(before, limit).unwrap().iter().map(|r| r.header.height.0).collect()
    };
    assert_eq!(heights(None, 2), [5, 4]);
    assert_eq!(heights(Some(Height(3)), 10), [2, 1]);
}
