//! Attacks on the flows (protocol section 4, rules marked †): each is played and fails; beside it the control, a
//! weakened variant on which the same attack succeeds.
#![allow(clippy::unwrap_used)]

mod common;

use common::{bundle, enrolled, entry_of, written};
use commonware_codec::Encode as _;
use yilian_client::{
    ClientError, Lie,
    message::{Message, Opening},
    patient::{adopt, inbox, offer, own, read, tickets},
    practitioner::{self, NewRecord},
    reader,
    record::{ContentKey, Dossier, RecordOpening, opening},
    wallet::keys::owner_commitment,
};
use yilian_crypto::{
    Digest,
    certificate::Level,
    stream::DataKey,
    ticket::{Class, Request},
};
use yilian_ledger::{
    Kind, Outcome,
    member::NotCertified,
    transaction::{Create, Revoke},
};
use yilian_testkit::{
    client::{AuthorKnowledge, Checks, Refused, WeakReader, record_of, unsalted_commitment},
    ledger::{Seeded, ticket_secret},
    network::{Fault, TestNetwork, run, staff},
};

type Wallet = yilian_client::Wallet<common::Disk>;

/// The key that opens a record of one's own wallet.
fn content_of(
    network: &TestNetwork,
    wallet: &Wallet,
    index: yilian_client::wallet::index::RecordIndex,
) -> ContentKey {
    let entry = entry_of(network, wallet, index);
    let owner = wallet.keys().owner(index).verifying_key().encode();
    let key = wallet.keys().record_delegator(index).decapsulate(&entry.capsule, &owner);
    ContentKey::unwrap(&key, &entry.wrapped).unwrap()
}

#[test]
fn an_author_does_not_recognize_his_draft_on_the_chain() {
    run(11, 2, |network| async move {
        let staff = staff(&network).await;
        let (client, mut rng) = (network.client(), Seeded::new(1));
        let mut alice = enrolled(&client, 1, &mut rng).await;
        let (index, card) = offer::offer(&client, &mut alice, "").await.unwrap();
        let record = NewRecord { bundle: bundle("Alice"), ..NewRecord::default() };
        let sent = practitioner::write(&client, &staff.bob, &card, record, &mut rng).await.unwrap();
        let sealed = network.message(&card.mailbox.id);
        let keys = alice.keys().mailbox(index);
        let Message::Draft(draft) = Message::open(client.chain(), &keys, &sealed).unwrap() else {
            panic!("Bob sent a draft")
        };
        let bob = AuthorKnowledge::new(
            &alice.keys().draft_delegator(index),
            draft.capsule,
            draft.wrapped,
            sent.owner_commitment,
        );
        let waiting = inbox::inbox(&client, &alice).await.unwrap();
        adopt::accept(&client, &mut alice, &waiting.drafts[0], &mut rng).await.unwrap();

        let entry = entry_of(&network, &alice, index);
        assert!(!bob.recognizes(&entry));
        let adopted = content_of(&network, &alice, index);
        assert_ne!(adopted.cid, bob.content.cid);
        assert_ne!(adopted.key.expose(), bob.content.key.expose());
        assert_eq!(bob.content.cid, sent.stored.cid);

        let control = bob.entered_as_it_is(entry.owner, entry.time);
        assert!(bob.recognizes(&control), "without adoption he recognizes capsule, key and content");
    });
}

#[test]
fn an_offer_does_not_tell_the_owner_key() {
    run(12, 2, |network| async move {
        let staff = staff(&network).await;
        let (client, mut rng) = (network.client(), Seeded::new(2));
        let mut alice = enrolled(&client, 1, &mut rng).await;
        let (index, card) = written(&client, &staff, &mut alice, "Alice", &mut rng).await;
        // Bob goes through every owner key on the chain and recomputes what his offer showed.
        let owner = entry_of(&network, &alice, index).owner;
        let guess = unsalted_commitment(&owner);
        assert_ne!(card.owner_commitment, guess);
        assert_eq!(card.owner_commitment, owner_commitment(&owner, alice.keys().salt(index).expose()));

        let weakened = unsalted_commitment(&alice.keys().owner(index).verifying_key());
        assert_eq!(weakened, guess, "without salt the offer is found again on the chain");
    });
}

