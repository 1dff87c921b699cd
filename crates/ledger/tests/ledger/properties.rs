//! Random sequences of good and bad transactions keep the invariants.

use std::collections::{BTreeMap, BTreeSet};

use yilian_crypto::{sign::SigningKey, ticket::TicketWithKey};
use yilian_ledger::{
    Checked, Counts, Entry, ExecuteError, Kind, Known, Name, Outcome, Transaction, Transition, execute,
    select, transaction::Withdraw,
};
use yilian_testkit::ledger::{Chain as _, Seeded, World, repay};

/// What the sequence has made so far, to choose from.
#[derive(Default)]
struct Made {
    owners: Vec<SigningKey>,
    withdrawals: Vec<SigningKey>,
    tickets: Vec<TicketWithKey>,
    transactions: Vec<Transaction>,
}

fn choose<'a, T>(rng: &mut Seeded, from: &'a [T]) -> Option<&'a T> {
    (!from.is_empty()).then(|| &from[rng.below(from.len() as u64) as usize])
}

/// Mostly fresh tickets, sometimes one used before.
fn ticket(world: &mut World, made: &mut Made, rng: &mut Seeded) -> [TicketWithKey; 1] {
    if let (0, Some(old)) = (rng.below(5), choose(rng, &made.tickets)) {
        return [old.clone()];
    }
    let fresh = world.ticket();
    made.tickets.push(fresh.clone());
    [fresh]
}

fn next(world: &mut World, made: &mut Made, rng: &mut Seeded) -> Transaction {
    let tickets = ticket(world, made, rng);
    let owner = match (rng.below(3), choose(rng, &made.owners)) {
        (1.., Some(owner)) => owner.clone(),
        _ => world.key(),
    };
    let withdrawal = match (rng.below(3), choose(rng, &made.withdrawals)) {
        (0, Some(key)) => key.clone(),
        _ => world.key(),
    };
    let transaction = match rng.below(8) {
        0 | 1 => world.create(&owner, &tickets),
        2..=4 => world.grant(&owner, &withdrawal, &tickets),
        5 | 6 => Withdraw::sign(world.chain, &withdrawal),
        _ => match choose(rng, &made.transactions).filter(|t| t.body.payment().is_some()) {
            Some(seen) => repay(seen, &tickets),
            None => world.create(&owner, &tickets),
        },
    };
    made.owners.push(owner);
    made.withdrawals.push(withdrawal);
    made.transactions.push(transaction.clone());
    transaction
}

/// Executes with names handed over one at a time, the last asked for first.
fn in_single_steps(world: &World, block: &[Checked]) -> Transition {
    let mut known = Known::new();
    loop {
        match execute(&world.context(), &known, block) {
            Ok(transition) => return transition,
            Err(ExecuteError::Missing(missing)) => {
                let name = *missing.0.iter().next_back().unwrap();
                assert!(!known.contains_key(&name), "asked for what is known");
                world.fetch(BTreeSet::from([name]), &mut known);
            }
            Err(other) => panic!("{other:?}"),
        }
    }
}

/// Executes over everything there is.
fn over_all_state(world: &World, block: &[Checked]) -> Transition {
    let mut known: Known = world.state.iter().map(|(name, entry)| (*name, Some(entry.clone()))).collect();
    loop {
        match execute(&world.context(), &known, block) {
            Ok(transition) => return transition,
            Err(ExecuteError::Missing(missing)) => world.fetch(missing.0, &mut known),
            Err(other) => panic!("{other:?}"),
        }
    }
}

/// The includable ones, as a proposer picks them.
fn pick(world: &World, candidates: &[Checked]) -> Vec<Checked> {
    let mut known = Known::new();
    loop {
        match select(&world.context(), &known, candidates) {
            Ok(selection) => return selection.included.iter().map(|i| candidates[*i].clone()).collect(),
            Err(ExecuteError::Missing(missing)) => world.fetch(missing.0, &mut known),
            Err(other) => panic!("{other:?}"),
        }
    }
}

fn real_counts(state: &BTreeMap<Name, Entry>) -> Counts {
    let count = |kind| state.keys().filter(|name| name.kind() == Some(kind)).count() as u64;
    Counts {
        records: count(Kind::Record),
        grants: count(Kind::Grant),
        slots: count(Kind::Slot),
        practitioners: count(Kind::Practitioner),
        institutions: count(Kind::Institution),
    }
}

/// Records never change; a tombstone never becomes anything else; nothing vanishes.
fn only_allowed_changes(before: &BTreeMap<Name, Entry>, after: &BTreeMap<Name, Entry>) {
    for (name, old) in before {
        let new = &after[name];
        match old {
            Entry::Record(_) | Entry::Tombstone { .. } | Entry::SpentTicket | Entry::TicketKey(_) => {
                assert_eq!(new, old);
            }
            Entry::Grant(_) => assert!(new == old || matches!(new, Entry::Tombstone { .. })),
            _ => {}
        }
    }
}

fn run(seed: u64, blocks: u64) -> (u32, u32) {
    let (mut world, mut rng, mut made) = (World::new(seed), Seeded::new(seed + 1000), Made::default());
    let (mut bought, mut results): (BTreeSet<yilian_crypto::Digest>, (u32, u32)) = Default::default();
    for _ in 0..blocks {
        let candidates: Vec<Checked> = (0..rng.below(7))
            .filter_map(|_| {
                let transaction = next(&mut world, &mut made, &mut rng);
                world.check(&transaction).ok()
            })
            .collect();
        let block = pick(&world, &candidates);
        let transition = world.execute(&block).unwrap();
        assert_eq!(in_single_steps(&world, &block), transition, "seed {seed}");
        assert_eq!(over_all_state(&world, &block), transition, "seed {seed}");
        for (checked, outcome) in block.iter().zip(&transition.outcomes) {
            let payment = checked.transaction().body.payment();
            for ticket in payment.into_iter().flat_map(|payment| payment.tickets()) {
                assert!(bought.insert(ticket.spent_id()), "a ticket bought twice, seed {seed}");
            }
            match outcome {
                Outcome::Applied => results.0 += 1,
                Outcome::Failed(_) => results.1 += 1,
            }
        }
        let before = world.state.clone();
        world.commit(&transition);
        only_allowed_changes(&before, &world.state);
        assert_eq!(world.counts, real_counts(&world.state), "seed {seed}");
        // Within the first two periods, whose ticket keys are set.
        if world.time.0 + 7_000 < world.genesis.time + 120_000 {
            world.advance(rng.below(7_000));
        }
    }
    let spent = world.state.values().filter(|entry| **entry == Entry::SpentTicket).count();
    assert_eq!(spent, bought.len(), "every ticket that bought is spent, and no other, seed {seed}");
    results
}

#[test]
fn random_sequences_keep_the_invariants() {
    let (mut applied, mut failed) = (0, 0);
    for seed in 0..8 {
        let (a, f) = run(seed, 25);
        applied += a;
        failed += f;
    }
    assert!(applied > 100 && failed > 50, "too little happened: {applied} applied, {failed} failed");
}
