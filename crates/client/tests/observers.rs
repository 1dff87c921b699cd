//! What nodes and observers learn while the flows run (protocol 3, 4.2, 4.3, rules marked †), beside weakened clients
//! that tell them more; and grants that have ended.
#![allow(clippy::unwrap_used)]

mod common;

use common::{bundle, enrolled, granted, written};
use yilian_client::{
    ClientError,
    patient::{dossier, own, read},
    reader,
};
use yilian_finality::prefix::BUCKET;
use yilian_ledger::{Kind, Name, name::Aid};
use yilian_testkit::{
    ledger::Seeded,
    network::{run, staff, url},
    observer::{candidates, grant_each, granted_together, look_up_by_name},
};

/// Names that are the same for everybody.
fn is_public(name: &Name) -> bool {
    matches!(name.kind(), Some(Kind::Parameters | Kind::TicketKey))
}

#[test]
fn no_node_learns_whom_or_what_a_client_looks_up() {
    run(61, 2, |network| async move {
        let staff = staff(&network).await;
        network.crowd(300).await;
        let (client, mut rng) = (network.client(), Seeded::new(1));
        let mut alice = enrolled(&client, 1, &mut rng).await;
        network.asked();
        // A visit, a grant, the reader's opening: record, grant, author and reader are looked up by several.
        let (index, _) = written(&client, &staff, &mut alice, "Alice", &mut rng).await;
        let grant = granted(&client, &staff, &mut alice, index, &mut rng).await;
        client.refresh();
        let received = reader::inbox(&client, &staff.carol).await.unwrap();
        assert!(reader::open(&client, &staff.carol, &received[0].opening).await.is_ok());
        assert!(read::read(&client, &mut alice, index).await.is_ok());

        let names: Vec<Name> = network.with_world(|world| world.state.keys().copied().collect());
        let targets = [
            alice.keys().aid(index).name(),
            alice.keys().bid(index, grant).name(),
            staff.bob.id.name(Kind::Practitioner),
            staff.carol.id.name(Kind::Practitioner),
        ];
        let asked = network.asked();
        for target in &targets {
            let kind = target.kind();
            let about: Vec<_> = asked.iter().filter_map(|path| candidates(path, &names)).collect();
            let buckets: Vec<_> = about.iter().filter(|names| names.contains(target)).collect();
            assert!(!buckets.is_empty(), "{kind:?} was looked up");
            for bucket in buckets {
                assert!(bucket.len() as u64 >= BUCKET / 2, "{kind:?}: one of {}", bucket.len());
            }
        }
        for path in asked.iter().filter(|path| path.starts_with("/v1/entries/")) {
            let named = candidates(path, &names).unwrap();
            assert!(named.iter().all(is_public), "asked for by name: {path}");
        }

        // Control: without buckets the node knows.
        for target in &targets {
            assert_eq!(look_up_by_name(&network, &url(0), target).await, Ok(200));
            let learnt: Vec<_> = network.asked().iter().filter_map(|path| candidates(path, &names)).collect();
            assert_eq!(learnt, [vec![*target]]);
        }
    });
}

#[test]
fn two_members_of_one_bucket_are_asked_for_alike() {
    run(62, 1, |network| async move {
        let staff = staff(&network).await;
        network.crowd(300).await;
        let name = staff.bob.id.name(Kind::Practitioner);
        let client = network.client();
        client.look_up(&name).await.unwrap();
        let mut neighbour = name;
        neighbour.0[31] ^= 1;
        let bob = network.asked();
        client.refresh();
        client.look_up(&neighbour).await.unwrap();
        assert_eq!(bob, network.asked());
        // Institutions come whole: every one is asked for alike.
        assert!(client.institutions().await.is_ok());
        let zeros = "00".repeat(31);
        assert_eq!(network.asked(), [format!("/v1/buckets/institution/0/{zeros}")]);
    });
}

#[test]
fn a_dossier_links_no_records_and_a_burst_of_grants_does() {
    /// Grants of different patients are further apart here.
    const GAP: u64 = 2_000;
    run(63, 2, |network| async move {
        let staff = staff(&network).await;
        let (client, mut rng) = (network.client(), Seeded::new(3));
        let (mut alice, mut bela) =
            (enrolled(&client, 1, &mut rng).await, enrolled(&client, 2, &mut rng).await);
        let mut records = Vec::new();
        for visit in ["one", "two", "three"] {
            let record = own::record(&client, &mut alice, &bundle(visit), Vec::new(), None, &mut rng).await;
            records.push(record.unwrap());
            network.advance(3 * GAP).await;
        }
        let (other, _) = written(&client, &staff, &mut bela, "Bela", &mut rng).await;
        let reader = client.reader_card(staff.carol.id).await.unwrap();
        grant_each(&client, &mut bela, &[other], &reader, &mut rng).await.unwrap();
        network.advance(3 * GAP).await;

        let bundled = dossier::dossier(&client, &mut alice, "All", &records, &mut rng).await.unwrap();
        grant_each(&client, &mut alice, &[bundled], &reader, &mut rng).await.unwrap();
        assert_eq!(granted_together(&network.seen(), GAP), Vec::<Vec<Aid>>::new());

        // Control: the same three records, a grant for each.
        network.advance(3 * GAP).await;
        grant_each(&client, &mut alice, &records, &reader, &mut rng).await.unwrap();
        let aids: Vec<Aid> = records.iter().map(|index| alice.keys().aid(*index)).collect();
        assert_eq!(granted_together(&network.seen(), GAP), [aids], "one patient's, by their times");
    });
}

#[test]
fn an_expired_grant_opens_no_more() {
    run(64, 2, |network| async move {
        let staff = staff(&network).await;
        let (client, mut rng) = (network.client(), Seeded::new(4));
        let mut alice = enrolled(&client, 1, &mut rng).await;
        let (index, _) = written(&client, &staff, &mut alice, "Alice", &mut rng).await;
        granted(&client, &staff, &mut alice, index, &mut rng).await;
        let received = reader::inbox(&client, &staff.carol).await.unwrap();
        let opened = reader::open(&client, &staff.carol, &received[0].opening).await.unwrap();
        network.advance(opened.expiry.0 - client.now().0).await;
        let ended = reader::open(&client, &staff.carol, &received[0].opening).await.unwrap_err();
        assert_eq!((ended.code(), &ended), ("grant.ended", &ClientError::Ended(opened.expiry)));
    });
}
