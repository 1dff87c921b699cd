//! Committees change while clients write: a node joins, one leaves, nodes fall behind and are started again in later epochs.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use yilian_chain::{Handle, TransactionStatus};
use yilian_crypto::{Digest, sign::SigningKey};
use yilian_finality::{FinalityError, Followed, Trust, verify};
use yilian_ledger::{Epoch, Height, Outcome};
use yilian_testkit::ledger::Chain as _;

use crate::common::{Net, encode, now, until};

/// Blocks of an epoch: a second or two under load.
const BLOCKS: u64 = 10;

async fn finalize(node: &Handle, transaction: Bytes) -> Digest {
    let digest = node.submit(transaction).await.unwrap();
    let included = tokio::time::timeout(Duration::from_secs(20), node.wait_final(digest)).await;
    assert_eq!(included.unwrap().unwrap().outcome, Outcome::Applied);
    digest
}

async fn create(net: &mut Net, node: &Handle) -> Digest {
    let owner = net.world.key();
    let transaction = net.create(&owner);
    finalize(node, transaction).await
}

/// Lets these validate from an epoch on, signed by three of the genesis' four.
fn set_committee(net: &mut Net, epoch: Epoch, keys: &[SigningKey]) -> Bytes {
    net.world.time = now();
    encode(&net.world.governance(net.world.set_committee(epoch, keys), &[0, 1, 2]))
}

/// Writes through the nodes in turn, and keeps what was acknowledged.
fn load(
    nodes: Vec<Handle>,
    transactions: Vec<Bytes>,
    stop: Arc<AtomicBool>,
) -> tokio::task::JoinHandle<Vec<Digest>> {
    tokio::spawn(async move {
        let mut acknowledged = Vec::new();
        for (transaction, node) in transactions.into_iter().zip(nodes.iter().cycle()) {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            acknowledged.push(finalize(node, transaction).await);
        }
        acknowledged
    })
}

