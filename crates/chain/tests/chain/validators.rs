//! Four validators in one process: transactions become final, answers verify, one goes away and catches up.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use crate::common::{Net, encode, now, until};
use commonware_codec::{DecodeExt as _, Encode as _};
use yilian_chain::{ChainError, Handle, Included, TransactionStatus};
use yilian_crypto::sign::VerifyingKey;
use yilian_finality::{Prefix, Trust, VerifiedHeader, verify, verify_answer, verify_bucket};
use yilian_ledger::{
    Entry, Genesis, Outcome, Refusal, Transaction,
    entry::Ended,
    name::{Aid, Bid},
    transaction::{Body, Withdraw},
};
use yilian_testkit::ledger::Chain as _;

fn aid(owner: &VerifyingKey) -> yilian_ledger::Name {
    Aid::of(owner).name()
}

async fn finalize(node: &Handle, transaction: bytes::Bytes) -> Included {
    let digest = node.submit(transaction).await.unwrap();
    tokio::time::timeout(Duration::from_secs(10), node.wait_final(digest)).await.unwrap().unwrap()
}

/// The name's entry, as a client that trusts nobody learns it.
async fn proved(
    genesis: &Genesis,
    node: &Handle,
    name: yilian_ledger::Name,
) -> (VerifiedHeader, Option<Entry>) {
    let answered = node.answer(name).await.unwrap();
    let header = verify(&Trust::genesis(genesis).unwrap(), &answered.snapshot, now()).unwrap();
    let entry = verify_answer(&header, &name, &answered.answer).unwrap();
    assert_eq!(entry, answered.entry);
    (header, entry)
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_become_final_answers_verify_and_a_validator_catches_up() {
    let _ =
        tracing_subscriber::fmt().with_env_filter(std::env::var("LOG").unwrap_or("warn".into())).try_init();
    let mut net = Net::new(1);
    let genesis = net.world.genesis.clone();
    let mut nodes: Vec<Handle> = (0..4).map(|i| net.start(i)).collect();
    until("a first block", || nodes.iter().all(|n| n.snapshot().is_some())).await;

    // A record, seen by another node, proved.
    let owner = net.world.key();
    let name = aid(&owner.verifying_key());
    assert_eq!(proved(&genesis, &nodes[2], name).await.1, None);
    let create = net.create(&owner);
    let included = finalize(&nodes[0], create.clone()).await;
    assert_eq!(included.outcome, Outcome::Applied);
    let digest = nodes[0].submit(create).await.unwrap();
    tokio::time::timeout(Duration::from_secs(5), nodes[3].wait_final(digest)).await.unwrap().unwrap();
    let (header, entry) = proved(&genesis, &nodes[3], name).await;
    assert!(matches!(entry, Some(Entry::Record(record)) if record.owner == owner.verifying_key()));
    assert_eq!(header.header().counts.records, 1);
    assert_eq!(nodes[3].transaction(digest).await.unwrap(), Some(TransactionStatus::Included(included)));

    // A grant, in a bucket, withdrawn.
    let withdrawal = net.world.key();
    let bid = Bid::of(&withdrawal.verifying_key()).name();
    let grant = net.grant(&owner, &withdrawal);
    assert_eq!(finalize(&nodes[1], grant).await.outcome, Outcome::Applied);
    let prefix = Prefix::of(&bid, &nodes[1].status().counts).unwrap();
    let bucketed = nodes[1].bucket(prefix).await.unwrap();
    let header = verify(&Trust::genesis(&genesis).unwrap(), &bucketed.snapshot, now()).unwrap();
    let bucket = verify_bucket(&header, &prefix, &bucketed.bucket).unwrap();
    assert!(matches!(bucket.get(&bid), Some(Entry::Grant(_))) && bucket.len() == 1);
    let withdraw = encode(&Withdraw::sign(net.world.chain, &withdrawal));
    assert_eq!(finalize(&nodes[2], withdraw.clone()).await.outcome, Outcome::Applied);
    assert!(matches!(
        proved(&genesis, &nodes[2], bid).await.1,
        Some(Entry::Tombstone { reason: Ended::Withdrawn, .. })
    ));

    // Latency of an idle chain.
    let mut latencies = Vec::new();
    for i in 0..20 {
        let owner = net.world.key();
        let transaction = net.create(&owner);
        tokio::time::sleep(Duration::from_millis(150)).await;
        let begun = Instant::now();
        finalize(&nodes[i % 4], transaction).await;
        latencies.push(begun.elapsed());
    }
    latencies.sort();
    println!("submit to final: p50 {:?}, p90 {:?}, max {:?}", latencies[10], latencies[18], latencies[19]);

    // One goes away; the others go on; it comes back and catches up.
    let absent = nodes.pop().unwrap();
    absent.clone().shutdown().await;
    assert_eq!(absent.answer(name).await, Err(ChainError::Stopped));
    drop(absent);
    let late = net.world.key();
    let create = net.create(&late);
    assert_eq!(finalize(&nodes[0], create).await.outcome, Outcome::Applied);
    let height = nodes[0].status().height;
    nodes.push(net.start(3));
    until("catching up", || nodes[3].status().height >= height).await;
    let (_, entry) = proved(&genesis, &nodes[3], aid(&late.verifying_key())).await;
    assert!(matches!(entry, Some(Entry::Record(_))));
    assert_eq!(nodes[3].transaction(digest).await.unwrap(), Some(TransactionStatus::Included(included)));

    for node in nodes {
        node.shutdown().await;
    }
}

fn files_with(directory: &Path, needle: &[u8]) -> usize {
    let entries = std::fs::read_dir(directory).unwrap().map(|e| e.unwrap().path());
    let holds = |path: PathBuf| match path.is_dir() {
        true => files_with(&path, needle),
        false => usize::from(std::fs::read(path).unwrap().windows(needle.len()).any(|w| w == needle)),
    };
    entries.map(holds).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_spent_once_and_no_store_keeps_a_re_encryption_key() {
    let mut net = Net::new(3);
    let nodes: Vec<Handle> = (0..4).map(|i| net.start(i)).collect();
    until("a first block", || nodes.iter().all(|n| n.snapshot().is_some())).await;

    // Three records with one ticket, two of them at two nodes at once: one is made, the other is refused at the door or
    // later, the third finds the ticket spent.
    let (one, two, three) = (net.world.key(), net.world.key(), net.world.key());
    net.world.time = now();
    let ticket = net.world.ticket();
    let first = encode(&net.world.create(&one, std::slice::from_ref(&ticket)));
    let second = encode(&net.world.create(&two, std::slice::from_ref(&ticket)));
    let third = encode(&net.world.create(&three, &[ticket]));
    let first = nodes[0].submit(first).await.unwrap();
    let second = nodes[1].submit(second).await;
    let patience = Duration::from_secs(15);
    let first = tokio::time::timeout(patience, nodes[0].wait_final(first)).await.unwrap();
    let second = match second {
        Ok(second) => tokio::time::timeout(patience, nodes[1].wait_final(second)).await.unwrap(),
        Err(refused) => {
            assert_eq!(refused, Refusal::TicketSpent.into());
            Err(Refusal::TicketSpent.into())
        }
    };
    let spent = Err(Refusal::TicketSpent.into());
    assert_eq!(nodes[0].submit(third).await, spent);
    let applied = [first, second].iter().filter(|r| r.is_ok_and(|i| i.outcome == Outcome::Applied)).count();
    let refused = [first, second].iter().filter(|r| **r == Err(Refusal::TicketSpent.into())).count();
    assert_eq!((applied, refused), (1, 1));

    // Garbage, another chain's transaction and an unknown ticket are refused at the door.
    assert_eq!(nodes[0].submit(bytes::Bytes::from_static(b"no")).await, Err(Refusal::Malformed.into()));
    let mut other = Net::new(4);
    let stranger = other.world.key();
    let elsewhere = other.create(&stranger);
    assert_eq!(nodes[0].submit(elsewhere).await, Err(Refusal::WrongChain.into()));

    // An included transaction that fails still pays.
    let owner = net.world.key();
    let create = net.create(&owner);
    finalize(&nodes[2], create).await;
    let again = net.create(&owner);
    let failed = finalize(&nodes[3], again).await;
    assert_eq!(failed.outcome, Outcome::Failed(Refusal::RecordExists));
    let block = nodes[3].block(failed.height).await.unwrap().unwrap();
    assert_eq!(block.transactions[0].outcome, failed.outcome);
    assert_eq!(block.transactions[0].kind, "create");

    // A grant's re-encryption key is in the engine's blocks and nowhere else.
    let withdrawal = net.world.key();
    let grant = net.grant(&owner, &withdrawal);
    let decoded = Transaction::decode(grant.clone()).unwrap();
    let Body::Grant(body) = decoded.body else { panic!("a grant") };
    let key = body.rk.encode();
    finalize(&nodes[0], grant).await;
    let directory = net.directory.path().join("0");
    for node in nodes {
        node.shutdown().await;
    }
    let entries = std::fs::read(directory.join("entries.redb")).unwrap();
    assert!(!entries.windows(key.len()).any(|window| window == key.as_ref()));
    assert!(entries.windows(31).any(|window| *window == Bid::of(&withdrawal.verifying_key()).name().0[1..]));
    assert!(files_with(&directory.join("engine"), &key) > 0);
}
