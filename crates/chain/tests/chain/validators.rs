//! Four validators in one process: transactions become final, answers verify, one goes away and catches up.

use std::time::{Duration, Instant};

use crate::common::{Net, encode, now, until};
use yilian_chain::{ChainError, Handle, Included, TransactionStatus};
use yilian_crypto::sign::VerifyingKey;
use yilian_finality::{Prefix, VerifiedHeader, verify, verify_answer, verify_bucket};
use yilian_ledger::{
    Entry, Genesis, Outcome,
    entry::Ended,
    name::{Aid, Bid},
    transaction::Withdraw,
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
    let header = verify(genesis, &answered.snapshot, now()).unwrap();
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
    let header = verify(&genesis, &bucketed.snapshot, now()).unwrap();
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
        if begun.elapsed().as_millis() > 300 {}
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
