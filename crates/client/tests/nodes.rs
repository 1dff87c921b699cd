//! Lying, lagging and silent nodes: never believed, always named, passed over when another node answers.
#![allow(clippy::unwrap_used)]

mod common;

use common::{bundle, enrolled, granted, seed, written};
use yilian_client::{
    ClientError, Lie, NodeFault, Wallet,
    patient::{backup, grant, inbox, offer, own, read},
    practitioner::{self, NewRecord},
    reader,
    wallet::{index::Lane, state::GrantStatus},
};
use yilian_finality::{FinalityError, snapshot};
use yilian_ledger::{Kind, Outcome};
use yilian_testkit::{
    client::without_freshness,
    ledger::Seeded,
    network::{Fault, run, staff, url},
};

/// Every lie about the state, and what it is called.
const LIES: [(Fault, Lie); 6] = [
    (Fault::ForgedHeader, Lie::Finality(FinalityError::Certificate)),
    (Fault::ForeignCommittee, Lie::Finality(FinalityError::Certificate)),
    (Fault::HidesEntries, Lie::Finality(FinalityError::Incomplete)),
    (Fault::AltersEntries, Lie::Finality(FinalityError::Entry)),
    (Fault::NoProof, Lie::Finality(FinalityError::Proof)),
    (Fault::FutureHeader, Lie::Finality(FinalityError::Certificate)),
];

#[test]
fn a_lying_node_is_named_and_another_one_asked() {
    run(21, 2, |network| async move {
        let staff = staff(&network).await;
        for (fault, lie) in LIES {
            network.set_fault(0, fault);
            let alone = network.client_of(&[0]);
            let error = alone.member(staff.bob.id, Kind::Practitioner).await.unwrap_err();
            let named = ClientError::LyingNode { node: url(0), reason: lie.clone() };
            // An entry altered in its last byte may no longer decode: that is a lie about the entry as well.
            assert_eq!(error, named, "{fault:?}");

            let both = network.client_of(&[0, 1]);
            assert!(both.member(staff.bob.id, Kind::Practitioner).await.is_ok(), "{fault:?}");
            let reports = both.reports();
            assert!(reports.iter().any(|r| r.node == url(0) && r.fault == NodeFault::Lied(lie.clone())));
            assert!(reports.iter().all(|r| r.node != url(1)));
        }
        network.set_fault(0, Fault::None);
        let honest = network.client_of(&[0]);
        assert!(honest.member(staff.bob.id, Kind::Practitioner).await.is_ok());
        assert!(honest.reports().is_empty());
    });
}

#[test]
fn a_stale_node_is_not_believed() {
    run(22, 2, |network| async move {
        let staff = staff(&network).await;
        let (client, mut rng) = (network.client(), Seeded::new(1));
        let mut alice = enrolled(&client, 1, &mut rng).await;
        let (index, _) = written(&client, &staff, &mut alice, "Alice", &mut rng).await;
        let given = granted(&client, &staff, &mut alice, index, &mut rng).await;
        let received = reader::inbox(&client, &staff.carol).await.unwrap();
        let opening = &received[0].opening;
        // The node saw the grant while it counted, and goes on telling so.
        let at_stale = network.client_of(&[0]);
        assert!(reader::open(&at_stale, &staff.carol, opening).await.is_ok());
        let old = network.snapshot();
        network.set_fault(0, Fault::Frozen);
        let others = network.client_of(&[1]);
        grant::withdraw(&others, &mut alice, index, given).await.unwrap();
        network.advance(130_000).await;

        let fresh = network.client_of(&[0]);
        let stale = reader::open(&fresh, &staff.carol, opening).await.unwrap_err();
        assert!(matches!(stale, ClientError::StaleNode { ref node, .. } if *node == url(0)), "{stale:?}");
        let both = network.client_of(&[0, 1]);
        let ended = reader::open(&both, &staff.carol, opening).await.unwrap_err();
        assert!(matches!(ended, ClientError::Ended(_)), "{ended:?}");
        assert!(both.reports().iter().any(|r| matches!(r.fault, NodeFault::Stale { .. })));

        // Control: who does not look at the header's age takes the old state for the present one.
        let verified = without_freshness(client.genesis(), &old).unwrap();
        assert!(snapshot::verify(client.genesis(), &old, client.now()).is_err());
        assert_eq!(verified.header(), &old.header);
    });
}

