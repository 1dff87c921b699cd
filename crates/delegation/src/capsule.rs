//! Encapsulate, decapsulate, re-key, re-encrypt, open (spec D-9 to D-12).
//!
//! With `Z = e(g, h)`, all five meet in `Z^r`:
//! `C = g^(ar)`, `e(C, h)^(1/a)`, `RK = h^(ct/a)`, `C'' = e(C, RK) = Z^(rct)`, `C''^(1/(ct))`.

use rand_core::CryptoRng;
use yilian_crypto::{Label, kdf};
use zeroize::Zeroizing;

use crate::{
    Blinding, CapsuleKey, DelegateeKey, DelegateeSecretKey, DelegationError, DelegatorKey,
    DelegatorSecretKey, FreshCapsuleKey, SUITE,
    group::{G1, Gt, Scalar, pair, pair_generator},
};

wire_point! {
    /// `C = PKa^r`, 48 + 1 bytes.
    Capsule, G1
}

wire_point! {
    /// `RK = PKc^(t/a)`, 96 + 1 bytes; uniform in G2 for whoever does not know `t`.
    ReencryptionKey, G2
}

/// `C'' = e(C, RK)` on the torus T6, 192 + 1 bytes; checked when parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReencryptedCapsule([u8; Gt::BYTES]);

wire!(ReencryptedCapsule, Gt::BYTES);

impl DelegatorSecretKey {
    /// To one's own key: `C = g^(ar)` from the table of g.
    pub fn encapsulate(&self, owner: &[u8], rng: &mut impl CryptoRng) -> (Capsule, FreshCapsuleKey) {
        let r = Scalar::random(rng);
        fresh(Capsule(G1::generator_mul(&self.0.mul(&r))), &r, owner)
    }

    /// `Z^r = e(C^(1/a), h)`: the inverse goes into G1, where a power is cheapest and the lines of h are known.
    pub fn decapsulate(&self, capsule: &Capsule, owner: &[u8]) -> CapsuleKey {
        let shared = pair_generator(&capsule.0.mul(&self.0.invert()));
        derive(&shared, capsule, owner)
    }

    /// `RK = PKc^(t/a)`. `t` must be fresh for every grant (spec D-10).
    pub fn rekey(&self, reader: &DelegateeKey, t: &Blinding) -> ReencryptionKey {
        ReencryptionKey(reader.0.mul(&t.scalar.mul(&self.0.invert())))
    }
}

impl DelegatorKey {
    /// To somebody else's key. `owner` is the context both sides know: owner key or its commitment.
    pub fn encapsulate(&self, owner: &[u8], rng: &mut impl CryptoRng) -> (Capsule, FreshCapsuleKey) {
        let r = Scalar::random(rng);
        fresh(Capsule(self.0.mul(&r)), &r, owner)
    }
}

/// What the chain does for every grant: `C'' = e(C, RK)`.
pub fn reencrypt(capsule: &Capsule, rk: &ReencryptionKey) -> ReencryptedCapsule {
    ReencryptedCapsule(pair(&capsule.0, &rk.0).compress())
}

impl DelegateeSecretKey {
    /// `Z^r = C''^(1/(ct))`.
    pub fn open(
        &self,
        t: &Blinding,
        reencrypted: &ReencryptedCapsule,
        capsule: &Capsule,
        owner: &[u8],
    ) -> CapsuleKey {
        let shared = Gt::decompress_checked(&reencrypted.0).pow(&self.0.mul(&t.scalar).invert());
        derive(&shared, capsule, owner)
    }
}

impl ReencryptedCapsule {
    /// Without the suite byte.
    pub const fn as_bytes(&self) -> &[u8; Gt::BYTES] {
        &self.0
    }

    fn parse(bytes: &[u8; Gt::BYTES]) -> Result<Self, DelegationError> {
        Gt::decompress(bytes).map(|_| Self(*bytes))
    }
}

fn fresh(capsule: Capsule, r: &Scalar, owner: &[u8]) -> (Capsule, FreshCapsuleKey) {
    let key = derive(&Gt::generator_pow(r), &capsule, owner);
    (capsule, FreshCapsuleKey(key))
}

/// `K = HKDF(Z^r, suite ‖ C ‖ owner)` (spec D-9). Binding `C` makes a mauled capsule give another key.
fn derive(shared: &Gt, capsule: &Capsule, owner: &[u8]) -> CapsuleKey {
    let bytes = Zeroizing::new(shared.to_bytes());
    CapsuleKey(kdf::derive(&*bytes, Label::CapsuleKey, &[&[SUITE], capsule.as_bytes(), owner]))
}