/// Patiently: machines that test do other things, too.
async fn eventually(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..12 {
        if tokio::time::timeout(Duration::from_secs(9), until(what, &condition)).await.is_ok() {
            return;
        }
    }
    panic!("{what} did not happen");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validator_is_replaced_under_load_and_nothing_acknowledged_is_lost() {
    let _ =
        tracing_subscriber::fmt().with_env_filter(std::env::var("LOG").unwrap_or("warn".into())).try_init();
    let mut net = Net::with_epochs(21, BLOCKS, 1);
    let genesis = net.world.genesis.clone();
    let mut nodes: Vec<Handle> = (0..5).map(|i| net.start(i)).collect();
    eventually("a first block", || nodes.iter().all(|n| n.snapshot().is_some())).await;

    // The fifth follows: it serves, and what its clients send reaches those who vote.
    assert!(nodes[..4].iter().all(|n| n.status().votes) && !nodes[4].status().votes);
    let mut known = vec![create(&mut net, &nodes[4]).await];

    // It takes the fourth's place while others write.
    let transactions: Vec<Bytes> = (0..400)
        .map(|_| {
            let owner = net.world.key();
            net.create(&owner)
        })
        .collect();
    let stop = Arc::new(AtomicBool::new(false));
    let writing = load(nodes[..3].to_vec(), transactions, stop.clone());
    let epoch = Epoch(nodes[0].status().epoch.0 + 2);
    let keys: Vec<SigningKey> = [0, 1, 2, 4].map(|i| net.key(i)).into();
    let change = set_committee(&mut net, epoch, &keys);
    known.push(finalize(&nodes[1], change).await);
    assert_eq!(nodes[1].committee().next.map(|change| change.epoch), Some(epoch));
    eventually("the next committee", || nodes.iter().all(|n| n.status().epoch > epoch)).await;
    let votes: Vec<bool> = nodes.iter().map(|n| n.status().votes).collect();
    assert_eq!(votes, [true, true, true, false, true]);
    stop.store(true, Ordering::Relaxed);
    known.extend(writing.await.unwrap());

    // Who left hears on as a follower, and cannot sign for the committee any more.
    known.push(create(&mut net, &nodes[3]).await);
    let any = set_committee(&mut net, Epoch(900), &keys);
    let yilian_ledger::transaction::Body::Governance(body) = decode(&any) else { unreachable!() };
    assert!(nodes[3].sign_governance(&body.action, body.valid_until).is_none());
    assert!(nodes[4].sign_governance(&body.action, body.valid_until).is_some());

    // The newcomer's vote counts: without another one it is needed.
    let absent = nodes.remove(0);
    absent.clone().shutdown().await;
    drop(absent);
    known.push(create(&mut net, &nodes[0]).await);
    let at = nodes[0].status().epoch;
    let goal = Epoch(at.0 + 2);
    while nodes[0].status().epoch < goal {
        known.push(create(&mut net, &nodes[1]).await);
    }

    // The one that was away comes back two epochs later.
    nodes.insert(0, net.start(0));
    eventually("catching up", || nodes[0].status().epoch >= goal).await;
    for digest in &known {
        for (i, node) in nodes.iter().enumerate() {
            let waited = tokio::time::timeout(Duration::from_secs(30), node.wait_final(*digest)).await;
            assert_eq!(waited.unwrap().unwrap().outcome, Outcome::Applied, "{digest} at node {i}");
        }
    }

    // A client that knows the genesis only: the step, the newest header; the old committee's word counts no more.
    let mut trust = Trust::genesis(&genesis).unwrap();
    let newest = nodes[4].snapshot().unwrap();
    let unknown = verify(&trust, &newest, now()).unwrap_err();
    assert!(matches!(unknown, FinalityError::UnknownCommittee { .. }), "{unknown:?}");
    for node in &nodes {
        let steps = node.steps(Epoch(0), 9).await.unwrap();
        assert_eq!(steps.len(), 1);
        let mut trust = trust.clone();
        assert_eq!(trust.follow(&steps[0]), Ok(Followed::New));
    }
    let step = nodes[4].steps(epoch, 9).await.unwrap().remove(0);
    trust.follow(&step).unwrap();
    assert_eq!((trust.epoch(), nodes[4].term().0), (epoch, epoch));
    assert!(verify(&trust, &nodes[4].snapshot().unwrap(), now()).is_ok());
    assert!(nodes[4].steps(Epoch(epoch.0 + 1), 9).await.unwrap().is_empty());

    // All stop and start again in a later epoch.
    for node in nodes.drain(..) {
        node.shutdown().await;
    }
    let nodes: Vec<Handle> = (0..5).map(|i| net.start(i)).collect();
    let before = nodes.iter().map(|n| n.status().height).min().unwrap();
    assert!(before > Height(2 * BLOCKS));
    for (i, node) in nodes.iter().enumerate() {
        assert_eq!(node.status().votes, i != 3);
        for digest in &known {
            let status = node.transaction(*digest).await.unwrap();
            assert!(matches!(status, Some(TransactionStatus::Included(_))), "{digest} at node {i}");
        }
    }
    create(&mut net, &nodes[2]).await;
    for node in nodes {
        node.shutdown().await;
    }
}

fn decode(transaction: &Bytes) -> yilian_ledger::transaction::Body {
    use commonware_codec::{Copying, DecodeExt as _};
    yilian_ledger::Transaction::decode(Copying(transaction)).unwrap().body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_node_comes_through_several_committees_by_replay() {
    let mut net = Net::with_epochs(22, 4, 2);
    let mut nodes: Vec<Handle> = (0..4).map(|i| net.start(i)).collect();
    eventually("a first block", || nodes.iter().all(|n| n.snapshot().is_some())).await;

    // From four to three, by the signatures of the four.
    let epoch = Epoch(nodes[0].status().epoch.0 + 2);
    let three: Vec<SigningKey> = [0, 1, 2].map(|i| net.key(i)).into();
    let change = set_committee(&mut net, epoch, &three);
    finalize(&nodes[0], change).await;
    while nodes[0].status().epoch < epoch {
        create(&mut net, &nodes[1]).await;
    }
    let left = nodes.pop().unwrap();
    left.shutdown().await;
    // Three of three must vote now.
    while nodes[0].status().epoch < Epoch(epoch.0 + 2) {
        create(&mut net, &nodes[2]).await;
    }

    // A node without a block, and one that was away since the change began, are brought up to date.
    nodes.push(net.start(3));
    nodes.push(net.start(4));
    let goal = nodes[0].status();
    eventually("replay", || nodes.iter().all(|n| n.status().height >= goal.height)).await;
    assert!(nodes[3..].iter().all(|n| !n.status().votes && n.term().0 == epoch));
    create(&mut net, &nodes[4]).await;
    for node in nodes {
        node.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_to_start_without_addresses_of_a_quorum() {
    let net = Net::with_epochs(23, 4, 1);
    let mut config = net.config(4);
    config.peers.truncate(2);
    config.followers.clear();
    let error = yilian_chain::Chain::start(config).err().unwrap();
    assert!(matches!(error, yilian_chain::StartError::PeersMissing { known: 2, quorum: 3 }), "{error}");
    let mut config = net.config(4);
    config.peers[0].0 = [0xff; 32];
    assert!(matches!(yilian_chain::Chain::start(config).err().unwrap(), yilian_chain::StartError::Peer(_)));
}
