//! The wallet: nothing is used twice, two devices never collide, 24 words find everything.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeSet;

use common::{Disk, bundle, enrolled, granted, redeemed, seed, written};
use yilian_client::{
    Client, ClientError, Store, StoreError, Wallet,
    content::Quiet,
    message::Wish,
    patient::{backup, dossier, grant, inbox, offer, own, read, recover, tickets},
    practitioner::{self, NewRecord},
    reader,
    wallet::{
        WalletError,
        index::{Lane, RecordIndex},
        keys::Keys,
        state::{GrantStatus, OfferStatus},
        vault,
    },
};
use yilian_crypto::{Label, seed::Seed, ticket::Class};
use yilian_testkit::{
    ledger::Seeded,
    network::{TestNetwork, run, staff},
};

async fn second_device(client: &Client<TestNetwork>, byte: u8) -> Wallet<Disk> {
    let lane = backup::claim_lane(client, &seed(byte)).await.unwrap();
    Wallet::create(seed(byte), client.chain(), lane, Disk::default()).await.unwrap()
}

#[test]
fn an_index_is_on_disk_before_its_card_exists() {
    run(31, 1, |network| async move {
        let client = network.client();
        let disk = Disk::default();
        let mut wallet = Wallet::create(seed(1), client.chain(), Lane::FIRST, disk.clone()).await.unwrap();
        let (index, card) = offer::offer(&client, &mut wallet, "").await.unwrap();
        // The device dies here; the file is all that is left.
        drop(wallet);
        let mut again = Wallet::open(seed(1), client.chain(), &disk.last(), Disk::default()).unwrap();
        assert_eq!(again.state().offers[&index].status, OfferStatus::Open);
        assert_eq!(offer::open_card(&again, index).unwrap(), card);
        let (next, other) = offer::offer(&client, &mut again, "").await.unwrap();
        assert_ne!(next, index);
        assert_ne!(other.owner_commitment, card.owner_commitment);
    });
}

#[test]
fn a_state_of_another_version_is_refused_by_its_number() {
    run(38, 1, |network| async move {
        let chain = network.client().chain();
        let key = seed(1).derive(Label::WalletState, &[]);
        let open = |bytes: &[u8]| {
            let sealed = vault::seal(&key, Label::WalletState, bytes);
            Wallet::open(seed(1), chain, &sealed, Disk::default()).unwrap_err()
        };
        assert_eq!(open(&[2, 1, 2, 3]), WalletError::Version { found: 2 });
        assert_eq!(open(&[1, 1, 2, 3]), WalletError::Malformed);
        assert_eq!(open(&[]), WalletError::Malformed);
    });
}

/// A disk that is full.
struct Full;

impl Store for Full {
    async fn save(&mut self, _: &[u8]) -> Result<(), StoreError> {
        Err(StoreError("disk full".into()))
    }
}

#[test]
fn no_card_is_shown_when_the_index_cannot_be_saved() {
    run(32, 1, |network| async move {
        let client = network.client();
        let disk = Disk::default();
        Wallet::create(seed(1), client.chain(), Lane::FIRST, disk.clone()).await.unwrap();
        let mut wallet = Wallet::open(seed(1), client.chain(), &disk.last(), Full).unwrap();
        let shown = offer::offer(&client, &mut wallet, "").await;
        assert!(matches!(shown, Err(ClientError::Wallet(WalletError::Store(_)))));
    });
}

#[test]
fn a_wallet_file_opens_with_its_seed_only_and_undamaged() {
    run(33, 1, |network| async move {
        let client = network.client();
        let disk = Disk::default();
        Wallet::create(seed(1), client.chain(), Lane::FIRST, disk.clone()).await.unwrap();
        let sealed = disk.last();
        assert!(Wallet::open(seed(1), client.chain(), &sealed, Disk::default()).is_ok());
        let other = Wallet::open(seed(2), client.chain(), &sealed, Disk::default());
        assert!(matches!(other, Err(WalletError::Sealed(_))));
        for at in [0, 31, 32, sealed.len() - 1] {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert!(Wallet::open(seed(1), client.chain(), &damaged, Disk::default()).is_err());
        }
        for end in 0..sealed.len() {
            assert!(Wallet::open(seed(1), client.chain(), &sealed[..end], Disk::default()).is_err());
        }
        let elsewhere = yilian_ledger::ChainId(yilian_crypto::Digest([1; 32]));
        let other = Wallet::open(seed(1), elsewhere, &sealed, Disk::default());
        assert!(matches!(other, Err(WalletError::Chain)));
    });
}

