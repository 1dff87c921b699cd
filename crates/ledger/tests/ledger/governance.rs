//! Roots, ticket keys, parameters.

use yilian_crypto::{
    certificate::Level,
    ticket::{Class, Period},
};
use yilian_ledger::{
    CommitteeEntry, Entry, Name, Parameters, Refusal, TICKET_KEYS_AHEAD, Time, Transaction,
    name::MemberId,
    transaction::{Action, Body, Governance},
};
use yilian_testkit::ledger::{Chain as _, World, parameters, self_signed, ticket_secret};

use crate::support::{applied, refused};

fn new_root(world: &mut World) -> Action {
    let key = world.key();
    Action::AddRoot { certificate: self_signed("second", &key).der().to_vec() }
}

fn ticket_key(world: &World, ahead: i64) -> Action {
    let period = Period((i64::from(world.period().0) + ahead) as u32);
    Action::SetTicketKey { class: Class::Care, period, key: ticket_secret(2).public().clone() }
}

#[test]
fn takes_more_than_two_thirds() {
    let mut world = World::new(1);
    let action = new_root(&mut world);
    for signers in [&[][..], &[0], &[1, 3]] {
        let few = world.governance(action.clone(), signers);
        refused(&mut world, &few, Refusal::GovernanceQuorum);
    }
    let enough = world.governance(action, &[0, 2, 3]);
    applied(&mut world, &enough);
    let name = MemberId::of(None, "second").name(Level::Root.into());
    assert!(matches!(world.entry(&name), Some(Entry::Member(_))));
}

#[test]
fn two_thirds_exactly_are_too_few() {
    let mut world = World::new(2);
    let three = world.genesis.committee[..3].to_vec();
    world.state.insert(Name::committee(), Entry::Committee(CommitteeEntry::genesis(three)));
    let action = new_root(&mut world);
    let two = world.governance(action.clone(), &[0, 1]);
    refused(&mut world, &two, Refusal::GovernanceQuorum);
    let three = world.governance(action, &[0, 1, 2]);
    applied(&mut world, &three);
}

#[test]
fn refuses_a_signer_twice_out_of_order_or_unknown() {
    let mut world = World::new(3);
    let action = new_root(&mut world);
    let good = world.governance(action, &[0, 1, 2]);
    let Body::Governance(body) = &good.body else { unreachable!() };
    let s = &body.signatures;
    let unknown = (4, s[2].1);
    for signatures in [vec![s[0], s[0], s[1]], vec![s[1], s[0], s[2]], vec![s[0], s[1], unknown]] {
        let changed = Governance { signatures, ..body.clone() };
        let transaction = Transaction { chain: world.chain, body: Body::Governance(changed) };
        refused(&mut world, &transaction, Refusal::GovernanceSigners);
    }
}

#[test]
fn refuses_a_signature_of_another_validator_or_action() {
    let mut world = World::new(4);
    let action = new_root(&mut world);
    let good = world.governance(action, &[0, 1, 2]);
    let Body::Governance(body) = &good.body else { unreachable!() };
    let mut foreign = body.clone();
    foreign.signatures[2].0 = 3;
    let mut other_action = body.clone();
    other_action.action = Action::RevokeRoot { member: world.root.id };
    let mut later = body.clone();
    later.valid_until = later.valid_until.after(1);
    for changed in [foreign, other_action, later] {
        let transaction = Transaction { chain: world.chain, body: Body::Governance(changed) };
        refused(&mut world, &transaction, Refusal::GovernanceSignature);
    }
}

#[test]
fn refuses_signatures_for_another_chain() {
    let mut world = World::new(5);
    let action = new_root(&mut world);
    let mut elsewhere = World::new(5);
    elsewhere.chain = yilian_ledger::ChainId(yilian_crypto::Digest([9; 32]));
    let mut transaction = elsewhere.governance(action, &[0, 1, 2]);
    refused(&mut world, &transaction, Refusal::WrongChain);
    transaction.chain = world.chain;
    refused(&mut world, &transaction, Refusal::GovernanceSignature);
}

#[test]
fn refuses_an_action_past_or_too_far_before_its_valid_until() {
    let mut world = World::new(6);
    let action = new_root(&mut world);
    let transaction = world.governance(action, &[0, 1, 2]);
    let start = world.time;
    world.time = start.after(60_001);
    refused(&mut world, &transaction, Refusal::GovernanceLate);
    world.time = Time(start.0 - 60_001);
    refused(&mut world, &transaction, Refusal::GovernanceTooFarAhead);
    world.time = start.after(60_000);
    applied(&mut world, &transaction);
}

#[test]
fn an_action_played_again_changes_nothing() {
    let mut world = World::new(7);
    let add = new_root(&mut world);
    let revoke = Action::RevokeRoot { member: MemberId::of(None, "second") };
    let set = ticket_key(&world, 2);
    let change = Action::SetParameters(Parameters { sequence: 1, stale_after_ms: 60_000, ..parameters() });
    let cases = [
        (add, Refusal::CertificateSeen),
        (set, Refusal::TicketKeySet),
        (change, Refusal::ParametersSequence),
        (revoke, Refusal::MemberRevoked),
    ];
    for (action, refusal) in cases {
        let transaction = world.governance(action, &[0, 1, 2]);
        applied(&mut world, &transaction);
        refused(&mut world, &transaction, refusal);
    }
}

