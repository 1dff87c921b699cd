//! Every operation of the delegation scheme beside the same on `mcl` and arkworks.
//!
//! Rules of the comparison: inputs are parsed on both sides before the clock runs; outputs end in bytes; tables are counted
//! where they are made for one use, and not where their argument repeats (generators, one's own key). What ours does beyond
//! the others — deriving the key, compressing to the torus, constant time in secrets — is in its times.

use getrandom::{SysRng, rand_core::UnwrapErr};
use yilian_crypto::Secret;
use yilian_delegation::{
    Blinding, Capsule, DelegateeKey, DelegateeSecretKey, DelegatorSecretKey, ReencryptedCapsule,
    group::{G1, G2, Scalar, pair},
    reencrypt,
};

use crate::{
    arkworks,
    harness::{Candidate, Timing, measure},
    mcl,
    report::{Section, Target},
};

const OURS: &str = "yilian";
const MCL: &str = "mcl";
const ARK: &str = "arkworks";
const OWNER: [u8; 32] = [5; 32];

pub fn run() -> anyhow::Result<Section> {
    let (mcl, ark) = (mcl::Keys::new(), arkworks::Keys::new());
    let rng = || UnwrapErr(SysRng);
    let seed = || Secret::random(&mut rng());
    let a = DelegatorSecretKey::from_seed(&seed());
    let c = DelegateeSecretKey::from_seed(&seed());
    let t = Blinding::from_seed(&seed());
    let (pka, pkc) = (a.public(), c.public());
    let (capsule, _) = a.encapsulate(&OWNER, &mut rng());
    let rk = a.rekey(&pkc, &t);
    let reencrypted = reencrypt(&capsule, &rk);
    let (p, q) =
        (G1::generator_mul(&Scalar::random(&mut rng())), G2::generator_mul(&Scalar::random(&mut rng())));
    let (mcl_g1, mcl_g2) = (mcl.capsule.serialize(), mcl.rk.serialize());
    let [ark_g1, ark_g2, ark_gt] = ark.wire();

    let operations: Vec<(&str, Vec<Candidate<'_>>)> = vec![
        (
            "make both key pairs",
            vec![
                Candidate::new(OURS, || {
                    (
                        DelegatorSecretKey::from_seed(&seed()).public(),
                        DelegateeSecretKey::from_seed(&seed()).public(),
                    )
                }),
                Candidate::new(MCL, || mcl.generate()),
                Candidate::new(ARK, || ark.generate()),
            ],
        ),
        (
            "encapsulate to one's own key",
            vec![
                Candidate::new(OURS, || a.encapsulate(&OWNER, &mut rng())),
                Candidate::new(MCL, || mcl.encapsulate()),
                Candidate::new(ARK, || ark.encapsulate()),
            ],
        ),
        (
            "encapsulate to another's key",
            vec![
                Candidate::new(OURS, || pka.encapsulate(&OWNER, &mut rng())),
                Candidate::new(MCL, || mcl.encapsulate()),
                Candidate::new(ARK, || ark.encapsulate()),
            ],
        ),
        (
            "decapsulate",
            vec![
                Candidate::new(OURS, || a.decapsulate(&capsule, &OWNER)),
                Candidate::new(MCL, || mcl.decapsulate()),
                Candidate::new(ARK, || ark.decapsulate()),
            ],
        ),
        (
            "re-key",
            vec![
                Candidate::new(OURS, || a.rekey(&pkc, &t)),
                Candidate::new(MCL, || mcl.rekey()),
                Candidate::new(ARK, || ark.rekey()),
            ],
        ),
        (
            "re-encrypt",
            vec![
                Candidate::new(OURS, || reencrypt(&capsule, &rk)),
                Candidate::new(MCL, || mcl.reencrypt()),
                Candidate::new(ARK, || ark.reencrypt()),
            ],
        ),
        (
            "open",
            vec![
                Candidate::new(OURS, || c.open(&t, &reencrypted, &capsule, &OWNER)),
                Candidate::new(MCL, || mcl.open()),
                Candidate::new(ARK, || ark.open()),
            ],
        ),
        (
            "pairing alone",
            vec![
                Candidate::new(OURS, || pair(&p, &q)),
                Candidate::new(MCL, || mcl.pairing()),
                Candidate::new(ARK, || ark.pairing()),
            ],
        ),
        (
            "parse and check G1",
            vec![
                Candidate::new(OURS, || Capsule::from_bytes(capsule.as_bytes())),
                Candidate::new(MCL, || mcl::Keys::parse_g1(&mcl_g1)),
                Candidate::new(ARK, || arkworks::Keys::parse_g1(&ark_g1)),
            ],
        ),
        (
            "parse and check G2",
            vec![
                Candidate::new(OURS, || DelegateeKey::from_bytes(pkc.as_bytes())),
                Candidate::new(MCL, || mcl::Keys::parse_g2(&mcl_g2)),
                Candidate::new(ARK, || arkworks::Keys::parse_g2(&ark_g2)),
            ],
        ),
        (
            "parse and check GT",
            vec![
                Candidate::new(OURS, || ReencryptedCapsule::from_bytes(reencrypted.as_bytes())),
                Candidate::new(ARK, || arkworks::Keys::parse_gt(&ark_gt)),
            ],
        ),
    ];
    let measured: Vec<(&str, Vec<Timing>)> =
        operations.into_iter().map(|(name, candidates)| (name, measure(candidates))).collect();
    Ok(Section {
        title: "Delegation",
        note: "Microseconds of processor time, one thread, medians; ratios: how many times as fast ours is, medians of rounds \
               in which all took turns. Inputs are parsed, outputs are bytes. mcl has no parser of GT that checks.",
        columns: vec!["operation", "yilian µs", "mcl µs", "arkworks µs", "× mcl", "× arkworks"],
        rows: measured.iter().map(|(name, timings)| row(name, timings)).collect(),
        targets: targets(&measured),
    })
}

fn of<'a>(timings: &'a [Timing], who: &str) -> Option<&'a Timing> {
    timings.iter().find(|timing| timing.who == who)
}

fn row(name: &str, timings: &[Timing]) -> Vec<String> {
    let time = |who| of(timings, who).map_or("-".into(), |t| format!("{:.1}", t.nanoseconds / 1e3));
    let ratio = |who| of(timings, who).map_or("-".into(), |t| format!("{:.2}", t.first_is_faster));
    vec![name.into(), time(OURS), time(MCL), time(ARK), ratio(MCL), ratio(ARK)]
}

fn targets(measured: &[(&str, Vec<Timing>)]) -> Vec<Target> {
    let wanted =
        [("re-encrypt", 0.9), ("open", 1.0), ("encapsulate to one's own key", 2.0), ("decapsulate", 1.1)];
    let found = |name: &str| {
        let (_, timings) = measured.iter().find(|(n, _)| *n == name)?;
        of(timings, MCL).map(|timing| timing.first_is_faster)
    };
    let target = |(name, wanted): (&str, f64)| {
        found(name).map(|found| Target::at_least(format!("{name}, times mcl"), wanted, found))
    };
    wanted.into_iter().filter_map(target).collect()
}
