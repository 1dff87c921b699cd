//! Proxy re-encryption, suite `afgh-bls12381`: Ateniese, Fu, Green, Hohenberger 2006, section 3.2, second attempt,
//! in encapsulated and blinded form (spec D-*).
//!
//! Everything parsed is in its prime-order subgroup and not the identity. Wire forms start with suite byte 0x10.

use rand_core::CryptoRng;
use yilian_crypto::{Digest, Secret};

/// `a`. One per record.
#[derive(Clone, Debug)]
pub struct DelegatorSecretKey(Secret<[u8; 32]>);
/// `PKa = g^a`, 48 + 1 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DelegatorKey([u8; 48]);
/// `c`.
#[derive(Clone, Debug)]
pub struct DelegateeSecretKey(Secret<[u8; 32]>);
/// `PKc = h^c`, 96 + 1 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DelegateeKey([u8; 96]);
/// Schnorr proof of knowledge of `c`, bound to a context (the certificate's subject): challenge and response, 64 + 1 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProofOfPossession([u8; 64]);
/// `C = PKa^r`, 48 + 1 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capsule([u8; 48]);
/// `RK = PKc^{t/a}`, 96 + 1 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReencryptionKey([u8; 96]);
/// `C'' = e(C, RK)`, 192 + 1 bytes on the torus T6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReencryptedCapsule([u8; 192]);
/// `t`, uniform, sealed to the reader.
#[derive(Clone, Debug)]
pub struct Blinding(Secret<[u8; 32]>);
/// `K = HKDF(Z^r, suite ‖ C ‖ owner context)`.
#[derive(Clone, Debug)]
pub struct CapsuleKey(Secret<[u8; 32]>);
/// `W`: `DK ‖ codec ‖ digest` under `K`, 81 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wrapped(pub [u8; 81]);

/// What a `Wrapped` holds.
#[derive(Clone, Debug)]
pub struct Wrap {
    pub data_key: Secret<[u8; 32]>,
    /// Multicodec of the root CID: 0x55 raw or 0x70 dag-pb.
    pub codec: u8,
    pub digest: Digest,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DelegationError {
    #[error("unknown suite byte")]
    Suite,
    #[error("bytes are not a point on the curve in canonical form")]
    Encoding,
    #[error("point is outside the prime-order subgroup")]
    Subgroup,
    #[error("point is the identity")]
    Identity,
    #[error("proof of possession does not verify")]
    Possession,
    #[error("wrapped key does not open")]
    Unwrap,
}

impl DelegatorSecretKey {
    /// Uniform non-zero scalar from 32 bytes of keying material.
    pub fn from_seed(_ikm: &Secret<[u8; 32]>) -> Self {
        todo!()
    }
    pub fn public(&self) -> DelegatorKey {
        todo!()
    }
    /// To one's own key (faster).
    pub fn encapsulate(&self, _owner: &[u8], _rng: &mut impl CryptoRng) -> (Capsule, CapsuleKey) {
        todo!()
    }
    /// `Z^r = e(C, h)^{1/a}`.
    pub fn decapsulate(&self, _capsule: &Capsule, _owner: &[u8]) -> CapsuleKey {
        todo!()
    }
    pub fn rekey(&self, _reader: &DelegateeKey, _t: &Blinding) -> ReencryptionKey {
        todo!()
    }
}

impl DelegatorKey {
    pub fn encapsulate(&self, _owner: &[u8], _rng: &mut impl CryptoRng) -> (Capsule, CapsuleKey) {
        todo!()
    }
}

impl DelegateeSecretKey {
    pub fn from_seed(_ikm: &Secret<[u8; 32]>) -> Self {
        todo!()
    }
    pub fn public(&self) -> DelegateeKey {
        todo!()
    }
    pub fn prove(&self, _context: &[u8], _rng: &mut impl CryptoRng) -> ProofOfPossession {
        todo!()
    }
    /// `Z^r = C''^{1/(ct)}`.
    pub fn open(
        &self,
        _t: &Blinding,
        _reencrypted: &ReencryptedCapsule,
        _capsule: &Capsule,
        _owner: &[u8],
    ) -> CapsuleKey {
        todo!()
    }
}

impl DelegateeKey {
    pub fn verify(&self, _context: &[u8], _proof: &ProofOfPossession) -> Result<(), DelegationError> {
        todo!()
    }
}

impl Blinding {
    pub fn from_seed(_ikm: &Secret<[u8; 32]>) -> Self {
        todo!()
    }
    /// For the sealed message to the reader.
    pub fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }
    pub fn from_bytes(_bytes: Secret<[u8; 32]>) -> Result<Self, DelegationError> {
        todo!()
    }
}

/// What the chain does for every grant.
pub fn reencrypt(_capsule: &Capsule, _rk: &ReencryptionKey) -> ReencryptedCapsule {
    todo!()
}

impl CapsuleKey {
    pub fn wrap(&self, _wrap: &Wrap) -> Wrapped {
        todo!()
    }
    pub fn unwrap(&self, _wrapped: &Wrapped) -> Result<Wrap, DelegationError> {
        todo!()
    }
    /// `HKDF(K, "com")`, the hiding part of `com`.
    pub fn commitment_key(&self) -> Secret<[u8; 32]> {
        todo!()
    }
}
// + Write, Read<Cfg = ()> (with all subgroup checks), FixedSize for every public type.
// Each public type also has as_bytes() and from_bytes(&[..]) -> Result<Self, DelegationError>.
