//! The only `unsafe` code of the workspace: blst's C interface as functions on values (spec D-1).
//!
//! One argument covers every block; where a call needs more, the block says so. Each blst function used here reads
//! its inputs and writes its output through pointers to complete `repr(C)` structs or to byte arrays whose length is
//! part of the C prototype. We pass references to initialized Rust values of exactly those types or lengths, so every
//! pointer is valid, aligned and live for the call; blst keeps none, allocates nothing and has no global state that
//! a call changes. Outputs are distinct from inputs. Any limb pattern is a value of these plain-integer structs.

#![allow(unsafe_code)]

use blst::*;

use crate::DelegationError;

/// Precomputed Miller-loop lines of one G2 argument.
pub type Lines = [blst_fp6; 68];

macro_rules! unary {
    ($($(#[$doc:meta])* $name:ident: $t:ty = $call:ident;)*) => {$(
        $(#[$doc])*
        pub fn $name(a: &$t) -> $t {
            let mut out = <$t>::default();
            // SAFETY: as in the module head.
            unsafe { $call(&mut out, a) };
            out
        }
    )*};
}

macro_rules! binary {
    ($($name:ident: $t:ty = $call:ident;)*) => {$(
        pub fn $name(a: &$t, b: &$t) -> $t {
            let mut out = <$t>::default();
            // SAFETY: as in the module head.
            unsafe { $call(&mut out, a, b) };
            out
        }
    )*};
}

unary! {
    /// Inverse mod r in constant time (Bernstein-Yang style `ct_inverse_mod_256`).
    scalar_inverse: blst_scalar = blst_sk_inverse;
    fp2_sqr: blst_fp2 = blst_fp2_sqr;
    /// Constant time; zero maps to zero.
    fp2_inverse: blst_fp2 = blst_fp2_inverse;
    /// Squaring in the cyclotomic subgroup only.
    fp12_cyclotomic_sqr: blst_fp12 = blst_fp12_cyclotomic_sqr;
    final_exp: blst_fp12 = blst_final_exp;
    p1_double: blst_p1 = blst_p1_double;
    p2_double: blst_p2 = blst_p2_double;
}

binary! {
    fp_add: blst_fp = blst_fp_add;
    fp_sub: blst_fp = blst_fp_sub;
    fp2_add: blst_fp2 = blst_fp2_add;
    fp2_sub: blst_fp2 = blst_fp2_sub;
    fp2_mul: blst_fp2 = blst_fp2_mul;
    fp12_mul: blst_fp12 = blst_fp12_mul;
    p1_add: blst_p1 = blst_p1_add_or_double;
    p2_add: blst_p2 = blst_p2_add_or_double;
}

// --- scalars, little-endian, reduced ---

/// Reduces big-endian bytes mod r in constant time; `None` when the result is zero.
pub fn scalar_reduce(bytes: &[u8]) -> Option<blst_scalar> {
    let mut out = blst_scalar::default();
    // SAFETY: as in the module head; blst reads exactly the `bytes.len()` bytes it is told of.
    unsafe { blst_scalar_from_be_bytes(&mut out, bytes.as_ptr(), bytes.len()) }.then_some(out)
}

/// Big-endian bytes of a scalar in `1..r`; `None` for anything else.
pub fn scalar_parse(bytes: &[u8; 32]) -> Option<blst_scalar> {
    let mut out = blst_scalar::default();
    // SAFETY: as in the module head; the prototype reads 32 bytes.
    unsafe {
        blst_scalar_from_bendian(&mut out, bytes.as_ptr());
        blst_sk_check(&out)
    }
    .then_some(out)
}

pub fn scalar_to_be(s: &blst_scalar) -> [u8; 32] {
    let mut out = [0; 32];
    // SAFETY: as in the module head; the prototype writes 32 bytes.
    unsafe { blst_bendian_from_scalar(out.as_mut_ptr(), s) };
    out
}

/// `a + b mod r`; `None` when zero.
pub fn scalar_add(a: &blst_scalar, b: &blst_scalar) -> Option<blst_scalar> {
    let mut out = blst_scalar::default();
    // SAFETY: as in the module head.
    unsafe { blst_sk_add_n_check(&mut out, a, b) }.then_some(out)
}

/// `a b mod r`, non-zero for non-zero factors.
pub fn scalar_mul(a: &blst_scalar, b: &blst_scalar) -> blst_scalar {
    let mut out = blst_scalar::default();
    // SAFETY: as in the module head.
    let _non_zero = unsafe { blst_sk_mul_n_check(&mut out, a, b) };
    out
}

// --- field elements ---

/// Conditional negation in constant time.
pub fn fp2_cneg(a: &blst_fp2, negate: bool) -> blst_fp2 {
    let mut out = blst_fp2::default();
    // SAFETY: as in the module head.
    unsafe { blst_fp2_cneg(&mut out, a, negate) };
    out
}

/// Canonical big-endian bytes.
pub fn fp_to_be(a: &blst_fp) -> [u8; 48] {
    let mut out = [0; 48];
    // SAFETY: as in the module head; the prototype writes 48 bytes.
    unsafe { blst_bendian_from_fp(out.as_mut_ptr(), a) };
    out
}

/// Reduces 48 big-endian bytes mod p; the caller compares to refuse other encodings.
pub fn fp_from_be(bytes: &[u8; 48]) -> blst_fp {
    let mut out = blst_fp::default();
    // SAFETY: as in the module head; the prototype reads 48 bytes.
    unsafe { blst_fp_from_bendian(&mut out, bytes.as_ptr()) };
    out
}

pub fn fp12_one() -> blst_fp12 {
    // SAFETY: blst returns a pointer to a constant of static lifetime.
    unsafe { *blst_fp12_one() }
}

pub fn fp12_conjugate(a: &blst_fp12) -> blst_fp12 {
    let mut out = *a;
    // SAFETY: as in the module head; the function works in place on the one struct.
    unsafe { blst_fp12_conjugate(&mut out) };
    out
}

/// `a^(p^n)` for `n` in 1..=3: blst indexes constant tables by `n`, so the bound matters for memory safety.
pub fn fp12_frobenius(a: &blst_fp12, n: usize) -> blst_fp12 {
    assert!((1..=3).contains(&n), "Frobenius powers are 1 to 3");
    let mut out = blst_fp12::default();
    // SAFETY: as in the module head, with `n` bounded just above.
    unsafe { blst_fp12_frobenius_map(&mut out, a, n) };
    out
}

/// In the cyclotomic subgroup and of order dividing r.
pub fn fp12_in_group(a: &blst_fp12) -> bool {
    // SAFETY: as in the module head.
    unsafe { blst_fp12_in_group(a) }
}

/// Coefficients of w^0 .. w^5, each as two field elements of 48 big-endian bytes.
pub fn fp12_to_be(a: &blst_fp12) -> [u8; 576] {
    let mut out = [0; 576];
    // SAFETY: as in the module head; the prototype writes 48 * 12 bytes.
    unsafe { blst_bendian_from_fp12(out.as_mut_ptr(), a) };
    out
}

// --- pairing ---

pub fn miller_loop(p: &blst_p1_affine, q: &blst_p2_affine) -> blst_fp12 {
    let mut out = blst_fp12::default();
    // SAFETY: as in the module head.
    unsafe { blst_miller_loop(&mut out, q, p) };
    out
}

pub fn precompute_lines(q: &blst_p2_affine) -> Lines {
    let mut out = [blst_fp6::default(); 68];
    // SAFETY: as in the module head; the prototype writes 68 elements.
    unsafe { blst_precompute_lines(out.as_mut_ptr(), q) };
    out
}

pub fn miller_loop_lines(p: &blst_p1_affine, lines: &Lines) -> blst_fp12 {
    let mut out = blst_fp12::default();
    // SAFETY: as in the module head; the prototype reads 68 elements.
    unsafe { blst_miller_loop_lines(&mut out, lines.as_ptr(), p) };
    out
}

// --- G1 and G2 ---

macro_rules! curve {
    ($len:literal, $point:ty, $affine:ty,
     $generator:ident = $c_generator:ident, $uncompress:ident = $c_uncompress:ident, $is_inf:ident,
     $compress:ident = $c_compress:ident, $from_affine:ident = $c_from_affine:ident,
     $to_affine:ident = $c_to_affine:ident, $mul:ident = $c_mult:ident,
     $add_affine:ident = $c_add_affine:ident, $batch:ident = $c_batch:ident, $in_group:ident) => {
        pub fn $generator() -> $affine {
            // SAFETY: blst returns a pointer to a constant of static lifetime.
            unsafe { *$c_generator() }
        }

        /// Compressed point: canonical, on the curve, in the subgroup of order r, not the identity.
        pub fn $uncompress(bytes: &[u8; $len]) -> Result<$affine, DelegationError> {
            let mut out = <$affine>::default();
            // SAFETY: as in the module head; the prototype reads the compressed length.
            match unsafe { $c_uncompress(&mut out, bytes.as_ptr()) } {
                BLST_ERROR::BLST_SUCCESS => {}
                BLST_ERROR::BLST_POINT_NOT_IN_GROUP => return Err(DelegationError::Subgroup),
                _ => return Err(DelegationError::Encoding),
            }
            // SAFETY: as in the module head.
            if unsafe { $is_inf(&out) } {
                return Err(DelegationError::Identity);
            }
            // SAFETY: as in the module head.
            if !unsafe { $in_group(&out) } {
                return Err(DelegationError::Subgroup);
            }
            Ok(out)
        }

        pub fn $compress(p: &$affine) -> [u8; $len] {
            let mut out = [0; $len];
            // SAFETY: as in the module head; the prototype writes the compressed length.
            unsafe { $c_compress(out.as_mut_ptr(), p) };
            out
        }

        pub fn $from_affine(p: &$affine) -> $point {
            let mut out = <$point>::default();
            // SAFETY: as in the module head.
            unsafe { $c_from_affine(&mut out, p) };
            out
        }

        pub fn $to_affine(p: &$point) -> $affine {
            let mut out = <$affine>::default();
            // SAFETY: as in the module head.
            unsafe { $c_to_affine(&mut out, p) };
            out
        }

        /// In constant time (endomorphism, Booth windows, full table scans). The scalar is below r.
        pub fn $mul(p: &$affine, s: &blst_scalar) -> $point {
            let (base, mut out) = ($from_affine(p), <$point>::default());
            // SAFETY: as in the module head; 255 bits make blst read 32 bytes, which `b` has.
            unsafe { $c_mult(&mut out, &base, s.b.as_ptr(), 255) };
            out
        }

        /// Complete and in constant time: either side may be the identity (an affine one is all zeros), or equal.
        pub fn $add_affine(a: &$point, b: &$affine) -> $point {
            let mut out = <$point>::default();
            // SAFETY: as in the module head.
            unsafe { $c_add_affine(&mut out, a, b) };
            out
        }

        /// All to affine with one inversion. None may be the identity.
        pub fn $batch(points: &[$point]) -> Vec<$affine> {
            let mut out = vec![<$affine>::default(); points.len()];
            let first: [*const $point; 2] = [points.as_ptr(), std::ptr::null()];
            if !points.is_empty() {
                // SAFETY: a null second pointer tells blst that the points lie in a row from the first; it reads
                // and writes `points.len()` of them, which both slices have.
                unsafe { $c_batch(out.as_mut_ptr(), first.as_ptr(), points.len()) };
            }
            out
        }
    };
}

curve!(
    48,
    blst_p1,
    blst_p1_affine,
    p1_generator = blst_p1_affine_generator,
    p1_uncompress = blst_p1_uncompress,
    blst_p1_affine_is_inf,
    p1_compress = blst_p1_affine_compress,
    p1_from_affine = blst_p1_from_affine,
    p1_to_affine = blst_p1_to_affine,
    p1_mul = blst_p1_mult,
    p1_add_affine = blst_p1_add_or_double_affine,
    p1_batch_affine = blst_p1s_to_affine,
    blst_p1_affine_in_g1
);

curve!(
    96,
    blst_p2,
    blst_p2_affine,
    p2_generator = blst_p2_affine_generator,
    p2_uncompress = blst_p2_uncompress,
    blst_p2_affine_is_inf,
    p2_compress = blst_p2_affine_compress,
    p2_from_affine = blst_p2_from_affine,
    p2_to_affine = blst_p2_to_affine,
    p2_mul = blst_p2_mult,
    p2_add_affine = blst_p2_add_or_double_affine,
    p2_batch_affine = blst_p2s_to_affine,
    blst_p2_affine_in_g2
);

/// Conditional negation in constant time.
pub fn p1_cneg(p: &blst_p1_affine, negate: bool) -> blst_p1_affine {
    let mut out = *p;
    // SAFETY: as in the module head; input and output are distinct structs.
    unsafe { blst_fp_cneg(&mut out.y, &p.y, negate) };
    out
}

/// Conditional negation in constant time.
pub fn p2_cneg(p: &blst_p2_affine, negate: bool) -> blst_p2_affine {
    blst_p2_affine { x: p.x, y: fp2_cneg(&p.y, negate) }
}
