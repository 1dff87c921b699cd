//! Grant and withdraw.

use yilian_crypto::sign::SigningKey;
use yilian_delegation::reencrypt;
use yilian_ledger::{
    Entry, Refusal, Time, Transaction,
    entry::{Ended, GrantEntry},
    name::{Aid, Bid},
    transaction::{Body, Grant, Withdraw},
};
use yilian_testkit::ledger::{Chain as _, World, repay};

use crate::support::{applied, fails_and_pays, refused};

/// A record, granted: its owner, the withdrawal key, the grant's transaction.
fn granted(world: &mut World) -> (SigningKey, SigningKey, Transaction) {
    let (owner, withdrawal) = (world.record(), world.key());
    let tickets = [world.ticket()];
    let grant = world.grant(&owner, &withdrawal, &tickets);
    applied(world, &grant);
    (owner, withdrawal, grant)
}

fn entry(world: &World, withdrawal: &SigningKey) -> Option<Entry> {
    world.entry(&Bid::of(&withdrawal.verifying_key()).name())
}

#[test]
fn reencrypts_the_records_capsule_for_the_reader() {
    let mut world = World::new(1);
    let (owner, withdrawal, transaction) = granted(&mut world);
    let Some(Entry::Record(record)) = world.entry(&Aid::of(&owner.verifying_key()).name()) else {
        panic!("no record")
    };
    let Body::Grant(grant) = &transaction.body else { unreachable!() };
    let expected = GrantEntry {
        reencrypted: reencrypt(&record.capsule, &grant.rk),
        time: world.time,
        // Class 0 is one period; made at a boundary, it is not rounded up.
        expiry: world.time.after(60_000),
    };
    assert_eq!(entry(&world, &withdrawal), Some(Entry::Grant(expected)));
    assert_eq!(world.counts.grants, 1);
}

#[test]
fn rounds_expiry_up_to_a_period() {
    let mut world = World::new(2);
    let (owner, start) = (world.record(), world.time);
    for (offset, class, periods) in [(0, 0, 1), (1, 0, 2), (59_999, 0, 2), (60_000, 1, 3), (60_001, 3, 7)] {
        world.time = start.after(offset);
        let (withdrawal, tickets, rk) = (world.key(), [world.ticket()], world.rk());
        let until = world.time;
        let grant = Grant::sign(world.chain, &owner, &withdrawal, rk, class, until, &tickets);
        applied(&mut world, &grant);
        let Some(Entry::Grant(grant)) = entry(&world, &withdrawal) else { panic!("no grant") };
        assert_eq!(grant.expiry, start.after(periods * 60_000), "made {offset} ms in, class {class}");
    }
}

#[test]
fn refuses_a_grant_by_a_stranger() {
    let mut world = World::new(3);
    let (owner, stranger, withdrawal) = (world.record(), world.key(), world.key());
    // Of a record of the stranger's own, which does not exist.
    let tickets = [world.ticket()];
    let grant = world.grant(&stranger, &withdrawal, &tickets);
    fails_and_pays(&mut world, &grant, Refusal::RecordUnknown);
    // Of the owner's record, signed by the stranger.
    let tickets = [world.ticket()];
    let mut grant = world.grant(&stranger, &withdrawal, &tickets);
    let Body::Grant(body) = &mut grant.body else { unreachable!() };
    body.owner = owner.verifying_key();
    fails_and_pays(&mut world, &repay(&grant, &tickets), Refusal::OwnerSignature);
}

#[test]
fn refuses_a_grant_that_the_withdrawal_key_did_not_sign() {
    let mut world = World::new(4);
    let (owner, mallory, withdrawal) = (world.record(), world.key(), world.key());
    let tickets = [world.ticket()];
    let mut grant = world.grant(&owner, &mallory, &tickets);
    let Body::Grant(body) = &mut grant.body else { unreachable!() };
    body.withdrawal = withdrawal.verifying_key();
    let signed = body.signed();
    let parts = [world.chain.0.as_ref(), &signed[..]];
    body.owner_signature = owner.sign(yilian_crypto::Label::GrantByOwner, &parts);
    fails_and_pays(&mut world, &repay(&grant, &tickets), Refusal::WithdrawalSignature);
}

#[test]
fn refuses_every_changed_field_of_a_grant() {
    let mut world = World::new(5);
    let owner = world.record();
    let rk = world.rk();
    let changes: [&dyn Fn(&mut Grant); 3] =
        [&|g| g.rk = rk, &|g| g.expiry_class = 1, &|g| g.valid_until = g.valid_until.after(1)];
    for change in changes {
        let (withdrawal, tickets) = (world.key(), [world.ticket()]);
        let mut grant = world.grant(&owner, &withdrawal, &tickets);
        let Body::Grant(body) = &mut grant.body else { unreachable!() };
        change(body);
        refused(&mut world, &grant, Refusal::TicketSignature);
        fails_and_pays(&mut world, &repay(&grant, &tickets), Refusal::OwnerSignature);
    }
}

