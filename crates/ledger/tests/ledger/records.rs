//! Create.

use yilian_ledger::{
    Entry, Refusal,
    name::Aid,
    transaction::{Body, Create},
};
use yilian_testkit::ledger::{Chain as _, World, repay};

use crate::support::{applied, fails_and_pays, refused};

#[test]
fn creates_a_record_with_the_time_of_the_block() {
    let mut world = World::new(1);
    let owner = world.key();
    let tickets = [world.ticket()];
    let (capsule, wrapped, com) = world.sealed(&owner);
    let transaction = Create::sign(world.chain, &owner, capsule, wrapped, com, &tickets);
    world.advance(1234);
    applied(&mut world, &transaction);
    let Some(Entry::Record(record)) = world.entry(&Aid::of(&owner.verifying_key()).name()) else {
        panic!("no record")
    };
    assert_eq!(record.owner, owner.verifying_key());
    assert_eq!((record.capsule, record.wrapped, record.com), (capsule, wrapped, com));
    assert_eq!(record.time, world.time);
    assert_eq!(world.counts.records, 1);
}

#[test]
fn refuses_an_aid_that_exists() {
    let mut world = World::new(2);
    let owner = world.record();
    let tickets = [world.ticket()];
    let again = world.create(&owner, &tickets);
    fails_and_pays(&mut world, &again, Refusal::RecordExists);
}

#[test]
fn refuses_a_create_that_its_owner_did_not_sign() {
    let mut world = World::new(3);
    let (owner, mallory) = (world.key(), world.key());
    let tickets = [world.ticket()];
    let mut transaction = world.create(&mallory, &tickets);
    let Body::Create(create) = &mut transaction.body else { unreachable!() };
    create.owner = owner.verifying_key();
    let transaction = repay(&transaction, &tickets);
    fails_and_pays(&mut world, &transaction, Refusal::OwnerSignature);
}

#[test]
fn refuses_every_changed_field_of_a_create() {
    let mut world = World::new(4);
    let owner = world.key();
    let (capsule, wrapped, com) = world.sealed(&owner);
    let changes: [&dyn Fn(&mut Create); 3] =
        [&|c| c.capsule = capsule, &|c| c.wrapped = wrapped, &|c| c.com = com];
    for change in changes {
        let tickets = [world.ticket()];
        let mut transaction = world.create(&owner, &tickets);
        let Body::Create(create) = &mut transaction.body else { unreachable!() };
        change(create);
        // Without the one-time key nothing can be changed at all; with it, the owner's signature fails.
        refused(&mut world, &transaction, Refusal::TicketSignature);
        let transaction = repay(&transaction, &tickets);
        fails_and_pays(&mut world, &transaction, Refusal::OwnerSignature);
    }
}

#[test]
fn refuses_a_create_copied_under_somebody_elses_ticket() {
    let mut world = World::new(5);
    let owner = world.key();
    let tickets = [world.ticket()];
    let transaction = world.create(&owner, &tickets);
    let own = [world.ticket()];
    fails_and_pays(&mut world, &repay(&transaction, &own), Refusal::OwnerSignature);
    applied(&mut world, &transaction);
}

#[test]
fn refuses_a_transaction_of_another_chain() {
    let mut world = World::new(6);
    let other = World::new(7);
    let owner = world.key();
    let tickets = [world.ticket()];
    let (capsule, wrapped, com) = world.sealed(&owner);
    let foreign = Create::sign(other.chain, &owner, capsule, wrapped, com, &tickets);
    refused(&mut world, &foreign, Refusal::WrongChain);
    // Relabelled, its signatures are still of the other chain.
    let mut relabelled = foreign;
    relabelled.chain = world.chain;
    refused(&mut world, &relabelled, Refusal::TicketSignature);
    fails_and_pays(&mut world, &repay(&relabelled, &tickets), Refusal::OwnerSignature);
}
