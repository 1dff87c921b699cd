//! Proof of possession: accepted for the holder and the subject it was made for, refused for everybody else.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Seeded, delegatee};
use yilian_delegation::{
    DelegateeKey, DelegationError, ProofOfPossession,
    group::{G2, Scalar},
};

const SUBJECT: &[u8] = b"hospital-7/dr-carol";

#[test]
fn accepts_the_holder_for_its_subject() {
    let c = delegatee("c");
    for run in ["one", "two"] {
        let proof = c.prove(SUBJECT, &mut Seeded::new(run));
        assert_eq!(c.public().verify(SUBJECT, &proof), Ok(()));
    }
    assert_eq!(c.public().verify(b"", &c.prove(b"", &mut Seeded::new("empty"))), Ok(()));
}

#[test]
fn refuses_replay_for_another_subject_or_key() {
    let (c, proof) = (delegatee("c"), delegatee("c").prove(SUBJECT, &mut Seeded::new("r")));
    for subject in [&b"hospital-7/dr-mallory"[..], b"", b"hospital-7/dr-caro", b"hospital-7/dr-carol\0"] {
        assert_eq!(c.public().verify(subject, &proof), Err(DelegationError::Possession));
    }
    assert_eq!(delegatee("d").public().verify(SUBJECT, &proof), Err(DelegationError::Possession));
}

#[test]
fn refuses_every_changed_byte() {
    let (c, proof) = (delegatee("c"), delegatee("c").prove(SUBJECT, &mut Seeded::new("r")));
    for i in 0..64 {
        let mut bytes = *proof.as_bytes();
        bytes[i] ^= 1;
        let outcome = ProofOfPossession::from_bytes(&bytes).and_then(|p| c.public().verify(SUBJECT, &p));
        assert!(outcome.is_err(), "byte {i}");
    }
}

#[test]
fn refuses_a_response_that_is_zero_or_not_reduced() {
    let order = common::unhex::<32>("73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001");
    let mut bytes = *delegatee("c").prove(SUBJECT, &mut Seeded::new("r")).as_bytes();
    for response in [[0; 32], order, [0xff; 32]] {
        bytes[32..].copy_from_slice(&response);
        assert_eq!(ProofOfPossession::from_bytes(&bytes), Err(DelegationError::Scalar));
    }
}

/// The same residue in another encoding: s + r fits into 32 bytes for small s.
#[test]
fn a_proof_has_one_encoding() {
    let c = delegatee("c");
    let order = common::unhex::<32>("73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001");
    let proof = *c.prove(SUBJECT, &mut Seeded::new("r")).as_bytes();
    let mut shifted = proof;
    let mut carry = 0u16;
    for i in (0..32).rev() {
        let sum = u16::from(shifted[32 + i]) + u16::from(order[i]) + carry;
        shifted[32 + i] = sum as u8;
        carry = sum >> 8;
    }
    assert_eq!(carry, 0, "two residues below 2^255 do not overflow 256 bits");
    assert_eq!(ProofOfPossession::from_bytes(&shifted), Err(DelegationError::Scalar));
}

/// Mallory certifies `PKc^k`, knowing k but not c. The best it can do is prove k, or reuse Carol's proof.
#[test]
fn refuses_a_related_key_without_knowledge_of_its_secret() {
    let (carol, mallory) = (delegatee("carol"), delegatee("mallory"));
    let mut two = [0; 32];
    two[31] = 2;
    let related =
        G2::from_bytes(carol.public().as_bytes()).unwrap().mul(&Scalar::from_be_bytes(&two).unwrap());
    let related = DelegateeKey::from_bytes(related.as_bytes()).unwrap();
    for forged in
        [carol.prove(SUBJECT, &mut Seeded::new("carol")), mallory.prove(SUBJECT, &mut Seeded::new("mallory"))]
    {
        assert_eq!(related.verify(SUBJECT, &forged), Err(DelegationError::Possession));
    }
}

#[test]
fn nonces_differ_by_context_even_when_randomness_repeats() {
    let c = delegatee("c");
    let first = c.prove(b"first", &mut Seeded::new("stuck"));
    let second = c.prove(b"second", &mut Seeded::new("stuck"));
    // Equal nonces under two challenges would give away c = (s1 - s2)/(e1 - e2): check that they do not.
    let part =
        |p: &ProofOfPossession, i: usize| -> [u8; 32] { p.as_bytes()[32 * i..][..32].try_into().unwrap() };
    let minus = |a: Scalar, b: Scalar| {
        let minus_one =
            common::unhex::<32>("73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000000");
        a.add(&b.mul(&Scalar::from_be_bytes(&minus_one).unwrap())).unwrap()
    };
    let challenge = |p| Scalar::from_challenge(&part(p, 0)).unwrap();
    let response = |p| Scalar::from_be_bytes(&part(p, 1)).unwrap();
    let guess = minus(response(&first), response(&second))
        .mul(&minus(challenge(&first), challenge(&second)).invert());
    assert_ne!(G2::generator_mul(&guess).as_bytes(), c.public().as_bytes());
}
