//! Certificates and freshness (spec F-4, F-5).

use crate::common::{Fixture, NOW, trust};
use yilian_finality::{FinalityError, Snapshot, verify, verify_historical};
use yilian_ledger::Time;
use yilian_testkit::{
    finality::{certify, header},
    ledger::World,
};

#[test]
fn accepts_a_fresh_header_that_three_of_four_signed() {
    let f = Fixture::new();
    assert_eq!(verify(&trust(&f.world.genesis), &f.snapshot, NOW).unwrap().header(), &f.snapshot.header);
    let later = NOW.after(f.world.genesis.parameters.stale_after_ms);
    assert!(verify(&trust(&f.world.genesis), &f.snapshot, later).is_ok());
}

#[test]
fn refuses_a_stale_header_that_history_still_accepts() {
    let f = Fixture::new();
    let stale_after = f.world.genesis.parameters.stale_after_ms;
    let later = NOW.after(stale_after + 1);
    let stale = Err(FinalityError::Stale { age_ms: stale_after + 1 });
    assert_eq!(verify(&trust(&f.world.genesis), &f.snapshot, later), stale);
    assert!(verify_historical(&trust(&f.world.genesis), &f.snapshot).is_ok());
}

#[test]
fn refuses_a_header_from_more_than_two_seconds_ahead() {
    let f = Fixture::new();
    let at = |ms: u64| verify(&trust(&f.world.genesis), &f.snapshot, Time(NOW.0 - ms));
    assert!(at(2_000).is_ok());
    assert_eq!(at(2_001), Err(FinalityError::Future));
}

#[test]
fn refuses_a_changed_header_under_an_old_certificate() {
    let f = Fixture::new();
    let check = |change: &dyn Fn(&mut Snapshot)| {
        let mut forged = f.snapshot.clone();
        change(&mut forged);
        assert_eq!(verify(&trust(&f.world.genesis), &forged, NOW), Err(FinalityError::Certificate));
    };
    check(&|s| s.header.state_root.0[0] ^= 1);
    check(&|s| s.header.time.0 += 1);
    check(&|s| s.header.height.0 += 1);
    check(&|s| s.header.counts.grants += 1);
    check(&|s| s.header.next_committee.0[0] ^= 1);
    check(&|s| s.header.transaction_root.0[0] ^= 1);
    check(&|s| s.header.parent.0[0] ^= 1);
    check(&|s| s.header.engine.operations_root.0[0] ^= 1);
}

#[test]
fn refuses_certificates_of_too_few_of_strangers_and_of_another_chain() {
    let f = Fixture::new();
    let genesis = &f.world.genesis;
    let stranger = World::new(8);
    let by_strangers = certify(&stranger.genesis, f.snapshot.header.clone(), &stranger.validators);
    assert_eq!(verify(&trust(genesis), &by_strangers, NOW), Err(FinalityError::Certificate));

    // The same keys on a chain of another name.
    let mut other = genesis.clone();
    other.name = "another".into();
    let elsewhere = certify(&other, f.snapshot.header.clone(), &f.world.validators);
    assert!(verify(&trust(&other), &elsewhere, NOW).is_ok());
    assert_eq!(verify(&trust(genesis), &elsewhere, NOW), Err(FinalityError::Certificate));

    // A committee of one of the four certifies alone; to the four it is one signature.
    let mut alone = genesis.clone();
    alone.committee.truncate(1);
    let by_one = certify(&alone, f.snapshot.header.clone(), &f.world.validators[..1]);
    assert!(verify(&trust(genesis), &by_one, NOW).is_err());
}

#[test]
fn refuses_any_flipped_bit_of_a_certificate() {
    let f = Fixture::new();
    for byte in 0..f.snapshot.finalization.len() {
        let mut forged = f.snapshot.clone();
        forged.finalization[byte] ^= 1;
        assert!(verify(&trust(&f.world.genesis), &forged, NOW).is_err(), "byte {byte}");
    }
    let mut trailing = f.snapshot.clone();
    trailing.finalization.push(0);
    assert_eq!(verify(&trust(&f.world.genesis), &trailing, NOW), Err(FinalityError::Malformed));
}

#[test]
fn a_certificate_of_one_header_does_not_serve_another() {
    let f = Fixture::new();
    let genesis = &f.world.genesis;
    let other = header(genesis, f.state.root, f.snapshot.header.counts, 6, NOW);
    let other = certify(genesis, other, &f.world.validators);
    let swapped = Snapshot { header: f.snapshot.header.clone(), finalization: other.finalization };
    assert_eq!(verify(&trust(genesis), &swapped, NOW), Err(FinalityError::Certificate));
}
