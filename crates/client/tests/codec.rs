//! Every structure of this crate that is signed, sealed or stored: round trip, truncation, trailing bytes, noise.
#![allow(clippy::unwrap_used)]

use std::fmt::Debug;

use commonware_codec::{Copying, Decode, Encode, Read};
use proptest::prelude::*;
use yilian_client::{
    OfferCard,
    message::{AccessRequest, Draft, Message, MessageError, Opening, Refusal, Wish},
    offer::OfferError,
    record::{
        Attachment, Author, Bundle, Claims, Class, Document, DocumentError, Dossier, Form, ProfileError,
        RecordOpening, Statement, opening::ContentKey,
    },
    wallet::{
        index::{Lane, RecordIndex},
        keys::{Keys, MailboxKeys},
        state::State,
        vault,
    },
    wire::Text,
};
use yilian_crypto::{Digest, Label, Secret, seed::Seed, sign::SigningKey, stream::DataKey};
use yilian_dag::{Cid, Codec};
use yilian_delegation::{Blinding, DelegatorSecretKey};
use yilian_ledger::{
    ChainId, Kind, Time,
    name::{Bid, MemberId},
};
use yilian_testkit::ledger::Seeded;

const CHAIN: ChainId = ChainId(Digest([3; 32]));

fn keys() -> Keys {
    Keys::new(Seed::from_bytes(Secret::new([1; 32])))
}

fn index() -> RecordIndex {
    RecordIndex::new(Lane::FIRST, 7)
}

fn card() -> OfferCard {
    OfferCard {
        chain: CHAIN,
        draft: keys().draft_delegator(index()).public(),
        owner_commitment: keys().owner_commitment(index()),
        mailbox: keys().mailbox(index()).address(),
    }
}

fn draft() -> Draft {
    let mut rng = Seeded::new(1);
    let delegator = DelegatorSecretKey::from_seed(&Secret::new([2; 32]));
    let (capsule, key) = delegator.encapsulate(b"context", &mut rng);
    let wrapped = yilian_client::record::opening::wrap(key, &Cid::of(Codec::Raw, b"x"), &data_key());
    Draft { capsule, wrapped }
}

fn data_key() -> DataKey {
    DataKey::from_bytes(Secret::new([4; 32]))
}

fn opening() -> Opening {
    let Draft { capsule, wrapped } = draft();
    Opening {
        owner: keys().owner(index()).verifying_key(),
        salt: keys().salt(index()),
        capsule,
        wrapped,
        blinding: Blinding::from_seed(&Secret::new([5; 32])),
        bid: Bid(Digest([6; 32])),
        note: Text::clipped("note"),
    }
}

fn request() -> AccessRequest {
    let wish = Wish { purpose: Text::clipped("claim"), wanted: Text::clipped("all"), expiry_class: 2 };
    let member = (MemberId(Digest([7; 32])), Kind::Practitioner);
    AccessRequest::sign(CHAIN, &Digest([8; 32]), member, wish, Time(9), &signer())
}

fn signer() -> SigningKey {
    SigningKey::from_seed(Secret::new([9; 32]))
}

fn attachment() -> Attachment {
    Attachment {
        cid: Cid::of(Codec::DagPb, b"y"),
        key: data_key(),
        length: 10,
        tree: Digest([10; 32]),
        media_type: Text::clipped("image/png"),
        title: Text::clipped("x-ray"),
    }
}

fn document() -> Document {
    let author = Author::Member {
        member: MemberId(Digest([7; 32])),
        kind: Kind::Institution,
        certificate: Digest([11; 32]),
    };
    let claims = Claims {
        chain: CHAIN,
        form: Form::FhirBundle,
        owner_commitment: Digest([12; 32]),
        time: Time(13),
        author,
        supersedes: Some(Digest([14; 32])),
        attachments: vec![attachment()],
    };
    Document::sign(claims, br#"{"resourceType":"Bundle"}"#.to_vec(), &signer()).unwrap()
}

fn dossier() -> Dossier {
    let content =
        ContentKey { cid: Cid::of(Codec::Raw, b"z"), key: data_key(), commitment: Secret::new([15; 32]) };
    let opening = RecordOpening { owner: signer().verifying_key(), salt: Secret::new([16; 32]), content };
    Dossier { title: Text::clipped("for the insurer"), records: vec![opening.clone(), opening] }
}

fn decoded<T: Read<Cfg = ()>>(bytes: &[u8]) -> Result<T, commonware_codec::Error> {
    T::decode_cfg(Copying(bytes), &())
}

/// Holds a codec to its rules; values are compared by their encodings.
fn hold<T: Encode + Read<Cfg = ()> + Debug>(value: &T) {
    let bytes = value.encode().to_vec();
    assert_eq!(decoded::<T>(&bytes).unwrap().encode().to_vec(), bytes);
    for end in 0..bytes.len() {
        assert!(decoded::<T>(&bytes[..end]).is_err(), "cut at {end}: {value:?}");
    }
    assert!(decoded::<T>(&[&bytes[..], &[0]].concat()).is_err(), "trailing byte: {value:?}");
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0xff;
        let _ = decoded::<T>(&damaged);
    }
}

