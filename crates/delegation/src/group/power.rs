//! Powers in GT (spec D-5).
//!
//! On GT the Frobenius map is exponentiation by p = x (mod r), x = -|x| the curve parameter of 64 bits. So
//! `f^(|x|^i) = (-1)^i-conjugate of f^(p^i)`, nearly free, and an exponent written in base |x| costs four short
//! exponentiations that share one chain of squarings. The schedule (recoding, squarings, products) is the same for
//! every exponent, and table entries are chosen by scanning the whole table.

use blst::{blst_fp12, blst_scalar};
use zeroize::{Zeroize, Zeroizing};

use super::{
    raw,
    window::{Digit, entries, look_up, recode},
};

/// |x| of BLS12-381.
const X: u64 = 0xd201_0000_0001_0000;
/// Bits a window of an exponent of any base; of the generator's see `fixed`.
const WIDTH: usize = 5;
/// Windows of a base-|x| digit: 65 bits, one more than the digit has.
const WINDOWS: usize = 13;

/// Little-endian base-|x| digits of a scalar below r < |x|^4, recoded.
pub fn recode_in_base_x<const WIDTH: usize, const WINDOWS: usize>(s: &blst_scalar) -> [[Digit; WINDOWS]; 4] {
    const { assert!(WIDTH * WINDOWS > 64, "the last carry has room") };
    base_x(s).map(|digit| recode::<WIDTH, WINDOWS>(&digit.to_le_bytes()))
}

/// Restoring division by |x|, bit by bit: hardware division takes a time that depends on its operands.
fn base_x(s: &blst_scalar) -> [u64; 4] {
    let mut n = Zeroizing::new([0u64; 4]);
    for (limb, bytes) in n.iter_mut().zip(s.b.chunks_exact(8)) {
        *limb = u64::from_le_bytes(bytes.try_into().expect("chunks of eight"));
    }
    let mut digits = [0; 4];
    for (k, digit) in digits[..3].iter_mut().enumerate() {
        *digit = divide(&mut n, 4 - k);
    }
    digits[3] = n[0];
    digits
}

/// Divides the low `limbs` limbs in place, returns the remainder.
fn divide(n: &mut [u64; 4], limbs: usize) -> u64 {
    let mut remainder = 0u64;
    for limb in n[..limbs].iter_mut().rev() {
        let mut quotient = 0;
        for bit in (0..64).rev() {
            let overflow = remainder >> 63;
            let shifted = remainder << 1 | (*limb >> bit & 1);
            let (difference, borrow) = shifted.overflowing_sub(X);
            let subtract = overflow | (u64::from(borrow) ^ 1);
            let mask = std::hint::black_box(subtract.wrapping_neg());
            remainder = shifted ^ ((shifted ^ difference) & mask);
            quotient = quotient << 1 | subtract;
        }
        *limb = quotient;
    }
    remainder
}

/// `f^(|x|^i)` for f in GT.
pub fn raise_to_x_power(f: &blst_fp12, i: usize) -> blst_fp12 {
    match i {
        0 => *f,
        2 => raw::fp12_frobenius(f, 2),
        _ => raw::fp12_conjugate(&raw::fp12_frobenius(f, i)),
    }
}

/// `base^1 ..= base^E`.
pub fn multiples<const E: usize>(base: &blst_fp12) -> [blst_fp12; E] {
    let mut row = [*base; E];
    for i in 1..E {
        row[i] =
            if i % 2 == 1 { raw::fp12_cyclotomic_sqr(&row[i / 2]) } else { raw::fp12_mul(&row[i - 1], base) };
    }
    row
}

