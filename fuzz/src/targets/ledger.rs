//! Transactions, entries, genesis, and the stateless check.

use commonware_codec::Encode as _;
use yilian_ledger::{Checked, Entry, Genesis, MemberEntry, Name, Parameters, Transaction};

use super::fixtures::{FIXTURES, encoded};
use crate::target::{Target, canonical, choose, chosen, decodes};

pub const TRANSACTION: Target = Target::new(
    "transaction",
    "a transaction as it is posted, gossiped and put in blocks",
    |input| canonical::<Transaction>(input).is_some_and(|t| t.digest() == Transaction::digest_of(input)),
    encoded,
);

/// What passes must be this very transaction; what fails has one of the stable codes.
fn check(input: &[u8]) -> bool {
    let world = &FIXTURES.world;
    match Checked::check(input, world.chain, world) {
        Ok(checked) => {
            assert_eq!(checked.encoded()[..], *input);
            assert_eq!(checked.transaction().chain, world.chain);
            true
        }
        Err(refusal) => {
            assert!(!refusal.code().0.is_empty());
            false
        }
    }
}

pub const CHECK: Target = Target::new(
    "check",
    "the stateless check: tickets, signatures, certificates, proofs of possession",
    check,
    encoded,
)
.weighing(2);

const ENTRIES: [fn(&[u8]) -> bool; 4] =
    [decodes::<Entry>, decodes::<MemberEntry>, decodes::<Parameters>, decodes::<Name>];

fn entry(input: &[u8]) -> bool {
    choose(input, &ENTRIES).is_some_and(|(rest, choice)| ENTRIES[choice](rest))
}

pub const ENTRY: Target =
    Target::new("entry", "entries of the state, members, parameters, names", entry, || {
        let state = &FIXTURES.world.state;
        let mut kinds = std::collections::BTreeMap::new();
        for (name, entry) in state {
            kinds.entry(name.kind()).or_insert_with(|| chosen(0, entry.encode()));
        }
        let members = state.values().filter_map(|entry| match entry {
            Entry::Member(member) => Some(chosen(1, member.encode())),
            _ => None,
        });
        let mut seeds: Vec<_> = kinds.into_values().chain(members.take(2)).collect();
        seeds.push(chosen(2, FIXTURES.world.parameters().encode()));
        seeds.push(chosen(3, Name::parameters().encode()));
        seeds
    });

/// A genesis that decodes either has entries or says why not.
fn genesis(input: &[u8]) -> bool {
    let Some(genesis) = canonical::<Genesis>(input) else { return false };
    let _ = genesis.chain_id();
    let _ = yilian_finality::Committee::genesis(&genesis);
    genesis.entries().is_ok()
}

pub const GENESIS: Target =
    Target::new("genesis", "the genesis file", genesis, || vec![FIXTURES.world.genesis.encode().to_vec()])
        .long(8192, 4 << 20);
