//! Everything that enters is checked (spec D-3, D-4): encoding, curve, subgroup, identity, length, suite.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/refused.rs"]
mod refused;

use common::{Seeded, delegatee, delegator, seed};
use yilian_crypto::Secret;
use yilian_delegation::{
    Blinding, Capsule, DelegateeKey, DelegationError, DelegatorKey, ProofOfPossession, ReencryptedCapsule,
    ReencryptionKey, Wrapped, reencrypt,
};

const ORDER: &str = "73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001";
const P: &str =
    "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab";

fn reencrypted() -> ReencryptedCapsule {
    let (a, t) = (delegator("a"), Blinding::from_seed(&seed("t")));
    let (capsule, _) = a.encapsulate(b"owner", &mut Seeded::new("r"));
    reencrypt(&capsule, &a.rekey(&delegatee("c").public(), &t))
}

#[test]
fn refuses_every_wrong_g1_encoding_as_key_and_as_capsule() {
    for (what, bytes, why) in refused::G1 {
        let bytes = hex::decode(bytes).unwrap();
        assert_eq!(DelegatorKey::from_bytes(&bytes).err(), Some(*why), "{what}");
        assert_eq!(Capsule::from_bytes(&bytes).err(), Some(*why), "{what}");
    }
}

#[test]
fn refuses_every_wrong_g2_encoding_as_key_and_as_reencryption_key() {
    for (what, bytes, why) in refused::G2 {
        let bytes = hex::decode(bytes).unwrap();
        assert_eq!(DelegateeKey::from_bytes(&bytes).err(), Some(*why), "{what}");
        assert_eq!(ReencryptionKey::from_bytes(&bytes).err(), Some(*why), "{what}");
    }
}

#[test]
fn refuses_every_wrong_gt_encoding() {
    for (what, bytes, why) in refused::GT {
        let bytes = hex::decode(bytes).unwrap();
        assert_eq!(ReencryptedCapsule::from_bytes(&bytes).err(), Some(*why), "{what}");
    }
}

/// A valid element with p added to one coefficient is the same element in another encoding.
#[test]
fn refuses_unreduced_coefficients_of_a_valid_gt_element() {
    let (valid, p) = (*reencrypted().as_bytes(), hex::decode(P).unwrap());
    ReencryptedCapsule::from_bytes(&valid).unwrap();
    for coefficient in 0..4 {
        let mut bytes = valid;
        let mut carry = 0;
        for i in (0..48).rev() {
            let sum = u16::from(bytes[48 * coefficient + i]) + u16::from(p[i]) + carry;
            bytes[48 * coefficient + i] = sum as u8;
            carry = sum >> 8;
        }
        assert_eq!(carry, 0, "two values below 2^381 fit into 384 bits");
        assert_eq!(ReencryptedCapsule::from_bytes(&bytes).err(), Some(DelegationError::Encoding));
    }
}

#[test]
fn refuses_a_gt_element_with_any_changed_byte() {
    let valid = *reencrypted().as_bytes();
    for i in 0..valid.len() {
        let mut bytes = valid;
        bytes[i] ^= 1;
        assert!(ReencryptedCapsule::from_bytes(&bytes).is_err(), "byte {i}");
    }
}

#[test]
fn refuses_blindings_that_are_zero_or_not_reduced() {
    let mut largest = common::unhex::<32>(ORDER);
    for bytes in [[0; 32], largest, [0xff; 32]] {
        assert_eq!(Blinding::from_bytes(Secret::new(bytes)).err(), Some(DelegationError::Scalar));
    }
    largest[31] -= 1;
    assert!(Blinding::from_bytes(Secret::new(largest)).is_ok());
}

#[test]
fn refuses_other_lengths() {
    macro_rules! check {
        ($($name:ident),*) => {$(
            for len in (0..$name::BYTES).chain($name::BYTES + 1..260) {
                let refused = DelegationError::Length { expected: $name::BYTES, got: len };
                assert_eq!($name::from_bytes(&vec![0x80; len]).err(), Some(refused));
            }
        )*};
    }
    check!(
        DelegatorKey,
        DelegateeKey,
        ProofOfPossession,
        Capsule,
        ReencryptionKey,
        ReencryptedCapsule,
        Wrapped
    );
}