#[test]
fn an_aid_stands_for_one_content_only() {
    run(13, 2, |network| async move {
        let staff = staff(&network).await;
        let (client, mut rng) = (network.client(), Seeded::new(3));
        let mut alice = enrolled(&client, 1, &mut rng).await;
        // Two genuine documents for the same offer: one entered, the other kept back to be shown in its place.
        let (index, card) = offer::offer(&client, &mut alice, "").await.unwrap();
        let other = NewRecord { bundle: bundle("Alice, healthy"), ..NewRecord::default() };
        let kept = practitioner::write(&client, &staff.bob, &card, other, &mut rng).await.unwrap();
        let record = NewRecord { bundle: bundle("Alice"), ..NewRecord::default() };
        practitioner::write(&client, &staff.bob, &card, record, &mut rng).await.unwrap();
        let waiting = inbox::inbox(&client, &alice).await.unwrap();
        let draft = waiting.drafts.iter().find(|d| d.document.statement().id() != kept.statement).unwrap();
        adopt::accept(&client, &mut alice, draft, &mut rng).await.unwrap();

        let honest = content_of(&network, &alice, index);
        let swapped = ContentKey { cid: kept.stored.cid, key: kept.stored.key.clone(), ..honest.clone() };
        let owner = alice.keys().owner(index).verifying_key();
        let salt = alice.keys().salt(index);
        let dossier = |content| Dossier {
            title: Default::default(),
            records: vec![RecordOpening { owner, salt: salt.clone(), content }],
        };
        let opened = reader::open_dossier(&client, &dossier(honest)).await;
        assert!(opened[0].is_ok(), "{opened:?}");
        let opened = reader::open_dossier(&client, &dossier(swapped.clone())).await;
        assert!(matches!(opened[0], Err(ClientError::Commitment)), "{opened:?}");

        let entry = entry_of(&network, &alice, index);
        let strict = WeakReader(Checks::ALL).open(&client, &entry, salt.expose(), &swapped).await;
        assert_eq!(strict, Err(Refused::Commitment));
        let control = WeakReader(Checks { com: false, ..Checks::ALL });
        let shown = control.open(&client, &entry, salt.expose(), &swapped).await;
        assert_eq!(shown, Ok(bundle("Alice, healthy")), "without com the other document passes");
    });
}

#[test]
fn an_empty_aid_cannot_be_filled_later() {
    run(20, 2, |network| async move {
        let staff = staff(&network).await;
        let (client, mut rng) = (network.client(), Seeded::new(10));
        let mut alice = enrolled(&client, 1, &mut rng).await;
        // An entry early in the year, that stands for nothing yet.
        let (index, card) = offer::offer(&client, &mut alice, "").await.unwrap();
        let owner = alice.keys().owner(index);
        let delegator = alice.keys().record_delegator(index);
        let (capsule, key) = delegator.encapsulate(&owner.verifying_key().encode(), &mut rng);
        let commitment = key.commitment_key();
        let nothing = yilian_dag::Cid::of(yilian_dag::Codec::Raw, b"");
        let wrapped = opening::wrap(key, &nothing, &DataKey::generate(&mut rng));
        let ticket = network.with_world(yilian_testkit::ledger::Chain::ticket);
        let com = Digest([0; 32]);
        let create = Create::sign(client.chain(), &owner, capsule, wrapped, com, &[ticket]);
        assert_eq!(network.submit(&create).await, Ok(Outcome::Applied));
        let entered = entry_of(&network, &alice, index).time;

        // What it is to have stood for all the time is written later, by a doctor who suspects nothing.
        network.advance(20_000).await;
        client.refresh();
        let record = NewRecord { bundle: bundle("Alice"), ..NewRecord::default() };
        let later = practitioner::write(&client, &staff.bob, &card, record, &mut rng).await.unwrap();
        let filled = ContentKey { cid: later.stored.cid, key: later.stored.key.clone(), commitment };
        let salt = alice.keys().salt(index);
        let shown =
            RecordOpening { owner: owner.verifying_key(), salt: salt.clone(), content: filled.clone() };
        let dossier = Dossier { title: Default::default(), records: vec![shown] };
        let opened = reader::open_dossier(&client, &dossier).await;
        let refused = opened[0].as_ref().err().map(ClientError::code);
        assert_eq!(refused, Some("record.commitment"), "{opened:?}");

        let entry = entry_of(&network, &alice, index);
        let strict = WeakReader(Checks::ALL).open(&client, &entry, salt.expose(), &filled).await;
        assert_eq!(strict, Err(Refused::Commitment));
        let control = WeakReader(Checks { com: false, ..Checks::ALL });
        let shown = control.open(&client, &entry, salt.expose(), &filled).await;
        assert_eq!(shown, Ok(bundle("Alice")), "without com the entry is as old as the empty one");
        assert_eq!(entry.time, entered);
    });
}