#[test]
fn all_keys_of_all_indexes_differ() {
    let keys = Keys::new(seed(1));
    let mut seen = BTreeSet::new();
    for lane in [0, 1, 255] {
        for counter in [0, 1, u32::MAX] {
            let index = RecordIndex::new(Lane::new(lane).unwrap(), counter);
            assert!(seen.insert(*keys.owner(index).verifying_key().as_bytes()));
            assert!(seen.insert(*keys.salt(index).expose()));
            assert!(seen.insert(*keys.mailbox(index).owner.verifying_key().as_bytes()));
            let (draft, record) = (keys.draft_delegator(index), keys.record_delegator(index));
            assert_ne!(draft.public(), record.public());
        }
    }
}

#[test]
fn two_devices_on_one_seed_never_draw_the_same_index() {
    run(34, 2, |network| async move {
        let (client, mut rng) = (network.client(), Seeded::new(1));
        let mut phone = enrolled(&client, 1, &mut rng).await;
        let mut tablet = second_device(&client, 1).await;
        let mut third = second_device(&client, 1).await;
        let mut cards = BTreeSet::new();
        for wallet in [&mut phone, &mut tablet, &mut third] {
            for _ in 0..3 {
                let (_, card) = offer::offer(&client, wallet, "").await.unwrap();
                assert!(cards.insert(card.owner_commitment));
            }
        }
        assert_eq!(cards.len(), 9);
        // Control: the same seed opened twice without lanes of their own collides at once.
        let mut copies = Vec::new();
        for _ in 0..2 {
            let disk = Disk::default();
            let mut copy = Wallet::create(seed(2), client.chain(), Lane::FIRST, disk).await.unwrap();
            copies.push(offer::offer(&client, &mut copy, "").await.unwrap().1);
        }
        assert_eq!(copies[0], copies[1]);
    });
}

#[test]
fn two_devices_grant_one_record_with_different_keys() {
    run(35, 2, |network| async move {
        let staff = staff(&network).await;
        let (client, mut rng) = (network.client(), Seeded::new(2));
        let mut phone = enrolled(&client, 1, &mut rng).await;
        let (index, _) = written(&client, &staff, &mut phone, "Alice", &mut rng).await;
        let mut tablet = second_device(&client, 1).await;
        recover::recover(&client, &mut tablet, &mut Quiet).await.unwrap();
        tablet_tickets(&client, &mut phone, &mut tablet).await;
        let by_phone = granted(&client, &staff, &mut phone, index, &mut rng).await;
        let by_tablet = granted(&client, &staff, &mut tablet, index, &mut rng).await;
        assert_ne!(by_phone, by_tablet);
        assert_ne!(phone.keys().bid(index, by_phone), phone.keys().bid(index, by_tablet));
        assert_eq!(reader::inbox(&client, &staff.carol).await.unwrap().len(), 2);
    });
}

/// The authority serves a wallet once a period: the test moves on to the next one.
async fn tablet_tickets(client: &Client<TestNetwork>, phone: &mut Wallet<Disk>, tablet: &mut Wallet<Disk>) {
    let network = client.host();
    let period = network.with_world(|world| world.period());
    let next = yilian_crypto::ticket::Period(period.0 + 2);
    network.open_period(next).await;
    let end = network.with_world(|world| world.parameters().begin(next).0 - world.time.0);
    network.advance(end).await;
    client.refresh();
    let mut rng = Seeded::new(99);
    assert!(tickets::fetch(client, tablet, Class::Care, next, &mut rng).await.unwrap().count() > 0);
    // Both are one wallet to the authority; here it serves the second device, too.
    network.give(phone.keys().authority().verifying_key());
    assert!(tickets::fetch(client, phone, Class::Care, next, &mut rng).await.unwrap().count() > 0);
}

