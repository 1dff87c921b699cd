//! Changes of the committee (spec L-100 to L-105).

use yilian_crypto::sign::SigningKey;
use yilian_ledger::{
    CommitteeEntry, Entry, Epoch, Epochs, Height, Name, Refusal, Transaction, ValidatorKey,
    committee::{Change, EPOCHS_AHEAD, MAX_COMMITTEE, SetCommittee},
    transaction::{Action, Body, Governance},
};
use yilian_testkit::ledger::World;

use crate::support::{applied, refused};

/// Blocks of an epoch here.
const BLOCKS: u64 = 4;

fn world(seed: u64) -> World {
    let mut world = World::with_epochs(seed, BLOCKS);
    let key = yilian_testkit::ledger::Chain::key(&mut world);
    world.joiners.push(key);
    world
}

/// Everybody and one who joins, from `epoch` on.
fn joined(world: &World, epoch: u64) -> Action {
    let keys: Vec<SigningKey> = world.validators.iter().chain(&world.joiners).cloned().collect();
    world.set_committee(Epoch(epoch), &keys)
}

fn signed(world: &World, action: Action) -> Transaction {
    world.governance(action, &[0, 1, 2])
}

fn raw(keys: &[SigningKey]) -> Vec<ValidatorKey> {
    keys.iter().map(|key| *key.verifying_key().as_bytes()).collect()
}

/// Empty blocks until the next block is of `epoch`.
fn go_to(world: &mut World, epoch: u64) {
    while world.epoch() < Epoch(epoch) {
        world.block(&[]).unwrap();
    }
}

fn with(world: &World, change: impl Fn(&mut SetCommittee)) -> Transaction {
    let Action::SetCommittee(mut set) = joined(world, 1) else { unreachable!() };
    change(&mut set);
    signed(world, Action::SetCommittee(set))
}

#[test]
fn a_change_begins_with_its_epoch_and_not_before() {
    let mut world = world(1);
    let set = signed(&world, joined(&world, 2));
    applied(&mut world, &set);
    assert_eq!(world.committee_entry().sequence, 1);
    for epoch in [0, 1] {
        go_to(&mut world, epoch);
        assert_eq!(world.signers(world.epoch()).len(), 4);
    }
    go_to(&mut world, 2);
    assert_eq!(world.signers(Epoch(2)).len(), 5);
    // Three of five are no more than two thirds; four are.
    let next = world.set_committee(Epoch(3), &world.validators);
    let three = world.governance(next.clone(), &[0, 1, 2]);
    refused(&mut world, &three, Refusal::GovernanceQuorum);
    let four = world.governance(next, &[0, 1, 2, 3]);
    applied(&mut world, &four);
    let entry = world.committee_entry();
    assert_eq!((entry.sequence, entry.members.len()), (2, 5), "what is in force is kept beside the change");
    assert_eq!(entry.at(Epoch(3)), raw(&world.validators));
}

#[test]
fn a_block_tells_who_validates_the_next_one() {
    let mut world = world(2);
    let set = signed(&world, joined(&world, 1));
    let checked = world.check(&set).unwrap();
    let transition = world.block(&[checked]).unwrap();
    let epochs = world.genesis.epochs();
    assert_eq!(transition.committee.at(epochs.after(Height(1))).len(), 4);
    while !epochs.is_last(world.height) {
        world.block(&[]).unwrap();
    }
    assert_eq!(world.height, Height(3));
    assert_eq!(world.execute(&[]).unwrap().committee.at(epochs.after(world.height)).len(), 5);
}

#[test]
fn even_an_epochs_last_block_changes_the_next_epochs_committee() {
    let mut world = world(3);
    while world.height < Height(BLOCKS - 2) {
        world.block(&[]).unwrap();
    }
    let set = signed(&world, joined(&world, 1));
    applied(&mut world, &set);
    assert_eq!((world.height, world.epoch()), (Height(BLOCKS - 1), Epoch(1)));
    assert_eq!(world.signers(Epoch(1)).len(), 5);
}

#[test]
fn a_later_change_replaces_one_that_has_not_begun() {
    let mut world = world(4);
    let wrong = world.set_committee(Epoch(2), &world.validators[..1]);
    let wrong = signed(&world, wrong);
    applied(&mut world, &wrong);
    let right = signed(&world, joined(&world, 3));
    applied(&mut world, &right);
    go_to(&mut world, 2);
    assert_eq!(world.signers(Epoch(2)).len(), 4);
    go_to(&mut world, 3);
    assert_eq!(world.signers(Epoch(3)).len(), 5);
}

#[test]
fn refuses_another_sequence_number_and_a_change_played_again() {
    let mut world = world(5);
    for sequence in [0, 2, u64::MAX] {
        let set = with(&world, |set| set.sequence = sequence);
        refused(&mut world, &set, Refusal::CommitteeSequence);
    }
    let set = signed(&world, joined(&world, 1));
    applied(&mut world, &set);
    refused(&mut world, &set, Refusal::CommitteeSequence);
    // Nor after it has begun and another one was made.
    go_to(&mut world, 1);
    refused(&mut world, &set, Refusal::GovernanceQuorum);
}

