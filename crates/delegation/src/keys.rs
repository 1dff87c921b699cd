//! Keys of delegator and delegatee, and the blinding of a grant (spec D-7).

use yilian_crypto::{Label, Secret};

use crate::{
    DelegationError,
    group::{G1, G2, Scalar},
};

/// `a`. One per record (spec D-13).
#[derive(Clone, Debug)]
pub struct DelegatorSecretKey(pub(crate) Scalar);

/// `c`.
#[derive(Clone, Debug)]
pub struct DelegateeSecretKey(pub(crate) Scalar);

/// `t`, fresh for every grant, sealed to the reader.
#[derive(Clone, Debug)]
pub struct Blinding {
    pub(crate) scalar: Scalar,
    bytes: Secret<[u8; 32]>,
}

wire_point! {
    /// `PKa = g^a`, 48 + 1 bytes.
    DelegatorKey, G1
}

wire_point! {
    /// `PKc = h^c`, 96 + 1 bytes. Whoever relies on one demands its proof of possession (spec D-8).
    DelegateeKey, G2
}

impl DelegatorSecretKey {
    /// Uniform non-zero scalar from 32 bytes of keying material.
    pub fn from_seed(ikm: &Secret<[u8; 32]>) -> Self {
        Self(Scalar::derive(ikm.expose(), Label::DelegatorScalar, &[]))
    }

    pub fn public(&self) -> DelegatorKey {
        DelegatorKey(G1::generator_mul(&self.0))
    }
}

impl DelegateeSecretKey {
    /// Uniform non-zero scalar from 32 bytes of keying material.
    pub fn from_seed(ikm: &Secret<[u8; 32]>) -> Self {
        Self(Scalar::derive(ikm.expose(), Label::DelegateeScalar, &[]))
    }

    pub fn public(&self) -> DelegateeKey {
        DelegateeKey(G2::generator_mul(&self.0))
    }
}

impl Blinding {
    /// Uniform non-zero scalar from 32 bytes of keying material.
    pub fn from_seed(ikm: &Secret<[u8; 32]>) -> Self {
        let scalar = Scalar::derive(ikm.expose(), Label::BlindingScalar, &[]);
        Self { bytes: scalar.to_be_bytes(), scalar }
    }

    /// 32 big-endian bytes, for the sealed message to the reader.
    pub const fn expose(&self) -> &[u8; 32] {
        self.bytes.expose()
    }

    /// Refuses zero and values not below the group order.
    pub fn from_bytes(bytes: Secret<[u8; 32]>) -> Result<Self, DelegationError> {
        Ok(Self { scalar: Scalar::from_be_bytes(bytes.expose())?, bytes })
    }
}