#[test]
fn a_refused_offer_is_spent_and_its_author_told() {
    run(36, 2, |network| async move {
        let staff = staff(&network).await;
        let (client, mut rng) = (network.client(), Seeded::new(3));
        let mut alice = enrolled(&client, 1, &mut rng).await;
        let (index, card) = offer::offer(&client, &mut alice, "").await.unwrap();
        let record = NewRecord { bundle: bundle("Alice"), ..NewRecord::default() };
        let sent = practitioner::write(&client, &staff.bob, &card, record, &mut rng).await.unwrap();
        let waiting = inbox::inbox(&client, &alice).await.unwrap();
        inbox::refuse(&client, &mut alice, &waiting.drafts[0], "not my name", &mut rng).await.unwrap();

        let refusals = practitioner::refusals(&client, &staff.bob).await.unwrap();
        assert_eq!(refusals.len(), 1);
        assert_eq!(refusals[0].refusal.reason.as_str(), "not my name");
        assert!(refusals[0].is_of(&sent, &card));
        let (_, other) = offer::offer(&client, &mut alice, "").await.unwrap();
        assert!(!refusals[0].is_of(&sent, &other), "not of another offer");

        assert_eq!(offer::open_card(&alice, index), Err(ClientError::OfferNotOpen(index)));
        let again =
            yilian_client::patient::adopt::accept(&client, &mut alice, &waiting.drafts[0], &mut rng).await;
        assert_eq!(again, Err(ClientError::OfferNotOpen(index)));
        assert!(network.entry(&alice.keys().aid(index).name()).is_none());
    });
}

#[test]
fn the_words_alone_find_every_record_and_grant_on_every_lane() {
    run(37, 2, |network| async move {
        let staff = staff(&network).await;
        let (client, mut rng) = (network.client(), Seeded::new(4));
        let mut phone = enrolled(&client, 1, &mut rng).await;
        // Spent without a record: a gap that recovery has to cross.
        for _ in 0..recover::RECORD_GAP - 1 {
            offer::offer(&client, &mut phone, "").await.unwrap();
        }
        let (first, _) = written(&client, &staff, &mut phone, "Alice", &mut rng).await;
        let given = granted(&client, &staff, &mut phone, first, &mut rng).await;
        let mut tablet = second_device(&client, 1).await;
        network.give(phone.keys().authority().verifying_key());
        let period = network.with_world(|world| world.period());
        tickets::fetch(&client, &mut tablet, Class::Care, period, &mut rng).await.unwrap();
        let second =
            own::record(&client, &mut tablet, &bundle("Alice"), Vec::new(), None, &mut rng).await.unwrap();

        let words = phone.keys().seed().words();
        let seed = Seed::from_words(words.expose()).unwrap();
        let lane = backup::claim_lane(&client, &seed).await.unwrap();
        assert_eq!(lane.number(), 2);
        let mut found = Wallet::create(seed, client.chain(), lane, Disk::default()).await.unwrap();
        let report = recover::recover(&client, &mut found, &mut Quiet).await.unwrap();
        assert_eq!((report.records, report.grants), (2, 1));
        assert_eq!(found.state().records.keys().copied().collect::<Vec<_>>(), [first, second]);
        assert!(read::read(&client, &mut found, first).await.is_ok());
        assert!(read::read(&client, &mut found, second).await.is_ok());
        grant::withdraw(&client, &mut found, first, given).await.unwrap();
        assert_eq!(found.state().grants[&(first, given)].status, GrantStatus::Withdrawn);
        let (fresh, _) = offer::offer(&client, &mut found, "").await.unwrap();
        assert_eq!(fresh.lane(), lane);
    });
}

#[test]
fn a_record_beyond_the_gap_is_not_found() {
    run(38, 2, |network| async move {
        let staff = staff(&network).await;
        let (client, mut rng) = (network.client(), Seeded::new(5));
        let mut phone = enrolled(&client, 1, &mut rng).await;
        for _ in 0..recover::RECORD_GAP {
            offer::offer(&client, &mut phone, "").await.unwrap();
        }
        written(&client, &staff, &mut phone, "Alice", &mut rng).await;
        let lane = Lane::new(1).unwrap();
        let mut found = Wallet::create(seed(1), client.chain(), lane, Disk::default()).await.unwrap();
        let report = recover::recover(&client, &mut found, &mut Quiet).await.unwrap();
        assert_eq!(report.records, 0);
    });
}

