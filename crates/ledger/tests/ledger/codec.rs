//! Every encoding: round trip, truncation at every length, trailing byte, random bytes.

use std::fmt::Debug;

use commonware_codec::{Copying, DecodeExt, Encode, Read};
use yilian_crypto::{
    Digest,
    ticket::{Class, Period},
};
use yilian_ledger::{
    ChainId, Code, Counts, Entry, Epoch, Genesis, Height, Kind, Name, Parameters, Refusal, Time, Transaction,
    entry::Ended,
    name::{Aid, Bid, MemberId},
    transaction::{Action, Revoke, Withdraw},
};
use yilian_testkit::ledger::{Chain as _, Seeded, World, ticket_secret};

fn behaves<T: Encode + Read<Cfg = ()> + PartialEq + Debug>(value: &T) {
    let bytes = value.encode();
    assert_eq!(&T::decode(Copying(&bytes)).unwrap(), value);
    for cut in 0..bytes.len() {
        assert!(T::decode(Copying(&bytes[..cut])).is_err(), "{cut} of {} bytes accepted", bytes.len());
    }
    assert!(T::decode(Copying(&[&bytes[..], &[0]].concat())).is_err(), "a trailing byte accepted");
    let mut rng = Seeded::new(bytes.len() as u64);
    for _ in 0..200 {
        let length = rng.below(2 * bytes.len() as u64 + 1);
        let random: Vec<u8> = (0..length).map(|_| rng.below(256) as u8).collect();
        let mut changed = bytes.to_vec();
        let at = rng.below(bytes.len() as u64) as usize;
        changed[at] ^= 1 << rng.below(8);
        for input in [random, changed] {
            // What is accepted is canonical: encoded again it gives the same bytes.
            if let Ok(value) = T::decode(Copying(&input)) {
                assert_eq!(value.encode(), input);
            }
        }
    }
}

#[test]
fn plain_values() {
    behaves(&Time(7));
    behaves(&Height(u64::MAX));
    behaves(&Epoch(1));
    behaves(&ChainId(Digest([3; 32])));
    behaves(&Aid(Digest([4; 32])));
    behaves(&Bid(Digest([5; 32])));
    behaves(&MemberId(Digest([6; 32])));
    behaves(&Parameters::default());
    behaves(&Counts { records: 1, grants: 2, slots: 3, practitioners: 4, institutions: 5 });
}

#[test]
fn names_of_every_kind() {
    for kind in Kind::ALL {
        behaves(&Bid(Digest([9; 32])).name());
        let name = MemberId(Digest([0xab; 32])).name(kind);
        assert_eq!(name.kind(), Some(kind));
        behaves(&name);
    }
    for unknown in [0x00, 0x08, 0x10, 0xff] {
        let name = Name([unknown; 32]);
        assert_eq!(name.kind(), None);
        assert!(Name::decode(Copying(&name.0)).is_err());
    }
}

#[test]
fn entries_of_every_kind() {
    let mut world = World::new(1);
    let [_, _, doctor] = world.hospital();
    let (owner, withdrawal, tickets) = (world.record(), world.key(), [world.ticket()]);
    let grant = world.grant(&owner, &withdrawal, &tickets);
    world.submit(&grant).unwrap();
    let mut seen: Vec<u8> = Vec::new();
    for entry in world.state.values().cloned().collect::<Vec<_>>() {
        seen.push(entry.encode()[0]);
        behaves(&entry);
    }
    let changed = world.governance(world.set_committee(Epoch(7), &world.validators[1..]), &[0, 1, 2]);
    world.submit(&changed).unwrap();
    behaves(&world.state[&Name::committee()]);
    for reason in [Ended::Withdrawn, Ended::Expired] {
        let entry = Entry::Tombstone { ended: Time(1), reason };
        seen.push(entry.encode()[0]);
        behaves(&entry);
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, (1..=11).collect::<Vec<u8>>(), "an entry of each kind was looked at");
    assert!(world.entry(&doctor.id.name(Kind::Practitioner)).is_some());
}

#[test]
fn transactions_of_every_kind() {
    let mut world = World::new(2);
    let (owner, withdrawal, tickets) = (world.key(), world.key(), [world.ticket()]);
    let root = world.root.clone();
    let (member, add) = world.certify(&root, yilian_crypto::certificate::Level::Intermediate, "x");
    let certificate = member.certificate.der().to_vec();
    let key = ticket_secret(0).public().clone();
    let actions = [
        Action::AddRoot { certificate },
        Action::RevokeRoot { member: root.id },
        Action::SetTicketKey { class: Class::Trade, period: Period(4), key },
        Action::SetParameters(Parameters::default()),
        world.set_committee(Epoch(2), &world.validators[..2]),
    ];
    let mut transactions: Vec<Transaction> =
        actions.into_iter().map(|action| world.governance(action, &[0, 3])).collect();
    transactions.push(world.create(&owner, &tickets));
    transactions.push(world.grant(&owner, &withdrawal, &tickets));
    transactions.push(Withdraw::sign(world.chain, &withdrawal));
    transactions.push(add);
    for certificate in [None, Some(Digest([1; 32]))] {
        transactions.push(Revoke::sign(world.chain, member.level, member.id, certificate, &root.key));
    }
    for transaction in &transactions {
        behaves(transaction);
    }
    let mut digests: Vec<Digest> = transactions.iter().map(Transaction::digest).collect();
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), transactions.len());
}

#[test]
fn genesis() {
    behaves(&World::new(3).genesis);
    assert!(Genesis::decode(Copying(&[0xff; 64])).is_err());
}

#[test]
fn every_refusal_has_a_code_of_its_own() {
    let mut codes: Vec<Code> = Refusal::ALL.iter().map(Refusal::code).collect();
    for refusal in Refusal::ALL {
        assert_eq!(Refusal::from_code(refusal.code().0), Some(*refusal));
        assert!(!refusal.to_string().is_empty());
    }
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), Refusal::ALL.len());
    assert_eq!(Refusal::from_code("no.such"), None);
}