#[test]
fn refuses_a_grant_copied_under_somebody_elses_ticket() {
    let mut world = World::new(6);
    let (owner, withdrawal) = (world.record(), world.key());
    let (tickets, own) = ([world.ticket()], [world.ticket()]);
    let grant = world.grant(&owner, &withdrawal, &tickets);
    fails_and_pays(&mut world, &repay(&grant, &own), Refusal::OwnerSignature);
    applied(&mut world, &grant);
}

#[test]
fn refuses_a_bid_that_is_taken() {
    let mut world = World::new(7);
    let (owner, withdrawal, _) = granted(&mut world);
    let tickets = [world.ticket()];
    let again = world.grant(&owner, &withdrawal, &tickets);
    fails_and_pays(&mut world, &again, Refusal::BidTaken);
}

#[test]
fn refuses_a_bid_that_was_withdrawn() {
    let mut world = World::new(8);
    let (owner, withdrawal, _) = granted(&mut world);
    let withdraw = Withdraw::sign(world.chain, &withdrawal);
    applied(&mut world, &withdraw);
    let tickets = [world.ticket()];
    let again = world.grant(&owner, &withdrawal, &tickets);
    fails_and_pays(&mut world, &again, Refusal::BidEnded);
}

#[test]
fn refuses_a_grant_played_again_after_its_withdrawal() {
    let mut world = World::new(9);
    let (_, withdrawal, grant) = granted(&mut world);
    let withdraw = Withdraw::sign(world.chain, &withdrawal);
    applied(&mut world, &withdraw);
    refused(&mut world, &grant, Refusal::TicketSpent);
    let own = [world.ticket()];
    fails_and_pays(&mut world, &repay(&grant, &own), Refusal::OwnerSignature);
}

#[test]
fn accepts_a_grant_until_its_valid_until_and_not_later() {
    let mut world = World::new(10);
    let (owner, start) = (world.record(), world.time);
    for (offset, fails) in [(5_000, false), (5_001, true)] {
        world.time = start;
        let (withdrawal, tickets, rk) = (world.key(), [world.ticket()], world.rk());
        let until = start.after(5_000);
        let grant = Grant::sign(world.chain, &owner, &withdrawal, rk, 0, until, &tickets);
        world.time = start.after(offset);
        if fails {
            fails_and_pays(&mut world, &grant, Refusal::GrantLate);
        } else {
            applied(&mut world, &grant);
        }
    }
}

#[test]
fn refuses_a_valid_until_too_far_ahead() {
    let mut world = World::new(11);
    let owner = world.record();
    for (ahead, fails) in [(120_000, false), (120_001, true), (u64::MAX / 2, true)] {
        let (withdrawal, tickets, rk) = (world.key(), [world.ticket()], world.rk());
        let until = Time(world.time.0 + ahead);
        let grant = Grant::sign(world.chain, &owner, &withdrawal, rk, 0, until, &tickets);
        if fails {
            fails_and_pays(&mut world, &grant, Refusal::GrantTooFarAhead);
        } else {
            applied(&mut world, &grant);
        }
    }
}

#[test]
fn refuses_an_expiry_class_that_is_none() {
    let mut world = World::new(12);
    let owner = world.record();
    for class in [4, 255] {
        let (withdrawal, tickets, rk) = (world.key(), [world.ticket()], world.rk());
        let until = world.time.after(1000);
        let grant = Grant::sign(world.chain, &owner, &withdrawal, rk, class, until, &tickets);
        fails_and_pays(&mut world, &grant, Refusal::ExpiryClass);
    }
}

#[test]
fn withdraws_once_and_keeps_the_time_only() {
    let mut world = World::new(13);
    let (_, withdrawal, _) = granted(&mut world);
    world.advance(777);
    let withdraw = Withdraw::sign(world.chain, &withdrawal);
    applied(&mut world, &withdraw);
    let tombstone = Entry::Tombstone { ended: world.time, reason: Ended::Withdrawn };
    assert_eq!(entry(&world, &withdrawal), Some(tombstone));
    assert_eq!(world.counts.grants, 1, "a tombstone stands in the bucket");
    refused(&mut world, &withdraw, Refusal::AlreadyWithdrawn);
}

#[test]
fn refuses_to_withdraw_what_was_not_granted() {
    let mut world = World::new(14);
    let key = world.key();
    let withdraw = Withdraw::sign(world.chain, &key);
    refused(&mut world, &withdraw, Refusal::GrantUnknown);
}

#[test]
fn refuses_to_withdraw_what_expired() {
    let mut world = World::new(15);
    let (_, withdrawal, _) = granted(&mut world);
    world.advance(60_000);
    let withdraw = Withdraw::sign(world.chain, &withdrawal);
    refused(&mut world, &withdraw, Refusal::AlreadyExpired);
}

#[test]
fn refuses_a_withdrawal_by_another_key() {
    let mut world = World::new(16);
    let (owner, withdrawal, _) = granted(&mut world);
    let mut withdraw = Withdraw::sign(world.chain, &owner);
    let Body::Withdraw(body) = &mut withdraw.body else { unreachable!() };
    body.withdrawal = withdrawal.verifying_key();
    refused(&mut world, &withdraw, Refusal::WithdrawalSignature);
}