#[test]
fn a_backup_brings_back_what_the_chain_does_not_know() {
    run(39, 2, |network| async move {
        let staff = staff(&network).await;
        let (client, mut rng) = (network.client(), Seeded::new(6));
        let mut phone = enrolled(&client, 1, &mut rng).await;
        let (index, _) = written(&client, &staff, &mut phone, "Alice", &mut rng).await;
        let given = granted(&client, &staff, &mut phone, index, &mut rng).await;
        phone.annotate(index, "the broken arm").await.unwrap();
        assert_eq!(backup::back_up(&client, &mut phone).await.unwrap(), 2);

        let mut tablet = second_device(&client, 1).await;
        recover::recover(&client, &mut tablet, &mut Quiet).await.unwrap();
        let bare = &tablet.state().grants[&(index, given)];
        assert!(bare.reader.is_none());
        assert!(backup::restore(&client, &mut tablet).await.unwrap() >= 1);
        let state = tablet.state();
        assert_eq!(state.records[&index].note.as_str(), "the broken arm");
        assert_eq!(state.grants[&(index, given)].reader.as_ref().unwrap().name.as_str(), "carol");
        assert!(state.tickets.is_empty(), "tickets are a device's own");
        let stranger = enrolled(&client, 2, &mut rng).await;
        assert!(stranger.state().records.is_empty());
    });
}

#[test]
fn a_dossier_opens_several_records_by_one_grant() {
    run(40, 2, |network| async move {
        let staff = staff(&network).await;
        let (client, mut rng) = (network.client(), Seeded::new(7));
        let mut alice = enrolled(&client, 1, &mut rng).await;
        let (first, _) = written(&client, &staff, &mut alice, "Alice", &mut rng).await;
        let second = own::record(&client, &mut alice, &bundle("Alice, own"), Vec::new(), None, &mut rng)
            .await
            .unwrap();
        let grants = network.with_world(|world| world.counts.grants);
        let bundled = dossier::dossier(&client, &mut alice, "For the insurer", &[first, second], &mut rng)
            .await
            .unwrap();
        granted(&client, &staff, &mut alice, bundled, &mut rng).await;
        assert_eq!(network.with_world(|world| world.counts.grants), grants + 1);

        let received = reader::inbox(&client, &staff.carol).await.unwrap();
        let opened = reader::open(&client, &staff.carol, &received[0].opening).await.unwrap();
        let inside = reader::open_dossier(&client, opened.dossier().unwrap()).await;
        let bodies: Vec<_> =
            inside.iter().map(|inside| inside.as_ref().unwrap().record.body().to_vec()).collect();
        assert_eq!(bodies, [bundle("Alice"), bundle("Alice, own")]);
        let classes: Vec<_> =
            inside.iter().map(|inside| inside.as_ref().unwrap().record.summary().class).collect();
        use yilian_client::record::Class::{Clinical, SelfRecorded};
        assert_eq!(classes, [Clinical, SelfRecorded]);
    });
}

#[test]
fn a_dossier_tells_which_records_name_another_patient() {
    run(46, 2, |network| async move {
        let staff = staff(&network).await;
        let (client, mut rng) = (network.client(), Seeded::new(12));
        let mut alice = enrolled(&client, 1, &mut rng).await;
        let mut records = Vec::new();
        for patient in ["Alice", "Alice", "Mallory", "Alice"] {
            records.push(written(&client, &staff, &mut alice, patient, &mut rng).await.0);
        }
        let bundled = dossier::dossier(&client, &mut alice, "All of it", &records, &mut rng).await.unwrap();
        granted(&client, &staff, &mut alice, bundled, &mut rng).await;
        let received = reader::inbox(&client, &staff.carol).await.unwrap();
        let opened = reader::open(&client, &staff.carol, &received[0].opening).await.unwrap();
        let inside = reader::open_dossier(&client, opened.dossier().unwrap()).await;
        let inside: Vec<_> = inside.into_iter().map(Result::unwrap).collect();
        let flags: Vec<_> = inside.iter().map(|inside| inside.other_patient).collect();
        assert_eq!(flags, [false, false, true, false]);
        assert_eq!(inside[2].record.summary().patient.name.as_str(), "Mallory");
    });
}