#[test]
fn codecs_round_trip_and_refuse_truncation_and_trailing_bytes() {
    hold(&card());
    hold(&Message::Draft(draft()));
    hold(&Message::Opening(opening()));
    hold(&Message::Request(request()));
    let refusal = Refusal::sign(CHAIN, Digest([1; 32]), Digest([2; 32]), "no", &signer());
    hold(&Message::Refusal(refusal));
    hold(document().statement());
    hold(&dossier());
    hold(&State::new(CHAIN, Lane::FIRST));
}

proptest! {
    #[test]
    fn noise_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = decoded::<OfferCard>(&bytes);
        let _ = decoded::<Message>(&bytes);
        let _ = decoded::<Statement>(&bytes);
        let _ = decoded::<Dossier>(&bytes);
        let _ = decoded::<State>(&bytes);
        let _ = Document::parse(&bytes, CHAIN);
        let _ = Bundle::parse(&bytes);
        let _ = vault::open(&Secret::new([1; 32]), Label::Backup, &bytes);
    }

    #[test]
    fn text_of_any_kind_is_no_offer(text in "\\PC{0,300}") {
        prop_assert!(OfferCard::from_text(&text, CHAIN).is_err());
        let prefixed = format!("YILIAN1:{text}");
        prop_assert!(OfferCard::from_text(&prefixed, CHAIN).is_err());
    }

    #[test]
    fn bundles_of_any_json_never_panic(json in "[\\[\\]{}\",:a-z0-9]{0,200}") {
        if let Ok(bundle) = Bundle::parse(json.as_bytes()) {
            bundle.summary(Class::Clinical, 0);
        }
    }
}

#[test]
fn an_offer_survives_lower_case_and_line_breaks_and_no_single_mistake() {
    let text = card().to_text();
    assert!(text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b':'));
    assert!(text.len() < 330, "{}", text.len());
    assert_eq!(OfferCard::from_text(&text, CHAIN), Ok(card()));
    let (first, second) = text.split_at(100);
    let mangled = format!(" {}\n{} ", first.to_lowercase(), second);
    assert_eq!(OfferCard::from_text(&mangled, CHAIN), Ok(card()));
    for at in 8..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        assert!(OfferCard::from_text(&String::from_utf8(bytes).unwrap(), CHAIN).is_err(), "digit {at}");
        assert!(OfferCard::from_text(&text[..at], CHAIN).is_err());
    }
    let elsewhere = ChainId(Digest([4; 32]));
    assert_eq!(OfferCard::from_text(&text, elsewhere), Err(OfferError::Chain));
    assert_eq!(OfferCard::from_text("hello", CHAIN), Err(OfferError::Prefix));
    assert_eq!(
        OfferCard::from_text(&format!("{}1", &text[..text.len() - 1]), CHAIN),
        Err(OfferError::Character)
    );
}

#[test]
fn a_document_is_the_bytes_that_were_signed_and_no_others() {
    let document = document();
    let bytes = document.to_bytes();
    let parsed = Document::parse(&bytes, CHAIN).unwrap();
    assert_eq!(parsed, document);
    assert_eq!(parsed.verify(&signer().verifying_key()), Ok(()));
    let other = SigningKey::from_seed(Secret::new([1; 32])).verifying_key();
    assert_eq!(parsed.verify(&other), Err(DocumentError::Signature));
    assert_eq!(Document::parse(&bytes, ChainId(Digest([4; 32]))), Err(DocumentError::Chain));
    let key = signer().verifying_key();
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        let accepted = Document::parse(&damaged, CHAIN).is_ok_and(|d| d.verify(&key).is_ok());
        assert!(!accepted, "byte {at}");
    }
}

