//! Looks for timing that depends on a secret scalar (spec D-5): each operation on a sparse fixed scalar and on random
//! ones, interleaved at random, compared by Welch's t (Reparaz, Balasch, Verbauwhede, "Dude, is my code constant
//! time?", 2017). Exits 1 when the difference stays beyond noise in every one of five runs:
//! `cargo run --release -p yilian-delegation --example constant_time`.
//!
//! Powers of generators whose result stays affine (exponents of a single window, a fraction 2^-244 of all) skip the
//! final inversion and would show; the fixed scalar spans two windows.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::{hint::black_box, process::ExitCode, time::Instant};

use getrandom::{
    SysRng,
    rand_core::{Rng as _, UnwrapErr},
};
use yilian_delegation::group::{G1, G2, Gt, Scalar, pair};

const SAMPLES: usize = 5000;
const RUNS: usize = 5;
/// Beyond this |t| a difference is taken for real.
const LIMIT: f64 = 10.0;

type Operation = Box<dyn Fn(&Scalar)>;

/// Mean and variance of the mean, without the slowest fifth (interrupts).
fn summary(times: &mut Vec<f64>) -> (f64, f64) {
    times.sort_by(f64::total_cmp);
    times.truncate(times.len() * 4 / 5);
    let n = times.len() as f64;
    let mean = times.iter().sum::<f64>() / n;
    (mean, times.iter().map(|t| (t - mean).powi(2)).sum::<f64>() / n / n)
}

/// Fixed or random by a mask, so that both come about by the same instructions.
fn scalar(random: bool, rng: &mut UnwrapErr<SysRng>) -> Scalar {
    let mask = u8::from(random).wrapping_neg();
    let mut bytes = *Scalar::random(rng).to_be_bytes().expose();
    for (i, byte) in bytes.iter_mut().enumerate() {
        let fixed = match i {
            30 => 4,
            31 => 0x21,
            _ => 0,
        };
        *byte = *byte & mask | fixed & !mask;
    }
    Scalar::from_be_bytes(&bytes).unwrap()
}

fn t_value(operation: &dyn Fn(&Scalar), rng: &mut UnwrapErr<SysRng>) -> f64 {
    let mut times = [Vec::new(), Vec::new()];
    for sample in 0..SAMPLES {
        let random = rng.next_u32() & 1 == 1;
        let s = scalar(random, rng);
        let start = Instant::now();
        operation(&s);
        let elapsed = start.elapsed().as_nanos() as f64;
        if sample >= SAMPLES / 50 {
            times[usize::from(random)].push(elapsed);
        }
    }
    let [fixed, random] = &mut times;
    let ((a, va), (b, vb)) = (summary(fixed), summary(random));
    (a - b) / (va + vb).sqrt()
}

fn main() -> ExitCode {
    let rng = &mut UnwrapErr(SysRng);
    let (p, q) = (G1::generator_mul(&Scalar::random(rng)), G2::generator_mul(&Scalar::random(rng)));
    let z = pair(&p, &q);
    let operations: [(&str, Operation); 8] = [
        ("inverse", Box::new(|s| drop(black_box(s.invert())))),
        ("product of scalars", Box::new(|s| drop(black_box(s.mul(s))))),
        ("power of g", Box::new(|s| _ = black_box(G1::generator_mul(s)))),
        ("power in G1", Box::new(move |s| _ = black_box(p.mul(s)))),
        ("power of h", Box::new(|s| _ = black_box(G2::generator_mul(s)))),
        ("power in G2", Box::new(move |s| _ = black_box(q.mul(s)))),
        ("power of Z", Box::new(|s| drop(black_box(Gt::generator_pow(s))))),
        ("power in GT", Box::new(move |s| drop(black_box(z.pow(s))))),
    ];
    let mut constant = true;
    for (name, operation) in &operations {
        let values: Vec<f64> = (0..RUNS).map(|_| t_value(operation, rng)).collect();
        let leaks = values.iter().all(|t| t.abs() > LIMIT);
        constant &= !leaks;
        let shown: Vec<String> = values.iter().map(|t| format!("{t:6.2}")).collect();
        println!("{name:<20} t = {}{}", shown.join(" "), if leaks { "  depends on the scalar" } else { "" });
    }
    if constant { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
