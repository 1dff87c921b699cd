//! The checks find what they look for: each of these breaks one thing that the chain stands on, outside of the chain.
#![allow(clippy::unwrap_used)]

use yilian_simulation::{Fault, Scenario, Treason, Violation, Weakness, run, run_weakened};

/// Four honest validators on a good network, where only these faults happen.
fn calm(seed: u64, faults: Vec<(u64, Fault)>) -> Scenario {
    Scenario {
        validators: 4,
        traitors: Vec::new(),
        latency: (10, 2),
        arrive: 100,
        skews: vec![0; 4],
        faults,
        ..Scenario::of(seed)
    }
}

#[test]
fn nothing_is_found_where_nothing_is_wrong() {
    let report = run(&calm(1, Vec::new())).unwrap();
    assert_eq!((report.crashes, report.spoiled), (0, 0));
    assert!(report.acknowledged > 10);
}

#[test]
fn a_disk_that_lies_is_found() {
    let crashes = (1..8).map(|i| (i * 3_500, Fault::Crash { node: 1, after: None, down: 500 })).collect();
    let found = run_weakened(&calm(1, crashes), Weakness::LyingDisk);
    assert!(
        matches!(found, Err(Violation::Lost { node: 1, .. } | Violation::NotStarted { node: 1, .. })),
        "{found:?}"
    );
}

#[test]
fn a_disk_that_rots_is_found() {
    let found = run_weakened(&calm(1, Vec::new()), Weakness::RottenDisk);
    assert!(found.is_err(), "{found:?}");
}

#[test]
fn a_network_that_stays_divided_is_found() {
    let found = run_weakened(&calm(1, Vec::new()), Weakness::NeverHealed);
    assert!(matches!(found, Err(Violation::Stalled { .. })), "{found:?}");
}

/// Half of the committee are twins: more than the protocol bears. The honest ones are apart, each with its own twins.
#[test]
fn two_chains_are_found_where_traitors_are_too_many() {
    let traitors = vec![(0, Treason::Twins), (1, Treason::Twins)];
    let apart = vec![
        (0, Fault::Cut { from: 2, to: 3, lasts: 60_000 }),
        (0, Fault::Cut { from: 3, to: 2, lasts: 60_000 }),
    ];
    let found = run(&Scenario { traitors, ..calm(1, apart) });
    assert!(matches!(found, Err(Violation::Disagreement { .. } | Violation::Moved { .. })), "{found:?}");
}