#[test]
fn refuses_an_epoch_that_has_begun_or_is_far_ahead() {
    let mut world = world(6);
    go_to(&mut world, 2);
    for epoch in [0, 1, 2] {
        let set = with(&world, |set| set.change.epoch = Epoch(epoch));
        refused(&mut world, &set, Refusal::CommitteePast);
    }
    let set = with(&world, |set| set.change.epoch = Epoch(2 + EPOCHS_AHEAD + 1));
    refused(&mut world, &set, Refusal::CommitteeAhead);
    let set = with(&world, |set| set.change.epoch = Epoch(2 + EPOCHS_AHEAD));
    applied(&mut world, &set);
}

#[test]
fn refuses_members_that_are_no_committee() {
    let mut world = world(7);
    let none = with(&world, |set| set.change.members.clear());
    refused(&mut world, &none, Refusal::CommitteeSize);
    let many = with(&world, |set| {
        set.change.members = (0..=MAX_COMMITTEE).map(|i| [i as u8; 32]).collect();
    });
    refused(&mut world, &many, Refusal::CommitteeSize);
    let reversed = with(&world, |set| set.change.members.reverse());
    refused(&mut world, &reversed, Refusal::CommitteeOrder);
    let twice = with(&world, |set| set.change.members[1] = set.change.members[0]);
    refused(&mut world, &twice, Refusal::CommitteeOrder);
    let no_key = with(&world, |set| set.change.members[4] = [0xff; 32]);
    refused(&mut world, &no_key, Refusal::CommitteeKey);
    let small_order = with(&world, |set| set.change.members[0] = [0; 32]);
    refused(&mut world, &small_order, Refusal::CommitteeKey);
}

#[test]
fn refuses_too_few_a_signer_twice_a_stranger_and_who_has_not_joined() {
    let mut world = world(8);
    let action = joined(&world, 1);
    let two = world.governance(action.clone(), &[0, 3]);
    refused(&mut world, &two, Refusal::GovernanceQuorum);
    let Body::Governance(body) = signed(&world, action).body else { unreachable!() };
    let s = &body.signatures;
    let joiner = Governance::approve(world.chain, &body.action, body.valid_until, &world.joiners[0]);
    let cases = [
        (vec![s[0], s[0], s[1]], Refusal::GovernanceSigners),
        (vec![s[0], s[1], (4, joiner)], Refusal::GovernanceSigners),
        (vec![s[0], s[1], (2, joiner)], Refusal::GovernanceSignature),
    ];
    for (signatures, refusal) in cases {
        let body = Governance { signatures, ..body.clone() };
        let transaction = Transaction { chain: world.chain, body: Body::Governance(body) };
        refused(&mut world, &transaction, refusal);
    }
}

#[test]
fn who_has_left_signs_no_more() {
    let mut world = world(9);
    let left = world.validators[3].clone();
    let leave = world.set_committee(Epoch(1), &world.validators[..3]);
    let leave = signed(&world, leave);
    applied(&mut world, &leave);
    go_to(&mut world, 1);
    let back = joined(&world, 2);
    let Body::Governance(mut body) = world.governance(back, &[0, 1, 2]).body else { unreachable!() };
    let by_left = Governance::approve(world.chain, &body.action, body.valid_until, &left);
    for index in [2, 3] {
        body.signatures[2] = (index, by_left);
        let transaction = Transaction { chain: world.chain, body: Body::Governance(body.clone()) };
        let refusal = if index == 3 { Refusal::GovernanceSigners } else { Refusal::GovernanceSignature };
        refused(&mut world, &transaction, refusal);
    }
}

#[test]
fn a_state_without_a_committee_is_damaged() {
    let mut world = world(10);
    world.state.insert(Name::committee(), Entry::Count(1));
    let known = yilian_ledger::block_names().into_iter().map(|n| (n, world.state.get(&n).cloned())).collect();
    let error = yilian_ledger::execute(&world.context(), &known, &[]).unwrap_err();
    assert_eq!(error, yilian_ledger::ExecuteError::Damaged(Name::committee()));
}

#[test]
fn heights_fall_into_epochs() {
    let epochs = Epochs { blocks: 4 };
    let of = |height| epochs.of(Height(height)).0;
    assert_eq!([0, 3, 4, 7, 8].map(of), [0, 0, 1, 1, 2]);
    assert_eq!(epochs.last(Epoch(0)), Height(3));
    assert_eq!(epochs.last(Epoch(1)), Height(7));
    assert_eq!([2, 3, 4, 7].map(|height| epochs.is_last(Height(height))), [false, true, false, true]);
    assert_eq!([2, 3].map(|height| epochs.after(Height(height)).0), [0, 1]);
    // At the end of numbers nothing panics.
    assert!(epochs.last(Epoch(u64::MAX)).0 > 0 && epochs.after(Height(u64::MAX)).0 > 0);
}

#[test]
fn without_a_change_the_committee_is_the_same_in_every_epoch() {
    let entry = CommitteeEntry { sequence: 1, members: vec![[1; 32]], next: None };
    assert_eq!(entry.at(Epoch(0)), entry.at(Epoch(u64::MAX)));
    let next = Change { epoch: Epoch(5), members: vec![[2; 32]] };
    let entry = CommitteeEntry { next: Some(next), ..entry };
    assert_eq!(entry.at(Epoch(4)), [[1; 32]]);
    assert_eq!(entry.at(Epoch(5)), [[2; 32]]);
}
