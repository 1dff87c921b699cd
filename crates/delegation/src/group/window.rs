//! Signed fixed windows and table look-ups without secret-dependent branches or addresses (spec D-5).

use std::hint::black_box;

use blst::{blst_fp, blst_fp2, blst_fp12, blst_p1_affine, blst_p2_affine};

use super::raw;

/// Bits a window.
pub const WIDTH: usize = 5;
/// Multiples 1 ..= 16 of a base; a digit is in -16 ..= 15, so sign and magnitude choose among 33 values.
pub const ENTRIES: usize = 1 << (WIDTH - 1);

/// One recoded digit: `±magnitude`.
#[derive(Clone, Copy, Default)]
pub struct Digit {
    pub magnitude: u8,
    pub negative: bool,
}

/// Recodes a little-endian integer into `N` signed digits of weight 32^i. The carry out of the last window must be
/// absorbed by its unused bits: callers size `N` so that `5 N` exceeds the bit length.
pub fn recode<const N: usize>(bytes: &[u8]) -> [Digit; N] {
    let mut digits = [Digit::default(); N];
    let mut carry = 0u8;
    for (i, digit) in digits.iter_mut().enumerate() {
        let value = bits(bytes, WIDTH * i) + carry;
        // 1 when value >= 16, else 0, from the bits: value is at most 32.
        carry = (value >> 4 | value >> 5) & 1;
        let wrapped = value.wrapping_sub(carry << WIDTH);
        let mask = 0u8.wrapping_sub(wrapped >> 7);
        *digit =
            Digit { magnitude: (wrapped ^ mask).wrapping_sub(mask), negative: black_box(wrapped >> 7) == 1 };
    }
    digits
}

/// Five bits at a public position; zeros beyond the end.
fn bits(bytes: &[u8], position: usize) -> u8 {
    let at = |i: usize| u16::from(bytes.get(i).copied().unwrap_or(0));
    let pair = at(position / 8) | at(position / 8 + 1) << 8;
    (pair >> (position % 8)) as u8 & 31
}

/// All ones when equal, else zero; opaque to the optimizer so that it stays arithmetic.
fn mask_if_equal(a: u8, b: u8) -> u64 {
    let difference = u64::from(a ^ b);
    black_box((difference.wrapping_sub(1) >> 63).wrapping_neg())
}

/// A value made of limbs that can be chosen under a mask and negated under a flag.
pub trait Select: Copy {
    fn merge(&mut self, other: &Self, mask: u64);
    #[must_use]
    fn signed(&self, negative: bool) -> Self;
}

/// `±row[magnitude - 1]`, or `zero` for digit 0; reads every entry.
pub fn look_up<T: Select>(row: &[T; ENTRIES], zero: T, digit: Digit) -> T {
    let mut chosen = zero;
    for (i, entry) in row.iter().enumerate() {
        chosen.merge(entry, mask_if_equal(digit.magnitude, i as u8 + 1));
    }
    chosen.signed(digit.negative)
}

fn merge_fp(a: &mut blst_fp, b: &blst_fp, mask: u64) {
    for (x, y) in a.l.iter_mut().zip(&b.l) {
        *x ^= (*x ^ *y) & mask;
    }
}

fn merge_fp2(a: &mut blst_fp2, b: &blst_fp2, mask: u64) {
    for (x, y) in a.fp.iter_mut().zip(&b.fp) {
        merge_fp(x, y, mask);
    }
}

impl Select for blst_p1_affine {
    fn merge(&mut self, other: &Self, mask: u64) {
        merge_fp(&mut self.x, &other.x, mask);
        merge_fp(&mut self.y, &other.y, mask);
    }

    fn signed(&self, negative: bool) -> Self {
        raw::p1_cneg(self, negative)
    }
}

impl Select for blst_p2_affine {
    fn merge(&mut self, other: &Self, mask: u64) {
        merge_fp2(&mut self.x, &other.x, mask);
        merge_fp2(&mut self.y, &other.y, mask);
    }

    fn signed(&self, negative: bool) -> Self {
        raw::p2_cneg(self, negative)
    }
}

/// In the cyclotomic subgroup, where the inverse is the conjugate.
impl Select for blst_fp12 {
    fn merge(&mut self, other: &Self, mask: u64) {
        for (x, y) in self.fp6.iter_mut().zip(&other.fp6) {
            for (x, y) in x.fp2.iter_mut().zip(&y.fp2) {
                merge_fp2(x, y, mask);
            }
        }
    }

    fn signed(&self, negative: bool) -> Self {
        let mut out = *self;
        for c in &mut out.fp6[1].fp2 {
            *c = raw::fp2_cneg(c, negative);
        }
        out
    }
}
