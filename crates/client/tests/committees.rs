//! A client follows the committees of its chain, and names nodes that lead elsewhere.
#![allow(clippy::unwrap_used)]

mod common;

use common::{bundle, enrolled};
use yilian_client::{
    ClientError, Lie, NodeFault,
    patient::{own, read},
};
use yilian_crypto::sign::SigningKey;
use yilian_finality::{FinalityError, Trust};
use yilian_ledger::Epoch;
use yilian_testkit::{
    ledger::{Chain as _, Seeded, World},
    network::{Fault, TestNetwork, run_on, url},
};

/// Blocks of an epoch.
const BLOCKS: u64 = 4;

fn world(seed: u64) -> World {
    let mut world = World::with_epochs(seed, BLOCKS);
    world.joiners = (0..4).map(|_| world.key()).collect();
    world
}

/// From the next epoch on these validate; returns when they do.
async fn change(network: &TestNetwork, keys: impl FnOnce(&World) -> Vec<SigningKey>) {
    let (transaction, epoch) = network.with_world(|world| {
        let epoch = Epoch(world.epoch().0 + 1);
        let action = world.set_committee(epoch, &keys(world));
        let all: Vec<u16> = (0..world.signers(world.epoch()).len() as u16).collect();
        (world.governance(action, &all), epoch)
    });
    network.submit(&transaction).await.unwrap();
    while network.snapshot().header.epoch < epoch {
        network.advance(10).await;
    }
}

/// One of four replaced, then everybody.
async fn two_changes(network: &TestNetwork) {
    change(network, |world| [&world.validators[1..], &world.joiners[..1]].concat()).await;
    change(network, |world| world.joiners.clone()).await;
}

#[test]
fn who_knows_the_genesis_only_follows_and_works_on() {
    run_on(world(31), 31, 2, |network| async move {
        let (client, mut rng) = (network.client(), Seeded::new(1));
        let mut alice = enrolled(&client, 1, &mut rng).await;
        let index =
            own::record(&client, &mut alice, &bundle("Alice"), Vec::new(), None, &mut rng).await.unwrap();
        assert_eq!(client.trust().epoch(), Epoch(0));
        two_changes(&network).await;

        let newcomer = network.client();
        newcomer.header().await.unwrap();
        let newest = network.with_world(|world| world.committee_entry().at(world.epoch()).to_vec());
        assert_eq!(newcomer.trust().committee().raw(), newest);

        // So does one in the middle of its work; nobody is blamed.
        client.refresh();
        assert!(read::read(&client, &mut alice, index).await.is_ok());
        assert_eq!(client.trust(), newcomer.trust());
        assert!(client.reports().is_empty() && newcomer.reports().is_empty());
    });
}

#[test]
fn a_client_with_kept_trust_asks_for_no_more_than_it_misses() {
    run_on(world(32), 32, 1, |network| async move {
        let first = network.client();
        change(&network, |world| [&world.validators[1..], &world.joiners[..1]].concat()).await;
        first.header().await.unwrap();
        let kept = first.trust().keep();
        change(&network, |world| world.joiners.clone()).await;

        let second = network.client();
        second.resume(Trust::resume(second.genesis(), &kept).unwrap());
        let _ = network.asked();
        second.header().await.unwrap();
        let from = first.trust().epoch().0;
        let asked = network.asked();
        assert!(asked.contains(&format!("/v1/committees?from={from}&limit=32")), "{asked:?}");
        // What is older than what is known is not taken up.
        let newest = second.trust();
        second.resume(first.trust());
        assert_eq!(second.trust(), newest);
    });
}

#[test]
fn a_node_that_cannot_lead_to_its_committee_is_named() {
    run_on(world(33), 33, 2, |network| async move {
        two_changes(&network).await;
        network.set_fault(0, Fault::SkipsCommittees);
        let error = network.client_of(&[0]).header().await.unwrap_err();
        let (epoch, trusted) = (network.snapshot().header.epoch, Epoch(0));
        assert_eq!(error, ClientError::UnknownCommittee { node: url(0), epoch, trusted });
        assert_eq!(error.code(), "node.unknown-committee");

        network.set_fault(0, Fault::ForgesCommittees);
        let error = network.client_of(&[0]).header().await.unwrap_err();
        let reason = Lie::Finality(FinalityError::Members);
        assert_eq!(error, ClientError::LyingNode { node: url(0), reason: reason.clone() });

        let both = network.client_of(&[0, 1]);
        assert!(both.header().await.is_ok());
        assert!(
            both.reports().iter().any(|r| r.node == url(0) && r.fault == NodeFault::Lied(reason.clone()))
        );
    });
}

#[test]
fn a_node_left_in_a_former_term_is_named_and_not_believed() {
    run_on(world(34), 34, 2, |network| async move {
        let old = network.client_of(&[0]);
        old.header().await.unwrap();
        network.set_fault(0, Fault::Frozen);
        two_changes(&network).await;
        let client = network.client_of(&[1, 0]);
        client.header().await.unwrap();
        let kept = client.trust();

        let alone = network.client_of(&[0]);
        alone.resume(kept.clone());
        let error = alone.header().await.unwrap_err();
        assert_eq!(
            error,
            ClientError::SupersededNode { node: url(0), epoch: Epoch(0), trusted: kept.epoch() }
        );
        assert_eq!(error.code(), "node.superseded");
        // Control: who forgot what it knew takes a former committee's header, fresh as it is.
        assert!(network.client_of(&[0]).header().await.is_ok());
    });
}
