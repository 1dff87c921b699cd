//! Certificates, tickets, keys, sealed messages, encrypted streams, locked seeds, words.

use commonware_codec::Encode as _;
use yilian_crypto::{
    Digest, Label, Secret,
    certificate::Certificate,
    password::{self, Cost, LockError},
    seal::{SealingKey, SealingSecretKey},
    seed::Seed,
    sign::{Signature, SigningKey, VerifyingKey},
    stream::{self, DataKey},
    ticket::{Class, Period, Request, Ticket, TicketKey},
};
use yilian_testkit::ledger::{Seeded, ticket_secret};

use super::fixtures::FIXTURES;
use crate::target::{Target, choose, chosen, decodes};

/// What parses is the one encoding of its contents; only the issuer's own verify.
fn certificate(input: &[u8]) -> bool {
    let Ok(parsed) = Certificate::parse(input) else { return false };
    assert_eq!(parsed.der(), input, "two encodings of one certificate");
    let issuers = FIXTURES.members.iter().map(|member| &member.certificate);
    for issuer in issuers.chain([&FIXTURES.world.root.certificate]) {
        if parsed.verify_issued_by(issuer).is_ok() {
            let known = FIXTURES.members.iter().any(|member| member.certificate == parsed);
            assert!(known || parsed == FIXTURES.world.root.certificate, "a forged certificate verifies");
        }
    }
    true
}

pub const CERTIFICATE: Target =
    Target::new("certificate", "an X.509 certificate of the closed profile", certificate, || {
        let members = FIXTURES.members.iter().map(|member| &member.certificate);
        members.chain([&FIXTURES.world.root.certificate]).map(|c| c.der().to_vec()).collect()
    })
    .weighing(2);

fn saved_request(input: &[u8]) -> bool {
    let Ok(request) = Request::restore(input) else { return false };
    assert_eq!(request.save().expose(), input, "two encodings of one saved request");
    let key = ticket_secret_0();
    let _ = request.finish(&key, &[1; 384]);
    true
}

fn ticket_secret_0() -> TicketKey {
    static KEY: std::sync::LazyLock<TicketKey> =
        std::sync::LazyLock::new(|| ticket_secret(0).public().clone());
    KEY.clone()
}

/// No mutation makes another good ticket.
fn ticket(input: &[u8]) -> bool {
    let Some(ticket) = crate::target::canonical::<Ticket>(input) else { return false };
    if ticket.verify(&ticket_secret_0()).is_ok() {
        let seed = crate::target::canonical::<Ticket>(&a_ticket()).expect("the seed is a ticket");
        assert_eq!(ticket.one_time_key, seed.one_time_key, "a forged ticket verifies");
    }
    true
}

fn a_ticket() -> Vec<u8> {
    static TICKET: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| {
        let (secret, mut rng) = (ticket_secret(0), Seeded::new(3));
        let (request, blinded) =
            Request::new(secret.public(), Class::Care, Period(1), &mut rng).expect("the key is good");
        let answer = secret.sign_blinded(&blinded, &mut rng).expect("the request is good");
        let ticket = request.finish(secret.public(), &answer).expect("the answer is good");
        ticket.ticket.encode().to_vec()
    });
    TICKET.clone()
}

const TICKET_FORMS: [fn(&[u8]) -> bool; 5] =
    [ticket, decodes::<TicketKey>, saved_request, decodes::<Class>, decodes::<Period>];

pub const TICKETS: Target = Target::new(
    "tickets",
    "tickets, ticket keys, saved requests",
    |input| choose(input, &TICKET_FORMS).is_some_and(|(rest, choice)| TICKET_FORMS[choice](rest)),
    || {
        let mut rng = Seeded::new(4);
        let key = ticket_secret_0();
        let (request, _) = Request::new(&key, Class::Trade, Period(9), &mut rng).expect("the key is good");
        vec![
            chosen(0, a_ticket()),
            chosen(1, key.encode()),
            chosen(2, request.save().expose()),
            chosen(3, Class::Care.encode()),
            chosen(4, Period(3).encode()),
        ]
    },
);

const KEY_FORMS: [fn(&[u8]) -> bool; 4] =
    [decodes::<VerifyingKey>, decodes::<SealingKey>, decodes::<Signature>, decodes::<Digest>];

fn signer() -> SigningKey {
    SigningKey::from_seed(Secret::new([9; 32]))
}

fn sealing() -> SealingSecretKey {
    SealingSecretKey::from_seed(&Secret::new([1; 32]))
}

