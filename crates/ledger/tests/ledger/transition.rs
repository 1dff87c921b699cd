//! Blocks: what is missing, what a proposer picks, evidence of other branches.

use yilian_crypto::ticket::{Class, Period, TicketKey};
use yilian_ledger::{
    BlockContext, Checked, Entry, ExecuteError, Known, Name, Outcome, Refusal, Selection, TicketKeys,
    Transaction, block_names, execute, name::Aid, select, transaction::Withdraw,
};
use yilian_testkit::ledger::{Chain as _, World, ticket_secret};

/// Selects over everything that is asked for.
fn pick(world: &World, candidates: &[Checked]) -> Selection {
    let mut known = Known::new();
    loop {
        match select(&world.context(), &known, candidates) {
            Ok(selection) => return selection,
            Err(ExecuteError::Missing(missing)) => world.fetch(missing.0, &mut known),
            Err(other) => panic!("{other:?}"),
        }
    }
}

fn checked(world: &World, transactions: &[&Transaction]) -> Vec<Checked> {
    transactions.iter().map(|t| world.check(t).unwrap()).collect()
}

#[test]
fn asks_first_for_what_every_block_and_each_transaction_reads() {
    let mut world = World::new(1);
    let (owner, tickets) = (world.key(), [world.ticket()]);
    let create = world.create(&owner, &tickets);
    let block = checked(&world, &[&create]);
    let error = execute(&world.context(), &Known::new(), &block).unwrap_err();
    let ExecuteError::Missing(missing) = error else { panic!("{error:?}") };
    let mut expected: Vec<Name> = block_names().to_vec();
    expected.push(Aid::of(&owner.verifying_key()).name());
    expected.push(Name::spent_ticket(&tickets[0].ticket.spent_id()));
    expected.push(Name::ticket_key(Class::Care, world.period()));
    expected.sort();
    assert_eq!(missing.0.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn a_proposer_picks_what_a_voter_accepts() {
    let mut world = World::new(2);
    let (owner, ticket, shared) = (world.record(), [world.ticket()], [world.ticket()]);
    let fails = world.create(&owner, &ticket);
    let (one, two) = (world.key(), world.key());
    let (spends, respends) = (world.create(&one, &shared), world.create(&two, &shared));
    let nothing = Withdraw::sign(world.chain, &two);
    let candidates = checked(&world, &[&fails, &spends, &nothing, &respends]);
    let selection = pick(&world, &candidates);
    assert_eq!(selection.included, [0, 1]);
    assert_eq!(selection.refused, [(2, Refusal::GrantUnknown), (3, Refusal::TicketSpent)]);
    assert_eq!(selection.transition.outcomes, [Outcome::Failed(Refusal::RecordExists), Outcome::Applied]);
    let included: Vec<Checked> = selection.included.iter().map(|i| candidates[*i].clone()).collect();
    assert_eq!(world.execute(&included).unwrap(), selection.transition);
    // The whole list would have been an invalid block.
    assert_eq!(world.execute(&candidates).unwrap_err(), (2, Refusal::GrantUnknown));
}

#[test]
fn later_transactions_see_earlier_ones_of_the_block() {
    let mut world = World::new(3);
    let (owner, withdrawal) = (world.key(), world.key());
    let (for_create, for_grant, for_second) = ([world.ticket()], [world.ticket()], [world.ticket()]);
    let create = world.create(&owner, &for_create);
    let grant = world.grant(&owner, &withdrawal, &for_grant);
    let second = world.create(&owner, &for_second);
    let withdraw = Withdraw::sign(world.chain, &withdrawal);
    let block = checked(&world, &[&create, &grant, &second, &withdraw]);
    let transition = world.block(&block).unwrap();
    let exists = Outcome::Failed(Refusal::RecordExists);
    assert_eq!(transition.outcomes, [Outcome::Applied, Outcome::Applied, exists, Outcome::Applied]);
    assert_eq!((transition.created.records, transition.created.grants), (1, 1));
    // In the other order there is no record yet.
    let mut world = World::new(3);
    let other = checked(&world, &[&grant, &create]);
    let unknown = Outcome::Failed(Refusal::RecordUnknown);
    assert_eq!(world.block(&other).unwrap().outcomes, [unknown, Outcome::Applied]);
}

#[test]
fn a_ticket_key_set_in_a_block_buys_only_in_the_next() {
    let mut world = World::new(4);
    world.advance(120_000);
    let period = world.period();
    let mut later = World::new(4);
    later.time = world.time;
    later.open_period(period);
    let (owner, tickets) = (later.key(), [later.ticket_of(Class::Care, period)]);
    let create = later.create(&owner, &tickets);
    // Evidence made where the key is set, executed where the block only sets it.
    let evidence = later.check(&create).unwrap();
    let (set, _) = set_key(&world, period);
    let block = [world.check(&set).unwrap(), evidence];
    assert_eq!(world.execute(&block).unwrap_err(), (1, Refusal::TicketKeyUnknown));
    assert!(later.execute(&block[1..]).is_ok());
}

fn set_key(world: &World, period: Period) -> (Transaction, TicketKey) {
    let key = ticket_secret(period.0 as usize % 4).public().clone();
    let action =
        yilian_ledger::transaction::Action::SetTicketKey { class: Class::Care, period, key: key.clone() };
    (world.governance(action, &[0, 1, 2]), key)
}

#[test]
fn asks_for_another_check_of_evidence_from_another_branch() {
    struct Other(TicketKey);
    impl TicketKeys for Other {
        fn ticket_key(&self, _: Class, _: Period) -> Option<TicketKey> {
            Some(self.0.clone())
        }
    }
    let mut world = World::new(5);
    let (owner, tickets) = (world.key(), [world.ticket()]);
    let create = world.create(&owner, &tickets);
    let Some(Entry::TicketKey(right)) = world.entry(&Name::ticket_key(Class::Care, world.period())) else {
        panic!("no key")
    };
    let bytes = commonware_codec::Encode::encode(&create);
    let evidence = Checked::check(&bytes, world.chain, &Other(right)).unwrap();
    // The branch at hand has another key for the period.
    let name = Name::ticket_key(Class::Care, world.period());
    world.state.insert(name, Entry::TicketKey(ticket_secret(1).public().clone()));
    let known: Known =
        evidence.names().into_iter().chain(block_names()).map(|n| (n, world.entry(&n))).collect();
    let known = with_counts(&world, known);
    let result = execute(&world.context(), &known, &[evidence]);
    assert_eq!(result, Err(ExecuteError::Recheck(0)));
}

fn with_counts(world: &World, mut known: Known) -> Known {
    let name = Name::expiry_count(world.period());
    known.insert(name, world.entry(&name));
    known
}

#[test]
fn names_damaged_state_instead_of_guessing() {
    let world = World::new(6);
    let mut known: Known = block_names().into_iter().map(|n| (n, world.entry(&n))).collect();
    known.insert(Name::parameters(), Some(Entry::SpentTicket));
    let result = execute(&world.context(), &known, &[]);
    assert_eq!(result, Err(ExecuteError::Damaged(Name::parameters())));
    known.insert(Name::parameters(), None);
    let result = execute(&world.context(), &known, &[]);
    assert_eq!(result, Err(ExecuteError::Damaged(Name::parameters())));
}

#[test]
fn a_prepared_grant_gives_what_an_unprepared_one_gives() {
    let mut world = World::new(7);
    let (owner, withdrawal, tickets) = (world.record(), world.key(), [world.ticket()]);
    let grant = world.grant(&owner, &withdrawal, &tickets);
    let (plain, prepared, misled) =
        (world.check(&grant).unwrap(), world.check(&grant).unwrap(), world.check(&grant).unwrap());
    let name = prepared.prepares().unwrap();
    assert_eq!(name, Aid::of(&owner.verifying_key()).name());
    let Some(Entry::Record(record)) = world.entry(&name) else { panic!("no record") };
    prepared.prepare(&record);
    // A record of the same owner that stood on an abandoned branch.
    let (capsule, ..) = world.sealed(&owner);
    let mut abandoned = record.clone();
    abandoned.capsule = capsule;
    misled.prepare(&abandoned);
    let expected = world.execute(&[plain]).unwrap();
    assert_eq!(world.execute(&[prepared]).unwrap(), expected);
    assert_eq!(world.execute(&[misled]).unwrap(), expected);
}

#[test]
fn another_block_time_is_another_result_and_nothing_else_is() {
    let mut world = World::new(8);
    let (owner, tickets) = (world.key(), [world.ticket()]);
    let create = world.create(&owner, &tickets);
    let block = checked(&world, &[&create]);
    let first = world.execute(&block).unwrap();
    assert_eq!(world.execute(&block).unwrap(), first);
    let mut world = world;
    world.advance(1);
    let context: BlockContext = world.context();
    assert_eq!(context.time, world.time);
    assert_ne!(world.execute(&block).unwrap().writes, first.writes);
}
