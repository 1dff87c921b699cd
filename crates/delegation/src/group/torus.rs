//! GT elements in a third of their size: the algebraic torus T6 (spec D-4; Rubin and Silverberg 2003, in
//! the coordinates of Naehrig, Barreto and Schwabe 2008).
//!
//! Write f = a + b w over Fp6 with w^2 = v. f has norm 1, so g = (1 + a)/b = g0 + g1 v + g2 v^2 determines it:
//! f = (g + w)/(g - w). Being in the cyclotomic subgroup means g0 g1 = xi g2^2 + 1/3 with xi = 1 + u, so (g1, g2)
//! determine g when g1 is not 0. The identity (b = 0) and g1 = 0 have no form here: at most p^2 of some p^4 elements
//! of the cyclotomic subgroup have g1 = 0, and nobody can aim at one within GT.

use std::sync::OnceLock;

use blst::{blst_fp, blst_fp2, blst_fp6, blst_fp12};

use super::raw::{fp_add, fp_sub, fp2_add, fp2_inverse, fp2_mul, fp2_sqr, fp2_sub, fp12_one};
use crate::DelegationError;

/// g1 ‖ g2, each `c0 ‖ c1` of 48 big-endian bytes.
pub const BYTES: usize = 192;

type Fp6 = [blst_fp2; 3];

/// Of an element of the cyclotomic subgroup that is not the identity.
pub fn compress(f: &blst_fp12) -> [u8; BYTES] {
    let (mut a, b) = (f.fp6[0].fp2, f.fp6[1].fp2);
    a[0] = fp2_add(&a[0], &one());
    let g = mul(&a, &inverse(&b));
    let mut out = [0; BYTES];
    for (chunk, coefficient) in out.chunks_exact_mut(96).zip(&g[1..]) {
        chunk[..48].copy_from_slice(&super::raw::fp_to_be(&coefficient.fp[0]));
        chunk[48..].copy_from_slice(&super::raw::fp_to_be(&coefficient.fp[1]));
    }
    out
}

/// Refuses field elements not below p and g1 = 0. The result is in the cyclotomic subgroup; its order is the
/// caller's to check.
pub fn decompress(bytes: &[u8; BYTES]) -> Result<blst_fp12, DelegationError> {
    let (g1, g2) = (parse(&bytes[..96])?, parse(&bytes[96..])?);
    if g1 == blst_fp2::default() {
        return Err(DelegationError::Encoding);
    }
    let g0 = fp2_mul(&fp2_add(&by_xi(&fp2_sqr(&g2)), third()), &fp2_inverse(&g1));
    let g = [g0, g1, g2];
    // (g + w)/(g - w) = (g^2 + v + 2 g w)/(g^2 - v); v is no square in Fp6, so the divisor is not zero.
    let (mut numerator, mut divisor) = (mul(&g, &g), [blst_fp2::default(); 3]);
    divisor.copy_from_slice(&numerator);
    divisor[1] = fp2_sub(&divisor[1], &one());
    numerator[1] = fp2_add(&numerator[1], &one());
    let scale = inverse(&divisor);
    let half = mul(&g, &scale);
    Ok(blst_fp12 {
        fp6: [blst_fp6 { fp2: mul(&numerator, &scale) }, blst_fp6 { fp2: half.map(|c| fp2_add(&c, &c)) }],
    })
}

fn parse(bytes: &[u8]) -> Result<blst_fp2, DelegationError> {
    Ok(blst_fp2 { fp: [parse_fp(&bytes[..48])?, parse_fp(&bytes[48..])?] })
}

fn parse_fp(bytes: &[u8]) -> Result<blst_fp, DelegationError> {
    let bytes: &[u8; 48] = bytes.try_into().expect("48 bytes of a fixed layout");
    let element = super::raw::fp_from_be(bytes);
    if super::raw::fp_to_be(&element) == *bytes { Ok(element) } else { Err(DelegationError::Encoding) }
}

fn one() -> blst_fp2 {
    fp12_one().fp6[0].fp2[0]
}

fn third() -> &'static blst_fp2 {
    static THIRD: OnceLock<blst_fp2> = OnceLock::new();
    THIRD.get_or_init(|| fp2_inverse(&fp2_add(&one(), &fp2_add(&one(), &one()))))
}

/// Times 1 + u, where u^2 = -1.
fn by_xi(a: &blst_fp2) -> blst_fp2 {
    blst_fp2 { fp: [fp_sub(&a.fp[0], &a.fp[1]), fp_add(&a.fp[0], &a.fp[1])] }
}

/// In Fp6 = Fp2\[v\]/(v^3 - xi), three coefficient products and three of sums.
fn mul(a: &Fp6, b: &Fp6) -> Fp6 {
    let [p0, p1, p2] = [fp2_mul(&a[0], &b[0]), fp2_mul(&a[1], &b[1]), fp2_mul(&a[2], &b[2])];
    let cross = |i: usize, j: usize, x: &blst_fp2, y: &blst_fp2| {
        fp2_sub(&fp2_sub(&fp2_mul(&fp2_add(&a[i], &a[j]), &fp2_add(&b[i], &b[j])), x), y)
    };
    [
        fp2_add(&p0, &by_xi(&cross(1, 2, &p1, &p2))),
        fp2_add(&cross(0, 1, &p0, &p1), &by_xi(&p2)),
        fp2_add(&cross(0, 2, &p0, &p2), &p1),
    ]
}

/// By the adjoint over the norm to Fp2.
fn inverse(a: &Fp6) -> Fp6 {
    let adjoint = [
        fp2_sub(&fp2_sqr(&a[0]), &by_xi(&fp2_mul(&a[1], &a[2]))),
        fp2_sub(&by_xi(&fp2_sqr(&a[2])), &fp2_mul(&a[0], &a[1])),
        fp2_sub(&fp2_sqr(&a[1]), &fp2_mul(&a[0], &a[2])),
    ];
    let mixed = fp2_add(&fp2_mul(&a[2], &adjoint[1]), &fp2_mul(&a[1], &adjoint[2]));
    let norm = fp2_add(&fp2_mul(&a[0], &adjoint[0]), &by_xi(&mixed));
    let scale = fp2_inverse(&norm);
    adjoint.map(|c| fp2_mul(&c, &scale))
}
