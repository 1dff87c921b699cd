//! Controls and adversaries for proxy re-encryption (spec D-8, D-10 to D-13).
//!
//! Controls, each weakened in one point: the scheme as published, where a component survives re-encryption; a re-key
//! without blinding; delegatee keys admitted unproved, or by a proof in the manner of a BLS signature; one delegator
//! key for several records. Adversaries use public data, and in the collusion what their members were given.

use yilian_crypto::{Label, Secret, kdf};
use yilian_delegation::{
    Capsule, DelegateeKey, DelegatorKey, ReencryptionKey, SUITE,
    group::{G1, G2, Gt, Scalar, pair},
};

// --- what keys are made of, for controls that need it and readers who turn ---

/// `a` behind a delegator key made from this seed.
pub fn delegator_scalar(seed: &Secret<[u8; 32]>) -> Scalar {
    Scalar::derive(seed.expose(), Label::DelegatorScalar, &[])
}

/// `c` behind a delegatee key made from this seed.
pub fn delegatee_scalar(seed: &Secret<[u8; 32]>) -> Scalar {
    Scalar::derive(seed.expose(), Label::DelegateeScalar, &[])
}

fn g1(key: &DelegatorKey) -> G1 {
    G1::from_bytes(key.as_bytes()).expect("a parsed key is a point")
}

fn g2(key: &DelegateeKey) -> G2 {
    G2::from_bytes(key.as_bytes()).expect("a parsed key is a point")
}

fn rk_point(rk: &ReencryptionKey) -> G2 {
    G2::from_bytes(rk.as_bytes()).expect("a parsed key is a point")
}

// --- (a) a component that survives re-encryption ---

/// **Weakened**: a ciphertext of AFGH 2006 as published, `(Z^r M, PKa^r)`.
#[derive(Clone, Debug)]
pub struct Textbook {
    pub masked: Gt,
    pub second: G1,
}

/// **Weakened**: its re-encryption `(Z^r M, e(PKa^r, RK))`.
#[derive(Clone, Debug)]
pub struct TextbookReencrypted {
    pub masked: Gt,
    pub second: Gt,
}

impl Textbook {
    pub fn encrypt(key: &DelegatorKey, message: &Gt, r: &Scalar) -> Self {
        Self { masked: Gt::generator_pow(r).mul(message), second: g1(key).mul(r) }
    }

    pub fn reencrypt(&self, rk: &ReencryptionKey) -> TextbookReencrypted {
        TextbookReencrypted { masked: self.masked.clone(), second: pair(&self.second, &rk_point(rk)) }
    }

    /// What the ledger would store.
    pub fn bytes(&self) -> Vec<u8> {
        [&self.masked.compress()[..], self.second.as_bytes()].concat()
    }
}

impl TextbookReencrypted {
    pub fn bytes(&self) -> Vec<u8> {
        [self.masked.compress(), self.second.compress()].concat()
    }
}

/// An observer who looks for 16 equal bytes in a row: which of the records a grant came from.
pub fn records_with_a_part_in(grant: &[u8], records: &[Vec<u8>]) -> Vec<usize> {
    let shares = |record: &[u8]| record.windows(16).any(|part| grant.windows(16).any(|other| other == part));
    (0..records.len()).filter(|i| shares(&records[*i])).collect()
}

// --- (b) who a re-key is for ---

/// **Weakened**: `RK = PKc^(1/a)`, the same for every grant to a reader.
pub fn unblinded_rekey(delegator: &Scalar, reader: &DelegateeKey) -> ReencryptionKey {
    ReencryptionKey::from_bytes(g2(reader).mul(&delegator.invert()).as_bytes()).expect("a power of a point")
}

/// An observer with the delegator's public key and the directory: `e(PKa, RK) = e(g, PKc)` holds for the reader.
pub fn name_by_pairing(
    key: &DelegatorKey,
    rk: &ReencryptionKey,
    directory: &[DelegateeKey],
) -> Option<usize> {
    let seen = pair(&g1(key), &rk_point(rk));
    directory.iter().position(|reader| pair(&G1::generator(), &g2(reader)) == seen)
}

/// Mallory's key related to a victim's: `PKc^k`.
pub fn related_key(victim: &DelegateeKey, k: &Scalar) -> DelegateeKey {
    DelegateeKey::from_bytes(g2(victim).mul(k).as_bytes()).expect("a power of a point")
}

/// Mallory got a grant of the same record to the related key: `RK_mallory = RK_victim^k` names the victim, without
/// `PKa`.
pub fn name_by_related_key(seen: &ReencryptionKey, own: &ReencryptionKey, k: &Scalar) -> bool {
    rk_point(seen).mul(k) == rk_point(own)
}

/// **Weakened**: possession shown as a BLS signature on a fixed statement, `H^c` in G1.
#[derive(Clone, Copy, Debug)]
pub struct BlsStyleProof(G1);

/// Stands for the statement hashed to the curve; nobody below uses its logarithm.
fn statement() -> G1 {
    G1::generator().mul(&Scalar::derive(b"I hold this key", Label::Backup, &[]))
}

impl BlsStyleProof {
    pub fn prove(c: &Scalar) -> Self {
        Self(statement().mul(c))
    }

    pub fn verify(&self, key: &DelegateeKey) -> bool {
        pair(&self.0, &G2::generator()) == pair(&statement(), &g2(key))
    }

    /// The related key `PKc^k` inherits the victim's proof.
    #[must_use]
    pub fn inherit(&self, k: &Scalar) -> Self {
        Self(self.0.mul(k))
    }
}

/// An observer of two unblinded grants of one record, knowing neither `a` nor `PKa`: `e(H^c, RK_d) = e(H^d, RK_c)`
/// tells which two readers they went to. Proofs in G1 make this possible.
pub fn name_by_bls_proofs(
    first: &ReencryptionKey,
    second: &ReencryptionKey,
    proofs: &[BlsStyleProof],
) -> Option<(usize, usize)> {
    let all = || 0..proofs.len();
    all()
        .flat_map(|i| all().map(move |j| (i, j)))
        .filter(|(i, j)| i != j)
        .find(|(i, j)| pair(&proofs[*i].0, &rk_point(second)) == pair(&proofs[*j].0, &rk_point(first)))
}

// --- (c) collusion of a proxy with a reader ---

/// `h^(1/a)` from a re-encryption key, its reader's `c` and its blinding `t`.
pub fn collude(rk: &ReencryptionKey, c: &Scalar, t: &Scalar) -> G2 {
    rk_point(rk).mul(&c.mul(t).invert())
}

/// Opens any capsule under `PKa` with `h^(1/a)`: the key to `com`, `HKDF(K, "com")`.
pub fn open_with_half_key(half_key: &G2, capsule: &Capsule, owner: &[u8]) -> Secret<[u8; 32]> {
    let point = G1::from_bytes(capsule.as_bytes()).expect("a parsed capsule is a point");
    let shared = pair(&point, half_key).to_bytes();
    let key = kdf::derive(&shared, Label::CapsuleKey, &[&[SUITE], capsule.as_bytes(), owner]);
    kdf::derive(key.expose(), Label::CommitmentKey, &[])
}
