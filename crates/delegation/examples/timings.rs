//! Microseconds per operation, median of several rounds on one thread:
//! `cargo run --release -p yilian-delegation --example timings`.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::{hint::black_box, time::Instant};

use getrandom::{SysRng, rand_core::UnwrapErr};
use yilian_crypto::{Digest, Secret};
use yilian_delegation::{
    Blinding, Capsule, DelegateeKey, DelegateeSecretKey, DelegatorKey, DelegatorSecretKey,
    ReencryptedCapsule, Wrap, reencrypt,
};

const ROUNDS: usize = 41;
const PER_ROUND: u32 = 20;

fn time<T>(name: &str, mut operation: impl FnMut() -> T) {
    black_box(operation());
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..PER_ROUND {
                black_box(operation());
            }
            start.elapsed().as_secs_f64() * 1e6 / f64::from(PER_ROUND)
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    println!("{name:<44} {:>8.1} µs (least {:.1})", rounds[ROUNDS / 2], rounds[0]);
}

fn main() {
    let mut rng = UnwrapErr(SysRng);
    let seed = |n| Secret::new([n; 32]);
    let owner = [5; 32];
    let (a, c, t) = (
        DelegatorSecretKey::from_seed(&seed(1)),
        DelegateeSecretKey::from_seed(&seed(2)),
        Blinding::from_seed(&seed(3)),
    );
    let (pka, pkc) = (a.public(), c.public());
    let (capsule, _) = a.encapsulate(&owner, &mut rng);
    let rk = a.rekey(&pkc, &t);
    let reencrypted = reencrypt(&capsule, &rk);
    let proof = c.prove(b"subject", &mut rng);
    let wrap = || Wrap { data_key: seed(4), codec: 0x55, digest: Digest([6; 32]) };

    time("delegator key from seed", || DelegatorSecretKey::from_seed(&seed(1)).public());
    time("delegatee key from seed", || DelegateeSecretKey::from_seed(&seed(2)).public());
    time("prove possession", || c.prove(b"subject", &mut rng));
    time("verify possession", || pkc.verify(b"subject", &proof).unwrap());
    time("encapsulate to own key", || a.encapsulate(&owner, &mut rng));
    time("encapsulate to another's key", || pka.encapsulate(&owner, &mut rng));
    time("encapsulate to own key and wrap", || a.encapsulate(&owner, &mut rng).1.wrap(&wrap()).unwrap());
    time("decapsulate", || a.decapsulate(&capsule, &owner));
    time("re-key", || a.rekey(&pkc, &t));
    time("re-encrypt", || reencrypt(&capsule, &rk));
    time("open", || c.open(&t, &reencrypted, &capsule, &owner));
    time("parse delegator key or capsule (G1)", || Capsule::from_bytes(capsule.as_bytes()).unwrap());
    time("parse delegatee or re-encryption key (G2)", || DelegateeKey::from_bytes(pkc.as_bytes()).unwrap());
    time("parse re-encrypted capsule (GT)", || {
        ReencryptedCapsule::from_bytes(reencrypted.as_bytes()).unwrap()
    });
    assert!(DelegatorKey::from_bytes(pka.as_bytes()).is_ok());
}