#[test]
fn a_node_behind_our_own_transaction_is_passed_over() {
    run(23, 2, |network| async move {
        let staff = staff(&network).await;
        let (client, mut rng) = (network.client(), Seeded::new(2));
        let mut alice = enrolled(&client, 1, &mut rng).await;
        client.header().await.unwrap();
        let (index, _) = written(&client, &staff, &mut alice, "Alice", &mut rng).await;
        network.set_fault(0, Fault::Frozen);
        let (index_2, _) = written(&client, &staff, &mut alice, "Alice", &mut rng).await;
        assert_ne!(index, index_2);
        assert!(read::read(&client, &mut alice, index_2).await.is_ok());
    });
}

#[test]
fn an_outcome_that_the_chain_does_not_show_is_a_lie() {
    run(24, 2, |network| async move {
        let (client, mut rng) = (network.client_of(&[0]), Seeded::new(3));
        let mut alice = enrolled(&client, 1, &mut rng).await;
        network.set_fault(0, Fault::SwallowsTransactions);
        let error =
            own::record(&client, &mut alice, &bundle("Alice"), Vec::new(), None, &mut rng).await.unwrap_err();
        assert_eq!(error, ClientError::LyingNode { node: url(0), reason: Lie::Outcome });
    });
}

#[test]
fn an_impostor_gets_nothing_signed() {
    for fault in [Fault::Impostor, Fault::Masquerades, Fault::ReplaysIdentity, Fault::SignsNothing] {
        is_no_audience(fault);
    }
}

fn is_no_audience(fault: Fault) {
    run(25, 2, |network| async move {
        let (client, mut rng) = (network.client(), Seeded::new(4));
        let mut alice = enrolled(&client, 1, &mut rng).await;
        network.set_fault(0, fault);
        let index =
            own::record(&client, &mut alice, &bundle("Alice"), Vec::new(), None, &mut rng).await.unwrap();
        assert!(network.stored(0).is_empty() && !network.stored(1).is_empty());
        let fault = NodeFault::Lied(Lie::Identity);
        assert!(client.reports().iter().any(|r| r.node == url(0) && r.fault == fault));
        assert!(read::read(&client, &mut alice, index).await.is_ok());
    });
}

#[test]
fn damaged_swapped_and_missing_content_is_not_shown() {
    run(26, 2, |network| async move {
        let staff = staff(&network).await;
        let (client, mut rng) = (network.client(), Seeded::new(5));
        let mut alice = enrolled(&client, 1, &mut rng).await;
        let (index, _) = written(&client, &staff, &mut alice, "Alice", &mut rng).await;
        for fault in [Fault::FlipsContent, Fault::SwapsContent] {
            network.set_fault(0, fault);
            let alone = network.client_of(&[0]);
            let error = read::read(&alone, &mut alice, index).await.unwrap_err();
            assert_eq!(error, ClientError::LyingNode { node: url(0), reason: Lie::Content }, "{fault:?}");
            let both = network.client_of(&[0, 1]);
            assert!(read::read(&both, &mut alice, index).await.is_ok());
            assert!(both.reports().iter().any(|r| r.fault == NodeFault::Lied(Lie::Content)));
        }
        network.set_fault(0, Fault::LosesContent);
        let alone = network.client_of(&[0]);
        let error = read::read(&alone, &mut alice, index).await.unwrap_err();
        assert!(matches!(error, ClientError::Refused { status: 404, .. }), "{error:?}");
        assert!(read::read(&network.client_of(&[0, 1]), &mut alice, index).await.is_ok());
    });
}

#[test]
fn a_silent_node_stops_nothing() {
    run(27, 3, |network| async move {
        let staff = staff(&network).await;
        network.set_fault(0, Fault::Silent);
        let (client, mut rng) = (network.client(), Seeded::new(6));
        let mut alice = enrolled(&client, 1, &mut rng).await;
        let (index, _) = written(&client, &staff, &mut alice, "Alice", &mut rng).await;
        granted(&client, &staff, &mut alice, index, &mut rng).await;
        assert_eq!(reader::inbox(&client, &staff.carol).await.unwrap().len(), 1);
        let stored = |node| network.stored(node).len();
        assert!(stored(1) > 0 && stored(2) > 0, "two nodes keep it");
    });
}

#[test]
fn a_damaged_message_is_a_lie_and_its_copy_is_read() {
    run(28, 2, |network| async move {
        let staff = staff(&network).await;
        let (client, mut rng) = (network.client(), Seeded::new(7));
        let mut alice = enrolled(&client, 1, &mut rng).await;
        let (_, card) = offer::offer(&client, &mut alice, "").await.unwrap();
        let record = NewRecord { bundle: bundle("Alice"), ..NewRecord::default() };
        practitioner::write(&client, &staff.bob, &card, record, &mut rng).await.unwrap();
        network.set_fault(0, Fault::FlipsMessages);
        let waiting = inbox::inbox(&client, &alice).await.unwrap();
        assert_eq!(waiting.drafts.len(), 1);
        assert!(client.reports().iter().any(|r| r.fault == NodeFault::Lied(Lie::Message)));
    });
}

