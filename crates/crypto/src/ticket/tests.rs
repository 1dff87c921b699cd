#![allow(clippy::unwrap_used)]

use std::sync::OnceLock;

use commonware_codec::{Copying, DecodeExt as _, Encode as _, FixedSize as _};
use proptest::prelude::*;

use super::*;

fn rng() -> impl rand_core::CryptoRng {
    getrandom::rand_core::UnwrapErr(getrandom::SysRng)
}

/// Two fixed keys: generation takes seconds without optimization.
fn secrets() -> &'static [TicketSecretKey; 2] {
    static KEYS: OnceLock<[TicketSecretKey; 2]> = OnceLock::new();
    KEYS.get_or_init(|| {
        [
            TicketSecretKey::from_pkcs8(include_bytes!("../../../testkit/fixtures/ticket-key-1.p8")).unwrap(),
            TicketSecretKey::from_pkcs8(include_bytes!("../../../testkit/fixtures/ticket-key-2.p8")).unwrap(),
        ]
    })
}

fn issue(secret: &TicketSecretKey, class: Class, period: Period) -> TicketWithKey {
    let (request, blinded) = Request::new(secret.public(), class, period, &mut rng()).unwrap();
    let answer = secret.sign_blinded(&blinded, &mut rng()).unwrap();
    request.finish(secret.public(), &answer).unwrap()
}

/// One ticket of the first key, shared by the tests that only change it.
fn ticket() -> &'static TicketWithKey {
    static TICKET: OnceLock<TicketWithKey> = OnceLock::new();
    TICKET.get_or_init(|| issue(&secrets()[0], Class::Care, Period(7)))
}

fn key() -> &'static TicketKey {
    secrets()[0].public()
}

#[test]
fn issues_a_ticket_that_verifies_and_signs() {
    let TicketWithKey { ticket, one_time } = ticket();
    assert_eq!(ticket.verify(key()), Ok(()));
    assert_eq!(ticket.one_time_key, one_time.verifying_key());
}

#[test]
fn refuses_a_ticket_under_another_key() {
    assert_eq!(ticket().ticket.verify(secrets()[1].public()), Err(TicketError::Signature));
}

#[test]
fn refuses_a_ticket_moved_to_another_class_period_or_key() {
    let good = &ticket().ticket;
    let class = Ticket { class: Class::Trade, ..good.clone() };
    let period = Ticket { period: Period(8), ..good.clone() };
    let one_time_key =
        Ticket { one_time_key: SigningKey::generate(&mut rng()).verifying_key(), ..good.clone() };
    for moved in [class, period, one_time_key] {
        assert_eq!(moved.verify(key()), Err(TicketError::Signature));
        assert_ne!(moved.spent_id(), good.spent_id());
    }
}

#[test]
fn spends_a_ticket_by_its_key_and_not_by_its_signature() {
    let good = &ticket().ticket;
    let varied = Ticket { prefix: [1; PREFIX], signature: [2; MODULUS], ..good.clone() };
    assert_eq!(varied.spent_id(), good.spent_id());
}

#[test]
fn two_verifiers_agree() {
    let good = &ticket().ticket;
    let message = message(good.class, good.period, &good.one_time_key);
    let mut cases = vec![(good.prefix, good.signature)];
    for bit in [0, 1, 8 * MODULUS / 2, 8 * MODULUS - 1] {
        let mut signature = good.signature;
        signature[bit / 8] ^= 1 << (bit % 8);
        cases.push((good.prefix, signature));
    }
    cases.push(([0; PREFIX], good.signature));
    for value in [0x00, 0x01, 0xff] {
        cases.push((good.prefix, [value; MODULUS]));
    }
    // The modulus itself and modulus + signature are not representatives.
    cases.push((good.prefix, key().modulus().try_into().unwrap()));
    for (at, (prefix, signature)) in cases.iter().enumerate() {
        let native = verify::verify(key(), prefix, &message, signature);
        assert_eq!(native, verify::pure(key(), prefix, &message, signature), "case {at}");
        assert_eq!(native.is_ok(), at == 0, "case {at}");
    }
}

#[test]
fn verifiers_agree_that_another_salt_length_is_refused() {
    use rsa::{
        pkcs8::DecodePrivateKey as _, signature::RandomizedSigner as _, signature::SignatureEncoding as _,
    };
    let private =
        rsa::RsaPrivateKey::from_pkcs8_der(include_bytes!("../../../testkit/fixtures/ticket-key-1.p8"))
            .unwrap();
    let good = &ticket().ticket;
    let message = message(good.class, good.period, &good.one_time_key);
    let signed = [&good.prefix[..], &message.0].concat();
    for (salt, accepted) in [(48, true), (0, false), (32, false)] {
        let signer = rsa::pss::SigningKey::<sha2::Sha384>::new_with_salt_len(private.clone(), salt);
        let signature: [u8; MODULUS] =
            signer.sign_with_rng(&mut rng(), &signed).to_bytes().as_ref().try_into().unwrap();
        assert_eq!(
            verify::verify(key(), &good.prefix, &message, &signature).is_ok(),
            accepted,
            "salt {salt}"
        );
        assert_eq!(verify::pure(key(), &good.prefix, &message, &signature).is_ok(), accepted, "salt {salt}");
    }
}

