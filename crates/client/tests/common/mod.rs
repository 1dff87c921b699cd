//! What the tests of the flows share.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::{cell::RefCell, rc::Rc};

use rand_core::CryptoRng;
use yilian_client::{
    Client, OfferCard, Store, StoreError, Wallet,
    patient::{adopt, enrol, grant, inbox, offer},
    practitioner::{self, NewRecord},
    wallet::index::{GrantIndex, Lane, RecordIndex},
};
use yilian_crypto::{Secret, seed::Seed};
use yilian_ledger::{Entry, entry::RecordEntry};
use yilian_testkit::network::{ENROLMENT_CODE, Staff, TestNetwork};

/// A store in memory that keeps every version.
#[derive(Clone, Debug, Default)]
pub struct Disk(pub Rc<RefCell<Vec<Vec<u8>>>>);

impl Disk {
    pub fn last(&self) -> Vec<u8> {
        self.0.borrow().last().unwrap().clone()
    }
}

impl Store for Disk {
    async fn save(&mut self, sealed: &[u8]) -> Result<(), StoreError> {
        self.0.borrow_mut().push(sealed.to_vec());
        Ok(())
    }
}

pub fn seed(byte: u8) -> Seed {
    Seed::from_bytes(Secret::new([byte; 32]))
}

/// A wallet with tickets for the current and the next period.
pub async fn enrolled(client: &Client<TestNetwork>, byte: u8, rng: &mut impl CryptoRng) -> Wallet<Disk> {
    let mut wallet = Wallet::create(seed(byte), client.chain(), Lane::FIRST, Disk::default()).await.unwrap();
    let tickets = enrol::enrol(client, &mut wallet, ENROLMENT_CODE, rng).await.unwrap();
    assert!(tickets.count() > 0);
    wallet
}

/// A document bundle that names a patient.
pub fn bundle(patient: &str) -> Vec<u8> {
    format!(
        r#"{{"resourceType":"Bundle","type":"document","timestamp":"2027-12-01T10:00:00Z","entry":[
        {{"fullUrl":"urn:uuid:1","resource":{{"resourceType":"Composition","status":"final","type":{{"text":"Visit"}},
          "subject":{{"reference":"Patient/p"}},"date":"2027-12-01","author":[{{"display":"Dr. Bob"}}],"title":"Visit note"}}}},
        {{"fullUrl":"urn:uuid:2","resource":{{"resourceType":"Patient","id":"p","name":[{{"text":"{patient}"}}],
          "identifier":[{{"value":"110101199003070000"}}],"birthDate":"1990-03-07"}}}}]}}"#
    )
    .into_bytes()
}

/// A wallet that the authority knows, without tickets.
pub async fn redeemed(client: &Client<TestNetwork>, byte: u8) -> Wallet<Disk> {
    let wallet = Wallet::create(seed(byte), client.chain(), Lane::FIRST, Disk::default()).await.unwrap();
    enrol::redeem(client, &wallet, ENROLMENT_CODE).await.unwrap();
    wallet
}

/// An offer, Bob's draft, accepted.
pub async fn written(
    client: &Client<TestNetwork>,
    staff: &Staff,
    wallet: &mut Wallet<Disk>,
    patient: &str,
    rng: &mut impl CryptoRng,
) -> (RecordIndex, OfferCard) {
    let (index, card) = offer::offer(client, wallet, "").await.unwrap();
    let record = NewRecord { bundle: bundle(patient), ..NewRecord::default() };
    practitioner::write(client, &staff.bob, &card, record, rng).await.unwrap();
    let waiting = inbox::inbox(client, wallet).await.unwrap();
    let draft = waiting.drafts.iter().find(|draft| draft.offer == index).unwrap();
    adopt::accept(client, wallet, draft, rng).await.unwrap();
    (index, card)
}

/// A grant to Carol, delivered at once.
pub async fn granted(
    client: &Client<TestNetwork>,
    staff: &Staff,
    wallet: &mut Wallet<Disk>,
    record: RecordIndex,
    rng: &mut impl CryptoRng,
) -> GrantIndex {
    let reader = client.reader_card(staff.carol.id).await.unwrap();
    let terms =
        grant::Terms { record, reader: &reader, expiry_class: 1, delivery: grant::Delivery::Now, note: "" };
    grant::grant(client, wallet, terms, rng).await.unwrap()
}

/// The entry of a wallet's record, as the chain has it.
pub fn entry_of(network: &TestNetwork, wallet: &Wallet<Disk>, index: RecordIndex) -> RecordEntry {
    match network.entry(&wallet.keys().aid(index).name()) {
        Some(Entry::Record(record)) => record,
        other => panic!("no record: {other:?}"),
    }
}