#[test]
fn one_authors_signature_is_not_an_owners() {
    let claims = |author| Claims {
        chain: CHAIN,
        form: Form::FhirBundle,
        owner_commitment: Digest([12; 32]),
        time: Time(13),
        author,
        supersedes: None,
        attachments: Vec::new(),
    };
    let own = Document::sign(claims(Author::Owner), b"{}".to_vec(), &signer()).unwrap();
    let member = Author::Member {
        member: MemberId(Digest([7; 32])),
        kind: Kind::Practitioner,
        certificate: Digest([1; 32]),
    };
    let clinical = Document::sign(claims(member), b"{}".to_vec(), &signer()).unwrap();
    assert_ne!(own.statement().id(), clinical.statement().id());
    // The signature of one behind the statement of the other.
    let (own_bytes, clinical_bytes) = (own.to_bytes(), clinical.to_bytes());
    let (own_len, clinical_len) = (own.statement().encode().len(), clinical.statement().encode().len());
    let mut forged = clinical_bytes[..clinical_len].to_vec();
    forged.extend_from_slice(&own_bytes[own_len..]);
    let forged = Document::parse(&forged, CHAIN).unwrap();
    assert_eq!(forged.verify(&signer().verifying_key()), Err(DocumentError::Signature));
}

#[test]
fn messages_of_every_kind_have_the_same_size_and_open_in_their_mailbox_only() {
    let mut rng = Seeded::new(2);
    let mailbox = keys().mailbox(index());
    let refusal = Refusal::sign(CHAIN, Digest([1; 32]), Digest([2; 32]), "no", &signer());
    let messages = [
        Message::Draft(draft()),
        Message::Opening(opening()),
        Message::Request(request()),
        Message::Refusal(refusal),
    ];
    let sealed: Vec<_> =
        messages.iter().map(|m| m.seal(CHAIN, &mailbox.address(), &mut rng).unwrap()).collect();
    assert!(sealed.iter().all(|bytes| bytes.len() == sealed[0].len()));
    for (bytes, message) in sealed.iter().zip(&messages) {
        let opened = Message::open(CHAIN, &mailbox, bytes).unwrap();
        assert_eq!(opened.encode(), message.encode());
        let other = keys().mailbox(RecordIndex::new(Lane::FIRST, 8));
        assert_eq!(Message::open(CHAIN, &other, bytes).unwrap_err(), MessageError::Seal);
        let elsewhere = ChainId(Digest([4; 32]));
        assert_eq!(Message::open(elsewhere, &mailbox, bytes).unwrap_err(), MessageError::Seal);
        // The same sealing key under another mailbox's owner.
        let moved = MailboxKeys { owner: signer(), sealing: mailbox.sealing.clone() };
        assert_eq!(Message::open(CHAIN, &moved, bytes).unwrap_err(), MessageError::Seal);
        for at in [0, 1, 33, bytes.len() - 1] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert!(Message::open(CHAIN, &mailbox, &damaged).is_err());
        }
    }
}

#[test]
fn a_refusal_is_signed_over_its_reason() {
    let mut refusal = Refusal::sign(CHAIN, Digest([1; 32]), Digest([2; 32]), "no", &signer());
    assert!(refusal.verify(CHAIN).is_ok());
    assert!(refusal.verify(ChainId(Digest([4; 32]))).is_err());
    refusal.reason = Text::clipped("yes");
    assert!(refusal.verify(CHAIN).is_err());
}