#[test]
fn refuses_roots_that_are_none() {
    let mut world = World::new(8);
    let (root, key) = (world.root.clone(), world.key());
    let (province, _) = world.certify(&root, Level::Intermediate, "province");
    let below = Action::AddRoot { certificate: province.certificate.der().to_vec() };
    let below = world.governance(below, &[0, 1, 2]);
    refused(&mut world, &below, Refusal::CertificateLevel);
    let mut broken = self_signed("second", &key).der().to_vec();
    *broken.last_mut().unwrap() ^= 1;
    let broken = world.governance(Action::AddRoot { certificate: broken }, &[0, 1, 2]);
    refused(&mut world, &broken, Refusal::CertificateSignature);
    let unknown = Action::RevokeRoot { member: MemberId::of(None, "nobody") };
    let unknown = world.governance(unknown, &[0, 1, 2]);
    refused(&mut world, &unknown, Refusal::MemberUnknown);
}

#[test]
fn sets_a_ticket_key_once_for_the_present_or_a_near_period() {
    let mut world = World::new(9);
    world.advance(10 * 60_000);
    for (ahead, expected) in [
        (-1, Some(Refusal::TicketKeyPast)),
        (0, None),
        (i64::from(TICKET_KEYS_AHEAD), None),
        (i64::from(TICKET_KEYS_AHEAD) + 1, Some(Refusal::TicketKeyAhead)),
    ] {
        let action = ticket_key(&world, ahead);
        let transaction = world.governance(action, &[0, 1, 2]);
        match expected {
            None => applied(&mut world, &transaction),
            Some(refusal) => refused(&mut world, &transaction, refusal),
        }
    }
    let period = world.period();
    let other = ticket_secret(3).public().clone();
    let replace = Action::SetTicketKey { class: Class::Care, period, key: other };
    let replace = world.governance(replace, &[0, 1, 2, 3]);
    refused(&mut world, &replace, Refusal::TicketKeySet);
    let trade = Action::SetTicketKey { class: Class::Trade, period, key: ticket_secret(3).public().clone() };
    let trade = world.governance(trade, &[0, 1, 2]);
    applied(&mut world, &trade);
}

#[test]
fn changes_parameters_in_sequence_and_from_the_next_block_on() {
    let mut world = World::new(10);
    let new = Parameters { sequence: 1, max_validity_ms: 1_000, ..parameters() };
    let change = world.governance(Action::SetParameters(new.clone()), &[0, 1, 2]);
    let (owner, withdrawal, tickets) = (world.record(), world.key(), [world.ticket()]);
    let grant = world.grant(&owner, &withdrawal, &tickets);
    let later = [world.ticket()];
    let other = world.key();
    let late_grant = world.grant(&owner, &other, &later);
    let block = [&change, &grant].map(|t| world.check(t).unwrap());
    let outcomes = world.block(&block).unwrap().outcomes;
    assert_eq!(outcomes, [yilian_ledger::Outcome::Applied; 2], "the old bound holds within the block");
    assert_eq!(world.entry(&Name::parameters()), Some(Entry::Parameters(new)));
    crate::support::fails_and_pays(&mut world, &late_grant, Refusal::GrantTooFarAhead);
}

#[test]
fn refuses_parameters_out_of_sequence_bounds_or_with_another_period() {
    let mut world = World::new(11);
    let good = Parameters { sequence: 1, ..parameters() };
    let cases = [
        (Parameters { sequence: 0, ..good.clone() }, Refusal::ParametersSequence),
        (Parameters { sequence: 2, ..good.clone() }, Refusal::ParametersSequence),
        (Parameters { period_ms: 61_000, ..good.clone() }, Refusal::ParametersPeriod),
        (Parameters { period_ms: 0, ..good.clone() }, Refusal::ParametersBounds),
        (Parameters { ticket_overlap_ms: 60_001, ..good.clone() }, Refusal::ParametersBounds),
        (Parameters { expiry_classes: [0, 1, 2, 3], ..good.clone() }, Refusal::ParametersBounds),
        (Parameters { expiry_classes: [1, 1, 2, 3], ..good.clone() }, Refusal::ParametersBounds),
        (Parameters { expiry_classes: [1, 2, 3, 3651], ..good.clone() }, Refusal::ParametersBounds),
        (Parameters { stale_after_ms: 999, ..good.clone() }, Refusal::ParametersBounds),
        (Parameters { idle_block_ms: 99, ..good.clone() }, Refusal::ParametersBounds),
        (Parameters { idle_block_ms: good.stale_after_ms, ..good.clone() }, Refusal::ParametersBounds),
        (Parameters { max_validity_ms: u64::MAX, ..good }, Refusal::ParametersBounds),
    ];
    for (parameters, refusal) in cases {
        let transaction = world.governance(Action::SetParameters(parameters), &[0, 1, 2]);
        refused(&mut world, &transaction, refusal);
    }
}
