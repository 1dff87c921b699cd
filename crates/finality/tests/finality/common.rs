//! A state of many names under a certified header.

use std::collections::BTreeMap;

use yilian_finality::{Snapshot, Trust, VerifiedHeader, verify};
use yilian_ledger::{Counts, Entry, Genesis, Kind, Name, Time, entry::Ended};
use yilian_testkit::{
    finality::{State, certify, header},
    ledger::World,
};

pub const NOW: Time = Time(1_830_000_100_000);

/// What a client that knows the genesis only trusts.
pub fn trust(genesis: &Genesis) -> Trust {
    Trust::genesis(genesis).unwrap()
}

pub struct Fixture {
    pub world: World,
    pub state: State,
    pub snapshot: Snapshot,
    pub header: VerifiedHeader,
}

pub fn name(kind: Kind, rest: &[u8]) -> Name {
    let mut name = [0; 32];
    name[0] = kind as u8;
    name[1..=rest.len()].copy_from_slice(rest);
    Name(name)
}

/// A name of `kind` spread evenly by `i`.
pub fn spread(kind: Kind, i: u64) -> Name {
    name(kind, &i.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes())
}

pub fn entry(i: u64) -> Entry {
    Entry::Tombstone { ended: Time(i), reason: Ended::Expired }
}

impl Fixture {
    pub fn of(entries: BTreeMap<Name, Entry>, counts: Counts) -> Self {
        Self::over(State::of(entries), counts)
    }

    pub fn over(state: State, counts: Counts) -> Self {
        let world = World::new(7);
        let header = header(&world.genesis, state.root, counts, 5, NOW);
        let snapshot = certify(&world.genesis, header, &world.validators[..3]);
        let header = verify(&trust(&world.genesis), &snapshot, NOW).unwrap();
        Self { world, state, snapshot, header }
    }

    /// 300 grants and some names of other kinds before and after them.
    pub fn new() -> Self {
        let mut entries: BTreeMap<Name, Entry> =
            (0..300).map(|i| (spread(Kind::Grant, i), entry(i))).collect();
        entries.extend((0..3).map(|i| (spread(Kind::Record, i), entry(i))));
        entries.insert(Name::parameters(), entry(1));
        Self::of(entries, Counts { grants: 300, ..Counts::default() })
    }
}