#[test]
fn a_record_cannot_be_sold_to_another_patient() {
    run(14, 2, |network| async move {
        let staff = staff(&network).await;
        let (client, mut rng) = (network.client(), Seeded::new(4));
        let mut alice = enrolled(&client, 1, &mut rng).await;
        let mut mallory = enrolled(&client, 2, &mut rng).await;
        let (index, _) = written(&client, &staff, &mut alice, "Alice", &mut rng).await;
        let bought = content_of(&network, &alice, index);

        // Mallory enters the very document, key and all, under an owner key of his own.
        let (his, _) = offer::offer(&client, &mut mallory, "").await.unwrap();
        let owner = mallory.keys().owner(his);
        let delegator = mallory.keys().record_delegator(his);
        let (capsule, key) = delegator.encapsulate(&owner.verifying_key().encode(), &mut rng);
        let com = opening::com(&bought.cid, &key.commitment_key());
        let wrapped = opening::wrap(key, &bought.cid, &bought.key);
        let ticket = network.with_world(yilian_testkit::ledger::Chain::ticket);
        let create = Create::sign(client.chain(), &owner, capsule, wrapped, com, &[ticket]);
        assert_eq!(network.submit(&create).await, Ok(Outcome::Applied));
        client.refresh();
        let attempt = read::read(&client, &mut mallory, his).await;
        assert_eq!(attempt.err().as_ref().map(ClientError::code), Some("record.owner-commitment"));

        let entry = entry_of(&network, &mallory, his);
        let content = content_of(&network, &mallory, his);
        let salt = mallory.keys().salt(his);
        let strict = WeakReader(Checks::ALL).open(&client, &entry, salt.expose(), &content).await;
        assert_eq!(strict, Err(Refused::Owner));
        let control = WeakReader(Checks { owner_commitment: false, ..Checks::ALL });
        let shown = control.open(&client, &entry, salt.expose(), &content).await;
        assert_eq!(shown, Ok(bundle("Alice")), "without oc Alice's health is Mallory's");
    });
}

#[test]
fn an_author_revoked_before_the_entry_does_not_count() {
    run(15, 2, |network| async move {
        let staff = staff(&network).await;
        let (client, mut rng) = (network.client(), Seeded::new(5));
        let mut alice = enrolled(&client, 1, &mut rng).await;
        let (index, card) = offer::offer(&client, &mut alice, "").await.unwrap();
        let record = NewRecord { bundle: bundle("Alice"), ..NewRecord::default() };
        practitioner::write(&client, &staff.bob, &card, record, &mut rng).await.unwrap();
        let waiting = inbox::inbox(&client, &alice).await.unwrap();
        let (ahead, behind) = (network.client_of(&[1]), network.client_of(&[0, 1]));
        for client in [&ahead, &behind] {
            client.member_now(staff.bob.id, Kind::Practitioner).await.unwrap();
        }
        behind.look_up(&alice.keys().aid(index).name()).await.unwrap();
        behind.parameters().await.unwrap();
        network.set_fault(0, Fault::Frozen);
        // Signed before the revocation by the signer's clock, entered after it by the ledger's.
        let revoke =
            Revoke::sign(client.chain(), Level::Practitioner, staff.bob.id, None, &staff.hospital.key);
        assert_eq!(network.submit(&revoke).await, Ok(Outcome::Applied));
        // What the client remembers of Bob is not stale yet, and does not do.
        let tickets = alice.state().tickets.len();
        let refused = adopt::accept(&ahead, &mut alice, &waiting.drafts[0], &mut rng).await;
        assert_eq!(refused.unwrap_err(), ClientError::NotCertifiedNow);
        assert!(network.entry(&alice.keys().aid(index).name()).is_none());
        assert_eq!(alice.state().tickets.len(), tickets);

        // Entered nevertheless, since the node asked is behind: it never counts as Bob's.
        adopt::accept(&behind, &mut alice, &waiting.drafts[0], &mut rng).await.unwrap();
        network.set_fault(0, Fault::None);
        client.refresh();
        let opened = read::read(&client, &mut alice, index).await;
        let expected = ClientError::NotCertified(NotCertified::MemberRevoked);
        assert_eq!(expected.code(), "directory.not-certified-then");
        assert_eq!(opened.unwrap_err(), expected);

        let entry = entry_of(&network, &alice, index);
        let (salt, content) = (alice.keys().salt(index), content_of(&network, &alice, index));
        let strict = WeakReader(Checks::ALL).open(&client, &entry, salt.expose(), &content).await;
        assert_eq!(strict, Err(Refused::Author));
        let control = WeakReader(Checks { at_entry: false, ..Checks::ALL });
        let shown = control.open(&client, &entry, salt.expose(), &content).await;
        assert_eq!(shown, Ok(bundle("Alice")), "by the signer's own time it counts");
    });
}

