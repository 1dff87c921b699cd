//! The target group GT and the pairing (spec D-4).

use std::fmt;

use blst::blst_fp12;

use super::{
    fixed,
    point::{G1, G2},
    power, raw,
    scalar::Scalar,
    torus,
};
use crate::DelegationError;

/// An element of the order-r subgroup of Fp12; wiped on drop, since it may be a shared secret.
#[derive(Clone)]
pub struct Gt(blst_fp12);

/// `e(p, q)`.
pub fn pair(p: &G1, q: &G2) -> Gt {
    Gt(raw::final_exp(&raw::miller_loop(p.affine(), q.affine())))
}

/// `e(p, h)`, with precomputed lines of h.
pub fn pair_generator(p: &G1) -> Gt {
    Gt(raw::final_exp(&raw::miller_loop_lines(p.affine(), fixed::generator_lines())))
}

impl Gt {
    /// Length on the torus.
    pub const BYTES: usize = torus::BYTES;

    /// `Z^s`, `Z = e(g, h)`, from a table, constant time in `s`.
    pub fn generator_pow(s: &Scalar) -> Self {
        Self(fixed::gt_generator_pow(s.inner()))
    }

    /// `self^s`, constant time in `s`.
    #[must_use]
    pub fn pow(&self, s: &Scalar) -> Self {
        Self(power::pow(&self.0, s.inner()))
    }

    /// The group operation.
    #[must_use]
    pub fn mul(&self, other: &Self) -> Self {
        Self(raw::fp12_mul(&self.0, &other.0))
    }

    #[must_use]
    pub fn invert(&self) -> Self {
        Self(raw::fp12_conjugate(&self.0))
    }

    /// Canonical uncompressed form: the coefficients of w^0 to w^5, each `c0 ‖ c1`, big-endian.
    pub fn to_bytes(&self) -> [u8; 576] {
        raw::fp12_to_be(&self.0)
    }

    /// The torus form. For elements other than the identity.
    pub fn compress(&self) -> [u8; torus::BYTES] {
        torus::compress(&self.0)
    }

    /// Parses the torus form; refuses what is not canonical or outside the subgroup. The identity has no such form.
    pub fn decompress(bytes: &[u8; torus::BYTES]) -> Result<Self, DelegationError> {
        let element = torus::decompress(bytes)?;
        if raw::fp12_in_group(&element) { Ok(Self(element)) } else { Err(DelegationError::Subgroup) }
    }

    /// As `decompress` for bytes that passed it before: skips the order check.
    pub(crate) fn decompress_checked(bytes: &[u8; torus::BYTES]) -> Self {
        Self(torus::decompress(bytes).expect("bytes were accepted when they were parsed"))
    }

    #[cfg(test)]
    pub(super) const fn inner(&self) -> &blst_fp12 {
        &self.0
    }
}

impl Drop for Gt {
    fn drop(&mut self) {
        power::wipe(&mut self.0);
    }
}

impl PartialEq for Gt {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Gt {}

impl fmt::Debug for Gt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gt(..)")
    }
}