#[test]
fn the_highest_backup_of_any_node_wins() {
    run(29, 2, |network| async move {
        let (client, mut rng) = (network.client(), Seeded::new(8));
        let mut alice = enrolled(&client, 1, &mut rng).await;
        backup::back_up(&client, &mut alice).await.unwrap();
        let (index, _) = offer::offer(&client, &mut alice, "the second visit").await.unwrap();
        backup::back_up(&client, &mut alice).await.unwrap();
        network.set_fault(0, Fault::OldBackups);
        let disk = common::Disk::default();
        let lane = Lane::new(1).unwrap();
        let mut found = Wallet::create(seed(1), client.chain(), lane, disk).await.unwrap();
        assert_eq!(backup::restore(&client, &mut found).await.unwrap(), 1);
        assert_eq!(found.state().offers[&index].note.as_str(), "the second visit");
    });
}

#[test]
fn a_transaction_that_a_node_withholds_goes_to_another_one() {
    run(30, 2, |network| async move {
        let (client, mut rng) = (network.client(), Seeded::new(9));
        let mut alice = enrolled(&client, 1, &mut rng).await;
        network.set_fault(0, Fault::WithholdsTransactions);
        let index =
            own::record(&client, &mut alice, &bundle("Alice"), Vec::new(), None, &mut rng).await.unwrap();
        assert_eq!(network.kept(0).len(), 1);
        assert!(read::read(&client, &mut alice, index).await.is_ok());
    });
}

#[test]
fn a_grant_that_a_node_denied_and_played_later_is_found() {
    run(31, 2, |network| async move {
        let staff = staff(&network).await;
        let (client, mut rng) = (network.client(), Seeded::new(10));
        let mut alice = enrolled(&client, 1, &mut rng).await;
        let (record, _) = written(&client, &staff, &mut alice, "Alice", &mut rng).await;
        let reader = client.reader_card(staff.carol.id).await.unwrap();
        let delivery = grant::Delivery::Within(1);
        let terms = || grant::Terms { record, reader: &reader, expiry_class: 1, delivery, note: "" };
        let status =
            |alice: &Wallet<common::Disk>, at: usize| alice.state().grants.values().nth(at).unwrap().status;
        network.set_fault(0, Fault::DeniesTransactions);
        for _ in 0..2 {
            let error = grant::grant(&client, &mut alice, terms(), &mut rng).await.unwrap_err();
            assert!(matches!(error, ClientError::Rejected { .. }), "{error:?}");
        }
        network.set_fault(0, Fault::None);
        assert_eq!(network.submit(&network.kept(0)[0]).await, Ok(Outcome::Applied));
        client.refresh();
        grant::settle(&client, &mut alice).await.unwrap();
        assert_eq!(status(&alice, 0), GrantStatus::Active);
        assert_eq!(status(&alice, 1), GrantStatus::Submitted);

        // The other one can come no more once its time is over.
        network.advance(client.parameters().await.unwrap().max_validity_ms + 10_000).await;
        grant::settle(&client, &mut alice).await.unwrap();
        assert_eq!(status(&alice, 1), GrantStatus::Failed);
        assert!(!matches!(network.submit(&network.kept(0)[1]).await, Ok(Outcome::Applied)));
    });
}

#[test]
fn a_large_backup_is_paid_for() {
    run(32, 2, |network| async move {
        let (client, mut rng) = (network.client(), Seeded::new(11));
        let mut alice = enrolled(&client, 1, &mut rng).await;
        let held = alice.state().tickets.len();
        backup::back_up(&client, &mut alice).await.unwrap();
        assert_eq!(alice.state().tickets.len(), held, "small ones are free");
        for _ in 0..140 {
            offer::offer(&client, &mut alice, &"n".repeat(500)).await.unwrap();
        }
        assert_eq!(backup::back_up(&client, &mut alice).await, Ok(2));
        assert_eq!(alice.state().tickets.len(), held - 1);
        // The room is paid for until the backup outgrows it.
        assert_eq!(backup::back_up(&client, &mut alice).await, Ok(2));
        assert_eq!(alice.state().tickets.len(), held - 1);
    });
}
