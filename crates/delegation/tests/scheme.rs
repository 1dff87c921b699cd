//! What the suite promises to those who hold the right keys, and withholds from the others.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Seeded, delegatee, delegator, seed};
use yilian_crypto::{Digest, Secret};
use yilian_delegation::{Blinding, CapsuleKey, DelegationError, FreshCapsuleKey, Wrap, Wrapped, reencrypt};

const OWNER: &[u8] = b"owner key";

fn content() -> Wrap {
    Wrap { data_key: Secret::new([7; 32]), codec: 0x70, digest: Digest([9; 32]) }
}

fn wrap(key: FreshCapsuleKey) -> Wrapped {
    key.wrap(&content()).unwrap()
}

fn opens(key: &CapsuleKey, wrapped: &Wrapped) -> bool {
    match key.unwrap(wrapped) {
        Ok(w) => {
            assert_eq!((w.data_key.expose(), w.codec, w.digest), (&[7; 32], 0x70, Digest([9; 32])));
            true
        }
        Err(e) => {
            assert_eq!(e, DelegationError::Unwrap);
            false
        }
    }
}

#[test]
fn owner_decapsulates_what_others_and_itself_encapsulated() {
    let (a, mut rng) = (delegator("a"), Seeded::new("r"));
    for (capsule, fresh) in [a.public().encapsulate(OWNER, &mut rng), a.encapsulate(OWNER, &mut rng)] {
        let commitment = fresh.commitment_key();
        let wrapped = wrap(fresh);
        let key = a.decapsulate(&capsule, OWNER);
        assert!(opens(&key, &wrapped));
        assert_eq!(key.commitment_key().expose(), commitment.expose());
        assert!(!opens(&a.decapsulate(&capsule, b"somebody else"), &wrapped));
        assert!(!opens(&delegator("another").decapsulate(&capsule, OWNER), &wrapped));
    }
}

#[test]
fn own_and_foreign_encapsulation_are_the_same_function_of_the_randomness() {
    let a = delegator("a");
    let own = a.encapsulate(OWNER, &mut Seeded::new("same"));
    let foreign = a.public().encapsulate(OWNER, &mut Seeded::new("same"));
    assert_eq!(own.0, foreign.0);
    assert_eq!(own.1.commitment_key().expose(), foreign.1.commitment_key().expose());
}

#[test]
fn reader_opens_a_reencrypted_capsule_and_only_with_its_own_blinding() {
    let (a, c, mut rng) = (delegator("a"), delegatee("c"), Seeded::new("r"));
    let t = Blinding::from_seed(&seed("t"));
    let (capsule, fresh) = a.encapsulate(OWNER, &mut rng);
    let wrapped = wrap(fresh);
    let reencrypted = reencrypt(&capsule, &a.rekey(&c.public(), &t));
    assert!(opens(&c.open(&t, &reencrypted, &capsule, OWNER), &wrapped));

    let other_t = Blinding::from_seed(&seed("t2"));
    let (other_capsule, _) = a.encapsulate(OWNER, &mut rng);
    assert!(!opens(&c.open(&other_t, &reencrypted, &capsule, OWNER), &wrapped));
    assert!(!opens(&delegatee("stranger").open(&t, &reencrypted, &capsule, OWNER), &wrapped));
    assert!(!opens(&c.open(&t, &reencrypted, &capsule, b"another owner"), &wrapped));
    assert!(!opens(&c.open(&t, &reencrypted, &other_capsule, OWNER), &wrapped));
}

#[test]
fn a_rekey_of_another_record_does_not_open_this_one() {
    let (a, b, c) = (delegator("a"), delegator("b"), delegatee("c"));
    let t = Blinding::from_seed(&seed("t"));
    let (capsule, fresh) = a.encapsulate(OWNER, &mut Seeded::new("r"));
    let foreign = reencrypt(&capsule, &b.rekey(&c.public(), &t));
    assert!(!opens(&c.open(&t, &foreign, &capsule, OWNER), &wrap(fresh)));
}

#[test]
fn two_grants_of_one_record_share_nothing() {
    let (a, c) = (delegator("a"), delegatee("c"));
    let (capsule, _) = a.encapsulate(OWNER, &mut Seeded::new("r"));
    let [first, second] = ["t1", "t2"].map(|t| a.rekey(&c.public(), &Blinding::from_seed(&seed(t))));
    assert_ne!(first, second);
    assert_ne!(reencrypt(&capsule, &first), reencrypt(&capsule, &second));
}

#[test]
fn blinding_travels_as_its_bytes() {
    let t = Blinding::from_seed(&seed("t"));
    let copy = Blinding::from_bytes(Secret::new(*t.expose())).unwrap();
    let (a, c) = (delegator("a"), delegatee("c").public());
    assert_eq!(a.rekey(&c, &t), a.rekey(&c, &copy));
}

#[test]
fn one_seed_gives_unrelated_scalars_for_unrelated_uses() {
    use yilian_delegation::group::{G1, G2, Scalar};
    let s = seed("one");
    let a = delegator("one");
    let t = Blinding::from_seed(&s);
    let t = Scalar::from_be_bytes(t.expose()).unwrap();
    assert_ne!(a.public().as_bytes(), G1::generator_mul(&t).as_bytes());
    assert_ne!(delegatee("one").public().as_bytes(), G2::generator_mul(&t).as_bytes());
}

#[test]
fn a_changed_byte_of_the_wrapped_key_is_refused() {
    let (capsule, fresh) = delegator("a").encapsulate(OWNER, &mut Seeded::new("r"));
    let key = delegator("a").decapsulate(&capsule, OWNER);
    let wrapped = wrap(fresh);
    assert!(opens(&key, &wrapped));
    for i in 0..wrapped.0.len() {
        let mut changed = wrapped;
        changed.0[i] ^= 1;
        assert!(!opens(&key, &changed), "byte {i}");
    }
}

#[test]
fn refuses_to_wrap_a_codec_that_no_reader_accepts() {
    let (_, fresh) = delegator("a").encapsulate(OWNER, &mut Seeded::new("r"));
    let refused = fresh.wrap(&Wrap { codec: 0x71, ..content() });
    assert_eq!(refused.err(), Some(DelegationError::Codec));
}

#[test]
fn secrets_do_not_print() {
    let (a, c, t) = (delegator("a"), delegatee("c"), Blinding::from_seed(&seed("t")));
    let key = a.decapsulate(&a.encapsulate(OWNER, &mut Seeded::new("r")).0, OWNER);
    for text in [format!("{a:?}"), format!("{c:?}"), format!("{t:?}"), format!("{key:?}")] {
        assert!(text.contains("(..)") && !text.chars().any(|c| c.is_ascii_digit()), "{text}");
    }
}
