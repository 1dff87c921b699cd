//! Points of G1 and G2: parsed once, then held affine beside their canonical bytes (spec D-3).

use std::fmt;

use blst::{blst_p1, blst_p1_affine, blst_p2, blst_p2_affine};

use super::{fixed, raw, scalar::Scalar};
use crate::DelegationError;

macro_rules! point {
    ($(#[$doc:meta])* $name:ident, $len:literal, $affine:ty, $jacobian:ty, $generator:ident, $uncompress:ident,
     $compress:ident, $from_affine:ident, $to_affine:ident, $mul:ident, $add_affine:ident, $cneg:ident, $fixed:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $name {
            bytes: [u8; $len],
            affine: $affine,
        }

        impl $name {
            /// Compressed length.
            pub const BYTES: usize = $len;

            pub fn generator() -> Self {
                Self::from_affine(raw::$generator())
            }

            /// Parses the compressed form; refuses other encodings, points off the curve or outside the subgroup,
            /// and the identity.
            pub fn from_bytes(bytes: &[u8; $len]) -> Result<Self, DelegationError> {
                Ok(Self { bytes: *bytes, affine: raw::$uncompress(bytes)? })
            }

            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.bytes
            }

            /// `self^s`, constant time in `s`.
            #[must_use]
            pub fn mul(&self, s: &Scalar) -> Self {
                Self::from_jacobian(&raw::$mul(&self.affine, s.inner()))
            }

            /// `generator^s` from a table, constant time in `s`.
            pub fn generator_mul(s: &Scalar) -> Self {
                Self::from_jacobian(&fixed::$fixed(s.inner()))
            }

            /// The group operation; `None` when the result is the identity.
            pub fn add(&self, other: &Self) -> Option<Self> {
                let sum = raw::$add_affine(&raw::$from_affine(&self.affine), &other.affine);
                let affine = raw::$to_affine(&sum);
                (affine != <$affine>::default()).then(|| Self::from_affine(affine))
            }

            #[must_use]
            pub fn negate(&self) -> Self {
                Self::from_affine(raw::$cneg(&self.affine, true))
            }

            fn from_jacobian(point: &$jacobian) -> Self {
                Self::from_affine(raw::$to_affine(point))
            }

            fn from_affine(affine: $affine) -> Self {
                Self { bytes: raw::$compress(&affine), affine }
            }

            pub(super) const fn affine(&self) -> &$affine {
                &self.affine
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.bytes == other.bytes
            }
        }

        impl Eq for $name {}

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.bytes.iter().try_for_each(|b| write!(f, "{b:02x}"))
            }
        }
    };
}

point!(
    /// Of the curve over Fp: 48 bytes compressed.
    G1, 48, blst_p1_affine, blst_p1, p1_generator, p1_uncompress, p1_compress, p1_from_affine, p1_to_affine,
    p1_mul, p1_add_affine, p1_cneg, g1_generator_mul
);

point!(
    /// Of the twist over Fp2: 96 bytes compressed.
    G2, 96, blst_p2_affine, blst_p2, p2_generator, p2_uncompress, p2_compress, p2_from_affine, p2_to_affine,
    p2_mul, p2_add_affine, p2_cneg, g2_generator_mul
);
