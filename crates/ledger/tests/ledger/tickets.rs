//! What a ticket must be to buy.

use yilian_crypto::ticket::{Class, Period};
use yilian_ledger::{Refusal, tickets_due, transaction::Body};
use yilian_testkit::ledger::{Chain as _, World, repay};

use crate::support::{applied, refused};

#[test]
fn one_ticket_is_due_for_every_started_64_kib() {
    for (bytes, due) in [(1, 1), (65_536, 1), (65_537, 2), (131_072, 2), (131_073, 3), (1 << 20, 16)] {
        assert_eq!(tickets_due(bytes), due);
    }
}

#[test]
fn refuses_none_or_too_many_tickets() {
    let mut world = World::new(1);
    let owner = world.key();
    let none = world.create(&owner, &[]);
    refused(&mut world, &none, Refusal::TicketCount);
    let two = [world.ticket(), world.ticket()];
    let transaction = world.create(&owner, &two);
    refused(&mut world, &transaction, Refusal::TicketCount);
    let twice = [two[0].clone(), two[0].clone()];
    let transaction = world.create(&owner, &twice);
    refused(&mut world, &transaction, Refusal::TicketRepeated);
}

#[test]
fn refuses_a_ticket_of_the_wrong_class() {
    let mut world = World::new(2);
    let owner = world.key();
    let tickets = [world.ticket_of(Class::Trade, world.period())];
    let transaction = world.create(&owner, &tickets);
    refused(&mut world, &transaction, Refusal::TicketClass);
}

#[test]
fn refuses_a_forged_ticket() {
    let mut world = World::new(3);
    let owner = world.key();
    let mut tickets = [world.ticket()];
    tickets[0].ticket.signature[200] ^= 1;
    let transaction = world.create(&owner, &tickets);
    refused(&mut world, &transaction, Refusal::TicketForged);
    // Good for another class, relabelled.
    let mut tickets = [world.ticket_of(Class::Trade, world.period())];
    tickets[0].ticket.class = Class::Care;
    let transaction = world.create(&owner, &tickets);
    refused(&mut world, &transaction, Refusal::TicketForged);
}

#[test]
fn refuses_a_ticket_relabelled_for_another_period() {
    let mut world = World::new(11);
    let (now, next) = (world.period(), Period(world.period().0 + 1));
    for (signed_for, said) in [(next, now), (now, next)] {
        let owner = world.key();
        let mut tickets = [world.ticket_of(Class::Care, signed_for)];
        tickets[0].ticket.period = said;
        let transaction = world.create(&owner, &tickets);
        refused(&mut world, &transaction, Refusal::TicketForged);
    }
}

#[test]
fn refuses_a_ticket_without_its_one_time_keys_signature() {
    let mut world = World::new(4);
    let owner = world.key();
    let (mut tickets, thief) = ([world.ticket()], world.key());
    tickets[0].one_time = thief;
    let transaction = world.create(&owner, &tickets);
    refused(&mut world, &transaction, Refusal::TicketSignature);
}

#[test]
fn refuses_a_ticket_of_a_period_without_key() {
    let mut world = World::new(5);
    let owner = world.key();
    let tickets = [world.ticket_of(Class::Care, Period(world.period().0 + 2))];
    let transaction = world.create(&owner, &tickets);
    refused(&mut world, &transaction, Refusal::TicketKeyUnknown);
}

#[test]
fn a_ticket_buys_from_its_period_to_the_end_of_the_overlap() {
    let mut world = World::new(6);
    let (start, next) = (world.time, Period(world.period().0 + 1));
    let cases = [
        (59_999, Err(Refusal::TicketEarly)),
        (60_000, Ok(())),
        (120_000, Ok(())),
        (129_999, Ok(())),
        (130_000, Err(Refusal::TicketExpired)),
        (u64::MAX / 4, Err(Refusal::TicketExpired)),
    ];
    for (offset, expected) in cases {
        world.time = start.after(offset);
        let (owner, tickets) = (world.key(), [world.ticket_of(Class::Care, next)]);
        let transaction = world.create(&owner, &tickets);
        match expected {
            Ok(()) => applied(&mut world, &transaction),
            Err(refusal) => refused(&mut world, &transaction, refusal),
        }
    }
}

#[test]
fn refuses_a_spent_ticket_in_a_later_block() {
    let mut world = World::new(7);
    let (owner, other, tickets) = (world.key(), world.key(), [world.ticket()]);
    let first = world.create(&owner, &tickets);
    applied(&mut world, &first);
    refused(&mut world, &first, Refusal::TicketSpent);
    let second = world.create(&other, &tickets);
    refused(&mut world, &second, Refusal::TicketSpent);
}

#[test]
fn refuses_a_ticket_that_a_failure_spent() {
    let mut world = World::new(8);
    let (owner, tickets) = (world.record(), [world.ticket()]);
    let fails = world.create(&owner, &tickets);
    crate::support::fails_and_pays(&mut world, &fails, Refusal::RecordExists);
    let (fresh, again) = (world.key(), tickets);
    let good = world.create(&fresh, &again);
    refused(&mut world, &good, Refusal::TicketSpent);
}

#[test]
fn a_block_that_spends_a_ticket_twice_is_invalid() {
    let mut world = World::new(9);
    let (one, two, tickets) = (world.key(), world.key(), [world.ticket()]);
    let block =
        [world.create(&one, &tickets), world.create(&two, &tickets)].map(|t| world.check(&t).unwrap());
    let before = world.state.clone();
    assert_eq!(world.block(&block).unwrap_err(), (1, Refusal::TicketSpent));
    assert_eq!(world.state, before);
}

#[test]
fn nobody_can_attach_a_ticket_that_is_not_his() {
    let mut world = World::new(10);
    let (alice, mallory) = (world.key(), world.key());
    let (hers, his) = ([world.ticket()], [world.ticket()]);
    let seen = world.create(&alice, &hers);
    let mut theft = repay(&world.create(&mallory, &his), &his);
    let (Body::Create(seen), Body::Create(theft_body)) = (&seen.body, &mut theft.body) else {
        unreachable!()
    };
    theft_body.payment = seen.payment.clone();
    refused(&mut world, &theft, Refusal::TicketSignature);
}
