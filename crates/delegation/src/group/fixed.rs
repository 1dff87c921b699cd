//! Tables for the three fixed bases: g, h and Z = e(g, h) (spec D-5).
//!
//! Row i holds the multiples 1..=32 of `base^(64^i)`; an exponentiation is one addition a window and no doubling.
//! Built on first use (under 5 ms) and kept: 130 KB for g, 260 KB for h, 200 KB for Z.

use std::sync::OnceLock;

use blst::{blst_fp12, blst_p1, blst_p1_affine, blst_p2, blst_p2_affine, blst_scalar};

use super::{
    power, raw,
    window::{entries, look_up, recode},
};

/// Bits a window. Wider ones save additions and cost look-ups, which read whole rows.
const WIDTH: usize = 6;
const ENTRIES: usize = entries(WIDTH);
/// Windows of a scalar of 255 bits, with room for the carry.
const SCALAR_WINDOWS: usize = 43;
/// Windows of a base-|x| digit of 64 bits, with room for the carry.
const DIGIT_WINDOWS: usize = 11;

macro_rules! point_table {
    ($(#[$doc:meta])* $name:ident, $point:ty, $affine:ty, $generator:ident, $from_affine:ident, $double:ident,
     $add:ident, $batch:ident, $add_affine:ident) => {
        $(#[$doc])*
        pub fn $name(s: &blst_scalar) -> $point {
            static TABLE: OnceLock<Vec<[$affine; ENTRIES]>> = OnceLock::new();
            let table = TABLE.get_or_init(|| {
                let mut base = raw::$from_affine(&raw::$generator());
                let mut points = Vec::with_capacity(SCALAR_WINDOWS * ENTRIES);
                for _ in 0..SCALAR_WINDOWS {
                    let mut multiple = base;
                    points.push(multiple);
                    for _ in 1..ENTRIES {
                        multiple = raw::$add(&multiple, &base);
                        points.push(multiple);
                    }
                    base = raw::$double(&multiple);
                }
                let affine = raw::$batch(&points);
                affine.as_chunks().0.to_vec()
            });
            let digits = recode::<WIDTH, SCALAR_WINDOWS>(&s.b);
            let mut acc = <$point>::default();
            for (row, digit) in table.iter().zip(digits) {
                acc = raw::$add_affine(&acc, &look_up(row, <$affine>::default(), digit));
            }
            acc
        }
    };
}

point_table!(
    /// `g^s` in constant time.
    g1_generator_mul, blst_p1, blst_p1_affine, p1_generator, p1_from_affine, p1_double, p1_add, p1_batch_affine,
    p1_add_affine
);

point_table!(
    /// `h^s` in constant time.
    g2_generator_mul, blst_p2, blst_p2_affine, p2_generator, p2_from_affine, p2_double, p2_add, p2_batch_affine,
    p2_add_affine
);

/// Miller-loop lines of h.
pub fn generator_lines() -> &'static raw::Lines {
    static LINES: OnceLock<Box<raw::Lines>> = OnceLock::new();
    LINES.get_or_init(|| Box::new(raw::precompute_lines(&raw::p2_generator())))
}

/// `Z^s` in constant time. The rows are of one base-|x| digit; the four digits meet by Horner's rule in the
/// Frobenius map.
pub fn gt_generator_pow(s: &blst_scalar) -> blst_fp12 {
    static TABLE: OnceLock<Vec<[blst_fp12; ENTRIES]>> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        let z = raw::final_exp(&raw::miller_loop(&raw::p1_generator(), &raw::p2_generator()));
        let mut base = z;
        (0..DIGIT_WINDOWS)
            .map(|_| {
                let row = power::multiples(&base);
                base = (0..WIDTH).fold(base, |b, _| raw::fp12_cyclotomic_sqr(&b));
                row
            })
            .collect()
    });
    let one = raw::fp12_one();
    let mut acc = one;
    for digit in power::recode_in_base_x::<WIDTH, DIGIT_WINDOWS>(s).iter().rev() {
        acc = power::raise_to_x_power(&acc, 1);
        for (row, d) in table.iter().zip(digit) {
            acc = raw::fp12_mul(&acc, &look_up(row, one, *d));
        }
    }
    acc
}
