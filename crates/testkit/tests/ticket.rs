//! Attacks on tickets: played against the real thing, where they fail, and against the control, where they succeed.
#![allow(clippy::unwrap_used)]

use yilian_crypto::{
    sign::SigningKey,
    ticket::{Class, Period, Request, Ticket, TicketError, TicketWithKey},
};
use yilian_ledger::{Outcome, Refusal, Transaction};
use yilian_testkit::{
    ledger::{Chain as _, World, ticket_secret},
    ticket::{LooseTicket, TaggingAuthority, fetch_trusting},
};

const PERIOD: Period = Period(9);

fn rng() -> impl rand_core::CryptoRng {
    getrandom::rand_core::UnwrapErr(getrandom::SysRng)
}

fn tagging() -> TaggingAuthority {
    TaggingAuthority::new(ticket_secret(0), vec![ticket_secret(1), ticket_secret(2)])
}

/// As a wallet does it: for the ledger's key alone, verified after.
fn fetch(
    authority: &TaggingAuthority,
    answer: impl FnOnce(&[u8]) -> Result<Vec<u8>, TicketError>,
) -> Result<TicketWithKey, TicketError> {
    let key = authority.ledger_key();
    let (request, blinded) = Request::new(key, Class::Care, PERIOD, &mut rng())?;
    request.finish(key, &answer(&blinded)?)
}

#[test]
fn a_key_of_ones_own_marks_no_ticket() {
    let authority = tagging();
    for person in 0..2 {
        let marked = fetch(&authority, |blinded| authority.sign_marked(person, blinded, &mut rng()));
        assert!(matches!(marked, Err(TicketError::Signature | TicketError::Blinded)));
    }
    let fair = fetch(&authority, |blinded| authority.sign_fairly(blinded, &mut rng())).unwrap();
    assert_eq!(authority.recognize(&fair.ticket), None);
}

#[test]
fn control_a_trusting_wallet_is_recognized() {
    let authority = tagging();
    for person in 0..2 {
        let ticket = fetch_trusting(&authority, person, Class::Care, PERIOD, &mut rng()).unwrap().ticket;
        assert_eq!(authority.recognize(&ticket), Some(person));
    }
}

#[test]
fn a_ticket_cannot_be_moved_to_another_class_or_period() {
    let authority = tagging();
    let ticket = fetch(&authority, |blinded| authority.sign_fairly(blinded, &mut rng())).unwrap().ticket;
    assert_eq!(ticket.verify(authority.ledger_key()), Ok(()));
    let class = Ticket { class: Class::Trade, ..ticket.clone() };
    let period = Ticket { period: Period(PERIOD.0 + 1), ..ticket };
    for moved in [class, period] {
        assert_eq!(moved.verify(authority.ledger_key()), Err(TicketError::Signature));
    }
}

#[test]
fn control_a_loose_ticket_is_moved() {
    let authority = tagging();
    let ticket = fetch(&authority, |blinded| authority.sign_fairly(blinded, &mut rng())).unwrap().ticket;
    let mut loose = LooseTicket::of(ticket);
    (loose.class, loose.period) = (Class::Trade, Period(PERIOD.0 + 1));
    assert_eq!(loose.verify(authority.ledger_key()), Ok(()));
}

/// A `Create` paid with this ticket, submitted.
fn pay(world: &mut World, ticket: TicketWithKey) -> Result<Outcome, Refusal> {
    let owner = world.key();
    let transaction: Transaction = world.create(&owner, &[ticket]);
    world.submit(&transaction)
}

#[test]
fn the_ledger_takes_a_good_ticket_once() {
    let mut world = World::new(1);
    let ticket = world.ticket();
    assert_eq!(pay(&mut world, ticket.clone()), Ok(Outcome::Applied));
    assert_eq!(pay(&mut world, ticket), Err(Refusal::TicketSpent));
}

#[test]
fn the_ledger_refuses_forged_foreign_and_ended_tickets() {
    let mut world = World::new(1);
    let period = world.period();
    let good = world.ticket();

    let mut signature = good.clone();
    signature.ticket.signature[200] ^= 1;
    assert_eq!(pay(&mut world, signature), Err(Refusal::TicketForged));

    let one_time = SigningKey::generate(&mut rng());
    let stolen = TicketWithKey {
        ticket: Ticket { one_time_key: one_time.verifying_key(), ..good.ticket.clone() },
        one_time,
    };
    assert_eq!(pay(&mut world, stolen), Err(Refusal::TicketForged));

    let mut moved = good.clone();
    moved.ticket.period = Period(period.0 + 1);
    assert_eq!(pay(&mut world, moved), Err(Refusal::TicketForged));

    let early = world.ticket_of(Class::Care, Period(period.0 + 1));
    assert_eq!(pay(&mut world, early), Err(Refusal::TicketEarly));

    let trade = world.ticket_of(Class::Trade, period);
    assert_eq!(pay(&mut world, trade), Err(Refusal::TicketClass));

    let overlap = world.parameters().ticket_overlap_ms;
    let end = world.parameters().end(period);
    world.advance(end.after(overlap).0 - world.time.0);
    assert_eq!(pay(&mut world, good), Err(Refusal::TicketExpired));
}