#[test]
fn refuses_an_answer_made_with_another_key() {
    let (request, blinded) = Request::new(key(), Class::Care, Period(7), &mut rng()).unwrap();
    let other = &secrets()[1];
    // The blinded message may lie above the other modulus, which the signer refuses already.
    if let Ok(answer) = other.sign_blinded(&blinded, &mut rng()) {
        assert_eq!(request.clone().finish(key(), &answer).unwrap_err(), TicketError::Signature);
        assert_eq!(request.finish(other.public(), &answer).unwrap_err(), TicketError::Signature);
    }
}

#[test]
fn refuses_damaged_answers() {
    let (request, blinded) = Request::new(key(), Class::Care, Period(7), &mut rng()).unwrap();
    let mut answer = secrets()[0].sign_blinded(&blinded, &mut rng()).unwrap();
    for wrong in [&answer[..383], &[], &[0; MODULUS], &[0xff; MODULUS], key().modulus(), &blinded] {
        assert_eq!(request.clone().finish(key(), wrong).unwrap_err(), TicketError::Signature);
    }
    answer[383] ^= 1;
    assert_eq!(request.finish(key(), &answer).unwrap_err(), TicketError::Signature);
}

#[test]
fn signs_only_representatives() {
    for wrong in [&[][..], &[1; 383], &[1; 385], &[0; MODULUS], &[0xff; MODULUS], key().modulus()] {
        assert_eq!(secrets()[0].sign_blinded(wrong, &mut rng()), Err(TicketError::Blinded));
    }
}

#[test]
fn signs_the_same_message_to_the_same_value() {
    let (_, blinded) = Request::new(key(), Class::Trade, Period(1), &mut rng()).unwrap();
    let secret = &secrets()[0];
    assert_eq!(secret.sign_blinded(&blinded, &mut rng()), secret.sign_blinded(&blinded, &mut rng()));
}

#[test]
fn a_saved_request_finishes() {
    let (request, blinded) = Request::new(key(), Class::Trade, Period(9), &mut rng()).unwrap();
    let saved = request.save();
    let restored = Request::restore(saved.expose()).unwrap();
    assert_eq!(restored.blinded()[..], blinded[..]);
    let answer = secrets()[0].sign_blinded(restored.blinded(), &mut rng()).unwrap();
    let done = restored.finish(key(), &answer).unwrap();
    assert_eq!(done.ticket.one_time_key, done.one_time.verifying_key());
    assert_eq!((done.ticket.class, done.ticket.period), (Class::Trade, Period(9)));
    for cut in 0..saved.expose().len() {
        assert_eq!(Request::restore(&saved.expose()[..cut]).unwrap_err(), TicketError::Saved);
    }
}

#[test]
fn secret_keys_survive_storage_and_stay_out_of_debug() {
    let secret = &secrets()[0];
    let stored = secret.to_pkcs8();
    assert_eq!(TicketSecretKey::from_pkcs8(stored.expose()).unwrap().public(), secret.public());
    for cut in [0, 1, 100, stored.expose().len() - 1] {
        assert!(TicketSecretKey::from_pkcs8(&stored.expose()[..cut]).is_err());
    }
    assert!(format!("{secret:?}").ends_with(".. }"), "{secret:?}");
}

#[test]
fn refuses_secret_keys_of_another_size_or_exponent() {
    use rsa::pkcs8::EncodePrivateKey as _;
    let small = rsa::RsaPrivateKey::new(&mut rng(), 2048).unwrap();
    let exponent = rsa::RsaPrivateKey::new_with_exp(&mut rng(), 3072, 3u8.into());
    for key in [Ok(small), exponent].into_iter().flatten() {
        let der = key.to_pkcs8_der().unwrap();
        assert_eq!(TicketSecretKey::from_pkcs8(der.as_bytes()).unwrap_err(), TicketError::Key);
    }
}

#[test]
fn refuses_secret_keys_outside_pkcs8() {
    use rsa::{pkcs1::EncodeRsaPrivateKey as _, pkcs8::DecodePrivateKey as _};
    let stored = secrets()[0].to_pkcs8();
    let bare = rsa::RsaPrivateKey::from_pkcs8_der(stored.expose()).unwrap().to_pkcs1_der().unwrap();
    assert_eq!(TicketSecretKey::from_pkcs8(bare.as_bytes()).unwrap_err(), TicketError::Key);
}

