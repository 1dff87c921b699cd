//! Grants that end by themselves.

use yilian_crypto::sign::SigningKey;
use yilian_ledger::{
    Checked, Entry, MAX_ENDED_PER_BLOCK, Name, Time,
    entry::Ended,
    name::Bid,
    transaction::{Grant, Withdraw},
};
use yilian_testkit::ledger::{Chain as _, START, World};

use crate::support::applied;

fn grant_of(world: &mut World, owner: &SigningKey, class: u8) -> Name {
    let (withdrawal, tickets, rk) = (world.key(), [world.ticket()], world.rk());
    let grant = Grant::sign(world.chain, owner, &withdrawal, rk, class, world.time, &tickets);
    applied(world, &grant);
    Bid::of(&withdrawal.verifying_key()).name()
}

fn expired_at(ended: Time) -> Option<Entry> {
    Some(Entry::Tombstone { ended, reason: Ended::Expired })
}

#[test]
fn tombstones_a_grant_in_the_first_block_of_its_last_instant() {
    let mut world = World::new(1);
    let owner = world.record();
    let (short, long) = (grant_of(&mut world, &owner, 0), grant_of(&mut world, &owner, 1));
    world.time = START.after(59_999);
    world.block(&[]).unwrap();
    assert!(matches!(world.entry(&short), Some(Entry::Grant(_))));
    world.time = START.after(60_000);
    world.block(&[]).unwrap();
    assert_eq!(world.entry(&short), expired_at(START.after(60_000)));
    assert!(matches!(world.entry(&long), Some(Entry::Grant(_))));
    world.time = START.after(200_000);
    world.block(&[]).unwrap();
    assert_eq!(world.entry(&long), expired_at(START.after(120_000)), "its end, not the block's time");
    assert_eq!(world.counts.grants, 2);
}

#[test]
fn a_withdrawn_grant_stays_withdrawn() {
    let mut world = World::new(2);
    let (owner, withdrawal, tickets) = (world.record(), world.key(), [world.ticket()]);
    let grant = world.grant(&owner, &withdrawal, &tickets);
    applied(&mut world, &grant);
    let withdraw = Withdraw::sign(world.chain, &withdrawal);
    applied(&mut world, &withdraw);
    world.advance(600_000);
    world.block(&[]).unwrap();
    let name = Bid::of(&withdrawal.verifying_key()).name();
    assert_eq!(world.entry(&name), Some(Entry::Tombstone { ended: START, reason: Ended::Withdrawn }));
}

#[test]
fn ends_a_bounded_number_per_block_and_goes_on_in_the_next() {
    let mut world = World::new(3);
    let owner = world.record();
    let first = grant_of(&mut world, &owner, 0);
    // As if so many more had been made: copies of one entry under names of their own.
    let grant = world.entry(&first).unwrap();
    let period = yilian_crypto::ticket::Period(world.period().0 + 1);
    let total = MAX_ENDED_PER_BLOCK + 10;
    for i in 1..total {
        let bid = Bid(yilian_crypto::hash::sha256(&i.to_be_bytes()));
        world.state.insert(bid.name(), grant.clone());
        world.state.insert(Name::expiry_item(period, i), Entry::ExpiryItem(bid));
    }
    world.state.insert(Name::expiry_count(period), Entry::Count(total));
    let live = |world: &World| world.state.values().filter(|e| matches!(e, Entry::Grant(_))).count();
    assert_eq!(live(&world), total as usize);
    world.advance(60_000);
    world.block(&[]).unwrap();
    assert_eq!(live(&world), 10);
    let stopped = Entry::ExpiryCursor { period, index: MAX_ENDED_PER_BLOCK };
    assert_eq!(world.entry(&Name::expiry_cursor()), Some(stopped));
    world.block(&[]).unwrap();
    assert_eq!(live(&world), 0);
    assert!(world.execute(&[]).unwrap().writes.is_empty(), "nothing left to do");
}

#[test]
fn the_bound_holds_over_all_periods_of_a_block_together() {
    let mut world = World::new(6);
    let owner = world.record();
    let name = grant_of(&mut world, &owner, 0);
    let grant = world.entry(&name).unwrap();
    let next = world.period().0 + 1;
    // 100 in each of four periods, the first made above among them.
    for (period, i) in (next..next + 4).flat_map(|p| (0..100).map(move |i| (p, i))).skip(1) {
        let bid = Bid(yilian_crypto::hash::sha256(&[period.to_be_bytes(), u32::to_be_bytes(i)].concat()));
        let period = yilian_crypto::ticket::Period(period);
        world.state.insert(bid.name(), grant.clone());
        world.state.insert(Name::expiry_item(period, i), Entry::ExpiryItem(bid));
        world.state.insert(Name::expiry_count(period), Entry::Count(100));
    }
    world.advance(10 * 60_000);
    let live = |world: &World| world.state.values().filter(|e| matches!(e, Entry::Grant(_))).count();
    for left in [400 - MAX_ENDED_PER_BLOCK as usize, 0] {
        world.block(&[]).unwrap();
        assert_eq!(live(&world), left);
    }
}

#[test]
fn refuses_one_grant_more_than_a_period_can_count() {
    let mut world = World::new(7);
    let owner = world.record();
    let period = yilian_crypto::ticket::Period(world.period().0 + 1);
    world.state.insert(Name::expiry_count(period), Entry::Count(u32::MAX));
    let (withdrawal, tickets) = (world.key(), [world.ticket()]);
    let grant = world.grant(&owner, &withdrawal, &tickets);
    crate::support::fails_and_pays(&mut world, &grant, yilian_ledger::Refusal::PeriodFull);
}

#[test]
fn a_chain_that_stood_still_for_years_catches_up_in_bounded_blocks() {
    let mut world = World::new(4);
    let owner = world.record();
    let name = grant_of(&mut world, &owner, 3);
    world.advance(2_000 * 60_000);
    let mut blocks = 0;
    while !world.execute(&[]).unwrap().writes.is_empty() {
        world.block(&[]).unwrap();
        blocks += 1;
    }
    assert_eq!(blocks, 2_001_u32.div_ceil(256));
    assert_eq!(world.entry(&name), expired_at(START.after(300_000)));
}

#[test]
fn a_block_ends_grants_before_its_transactions() {
    let mut world = World::new(5);
    let (owner, withdrawal, tickets) = (world.record(), world.key(), [world.ticket()]);
    let grant = world.grant(&owner, &withdrawal, &tickets);
    applied(&mut world, &grant);
    world.advance(60_000);
    let again = [world.ticket()];
    let again = world.grant(&owner, &withdrawal, &again);
    let checked: Vec<Checked> = vec![world.check(&again).unwrap()];
    let outcomes = world.block(&checked).unwrap().outcomes;
    assert_eq!(outcomes, [yilian_ledger::Outcome::Failed(yilian_ledger::Refusal::BidEnded)]);
}
