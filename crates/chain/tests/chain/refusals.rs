//! What can be in no block is refused with the ledger's reason, at the door or later; what only waits for another
//! transaction is not.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::future::join_all;
use yilian_chain::{ChainError, Handle, Included, SubmitError, TransactionStatus};
use yilian_crypto::{Digest, certificate::Level};
use yilian_ledger::{
    Kind, Outcome, Refusal, Time, Transaction,
    name::{Bid, MemberId},
    transaction::{Action, AddMember, Governance, Revoke, Withdraw},
};
use yilian_testkit::ledger::Chain as _;

use crate::common::{Net, encode, now, until};

const PATIENCE: Duration = Duration::from_secs(10);

async fn start(net: &Net) -> Vec<Handle> {
    let nodes: Vec<Handle> = (0..4).map(|i| net.start(i)).collect();
    until("a first block", || nodes.iter().all(|n| n.snapshot().is_some())).await;
    nodes
}

async fn end(nodes: Vec<Handle>) {
    join_all(nodes.into_iter().map(Handle::shutdown)).await;
}

async fn outcome(node: &Handle, digest: Digest) -> Result<Included, ChainError> {
    tokio::time::timeout(PATIENCE, node.wait_final(digest)).await.expect("an outcome in time")
}

/// Refused at the door or after it was pooled; either way with this node's reason.
async fn settled(node: &Handle, transaction: &Bytes) -> Result<Outcome, Refusal> {
    match node.submit(transaction.clone()).await {
        Ok(digest) => match outcome(node, digest).await {
            Ok(included) => Ok(included.outcome),
            Err(ChainError::Refused(refusal)) => {
                let status = node.transaction(digest).await.unwrap();
                assert_eq!(status, Some(TransactionStatus::Refused(refusal)));
                Err(refusal)
            }
            Err(other) => panic!("{other}"),
        },
        Err(SubmitError::Refused(refusal)) => Err(refusal),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_in_no_block_is_refused_at_the_door() {
    let mut net = Net::new(11);
    let nodes = start(&net).await;
    let chain = net.world.chain;
    let root = net.world.root.clone();

    // A spent ticket, wherever the other transaction was submitted.
    let (one, two) = (net.world.key(), net.world.key());
    net.world.time = now();
    let ticket = net.world.ticket();
    let first = encode(&net.world.create(&one, std::slice::from_ref(&ticket)));
    let second = encode(&net.world.create(&two, &[ticket]));
    let digest = nodes[0].submit(first.clone()).await.unwrap();
    let included = outcome(&nodes[0], digest).await.unwrap();
    let spent = Err(SubmitError::Refused(Refusal::TicketSpent));
    assert_eq!(nodes[0].submit(second.clone()).await, spent);
    outcome(&nodes[3], digest).await.unwrap();
    assert_eq!(nodes[3].submit(second.clone()).await, spent);
    assert_eq!(nodes[3].transaction(Transaction::digest_of(&second)).await.unwrap(), None);

    // The first one again, with its spent ticket: what became of it.
    for node in [&nodes[0], &nodes[3]] {
        assert_eq!(node.submit(first.clone()).await, Ok(digest));
        assert_eq!(outcome(node, digest).await, Ok(included));
    }

    // Nothing that these need is known, and nothing comes.
    let mut elsewhere = Net::new(12);
    elsewhere.world.root.id = root.id;
    let (_, forged) = elsewhere.certify(&elsewhere.world.root.clone(), Level::Intermediate, "province");
    let forged = {
        let decoded: Transaction = commonware_codec::DecodeExt::decode(forged).unwrap();
        encode(&Transaction { chain, ..decoded })
    };
    let nobody = MemberId::of(Some(root.id), "nobody");
    let cases = [
        (encode(&Withdraw::sign(chain, &net.world.key())), Refusal::GrantUnknown),
        (encode(&Revoke::sign(chain, Level::Intermediate, nobody, None, &root.key)), Refusal::MemberUnknown),
        (forged, Refusal::CertificateIssuer),
    ];
    for (transaction, refusal) in cases {
        let begun = Instant::now();
        assert_eq!(nodes[1].submit(transaction).await, Err(SubmitError::Refused(refusal)));
        assert!(begun.elapsed() < Duration::from_secs(3), "{refusal}");
    }

    // What no other transaction can change is refused without waiting for one.
    let (member, admission) = net.certify(&root, Level::Intermediate, "province");
    assert_eq!(settled(&nodes[2], &admission).await, Ok(Outcome::Applied));
    let expelled = encode(&Revoke::sign(chain, Level::Intermediate, member.id, None, &root.key));
    assert_eq!(settled(&nodes[2], &expelled).await, Ok(Outcome::Applied));
    let again = Revoke::sign(chain, Level::Intermediate, member.id, Some(member.certificate.id()), &root.key);
    let begun = Instant::now();
    assert_eq!(nodes[2].submit(encode(&again)).await, Err(Refusal::MemberRevoked.into()));
    let action = Action::RevokeRoot { member: root.id };
    let few = net.world.governance(action.clone(), &[0, 1]);
    assert_eq!(nodes[2].submit(encode(&few)).await, Err(Refusal::GovernanceQuorum.into()));
    let late = Governance::transaction(chain, action, Time(now().0 - 1), Vec::new());
    assert_eq!(nodes[2].submit(encode(&late)).await, Err(Refusal::GovernanceLate.into()));
    assert!(begun.elapsed() < Duration::from_millis(900), "{:?}", begun.elapsed());

    until("empty pools", || nodes.iter().all(|node| node.status().pool == 0)).await;
    end(nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_becomes_impossible_while_it_waits_is_told_to_whoever_waits() {
    let mut net = Net::new(13);
    let nodes = start(&net).await;
    let chain = net.world.chain;
    let root = net.world.root.clone();

    // Two records with one ticket, at two nodes at once.
    let (one, two) = (net.world.key(), net.world.key());
    net.world.time = now();
    let ticket = net.world.ticket();
    let both = [&one, &two].map(|owner| encode(&net.world.create(owner, std::slice::from_ref(&ticket))));
    let mut results = join_all([settled(&nodes[0], &both[0]), settled(&nodes[1], &both[1])]).await;
    results.sort_by_key(Result::is_err);
    assert_eq!(results, [Ok(Outcome::Applied), Err(Refusal::TicketSpent)]);

    // Two expulsions of one member, at two nodes at once; free, so that neither is included to fail.
    let (member, admission) = net.certify(&root, Level::Intermediate, "province");
    assert_eq!(settled(&nodes[0], &admission).await, Ok(Outcome::Applied));
    outcome(&nodes[1], Transaction::digest_of(&admission)).await.unwrap();
    let certificate = Some(member.certificate.id());
    let both = [None, certificate]
        .map(|what| encode(&Revoke::sign(chain, Level::Intermediate, member.id, what, &root.key)));
    let results = join_all([settled(&nodes[0], &both[0]), settled(&nodes[1], &both[1])]).await;
    // A certificate can be revoked before its member is expelled, not after.
    assert_eq!(results[0], Ok(Outcome::Applied));
    assert!(matches!(results[1], Ok(Outcome::Applied) | Err(Refusal::MemberRevoked)), "{results:?}");

    // A withdrawal waits for a grant that fails: nothing can help it any more.
    for attempt in 0.. {
        let (stranger, withdrawal) = (net.world.key(), net.world.key());
        let grant = net.grant(&stranger, &withdrawal);
        let withdraw = encode(&Withdraw::sign(chain, &withdrawal));
        let grant = nodes[0].submit(grant).await.unwrap();
        let Ok(withdraw) = nodes[0].submit(withdraw).await else {
            // The grant was final already.
            assert!(attempt < 5);
            continue;
        };
        let failed = outcome(&nodes[0], grant).await.unwrap().outcome;
        assert_eq!(failed, Outcome::Failed(Refusal::RecordUnknown));
        let begun = Instant::now();
        assert_eq!(outcome(&nodes[0], withdraw).await, Err(Refusal::GrantUnknown.into()));
        assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
        let status = nodes[0].transaction(withdraw).await.unwrap();
        assert_eq!(status, Some(TransactionStatus::Refused(Refusal::GrantUnknown)));
        break;
    }
    until("empty pools", || nodes.iter().all(|node| node.status().pool == 0)).await;
    end(nodes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_another_transaction_is_applied_after_it() {
    let mut net = Net::new(14);
    let nodes = start(&net).await;
    let root = net.world.root.clone();

    // A hospital's admission submitted before its province's, each at another node.
    let (province, first) = net.certify(&root, Level::Intermediate, "province");
    let (hospital, second) = net.certify(&province, Level::Institution, "hospital");
    let (doctor, third) = net.certify(&hospital, Level::Practitioner, "doctor");
    let late = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        settled(&nodes[0], &first).await
    };
    let (first, second, third) =
        futures::join!(late, settled(&nodes[1], &second), settled(&nodes[2], &third));
    assert_eq!([first, second, third], [Ok(Outcome::Applied); 3]);
    let name = doctor.id.name(Kind::Practitioner);
    assert!(nodes[2].entry(name).await.unwrap().is_some());

    // All of them at once at one node.
    let (province, first) = net.certify(&root, Level::Intermediate, "other-province");
    let (_, second) = net.certify(&province, Level::Institution, "other-hospital");
    let (first, second) = futures::join!(settled(&nodes[3], &first), settled(&nodes[3], &second));
    assert_eq!([first, second], [Ok(Outcome::Applied); 2]);

    // A withdrawal ahead of its grant.
    let (owner, withdrawal) = (net.world.key(), net.world.key());
    let create = net.create(&owner);
    assert_eq!(settled(&nodes[0], &create).await, Ok(Outcome::Applied));
    let grant = net.grant(&owner, &withdrawal);
    let withdraw = encode(&Withdraw::sign(net.world.chain, &withdrawal));
    let late = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        settled(&nodes[1], &grant).await
    };
    let (granted, withdrawn) = futures::join!(late, settled(&nodes[2], &withdraw));
    assert_eq!([granted, withdrawn], [Ok(Outcome::Applied); 2]);
    let bid = Bid::of(&withdrawal.verifying_key()).name();
    assert!(nodes[2].entry(bid).await.unwrap().is_some());

    // An admission is good once.
    let again = AddMember::transaction(net.world.chain, root.id, &province.certificate);
    assert_eq!(nodes[0].submit(encode(&again)).await, Ok(again.digest()));
    assert_eq!(outcome(&nodes[0], again.digest()).await.unwrap().outcome, Outcome::Applied);
    end(nodes).await;
}
