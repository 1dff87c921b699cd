//! The flows of the protocol over a network in memory with genuine proofs.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Disk, bundle, enrolled, granted, written};
use yilian_client::{
    patient::{access, adopt, grant, inbox, offer, read},
    practitioner::{self, NewRecord},
    reader,
    record::Class,
};
use yilian_testkit::{
    ledger::Seeded,
    network::{Fault, run, staff},
};

#[test]
fn a_record_goes_from_doctor_to_patient_to_reader() {
    run(1, 4, |network| async move {
        let staff = staff(&network).await;
        let client = network.client();
        let mut rng = Seeded::new(7);
        let mut alice = enrolled(&client, 1, &mut rng).await;

        let (index, card) = offer::offer(&client, &mut alice, "visit").await.unwrap();
        let record = NewRecord { bundle: bundle("Alice"), ..NewRecord::default() };
        practitioner::write(&client, &staff.bob, &card, record, &mut rng).await.unwrap();

        let waiting = inbox::inbox(&client, &alice).await.unwrap();
        assert!(waiting.unreadable.is_empty(), "{:?}", waiting.unreadable);
        assert_eq!(waiting.drafts.len(), 1);
        let draft = &waiting.drafts[0];
        assert_eq!(draft.document.summary().patient.name.as_str(), "Alice");
        assert_eq!(draft.author.id(), staff.bob.id);
        adopt::accept(&client, &mut alice, draft, &mut rng).await.unwrap();
        let mine = read::read(&client, &mut alice, index).await.unwrap();
        assert_eq!(mine.body(), bundle("Alice"));
        assert_eq!(mine.summary().class, Class::Clinical);

        let carol = client.reader_card(staff.carol.id).await.unwrap();
        let terms = grant::Terms {
            record: index,
            reader: &carol,
            expiry_class: 1,
            delivery: grant::Delivery::Now,
            note: "for the referral",
        };
        let granted = grant::grant(&client, &mut alice, terms, &mut rng).await.unwrap();
        let received = reader::inbox(&client, &staff.carol).await.unwrap();
        assert_eq!(received.len(), 1);
        let opened = reader::open(&client, &staff.carol, &received[0].opening).await.unwrap();
        assert_eq!(opened.record.body(), bundle("Alice"));

        let log = access::access_log(&client, &mut alice).await.unwrap();
        assert_eq!(log.len(), 1);
        assert!(log[0].opened.is_some());
        assert_eq!(log[0].reader.as_ref().unwrap().name.as_str(), "carol");

        grant::withdraw(&client, &mut alice, index, granted).await.unwrap();
        client.refresh();
        let after = reader::open(&client, &staff.carol, &received[0].opening).await;
        assert!(matches!(after, Err(yilian_client::ClientError::Ended(_))), "{after:?}");
        assert!(client.reports().is_empty(), "{:?}", client.reports());
        let _: &Disk = alice.store();
    });
}

#[test]
fn an_opening_reaches_the_reader_though_one_node_is_gone() {
    run(2, 2, |network| async move {
        let staff = staff(&network).await;
        let (client, mut rng) = (network.client(), Seeded::new(8));
        let mut alice = enrolled(&client, 1, &mut rng).await;
        let (index, _) = written(&client, &staff, &mut alice, "Alice", &mut rng).await;
        for gone in [0, 1] {
            let given = granted(&client, &staff, &mut alice, index, &mut rng).await;
            network.set_fault(gone, Fault::Silent);
            let received = reader::inbox(&network.client(), &staff.carol).await.unwrap();
            assert_eq!(received.len(), 1 + gone, "without node {gone}");
            let log = access::access_log(&network.client(), &mut alice).await.unwrap();
            let access = log.iter().find(|access| access.grant == given).unwrap();
            assert!(access.opened.is_some(), "either node's receipt counts");
            network.set_fault(gone, Fault::None);
        }
        let both = reader::inbox(&network.client(), &staff.carol).await.unwrap();
        assert_eq!(both.len(), 2, "copies count once");
    });
}