#[test]
fn refuses_public_keys_of_another_form() {
    let good = key().der().to_vec();
    assert_eq!(TicketKey::from_der(&good).as_ref(), Ok(key()));
    for cut in 0..good.len() {
        assert_eq!(TicketKey::from_der(&good[..cut]), Err(TicketError::Key));
    }
    let mut longer = good.clone();
    longer.push(0);
    let mut exponent = good.clone();
    exponent[good.len() - 1] = 3;
    let mut even = good.clone();
    even[good.len() - 6] &= 0xfe;
    let mut short = good.clone();
    short[33] &= 0x7f;
    for wrong in [longer, exponent, even, short] {
        assert_eq!(TicketKey::from_der(&wrong), Err(TicketError::Key));
    }
}

#[test]
fn codec_round_trips_and_refuses_truncation_and_trailing_bytes() {
    let ticket = ticket().ticket.encode();
    assert_eq!((ticket.len(), Ticket::SIZE), (455, 455));
    assert_eq!(Ticket::decode(Copying(&ticket)).unwrap().encode(), ticket);
    let key = key().encode();
    assert_eq!((key.len(), TicketKey::SIZE), (385, 385));
    assert_eq!(TicketKey::decode(Copying(&key)).unwrap().encode(), key);
    for cut in 0..ticket.len() {
        assert!(Ticket::decode(Copying(&ticket[..cut])).is_err());
    }
    for cut in 0..key.len() {
        assert!(TicketKey::decode(Copying(&key[..cut])).is_err());
    }
    assert!(Ticket::decode(Copying(&[&ticket[..], &[0]].concat())).is_err());
    assert!(TicketKey::decode(Copying(&[&key[..], &[0]].concat())).is_err());
    // Suite and class bytes.
    for (at, wrong) in [(0, 0x01), (1, 0), (1, 3)] {
        let mut bytes = ticket.to_vec();
        bytes[at] = wrong;
        assert!(Ticket::decode(Copying(&bytes)).is_err());
    }
}

#[test]
fn names_of_classes_round_trip() {
    for class in Class::ALL {
        assert_eq!(class.as_str().parse(), Ok(class));
    }
    assert_eq!("Care".parse::<Class>(), Err(TicketError::Class));
}

/// Frozen bytes: after a wanted change of the format, run with `UPDATE_VECTORS=1`. Signatures are randomized, so a
/// ticket made once is kept and must go on verifying, and what it is made of must hash to the same values.
#[test]
fn tickets_keep_their_bytes() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../spec/vectors/tickets.json");
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        let ticket = &ticket().ticket;
        let made = serde_json::json!({
            "key": hex::encode(key().encode()),
            "key_der": hex::encode(key().der()),
            "ticket": hex::encode(ticket.encode()),
            "class": ticket.class.as_str(),
            "period": ticket.period.0,
            "message": message(ticket.class, ticket.period, &ticket.one_time_key).to_string(),
            "spent": ticket.spent_id().to_string(),
        });
        std::fs::write(path, serde_json::to_string_pretty(&made).unwrap() + "\n").unwrap();
    }
    let frozen: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let bytes = |field: &str| hex::decode(frozen[field].as_str().unwrap()).unwrap();
    let ticket = Ticket::decode(Copying(&bytes("ticket"))).unwrap();
    let key = TicketKey::decode(Copying(&bytes("key"))).unwrap();
    assert_eq!(ticket.verify(&key), Ok(()));
    assert_eq!(key.der(), bytes("key_der"));
    assert_eq!((ticket.class.as_str(), ticket.period.0), ("care", 7));
    assert_eq!(message(ticket.class, ticket.period, &ticket.one_time_key).0[..], bytes("message"));
    assert_eq!(ticket.spent_id().0[..], bytes("spent"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..1200)) {
        let _ = Ticket::decode(Copying(&bytes));
        let _ = TicketKey::decode(Copying(&bytes));
        let _ = TicketKey::from_der(&bytes);
        let _ = Request::restore(&bytes);
        let _ = TicketSecretKey::from_pkcs8(&bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// A key that was never generated as one (a random odd number) refuses and does not panic.
    #[test]
    fn hostile_moduli_never_panic(mut modulus in proptest::collection::vec(any::<u8>(), MODULUS)) {
        modulus[0] |= 0x80;
        modulus[MODULUS - 1] |= 1;
        let key = TicketKey::from_modulus(modulus.as_slice().try_into().unwrap()).unwrap();
        prop_assert!(ticket().ticket.verify(&key).is_err());
        if let Ok((request, blinded)) = Request::new(&key, Class::Care, Period(0), &mut rng()) {
            prop_assert!(request.finish(&key, &blinded).is_err());
        }
    }
}