#[test]
fn bundles_keep_the_profile() {
    let document =
        |inner: &str| format!(r#"{{"resourceType":"Bundle","type":"document","entry":[{inner}]}}"#);
    let composition = r#"{"resource":{"resourceType":"Composition","title":"T","type":{"text":"Visit"},"subject":{"reference":"urn:p"},"author":[{"reference":"Practitioner/b"}]}}"#;
    let patient = r#"{"fullUrl":"urn:p","resource":{"resourceType":"Patient","name":[{"family":"Li","given":["Lei"]}]}}"#;
    let doctor = r#"{"resource":{"resourceType":"Practitioner","id":"b","name":[{"text":"Dr. Bob"}]}}"#;
    let good = document(&[composition, patient, doctor].join(","));
    let bundle = Bundle::parse(good.as_bytes()).unwrap();
    let summary = bundle.summary(Class::Clinical, 2);
    assert_eq!(bundle.form(), Form::FhirDocument);
    assert_eq!(summary.kind.as_str(), "Visit");
    assert_eq!(summary.title.as_str(), "T");
    assert_eq!(summary.author.as_str(), "Dr. Bob");
    assert_eq!(summary.patient.name.as_str(), "Lei Li");
    assert_eq!(bundle.patient().unwrap(), summary.patient);

    let parse = |text: &str| Bundle::parse(text.as_bytes()).map(|bundle| bundle.form());
    assert_eq!(parse("not json"), Err(ProfileError::NotJson));
    assert_eq!(parse("[]"), Err(ProfileError::NotABundle));
    assert_eq!(parse(r#"{"resourceType":"Patient"}"#), Err(ProfileError::NotABundle));
    assert_eq!(parse(&document(patient)), Err(ProfileError::NoComposition));
    assert_eq!(parse(&document("")), Err(ProfileError::NoComposition));
    assert_eq!(parse(r#"{"resourceType":"Bundle","type":"collection"}"#), Ok(Form::FhirBundle));
    assert_eq!(parse(&format!("{}{}", "[".repeat(100), "]".repeat(100))), Err(ProfileError::TooDeep));
    // Brackets inside strings nest nothing.
    assert_eq!(
        parse(&format!(r#"{{"resourceType":"Bundle","x":"{}\"["}}"#, "[".repeat(100))),
        Ok(Form::FhirBundle)
    );
    let anonymous = Bundle::parse(document(composition).as_bytes()).unwrap();
    assert_eq!(anonymous.patient(), Err(ProfileError::NoPatient));
    let huge = vec![b' '; yilian_client::record::statement::MAX_BODY + 1];
    assert_eq!(Bundle::parse(&huge).unwrap_err(), ProfileError::TooLarge);
}

#[test]
fn a_vault_opens_with_its_key_label_and_every_byte() {
    let key = Secret::new([1; 32]);
    let sealed = vault::seal(&key, Label::Backup, b"state");
    assert_eq!(sealed, vault::seal(&key, Label::Backup, b"state"));
    assert_eq!(sealed.len(), 5 + vault::OVERHEAD);
    assert_eq!(vault::open(&key, Label::Backup, &sealed).unwrap().expose(), b"state");
    assert!(vault::open(&key, Label::WalletState, &sealed).is_err());
    assert!(vault::open(&Secret::new([2; 32]), Label::Backup, &sealed).is_err());
    for at in 0..sealed.len() {
        let mut damaged = sealed.clone();
        damaged[at] ^= 1;
        assert!(vault::open(&key, Label::Backup, &damaged).is_err());
        assert!(vault::open(&key, Label::Backup, &sealed[..at]).is_err());
    }
}

#[test]
fn indexes_print_and_parse() {
    for (text, lane, counter) in [("0", 0, 0), ("7", 0, 7), ("2/7", 2, 7), ("255/4294967295", 255, u32::MAX)]
    {
        let index = RecordIndex::new(Lane::new(lane).unwrap(), counter);
        assert_eq!((index.to_string(), text.parse::<RecordIndex>().unwrap()), (text.to_owned(), index));
        assert_eq!((index.lane().number(), index.counter()), (lane, counter));
        assert_eq!(RecordIndex::from_number(index.number()), Some(index));
    }
    for text in ["", "x", "1/", "/1", "256/0", "-1", "1/2/3"] {
        assert!(text.parse::<RecordIndex>().is_err(), "{text}");
    }
    assert_eq!(RecordIndex::from_number(256 << 32), None);
}

/// Frozen bytes: a change of any derivation or layout shows here.
#[test]
fn vectors_hold() {
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let (keys, index) = (keys(), RecordIndex::new(Lane::new(1).unwrap(), 2));
    let grant = yilian_client::wallet::index::GrantIndex::new(Lane::FIRST, 3);
    let backup = keys.backup(Lane::FIRST);
    let now = serde_json::json!({
        "seed": hex(keys.seed().expose()),
        "record": index.number(),
        "grant": grant.number(),
        "owner": hex(&keys.owner(index).verifying_key().encode()),
        "aid": hex(&keys.aid(index).0.0),
        "salt": hex(keys.salt(index).expose()),
        "owner_commitment": hex(&keys.owner_commitment(index).0),
        "draft_delegator": hex(&keys.draft_delegator(index).public().encode()),
        "record_delegator": hex(&keys.record_delegator(index).public().encode()),
        "mailbox": hex(&keys.mailbox(index).address().encode()),
        "withdrawal": hex(&keys.withdrawal(index, grant).verifying_key().encode()),
        "bid": hex(&keys.bid(index, grant).0.0),
        "blinding": hex(keys.blinding(index, grant).expose()),
        "receipt_mailbox": hex(&keys.receipt_mailbox(index, grant).address().encode()),
        "authority": hex(&keys.authority().verifying_key().encode()),
        "backup_write": hex(&backup.write.verifying_key().encode()),
        "offer": card().to_text(),
        "statement": hex(&document().statement().encode()),
        "statement_id": hex(&document().statement().id().0),
        "document": hex(&document().to_bytes()),
        "dossier": hex(&dossier().encode()),
        "vault": hex(&vault::seal(&Secret::new([1; 32]), Label::Backup, b"state")),
    });
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../spec/vectors/wallet.json");
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::write(path, serde_json::to_string_pretty(&now).unwrap() + "\n").unwrap();
    }
    let frozen: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(frozen, now);
}