#[test]
fn a_renewed_reader_still_opens_earlier_grants() {
    run(41, 2, |network| async move {
        let staff = staff(&network).await;
        let (client, mut rng) = (network.client(), Seeded::new(8));
        let mut alice = enrolled(&client, 1, &mut rng).await;
        let (index, _) = written(&client, &staff, &mut alice, "Alice", &mut rng).await;
        granted(&client, &staff, &mut alice, index, &mut rng).await;
        let renewed = network.admit(&staff.hospital, "carol", 1).await;
        client.refresh();
        assert_ne!(renewed.keys.delegatee().public(), staff.carol.keys.delegatee().public());
        granted(&client, &staff, &mut alice, index, &mut rng).await;
        let received = reader::inbox(&client, &renewed).await.unwrap();
        assert_eq!(received.len(), 2);
        for grant in &received {
            assert!(reader::open(&client, &renewed, &grant.opening).await.is_ok());
        }
        // Control: who threw the old key away opens the new grant only.
        let forgetful = network.admit(&staff.hospital, "carol-without-a-past", 0).await;
        for grant in &received {
            assert!(reader::open(&client, &forgetful, &grant.opening).await.is_err());
        }
    });
}

#[test]
fn a_reader_asks_and_the_patient_sees_who() {
    run(42, 2, |network| async move {
        let staff = staff(&network).await;
        let (client, mut rng) = (network.client(), Seeded::new(9));
        let alice = &mut redeemed(&client, 1).await;
        let (index, card) = offer::offer(&client, alice, "").await.unwrap();
        let wish = Wish {
            purpose: yilian_client::wire::Text::clipped("claim 17"),
            wanted: yilian_client::wire::Text::clipped("the visit of May"),
            expiry_class: 0,
        };
        reader::request(&client, &staff.carol, &card, wish, &mut rng).await.unwrap();
        let waiting = inbox::inbox(&client, alice).await.unwrap();
        assert_eq!(waiting.requests.len(), 1);
        let request = &waiting.requests[0];
        assert_eq!((request.offer, request.reader.name()), (index, "carol"));
        assert_eq!(request.request.purpose.as_str(), "claim 17");
        // Passed on to another patient, it does not verify.
        let (_, other) = offer::offer(&client, alice, "").await.unwrap();
        let key = staff.carol.keys.signing().verifying_key();
        assert!(request.request.verify(client.chain(), &card.mailbox.id, &key).is_ok());
        assert!(request.request.verify(client.chain(), &other.mailbox.id, &key).is_err());
    });
}

#[test]
fn an_opening_waits_for_its_delay() {
    run(43, 2, |network| async move {
        let staff = staff(&network).await;
        let (client, mut rng) = (network.client(), Seeded::new(10));
        let mut alice = enrolled(&client, 1, &mut rng).await;
        let (index, _) = written(&client, &staff, &mut alice, "Alice", &mut rng).await;
        let card = client.reader_card(staff.carol.id).await.unwrap();
        let terms = grant::Terms {
            record: index,
            reader: &card,
            expiry_class: 3,
            delivery: grant::Delivery::Within(20_000),
            note: "",
        };
        let given = grant::grant(&client, &mut alice, terms, &mut rng).await.unwrap();
        let due = alice.state().grants[&(index, given)].outgoing.as_ref().unwrap().not_before;
        if due > client.now() {
            assert_eq!(grant::deliver(&client, &mut alice).await.unwrap(), 0);
        }
        network.advance(20_000).await;
        assert_eq!(grant::deliver(&client, &mut alice).await.unwrap(), 1);
        assert_eq!(grant::deliver(&client, &mut alice).await.unwrap(), 0, "once");
        assert_eq!(reader::inbox(&client, &staff.carol).await.unwrap().len(), 1);
    });
}

#[test]
fn an_import_keeps_going_and_says_what_failed() {
    run(44, 2, |network| async move {
        let (client, mut rng) = (network.client(), Seeded::new(11));
        let mut alice = enrolled(&client, 1, &mut rng).await;
        let history = [bundle("Alice"), b"{}".to_vec(), bundle("Alice, later")];
        let outcomes = own::import(&client, &mut alice, &history, &mut Quiet, &mut rng).await;
        let good: Vec<_> = outcomes.iter().map(|one| one.outcome.is_ok()).collect();
        assert_eq!(good, [true, false, true]);
        assert_eq!(alice.state().records.len(), 2);
    });
}