pub const KEYS: Target = Target::new(
    "keys",
    "verifying and sealing keys, signatures, digests",
    |input| choose(input, &KEY_FORMS).is_some_and(|(rest, choice)| KEY_FORMS[choice](rest)),
    || {
        vec![
            chosen(0, signer().verifying_key().encode()),
            chosen(1, sealing().public().encode()),
            chosen(2, signer().sign(Label::Backup, &[b"x"]).encode()),
            chosen(3, Digest([3; 32]).encode()),
        ]
    },
);

/// Bytes as they come; or a message sealed by us with one byte changed, which must not open.
fn sealed(input: &[u8]) -> bool {
    let open = |bytes: &[u8]| sealing().open(Label::MailboxSeal, b"aad", bytes);
    match choose(input, &[(), ()]) {
        Some((raw, 0)) => open(raw).is_ok(),
        Some((rest, _)) => {
            let Some((&[high, low, flip], text)) = rest.split_first_chunk::<3>() else { return false };
            let public = sealing().public();
            let good = public.seal(Label::MailboxSeal, b"aad", text, &mut Seeded::new(1));
            let mut bent = good.clone();
            let at = usize::from(u16::from_be_bytes([high, low])) % bent.len();
            bent[at] ^= flip;
            assert_eq!(open(&bent).is_ok(), flip == 0, "a bent message opens, or a good one does not");
            true
        }
        None => false,
    }
}

pub const SEALED: Target = Target::new("sealed", "an HPKE sealed message", sealed, || {
    let good = sealing().public().seal(Label::MailboxSeal, b"aad", b"text", &mut Seeded::new(1));
    vec![chosen(0, good), chosen(1, b"\0\x05\x01text"), chosen(1, b"\0\x05\0text")]
});

fn data_key() -> DataKey {
    DataKey::from_bytes(Secret::new([4; 32]))
}

/// Bytes as they come; or a stream of ours, bent or cut, which must not decrypt to anything else.
fn encrypted(input: &[u8]) -> bool {
    match choose(input, &[(), ()]) {
        Some((raw, 0)) => stream::decrypt(&data_key(), raw).is_ok(),
        Some((rest, _)) => {
            let Some((&[high, low, flip, cut], text)) = rest.split_first_chunk::<4>() else { return false };
            let good = stream::encrypt(data_key(), text);
            let mut bent = good.clone();
            let at = usize::from(u16::from_be_bytes([high, low])) % bent.len();
            bent[at] ^= flip;
            bent.truncate(good.len().saturating_sub(usize::from(cut)));
            match stream::decrypt(&data_key(), &bent) {
                Ok(plain) => assert!(bent == good && plain == text, "a bent stream decrypts"),
                Err(error) => assert!(bent != good, "a good stream does not decrypt: {error}"),
            }
            true
        }
        None => false,
    }
}

pub const STREAM: Target =
    Target::new("stream", "an encrypted stream: header and segments", encrypted, || {
        let of = |text: &[u8]| stream::encrypt(data_key(), text);
        vec![
            chosen(0, of(b"text")),
            chosen(0, of(b"")),
            chosen(0, of(&[7; 1000])),
            chosen(1, b"\0\x40\x01\0text"),
            chosen(1, b"\0\0\0\x01text"),
            chosen(1, b"\0\0\0\0text"),
        ]
    });

/// Costs are bounded before memory is taken; only cheap ones are computed here.
fn locked(input: &[u8]) -> bool {
    let field = |at: usize| input.get(at..at + 4).map(|f| u32::from_be_bytes(f.try_into().expect("four")));
    if let (Some(memory), Some(passes), Some(lanes)) = (field(1), field(5), field(9)) {
        let bounded =
            memory <= Cost::MAX.memory_kib && passes <= Cost::MAX.passes && lanes <= Cost::MAX.lanes;
        let cheap = memory <= 64 && passes <= 2;
        if bounded && !cheap {
            return false;
        }
        if !bounded {
            let refused = password::unlock("p", input).err();
            assert!(!matches!(refused, None | Some(LockError::Password)), "a boundless cost was computed");
            return false;
        }
    }
    password::unlock("p", input).is_ok()
}

pub const LOCKED: Target = Target::new("locked", "a seed locked by a password", locked, || {
    let cost = Cost { memory_kib: 8, passes: 1, lanes: 1 };
    vec![password::lock("p", cost, b"secret", &mut Seeded::new(1)).expect("a small cost")]
});

/// 24 words and the seed are two forms of one value.
fn words(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    let Ok(seed) = Seed::from_words(text) else { return false };
    let words = seed.words();
    assert!(words.expose().split(' ').eq(text.to_lowercase().split_whitespace()));
    true
}

pub const WORDS: Target = Target::new("words", "the 24 words", words, || {
    let of = |byte| Seed::from_bytes(Secret::new([byte; 32])).words().expose().as_bytes().to_vec();
    vec![of(0), of(1), of(255)]
});
