use yilian_api::{content::UploadPayment, signing::Statement};
use yilian_crypto::{
    Digest,
    ticket::{Class, Period},
};
use yilian_ledger::Time;
use yilian_node::payment::{PaymentError, Purpose, Verified, prune};
use yilian_testkit::ledger::{Chain as _, World};

use crate::{
    refused,
    support::{Base, by_member, by_tickets},
};

fn statement(base: &Base) -> Statement {
    Statement::backup_room(&base.audience, &Digest([7; 32]), 1)
}

async fn verify(base: &Base, payment: &UploadPayment, price: usize) -> Result<Verified, PaymentError> {
    base.payments.verify(payment, &statement(base), Purpose::Upload, price).await
}

#[tokio::test]
async fn takes_as_many_tickets_as_the_price_says() {
    let base = Base::new(1);
    let tickets = [base.ticket(), base.ticket()];
    let payment = by_tickets(&tickets, &statement(&base));
    refused!(verify(&base, &payment, 1).await, PaymentTickets);
    refused!(verify(&base, &payment, 3).await, PaymentTickets);
    let verified = verify(&base, &payment, 2).await.unwrap();
    base.payments.claim(verified).await.unwrap();
}

#[tokio::test]
async fn takes_a_ticket_once_for_a_purpose() {
    let base = Base::new(2);
    let payment = by_tickets(&[base.ticket()], &statement(&base));
    // Both verify: what counts is who claims first.
    let (first, second) =
        (verify(&base, &payment, 1).await.unwrap(), verify(&base, &payment, 1).await.unwrap());
    base.payments.claim(first).await.unwrap();
    refused!(base.payments.claim(second).await, PaymentSpent);

    let other = base.payments.verify(&payment, &statement(&base), Purpose::Backup, 1).await.unwrap();
    base.payments.claim(other).await.unwrap();
}

#[tokio::test]
async fn takes_no_ticket_twice_in_one_payment() {
    let base = Base::new(3);
    let ticket = base.ticket();
    let payment = by_tickets(&[ticket.clone(), ticket], &statement(&base));
    refused!(verify(&base, &payment, 2).await, PaymentSpent);
}

#[tokio::test]
async fn refuses_a_ticket_that_does_not_sign_this_request() {
    let base = Base::new(4);
    let other = Statement::backup_room(&base.audience, &Digest([7; 32]), 2);
    let payment = by_tickets(&[base.ticket()], &other);
    refused!(verify(&base, &payment, 1).await, PaymentSignature);
}

#[tokio::test]
async fn refuses_a_payment_made_out_to_another_node() {
    let base = Base::new(5);
    let mut elsewhere = base.audience;
    elsewhere.node = base.view.world().genesis.committee[1];
    let payment = by_tickets(&[base.ticket()], &Statement::backup_room(&elsewhere, &Digest([7; 32]), 1));
    refused!(verify(&base, &payment, 1).await, PaymentSignature);
}

#[tokio::test]
async fn refuses_a_ticket_outside_its_period_and_overlap() {
    let base = Base::new(6);
    let next = Period(base.view.world().period().0 + 1);
    let early = base.view.world().ticket_of(Class::Care, next);
    refused!(verify(&base, &by_tickets(&[early], &statement(&base)), 1).await, PaymentPeriod);

    let payment = by_tickets(&[base.ticket()], &statement(&base));
    let end = {
        let mut world = base.view.world();
        let end = world.parameters().end(world.period()).after(world.parameters().ticket_overlap_ms);
        world.time = Time(end.0 - 1);
        end
    };
    assert!(verify(&base, &payment, 1).await.is_ok());
    base.view.world().time = end;
    refused!(verify(&base, &payment, 1).await, PaymentPeriod);
}

#[tokio::test]
async fn refuses_a_ticket_of_another_authority() {
    let base = Base::new(7);
    // The fixtures of periods two ahead are signed by the world's first key, which is not theirs.
    let mut stranger = World::new(8);
    let period = base.view.world().period();
    let mut forged = stranger.ticket();
    forged.ticket.class = Class::Trade;
    forged.ticket.period = period;
    refused!(verify(&base, &by_tickets(&[forged], &statement(&base)), 1).await, PaymentInvalid);
}

#[tokio::test]
async fn refuses_tickets_that_do_not_decode() {
    let base = Base::new(9);
    for ticket in ["", "AA", "not base64!", &"A".repeat(4000)] {
        let UploadPayment::Tickets { mut tickets } = by_tickets(&[base.ticket()], &statement(&base)) else {
            unreachable!()
        };
        tickets[0].ticket = ticket.to_owned();
        refused!(verify(&base, &UploadPayment::Tickets { tickets }, 1).await, PaymentMalformed);
    }
}

#[tokio::test]
async fn takes_the_signature_of_every_certified_member() {
    let base = Base::new(10);
    let members = base.view.world().hospital();
    for member in &members {
        let verified = verify(&base, &by_member(member, &statement(&base)), 9).await.unwrap();
        assert_eq!(verified.member(), Some(member.id));
    }
}

#[tokio::test]
async fn refuses_strangers_expelled_members_and_everybody_below_them() {
    let base = Base::new(11);
    let [province, hospital, doctor] = base.view.world().hospital();
    let as_other = UploadPayment::Member {
        member: hospital.id.0.to_string(),
        signature: match by_member(&doctor, &statement(&base)) {
            UploadPayment::Member { signature, .. } => signature,
            UploadPayment::Tickets { .. } => unreachable!(),
        },
    };
    refused!(verify(&base, &as_other, 1).await, PaymentSignature);

    let (stranger, _) =
        base.view.world().certify(&hospital, yilian_crypto::certificate::Level::Practitioner, "x");
    refused!(verify(&base, &by_member(&stranger, &statement(&base)), 1).await, PaymentMember);

    let revoke = yilian_ledger::transaction::Revoke::sign(
        base.view.world().chain,
        hospital.level,
        hospital.id,
        None,
        &province.key,
    );
    base.view.world().submit(&revoke).unwrap();
    refused!(verify(&base, &by_member(&hospital, &statement(&base)), 1).await, PaymentMember);
    refused!(verify(&base, &by_member(&doctor, &statement(&base)), 1).await, PaymentMember);
    assert!(verify(&base, &by_member(&province, &statement(&base)), 1).await.is_ok());
}

#[tokio::test]
async fn forgets_tickets_only_when_they_count_no_more() {
    let base = Base::new(12);
    let payment = by_tickets(&[base.ticket()], &statement(&base));
    let verified = verify(&base, &payment, 1).await.unwrap();
    base.payments.claim(verified).await.unwrap();
    let end = {
        let world = base.view.world();
        world.parameters().end(world.period()).after(world.parameters().ticket_overlap_ms)
    };
    assert_eq!(prune(&base.database, end).unwrap(), 0);
    let again = verify(&base, &payment, 1).await.unwrap();
    refused!(base.payments.claim(again).await, PaymentSpent);
    assert_eq!(prune(&base.database, end.after(1)).unwrap(), 1);
}
