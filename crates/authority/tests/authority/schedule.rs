use yilian_authority::{
    ChainError,
    schedule::{LEAD, ScheduleError, step},
};
use yilian_crypto::ticket::{Class, Period};
use yilian_ledger::{Entry, Name, transaction::Action};
use yilian_testkit::ledger::{Chain as _, ticket_secret};

use crate::scene::Scene;

#[tokio::test]
async fn keys_stand_in_the_ledger_before_their_period() {
    let scene = Scene::new();
    let first = scene.period();
    step(&scene.authority, scene.chain.as_ref(), scene.now()).await.unwrap();
    for ahead in 0..=LEAD {
        for class in Class::ALL {
            let period = Period(first.0 + ahead);
            let ours = scene.authority.ticket_key(class, period).unwrap();
            assert_eq!(scene.ledger_key(class, period), ours);
            assert!(scene.authority.is_ticket_key_set(class, period).unwrap());
        }
    }
    // Genesis had two periods, one was to be set. Again there is nothing to do.
    assert_eq!(*scene.chain.submitted.lock().unwrap(), 2);
    step(&scene.authority, scene.chain.as_ref(), scene.now()).await.unwrap();
    assert_eq!(*scene.chain.submitted.lock().unwrap(), 2);
}

#[tokio::test]
async fn a_liar_among_four_validators_does_not_matter_two_do() {
    let scene = Scene::new();
    *scene.chain.honest.lock().unwrap() = 2;
    let failed = step(&scene.authority, scene.chain.as_ref(), scene.now()).await;
    assert!(
        matches!(failed, Err(ScheduleError::Chain(ChainError::Approvals { got: 2, committee: 4, .. }))),
        "{failed:?}"
    );
    assert_eq!(*scene.chain.submitted.lock().unwrap(), 0);
    *scene.chain.honest.lock().unwrap() = 3;
    step(&scene.authority, scene.chain.as_ref(), scene.now()).await.unwrap();
}

#[tokio::test]
async fn does_not_work_with_a_key_that_is_not_its_own() {
    let scene = Scene::new();
    let period = Period(scene.period().0 + LEAD);
    {
        let mut world = scene.chain.world.lock().unwrap();
        let ours = scene.authority.ticket_key(Class::Care, period).unwrap();
        let other = (0..4).map(ticket_secret).find(|secret| *secret.public() != ours).unwrap();
        let action = Action::SetTicketKey { class: Class::Care, period, key: other.public().clone() };
        let transaction = world.governance(action, &[0, 1, 2]);
        world.submit(&transaction).unwrap();
        assert!(matches!(world.entry(&Name::ticket_key(Class::Care, period)), Some(Entry::TicketKey(_))));
    }
    let failed = step(&scene.authority, scene.chain.as_ref(), scene.now()).await;
    assert!(matches!(failed, Err(ScheduleError::OtherKey(Class::Care, p)) if p == period), "{failed:?}");
    assert!(!scene.authority.is_ticket_key_set(Class::Care, period).unwrap());
}

#[tokio::test]
async fn what_became_of_a_lost_answer_is_asked_of_the_ledger() {
    let scene = Scene::new();
    let period = Period(scene.period().0 + LEAD);
    // A crash between submission and note: the ledger has the key, the store does not know.
    for class in Class::ALL {
        let key = scene.authority.ticket_key(class, period).unwrap();
        let mut world = scene.chain.world.lock().unwrap();
        let transaction = world.governance(Action::SetTicketKey { class, period, key }, &[0, 1, 2]);
        world.submit(&transaction).unwrap();
    }
    step(&scene.authority, scene.chain.as_ref(), scene.now()).await.unwrap();
    assert_eq!(*scene.chain.submitted.lock().unwrap(), 0);
    assert!(scene.authority.is_ticket_key_set(Class::Trade, period).unwrap());
}
