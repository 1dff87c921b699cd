//! Points, proofs and wrapped keys of the delegation suite.

use std::sync::LazyLock;

use commonware_codec::{Decode, Encode};
use yilian_crypto::{Digest, Secret};
use yilian_delegation::{
    Blinding, Capsule, CapsuleKey, DelegateeKey, DelegateeSecretKey, DelegatorKey, DelegatorSecretKey,
    ProofOfPossession, ReencryptedCapsule, ReencryptionKey, Wrap, Wrapped, group::Scalar, reencrypt,
};
use yilian_testkit::ledger::Seeded;

use crate::target::{Target, canonical, choose, chosen, decodes};

const OWNER: &[u8] = b"owner";

struct Scheme {
    delegator: DelegatorSecretKey,
    delegatee: DelegateeSecretKey,
    blinding: Blinding,
    capsule: Capsule,
    wrapped: Wrapped,
    rk: ReencryptionKey,
    reencrypted: ReencryptedCapsule,
    proof: ProofOfPossession,
}

static SCHEME: LazyLock<Scheme> = LazyLock::new(|| {
    let mut rng = Seeded::new(1);
    let delegator = DelegatorSecretKey::from_seed(&Secret::new([1; 32]));
    let delegatee = DelegateeSecretKey::from_seed(&Secret::new([2; 32]));
    let blinding = Blinding::from_seed(&Secret::new([3; 32]));
    let (capsule, key) = delegator.encapsulate(OWNER, &mut rng);
    let wrap = Wrap { data_key: Secret::new([4; 32]), codec: 0x55, digest: Digest([5; 32]) };
    let wrapped = key.wrap(&wrap).expect("a known codec");
    let rk = delegator.rekey(&delegatee.public(), &blinding);
    let reencrypted = reencrypt(&capsule, &rk);
    let proof = delegatee.prove(b"subject", &mut rng);
    Scheme { delegator, delegatee, blinding, capsule, wrapped, rk, reencrypted, proof }
});

/// What parses is usable: the group operation that it is for works on it.
fn used<T: Decode<Cfg = ()> + Encode>(input: &[u8], act: impl FnOnce(&T)) -> bool {
    canonical::<T>(input).as_ref().map(act).is_some()
}

const FORMS: [fn(&[u8]) -> bool; 6] = [
    |input| used::<Capsule>(input, |capsule| drop(SCHEME.delegator.decapsulate(capsule, OWNER))),
    |input| used::<ReencryptionKey>(input, |rk| _ = reencrypt(&SCHEME.capsule, rk)),
    |input| used::<DelegateeKey>(input, |key| _ = SCHEME.delegator.rekey(key, &SCHEME.blinding)),
    decodes::<DelegatorKey>,
    |input| {
        used::<ProofOfPossession>(input, |proof| {
            let holds = SCHEME.delegatee.public().verify(b"subject", proof).is_ok();
            assert!(!holds || *proof == SCHEME.proof, "a forged proof of possession verifies");
        })
    },
    |input| {
        let Ok(bytes) = <[u8; 32]>::try_from(input) else { return false };
        let Ok(scalar) = Scalar::from_be_bytes(&bytes) else { return false };
        assert_eq!(scalar.to_be_bytes().expose(), &bytes);
        let _ = scalar.invert();
        true
    },
];

pub const POINTS: Target = Target::new(
    "points",
    "capsules, re-encryption keys, public keys, proofs of possession, scalars",
    |input| choose(input, &FORMS).is_some_and(|(rest, choice)| FORMS[choice](rest)),
    || {
        vec![
            chosen(0, SCHEME.capsule.encode()),
            chosen(1, SCHEME.rk.encode()),
            chosen(2, SCHEME.delegatee.public().encode()),
            chosen(3, SCHEME.delegator.public().encode()),
            chosen(4, SCHEME.proof.encode()),
            chosen(5, SCHEME.blinding.expose()),
        ]
    },
);

/// A re-encrypted capsule that parses can be opened; only the true one gives the key.
fn torus(input: &[u8]) -> bool {
    used::<ReencryptedCapsule>(input, |reencrypted| {
        let open =
            |r: &ReencryptedCapsule| SCHEME.delegatee.open(&SCHEME.blinding, r, &SCHEME.capsule, OWNER);
        let unwraps = open(reencrypted).unwrap(&SCHEME.wrapped).is_ok();
        assert_eq!(unwraps, *reencrypted == SCHEME.reencrypted, "two elements open one capsule");
    })
}

pub const TORUS: Target = Target::new("torus", "a re-encrypted capsule on the torus", torus, || {
    let bytes = SCHEME.reencrypted.encode().to_vec();
    let mut outside = vec![0; bytes.len()];
    (outside[0], outside[48]) = (bytes[0], 1);
    vec![bytes, outside]
});

fn capsule_key() -> CapsuleKey {
    SCHEME.delegator.decapsulate(&SCHEME.capsule, OWNER)
}

fn open(input: &[u8]) -> bool {
    let Some(wrapped) = canonical::<Wrapped>(input) else { return false };
    let opens = capsule_key().unwrap(&wrapped).is_ok();
    assert_eq!(opens, wrapped == SCHEME.wrapped, "a bent wrapped key opens");
    true
}

pub const OPEN: Target =
    Target::new("wrapped", "a wrapped data key", open, || vec![SCHEME.wrapped.encode().to_vec()]);
