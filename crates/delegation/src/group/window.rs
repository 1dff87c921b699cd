//! Signed fixed windows and table look-ups without secret-dependent branches or addresses (spec D-5).

use std::hint::black_box;

use blst::{blst_fp, blst_fp2, blst_fp12, blst_p1_affine, blst_p2_affine};

use super::raw;

/// One recoded digit: `±magnitude`.
#[derive(Clone, Copy, Default)]
pub struct Digit {
    pub magnitude: u8,
    pub negative: bool,
}

/// Multiples of a base that a row of windows of so many bits holds: 1 to half of 2^width, since digits are signed.
pub const fn entries(width: usize) -> usize {
    1 << (width - 1)
}

/// Recodes a little-endian integer into `N` signed digits of `WIDTH` bits, in `-2^(WIDTH-1) .. 2^(WIDTH-1)`. The carry out
/// of the last window must be absorbed by its unused bits: callers size `N` so that `WIDTH * N` exceeds the bit length.
pub fn recode<const WIDTH: usize, const N: usize>(bytes: &[u8]) -> [Digit; N] {
    const { assert!(WIDTH >= 2 && WIDTH <= 7, "a value and its carry fit into a byte") };
    let mut digits = [Digit::default(); N];
    let mut carry = 0u8;
    for (i, digit) in digits.iter_mut().enumerate() {
        let value = bits::<WIDTH>(bytes, WIDTH * i) + carry;
        // 1 when the value is at least half of 2^WIDTH, else 0, from the bits: it is at most 2^WIDTH.
        carry = (value >> (WIDTH - 1) | value >> WIDTH) & 1;
        let wrapped = value.wrapping_sub(carry << WIDTH);
        let mask = 0u8.wrapping_sub(wrapped >> 7);
        *digit =
            Digit { magnitude: (wrapped ^ mask).wrapping_sub(mask), negative: black_box(wrapped >> 7) == 1 };
    }
    digits
}

/// `WIDTH` bits at a public position; zeros beyond the end.
fn bits<const WIDTH: usize>(bytes: &[u8], position: usize) -> u8 {
    let at = |i: usize| u16::from(bytes.get(i).copied().unwrap_or(0));
    let pair = at(position / 8) | at(position / 8 + 1) << 8;
    (pair >> (position % 8)) as u8 & ((1u16 << WIDTH) - 1) as u8
}

/// All ones when equal, else zero; opaque to the optimizer so that it stays arithmetic.
fn mask_if_equal(a: u8, b: u8) -> u64 {
    let difference = u64::from(a ^ b);
    black_box((difference.wrapping_sub(1) >> 63).wrapping_neg())
}

/// A value made of limbs, one of which can be chosen under masks and negated under a flag.
pub trait Select: Copy {
    /// The entry whose mask is all ones, the others' being zero; `zero` under the mask `none`. Reads every entry. Limb by
    /// limb, so that what is chosen stays in registers while the row goes by.
    fn choose<const E: usize>(row: &[Self; E], masks: &[u64; E], zero: &Self, none: u64) -> Self;
    #[must_use]
    fn signed(&self, negative: bool) -> Self;
}

/// `±row[magnitude - 1]`, or `zero` for digit 0; reads every entry.
pub fn look_up<T: Select, const E: usize>(row: &[T; E], zero: T, digit: Digit) -> T {
    let mut masks = [0; E];
    for (i, mask) in masks.iter_mut().enumerate() {
        *mask = mask_if_equal(digit.magnitude, i as u8 + 1);
    }
    T::choose(row, &masks, &zero, mask_if_equal(digit.magnitude, 0)).signed(digit.negative)
}

fn choose_fp<'a, const E: usize>(
    row: impl Fn(usize) -> &'a blst_fp,
    masks: &[u64; E],
    zero: &blst_fp,
    none: u64,
) -> blst_fp {
    let mut chosen = zero.l.map(|limb| limb & none);
    for (i, mask) in masks.iter().enumerate() {
        for (x, y) in chosen.iter_mut().zip(&row(i).l) {
            *x |= y & mask;
        }
    }
    blst_fp { l: chosen }
}

fn choose_fp2<'a, const E: usize>(
    row: impl Fn(usize) -> &'a blst_fp2,
    masks: &[u64; E],
    zero: &blst_fp2,
    none: u64,
) -> blst_fp2 {
    let half = |k: usize| choose_fp(|i| &row(i).fp[k], masks, &zero.fp[k], none);
    blst_fp2 { fp: [half(0), half(1)] }
}

impl Select for blst_p1_affine {
    fn choose<const E: usize>(row: &[Self; E], masks: &[u64; E], zero: &Self, none: u64) -> Self {
        Self {
            x: choose_fp(|i| &row[i].x, masks, &zero.x, none),
            y: choose_fp(|i| &row[i].y, masks, &zero.y, none),
        }
    }

    fn signed(&self, negative: bool) -> Self {
        raw::p1_cneg(self, negative)
    }
}

impl Select for blst_p2_affine {
    fn choose<const E: usize>(row: &[Self; E], masks: &[u64; E], zero: &Self, none: u64) -> Self {
        Self {
            x: choose_fp2(|i| &row[i].x, masks, &zero.x, none),
            y: choose_fp2(|i| &row[i].y, masks, &zero.y, none),
        }
    }

    fn signed(&self, negative: bool) -> Self {
        raw::p2_cneg(self, negative)
    }
}

/// In the cyclotomic subgroup, where the inverse is the conjugate.
impl Select for blst_fp12 {
    fn choose<const E: usize>(row: &[Self; E], masks: &[u64; E], zero: &Self, none: u64) -> Self {
        let mut out = *zero;
        for (half, fp6) in out.fp6.iter_mut().enumerate() {
            for (place, fp2) in fp6.fp2.iter_mut().enumerate() {
                *fp2 = choose_fp2(|i| &row[i].fp6[half].fp2[place], masks, fp2, none);
            }
        }
        out
    }

    fn signed(&self, negative: bool) -> Self {
        let mut out = *self;
        for c in &mut out.fp6[1].fp2 {
            *c = raw::fp2_cneg(c, negative);
        }
        out
    }
}
