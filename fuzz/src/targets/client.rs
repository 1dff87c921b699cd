//! What wallets and readers take from people, nodes, and their own disks.

use commonware_codec::Encode as _;
use yilian_client::{
    OfferCard,
    message::{AccessRequest, Draft, Message, MessageError, Opening, Refusal, Wish},
    record::{
        Attachment, Author, Bundle, Claims, Class, Document, Dossier, Form, RecordOpening, Statement,
        opening::{ContentKey, wrap},
    },
    wallet::{
        index::{Lane, RecordIndex},
        keys::Keys,
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

use crate::target::{Target, canonical, choose, chosen, decodes};

const CHAIN: ChainId = ChainId(Digest([3; 32]));

fn keys() -> Keys {
    Keys::new(Seed::from_bytes(Secret::new([1; 32])))
}

fn index() -> RecordIndex {
    RecordIndex::new(Lane::FIRST, 7)
}

fn signer() -> SigningKey {
    SigningKey::from_seed(Secret::new([9; 32]))
}

fn data_key() -> DataKey {
    DataKey::from_bytes(Secret::new([4; 32]))
}

fn messages() -> Vec<Message> {
    let delegator = DelegatorSecretKey::from_seed(&Secret::new([2; 32]));
    let (capsule, key) = delegator.encapsulate(b"context", &mut Seeded::new(1));
    let wrapped = wrap(key, &Cid::of(Codec::Raw, b"x"), &data_key());
    let opening = Opening {
        owner: signer().verifying_key(),
        salt: Secret::new([5; 32]),
        capsule,
        wrapped,
        blinding: Blinding::from_seed(&Secret::new([5; 32])),
        bid: Bid(Digest([6; 32])),
        note: Text::clipped("note"),
    };
    let wish = Wish { purpose: Text::clipped("claim"), wanted: Text::clipped("all"), expiry_class: 2 };
    let member = (MemberId(Digest([7; 32])), Kind::Practitioner);
    vec![
        Message::Draft(Draft { capsule, wrapped }),
        Message::Refusal(Refusal::sign(CHAIN, Digest([1; 32]), Digest([2; 32]), "no", &signer())),
        Message::Opening(opening),
        Message::Request(AccessRequest::sign(CHAIN, &Digest([8; 32]), member, wish, Time(9), &signer())),
    ]
}

/// Bytes as they come to the decoder; as they lie sealed in a mailbox; or sealed by a stranger with any padding.
fn message(input: &[u8]) -> bool {
    let mailbox = keys().mailbox(index());
    match choose(input, &[(), (), ()]) {
        Some((raw, 0)) => decodes::<Message>(raw),
        Some((raw, 1)) => Message::open(CHAIN, &mailbox, raw).is_ok(),
        Some((padded, _)) => {
            let context = [CHAIN.0.0, mailbox.id().0].concat();
            let public = mailbox.sealing.public();
            let sealed = public.seal(Label::MailboxSeal, &context, padded, &mut Seeded::new(1));
            let opened = Message::open(CHAIN, &mailbox, &sealed);
            assert!(opened.as_ref().err() != Some(&MessageError::Seal), "sealed to this mailbox");
            opened.is_ok()
        }
        None => false,
    }
}

pub const MESSAGE: Target =
    Target::new("message", "messages between people, sealed and open", message, || {
        let mailbox = keys().mailbox(index());
        let mut seeds: Vec<_> = messages().iter().map(|m| chosen(0, m.encode())).collect();
        let sealed = messages()[0].seal(CHAIN, &mailbox.address(), &mut Seeded::new(1)).expect("small");
        seeds.push(chosen(1, sealed));
        let encoded = messages()[3].encode();
        let padded = [&(encoded.len() as u32).to_be_bytes()[..], &encoded, &[0; 20]].concat();
        seeds.push(chosen(2, padded));
        seeds
    });

fn card() -> OfferCard {
    OfferCard {
        chain: CHAIN,
        draft: keys().draft_delegator(index()).public(),
        owner_commitment: keys().owner_commitment(index()),
        mailbox: keys().mailbox(index()).address(),
    }
}

/// An offer's text and its bytes are two forms of one value; white space and case are forgiven.
fn offer(input: &[u8]) -> bool {
    match choose(input, &[(), ()]) {
        Some((text, 0)) => {
            let Ok(text) = std::str::from_utf8(text) else { return false };
            let Ok(card) = OfferCard::from_text(text, CHAIN) else { return false };
            let forgiven: String = text.split_whitespace().collect();
            assert_eq!(card.to_text(), forgiven.to_ascii_uppercase(), "two texts of one offer");
            true
        }
        Some((bytes, _)) => {
            let Some(card) = canonical::<OfferCard>(bytes) else { return false };
            assert_eq!(OfferCard::from_text(&card.to_text(), card.chain), Ok(card));
            true
        }
        None => false,
    }
}

pub const OFFER: Target = Target::new("offer", "an offer: text of a QR code, bytes", offer, || {
    vec![chosen(0, card().to_text()), chosen(1, card().encode()), chosen(0, card().to_text().to_lowercase())]
});

fn state() -> State {
    State::new(CHAIN, Lane::FIRST)
}

pub const STATE: Target =
    Target::new("wallet-state", "a wallet's state", decodes::<State>, || vec![state().encode().to_vec()])
        .long(4096, 4 << 20);

/// What opens is what was sealed, and nothing else opens.
fn opened(input: &[u8]) -> bool {
    let key = Secret::new([1; 32]);
    match choose(input, &[(), ()]) {
        Some((raw, 0)) => {
            let Ok(plain) = vault::open(&key, Label::Backup, raw) else { return false };
            assert_eq!(vault::seal(&key, Label::Backup, plain.expose()), raw, "two vaults of one content");
            true
        }
        Some((rest, _)) => {
            let Some((&[at, flip], plain)) = rest.split_first_chunk::<2>() else { return false };
            let good = vault::seal(&key, Label::Backup, plain);
            let mut bent = good.clone();
            let at = usize::from(at) % bent.len();
            bent[at] ^= flip;
            assert_eq!(vault::open(&key, Label::Backup, &bent).is_ok(), flip == 0, "a bent vault opens");
            assert!(vault::open(&key, Label::WalletState, &good).is_err(), "under another label");
            true
        }
        None => false,
    }
}

pub const VAULT: Target = Target::new("vault", "a sealed backup or wallet file", opened, || {
    let good = vault::seal(&Secret::new([1; 32]), Label::Backup, &state().encode());
    vec![chosen(0, good), chosen(1, b"\x01\x01text"), chosen(1, b"\x01\0text")]
});

fn document_of(body: &[u8], attachments: Vec<Attachment>) -> Document {
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
        attachments,
    };
    Document::sign(claims, body.to_vec(), &signer()).expect("small")
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

fn document(input: &[u8]) -> bool {
    match choose(input, &[(), (), (), ()]) {
        Some((raw, 0)) => {
            let Ok(document) = Document::parse(raw, CHAIN) else { return false };
            assert_eq!(document.to_bytes(), raw, "two encodings of one document");
            let _ = document.verify(&signer().verifying_key());
            true
        }
        Some((raw, 1)) => decodes::<Statement>(raw),
        Some((raw, 2)) => decodes::<Dossier>(raw),
        Some((body, _)) => {
            let bytes = document_of(body, Vec::new()).to_bytes();
            let parsed = Document::parse(&bytes, CHAIN).expect("what was signed parses");
            assert_eq!(parsed.body(), body);
            assert_eq!(parsed.verify(&signer().verifying_key()), Ok(()));
            true
        }
        None => false,
    }
}

pub const DOCUMENT: Target =
    Target::new("document", "signed records, statements, dossiers", document, || {
        let document = document_of(br#"{"resourceType":"Bundle"}"#, vec![attachment()]);
        let content =
            ContentKey { cid: Cid::of(Codec::Raw, b"z"), key: data_key(), commitment: Secret::new([15; 32]) };
        let opening = RecordOpening { owner: signer().verifying_key(), salt: Secret::new([16; 32]), content };
        let dossier = Dossier { title: Text::clipped("for the insurer"), records: vec![opening] };
        vec![
            chosen(0, document.to_bytes()),
            chosen(1, document.statement().encode()),
            chosen(2, dossier.encode()),
            chosen(3, b"{}"),
        ]
    });

/// Whatever parses can be shown.
fn bundle(input: &[u8]) -> bool {
    let Ok(bundle) = Bundle::parse(input) else { return false };
    let _ = bundle.patient();
    assert_eq!(bundle.summary(Class::Clinical, 3).attachments, 3);
    true
}

pub const BUNDLE: Target = Target::new("bundle", "the FHIR Bundle of a record", bundle, || {
    let composition = r#"{"resource":{"resourceType":"Composition","title":"T","type":{"text":"Visit","coding":[{"code":"c","display":"d"}]},"date":"2026","subject":{"reference":"urn:p"},"author":[{"reference":"Practitioner/b","display":""}]}}"#;
    let patient = r#"{"fullUrl":"urn:p","resource":{"resourceType":"Patient","birthDate":"1990","identifier":[{"value":"1"}],"name":[{"family":"Li","given":["Lei"],"text":""}]}}"#;
    let doctor = r#"{"resource":{"resourceType":"Practitioner","id":"b","name":[{"text":"Dr. Bob"}]}}"#;
    let of = |kind: &str, entries: &[&str]| {
        let entries = entries.join(",");
        format!(r#"{{"resourceType":"Bundle","type":"{kind}","timestamp":"2026","meta":{{"lastUpdated":"2026"}},"entry":[{entries}]}}"#)
            .into_bytes()
    };
    vec![
        of("document", &[composition, patient, doctor]),
        of("collection", &[patient]),
        of("collection", &[]),
    ]
})
.long(4096, 4 << 20);
