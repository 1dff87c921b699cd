//! Every wire type: round trip, truncation, trailing bytes, foreign suites, random bytes (spec D-6).
#![allow(clippy::unwrap_used)]

mod common;

use std::{error::Error as _, fmt::Debug};

use bytes::Bytes;
use common::{Seeded, delegatee, delegator, seed};
use commonware_codec::{Decode, Encode, Error, FixedSize, Read};
use proptest::prelude::*;
use yilian_crypto::{Digest, Secret};
use yilian_delegation::{
    Blinding, Capsule, DelegateeKey, DelegationError, DelegatorKey, ProofOfPossession, ReencryptedCapsule,
    ReencryptionKey, Wrap, Wrapped, reencrypt,
};

fn check<T: Encode + Read<Cfg = ()> + FixedSize + PartialEq + Debug>(value: &T, size: usize) {
    let bytes = value.encode();
    assert_eq!((bytes.len(), T::SIZE, bytes[0]), (size, size, 0x10));
    assert_eq!(&T::decode_cfg(bytes.clone(), &()).unwrap(), value);
    for len in 0..bytes.len() {
        assert!(matches!(T::decode_cfg(bytes.slice(..len), &()), Err(Error::EndOfBuffer)), "length {len}");
    }
    let mut longer = bytes.to_vec();
    longer.push(0);
    assert!(matches!(T::decode_cfg(longer, &()), Err(Error::ExtraData(1))));
    for suite in [0x00, 0x01, 0x11, 0xff] {
        let mut foreign = bytes.to_vec();
        foreign[0] = suite;
        let error = T::decode_cfg(foreign, &()).unwrap_err();
        let source = error.source().and_then(|e| e.downcast_ref::<DelegationError>());
        assert_eq!(source, Some(&DelegationError::Suite));
    }
}

#[test]
fn every_wire_type_has_one_exact_form() {
    let (a, c, mut rng) = (delegator("a"), delegatee("c"), Seeded::new("wire"));
    let rk = a.rekey(&c.public(), &Blinding::from_seed(&seed("t")));
    let (capsule, fresh) = a.encapsulate(b"owner", &mut rng);
    let wrap = Wrap { data_key: Secret::new([1; 32]), codec: 0x55, digest: Digest([2; 32]) };
    check(&a.public(), 49);
    check(&c.public(), 97);
    check(&c.prove(b"subject", &mut rng), 65);
    check(&capsule, 49);
    check(&rk, 97);
    check(&reencrypt(&capsule, &rk), 193);
    check(&fresh.wrap(&wrap).unwrap(), 82);
}

fn try_all(bytes: &[u8]) {
    let bytes = Bytes::copy_from_slice(bytes);
    let _ = DelegatorKey::decode_cfg(bytes.clone(), &());
    let _ = DelegateeKey::decode_cfg(bytes.clone(), &());
    let _ = ProofOfPossession::decode_cfg(bytes.clone(), &());
    let _ = Capsule::decode_cfg(bytes.clone(), &());
    let _ = ReencryptionKey::decode_cfg(bytes.clone(), &());
    let _ = ReencryptedCapsule::decode_cfg(bytes.clone(), &());
    let _ = Wrapped::decode_cfg(bytes, &());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..260)) {
        try_all(&bytes);
    }

    /// The right suite, flags and length, so that decoding reaches the curve equations.
    #[test]
    fn random_points_never_panic_and_reencode_when_accepted(
        mut bytes in proptest::sample::select(vec![49usize, 65, 82, 97, 193])
            .prop_flat_map(|n| proptest::collection::vec(any::<u8>(), n)),
        flags in proptest::sample::select(vec![0x00u8, 0x80, 0xa0, 0xc0, 0xe0, 0x40]),
    ) {
        bytes[0] = 0x10;
        bytes[1] = bytes[1] & 0x0f | flags;
        try_all(&bytes);
        if let Ok(point) = Capsule::decode_cfg(Bytes::copy_from_slice(&bytes), &()) {
            prop_assert_eq!(point.encode().to_vec(), bytes);
        }
    }
}
