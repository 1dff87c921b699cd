//! What the tests assert again and again.

use std::collections::BTreeSet;

use yilian_ledger::{Name, Outcome, Refusal, Transaction};
use yilian_testkit::ledger::{Chain as _, START, World};

/// Applied, alone in a block.
pub fn applied(world: &mut World, transaction: &Transaction) {
    assert_eq!(world.submit(transaction), Ok(Outcome::Applied));
}

/// Included, failed with `refusal`, and nothing but its tickets written.
pub fn fails_and_pays(world: &mut World, transaction: &Transaction, refusal: Refusal) {
    // What a block does by itself, such as moving the expiry cursor, is done before.
    world.block(&[]).unwrap();
    let before = world.state.clone();
    let counts = world.counts;
    let checked = world.check(transaction).unwrap();
    let transition = world.block(&[checked]).unwrap();
    assert_eq!(transition.outcomes, [Outcome::Failed(refusal)]);
    let tickets = transaction.body.payment().unwrap().tickets();
    let spent: BTreeSet<Name> = tickets.map(|ticket| Name::spent_ticket(&ticket.spent_id())).collect();
    assert_eq!(transition.writes.keys().copied().collect::<BTreeSet<_>>(), spent);
    assert_eq!(world.counts, counts);
    let others = world.state.iter().filter(|(name, _)| !spent.contains(name));
    assert!(others.eq(before.iter()), "something beside the tickets changed");
    stays_alive(world);
}

/// Cannot be in a block at all: refused with `refusal`, nothing written.
pub fn refused(world: &mut World, transaction: &Transaction, refusal: Refusal) {
    let before = world.state.clone();
    assert_eq!(world.submit(transaction), Err(refusal));
    assert_eq!(world.state, before);
    stays_alive(world);
}

/// The same, for bytes that are no transaction.
pub fn refused_bytes(world: &World, bytes: &[u8], refusal: Refusal) {
    assert_eq!(world.check_bytes(bytes).err(), Some(refusal));
}

/// A good transaction would still be applied. Executed as of the start, where there are tickets, and not committed.
pub fn stays_alive(world: &mut World) {
    let now = std::mem::replace(&mut world.time, START);
    let (owner, tickets) = (world.key(), [world.ticket()]);
    let good = world.create(&owner, &tickets);
    let checked = world.check(&good).unwrap();
    assert_eq!(world.execute(&[checked]).unwrap().outcomes, [Outcome::Applied]);
    world.time = now;
}