#[test]
fn a_draft_for_another_offer_is_refused() {
    run(16, 2, |network| async move {
        let staff = staff(&network).await;
        let (client, mut rng) = (network.client(), Seeded::new(6));
        let mut alice = enrolled(&client, 1, &mut rng).await;
        let (_, shown) = offer::offer(&client, &mut alice, "").await.unwrap();
        let (_, mut mixed) = offer::offer(&client, &mut alice, "").await.unwrap();
        // A statement about one owner, sealed into the mailbox of another offer.
        mixed.owner_commitment = shown.owner_commitment;
        let record = NewRecord { bundle: bundle("Alice"), ..NewRecord::default() };
        practitioner::write(&client, &staff.bob, &mixed, record, &mut rng).await.unwrap();
        let waiting = inbox::inbox(&client, &alice).await.unwrap();
        assert!(waiting.drafts.is_empty());
        assert_eq!(waiting.unreadable.len(), 1);
    });
}

#[test]
fn a_ticket_key_made_for_one_wallet_is_noticed() {
    run(17, 2, |network| async move {
        let (client, mut rng) = (network.client(), Seeded::new(7));
        let mut alice = enrolled(&client, 1, &mut rng).await;
        let period = network.with_world(|world| world.period());
        assert!(alice.tickets_of(Class::Care, period) > 0);
        let mut bob = common::redeemed(&client, 2).await;
        network.set_tagging(true);
        let tagged = tickets::fetch(&client, &mut bob, Class::Care, period, &mut rng).await;
        assert!(matches!(tagged, Err(ClientError::LyingNode { reason: Lie::Ticket, .. })), "{tagged:?}");
        assert_eq!(bob.tickets_of(Class::Care, period), 0);
        // Control: a wallet that blinds for whatever key the authority hands it gets a ticket with its name on it.
        let personal = ticket_secret(3);
        let (request, blinded) = Request::new(personal.public(), Class::Care, period, &mut rng).unwrap();
        let signed = personal.sign_blinded(&blinded, &mut rng).unwrap();
        let ticket = request.finish(personal.public(), &signed).unwrap();
        assert!(ticket.ticket.verify(personal.public()).is_ok());
        let record = own::record(&client, &mut alice, &bundle("Alice"), Vec::new(), None, &mut rng).await;
        assert!(record.is_ok(), "{record:?}");
    });
}

#[test]
fn an_opening_of_another_capsule_is_refused() {
    run(18, 2, |network| async move {
        let staff = staff(&network).await;
        let (client, mut rng) = (network.client(), Seeded::new(8));
        let mut alice = enrolled(&client, 1, &mut rng).await;
        let (first, _) = written(&client, &staff, &mut alice, "Alice", &mut rng).await;
        let (second, _) = written(&client, &staff, &mut alice, "Alice again", &mut rng).await;
        let grant = common::granted(&client, &staff, &mut alice, first, &mut rng).await;
        let received = reader::inbox(&client, &staff.carol).await.unwrap();
        let genuine = &received[0].opening;
        assert!(reader::open(&client, &staff.carol, genuine).await.is_ok());
        // The same grant said to be of the other record.
        let other = entry_of(&network, &alice, second);
        let forged = Opening {
            owner: other.owner,
            salt: alice.keys().salt(second),
            capsule: other.capsule,
            wrapped: other.wrapped,
            ..genuine.clone()
        };
        let opened = reader::open(&client, &staff.carol, &forged).await;
        assert!(matches!(opened, Err(ClientError::NoDelegateeKey)), "{opened:?}");
        let forged = Opening { capsule: other.capsule, ..genuine.clone() };
        let opened = reader::open(&client, &staff.carol, &forged).await;
        assert!(matches!(opened, Err(ClientError::Capsule)), "{opened:?}");
        let _ = (grant, record_of(None));
    });
}

#[test]
fn another_reader_cannot_open_a_grant() {
    run(19, 2, |network| async move {
        let staff = staff(&network).await;
        let (client, mut rng) = (network.client(), Seeded::new(9));
        let mut alice = enrolled(&client, 1, &mut rng).await;
        let (index, _) = written(&client, &staff, &mut alice, "Alice", &mut rng).await;
        common::granted(&client, &staff, &mut alice, index, &mut rng).await;
        let received = reader::inbox(&client, &staff.carol).await.unwrap();
        // Bob gets hold of everything that was sealed to Carol.
        let stolen = reader::open(&client, &staff.bob, &received[0].opening).await;
        assert!(matches!(stolen, Err(ClientError::NoDelegateeKey)), "{stolen:?}");
    });
}
