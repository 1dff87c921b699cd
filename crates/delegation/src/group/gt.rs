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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// `f^n`, any exponent, for elements of the cyclotomic subgroup outside GT.
    fn plain_power(f: &blst_fp12, n: &[u8]) -> blst_fp12 {
        let mut acc = raw::fp12_one();
        for bit in n.iter().flat_map(|byte| (0..8).rev().map(move |i| byte >> i & 1)) {
            acc = raw::fp12_cyclotomic_sqr(&acc);
            if bit == 1 {
                acc = raw::fp12_mul(&acc, f);
            }
        }
        acc
    }

    /// (p^4 - p^2 + 1)/4513: what is left is the smallest subgroup beside GT.
    const BUT_4513: &str = "\
        6552a4bb30e884792d56b767a0ff34202c35e1745877f7bbcfbd62c9ee0b366090e00227c1f0b91e6e264e57deb6263e26c1\
        81d1c6ac88d6dd01f53279553cc486189e16a228a00ecd6bdb453852a169b0cab754dcb74fc1c134a671f6b0dc97447a3e96\
        981e3ef618ab612749d5d4c600988f6c3b0a2db1754d3ef43feb5094f664d01f3d5ba756d010548081e28cfd1a2a5f33ab5e\
        8587ab22ef0aad3de271e9f30db60be8b45143a5e8da1ac92a0f0168e49bde55b163f39ac229d9";

    /// The element with g1 = 1, g2 = 0: in the cyclotomic subgroup, not in GT.
    fn cyclotomic() -> blst_fp12 {
        let mut bytes = [0; 192];
        bytes[47] = 1;
        torus::decompress(&bytes).unwrap()
    }

    fn order() -> Vec<u8> {
        hex::decode("73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001").unwrap()
    }

    #[test]
    fn torus_form_returns_the_element() {
        let mut element = pair(&G1::generator(), &G2::generator());
        for _ in 0..50 {
            assert_eq!(Gt::decompress(&element.compress()).unwrap(), element);
            assert_eq!(Gt::decompress(&element.invert().compress()).unwrap(), element.invert());
            element = element.mul(&element).mul(&pair(&G1::generator(), &G2::generator()));
        }
    }

    #[test]
    fn refuses_elements_of_the_cyclotomic_subgroup_outside_gt() {
        let f = cyclotomic();
        // f^r has an order that divides the cofactor; times an element of GT the order is mixed.
        let pure = plain_power(&f, &order());
        assert!(pure != raw::fp12_one());
        let mixed = raw::fp12_mul(&pure, &pair(&G1::generator(), &G2::generator()).0);
        let small = plain_power(&f, &hex::decode(BUT_4513).unwrap());
        assert!(small != raw::fp12_one());
        assert!(plain_power(&small, &4513u16.to_be_bytes()) == raw::fp12_one());
        for outside in [f, pure, mixed, small] {
            let bytes = torus::compress(&outside);
            assert!(torus::decompress(&bytes).unwrap() == outside);
            assert_eq!(Gt::decompress(&bytes), Err(DelegationError::Subgroup));
        }
        let z = pair(&G1::generator(), &G2::generator());
        assert!(plain_power(&z.0, &order()) == raw::fp12_one(), "GT has order r");
    }

    #[test]
    fn pairing_with_precomputed_lines_is_the_pairing() {
        let p = G1::generator().mul(&Scalar::from_be_bytes(&[3; 32]).unwrap());
        assert_eq!(pair_generator(&p), pair(&p, &G2::generator()));
    }
}
