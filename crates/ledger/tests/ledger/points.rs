//! Bytes that are no transaction: form, size, points and keys, each with its own code.

use commonware_codec::Encode as _;
use yilian_ledger::{Refusal, Transaction, transaction::MAX_TRANSACTION};
use yilian_testkit::ledger::{Chain as _, Seeded, World};

use crate::support::{refused_bytes, stays_alive};

/// Offsets in an encoded `Create` and `Grant`: chain, tag, then fields, each point behind its suite byte.
const OWNER: usize = 32 + 1 + 1;
const CAPSULE: usize = OWNER + 32 + 1;
const RK: usize = OWNER + 32 + 33 + 1;

/// x with no y on G1's curve, x of a point outside the subgroup, the identity.
fn create(world: &mut World) -> Transaction {
    let (owner, tickets) = (world.key(), [world.ticket()]);
    world.create(&owner, &tickets)
}

fn grant(world: &mut World) -> Transaction {
    let (owner, withdrawal, tickets) = (world.key(), world.key(), [world.ticket()]);
    world.grant(&owner, &withdrawal, &tickets)
}

/// Puts `x` as a compressed point at `at`, for growing x until `refusal` is met: on the curve or not is a coin toss, in
/// the subgroup by chance practically never.
fn meets(world: &World, bytes: &[u8], at: usize, length: usize, refusal: Refusal) {
    for x in 1..=64_u8 {
        let mut changed = bytes.to_vec();
        changed[at..at + length].fill(0);
        changed[at] = 0x80;
        changed[at + length - 1] = x;
        if world.check_bytes(&changed).err() == Some(refusal) {
            return;
        }
    }
    panic!("{refusal:?} was never met");
}

#[test]
fn refuses_points_off_the_curve_outside_the_subgroup_and_the_identity() {
    let mut world = World::new(1);
    let (create, grant) = (create(&mut world).encode(), grant(&mut world).encode());
    assert!(world.check_bytes(&create).is_ok() && world.check_bytes(&grant).is_ok());
    for (bytes, at, length) in [(&create, CAPSULE, 48), (&grant, RK, 96)] {
        meets(&world, bytes, at, length, Refusal::PointEncoding);
        meets(&world, bytes, at, length, Refusal::PointSubgroup);
        let mut identity = bytes.to_vec();
        identity[at..at + length].fill(0);
        identity[at] = 0xc0;
        refused_bytes(&world, &identity, Refusal::PointIdentity);
    }
    stays_alive(&mut world);
}

#[test]
fn refuses_points_not_in_canonical_form() {
    let mut world = World::new(2);
    let bytes = create(&mut world).encode();
    for (first, what) in [(0x00, "uncompressed"), (0x9f, "not reduced"), (0xe0, "identity with a sign")] {
        let mut changed = bytes.to_vec();
        changed[CAPSULE..CAPSULE + 48].fill(0xff);
        changed[CAPSULE] = first;
        assert_eq!(world.check_bytes(&changed).err(), Some(Refusal::PointEncoding), "{what}");
    }
}

#[test]
fn refuses_keys_of_small_order() {
    let mut world = World::new(3);
    let bytes = create(&mut world).encode();
    let mut identity = [0; 32];
    identity[0] = 1;
    for key in [identity, [0; 32], [0xff; 32]] {
        let mut changed = bytes.to_vec();
        changed[OWNER..OWNER + 32].copy_from_slice(&key);
        refused_bytes(&world, &changed, Refusal::KeyMalformed);
    }
}

#[test]
fn refuses_truncated_trailing_and_unknown_bytes() {
    let mut world = World::new(4);
    let bytes = create(&mut world).encode();
    for cut in 0..bytes.len() {
        refused_bytes(&world, &bytes[..cut], Refusal::Malformed);
    }
    refused_bytes(&world, &[&bytes[..], &[0]].concat(), Refusal::Malformed);
    for (at, value) in [(32, 0), (32, 7), (33, 0xfe), (CAPSULE - 1, 0x11)] {
        let mut changed = bytes.to_vec();
        changed[at] = value;
        refused_bytes(&world, &changed, Refusal::Malformed);
    }
    stays_alive(&mut world);
}

#[test]
fn refuses_what_is_larger_than_a_mebibyte_before_looking_at_it() {
    let mut world = World::new(5);
    refused_bytes(&world, &vec![0; MAX_TRANSACTION + 1], Refusal::TooLarge);
    refused_bytes(&world, &vec![0; MAX_TRANSACTION], Refusal::Malformed);
    stays_alive(&mut world);
}

#[test]
fn never_panics_on_changed_bytes() {
    let mut world = World::new(6);
    let mut rng = Seeded::new(7);
    for original in [create(&mut world).encode(), grant(&mut world).encode()] {
        for _ in 0..500 {
            let mut bytes = original.to_vec();
            for _ in 0..=rng.below(3) {
                let at = rng.below(bytes.len() as u64) as usize;
                bytes[at] = rng.below(256) as u8;
            }
            if let Ok(checked) = world.check_bytes(&bytes) {
                assert_eq!(checked.transaction().encode(), bytes, "one transaction, one encoding");
                assert!(world.execute(&[checked]).is_ok());
            }
        }
    }
}