/// `base^s` for `base` in GT, in constant time.
pub fn pow(base: &blst_fp12, s: &blst_scalar) -> blst_fp12 {
    let digits = recode_in_base_x::<WIDTH, WINDOWS>(s);
    let (one, mut row) = (raw::fp12_one(), multiples::<{ entries(WIDTH) }>(base));
    let mut acc = one;
    for window in (0..WINDOWS).rev() {
        if window + 1 != WINDOWS {
            for _ in 0..WIDTH {
                acc = raw::fp12_cyclotomic_sqr(&acc);
            }
        }
        for (k, digit) in digits.iter().enumerate() {
            let factor = raise_to_x_power(&look_up(&row, one, digit[window]), k);
            acc = raw::fp12_mul(&acc, &factor);
        }
    }
    row.iter_mut().for_each(wipe);
    acc
}

/// Overwrites an element in a way the compiler keeps.
pub fn wipe(f: &mut blst_fp12) {
    for fp6 in &mut f.fp6 {
        for fp2 in &mut fp6.fp2 {
            for fp in &mut fp2.fp {
                fp.l.zeroize();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::group::{G1, G2, Scalar, pair};

    fn square_and_multiply(base: &blst_fp12, s: &blst_scalar) -> blst_fp12 {
        let mut acc = raw::fp12_one();
        for i in (0..256).rev() {
            acc = raw::fp12_cyclotomic_sqr(&acc);
            if s.b[i / 8] >> (i % 8) & 1 == 1 {
                acc = raw::fp12_mul(&acc, base);
            }
        }
        acc
    }

    fn edge_scalars() -> Vec<Scalar> {
        let mut out: Vec<Scalar> = (1..=40u8)
            .map(|n| {
                let mut bytes = [0; 32];
                bytes[31] = n;
                Scalar::from_be_bytes(&bytes).unwrap()
            })
            .collect();
        // |x|, |x| - 1, |x| + 1, |x|^2 ..., r - 1, r - 16, powers of two and all-ones runs.
        let small: Vec<Scalar> = out.clone();
        let mut x = [0; 32];
        x[24..].copy_from_slice(&X.to_be_bytes());
        let x = Scalar::from_be_bytes(&x).unwrap();
        out.extend([x.clone(), x.add(&small[0]).unwrap(), x.mul(&x), x.mul(&x).mul(&x)]);
        let mut minus_one = [0; 32];
        minus_one.copy_from_slice(
            &hex::decode("73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000000").unwrap(),
        );
        let minus_one = Scalar::from_be_bytes(&minus_one).unwrap();
        out.extend(small.iter().map(|s| s.mul(&minus_one)));
        out.push(x.mul(&minus_one));
        out.push(x.add(&minus_one).unwrap());
        let mut power = small[0].clone();
        for _ in 0..254 {
            power = power.mul(&small[1]);
            out.push(power.clone());
            out.extend(power.add(&minus_one));
        }
        out
    }

    #[test]
    fn base_x_digits_recombine() {
        for s in edge_scalars() {
            let d = base_x(s.inner());
            let mut n = [0u64; 5];
            for digit in d.iter().rev() {
                assert!(*digit < X);
                let mut carry = u128::from(*digit);
                for limb in &mut n {
                    let t = u128::from(*limb) * u128::from(X) + carry;
                    *limb = t as u64;
                    carry = t >> 64;
                }
            }
            let bytes: Vec<u8> = n[..4].iter().flat_map(|l| l.to_le_bytes()).collect();
            assert_eq!(bytes, s.inner().b);
        }
    }

    #[test]
    fn powers_agree_with_square_and_multiply() {
        let z = *pair(&G1::generator(), &G2::generator()).inner();
        for s in edge_scalars() {
            let expected = square_and_multiply(&z, s.inner());
            assert!(pow(&z, s.inner()) == expected);
            assert!(crate::group::fixed::gt_generator_pow(s.inner()) == expected);
        }
    }

    #[test]
    fn table_powers_of_generators_agree_with_plain_ones() {
        for s in edge_scalars() {
            assert_eq!(G1::generator_mul(&s), G1::generator().mul(&s));
            assert_eq!(G2::generator_mul(&s), G2::generator().mul(&s));
        }
    }
}
