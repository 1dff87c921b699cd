use yilian_api::{
    authority::{REQUEST_WINDOW_MS, TicketAnswer},
    encoding::from_base64,
};
use yilian_authority::AuthorityError as Error;
use yilian_crypto::{
    certificate::Level,
    sign::SigningKey,
    ticket::{Class, Period, Request, TicketWithKey},
};
use yilian_ledger::{Outcome, Refusal};
use yilian_testkit::ledger::Chain as _;

use crate::scene::{self, Scene, rng};

fn finish(scene: &Scene, requests: Vec<Request>, answer: &TicketAnswer) -> Vec<TicketWithKey> {
    let done = requests.into_iter().zip(&answer.signatures).map(|(request, signature)| {
        let key = scene.ledger_key(request.class(), request.period());
        request.finish(&key, &from_base64(signature, 384).unwrap()).unwrap()
    });
    done.collect()
}

#[tokio::test]
async fn an_enrolled_wallet_gets_tickets_that_the_ledger_takes_once() {
    let scene = Scene::new();
    let wallet = scene.enrolled("A-1").await;
    let (requests, blinded) = scene.blinded(Class::Care, scene.period());
    let request = scene.ticket_request(&wallet, None, Class::Care, scene.period(), &blinded);
    let answer = scene.authority.issue_tickets(&request, None, scene.now()).unwrap();
    let tickets = finish(&scene, requests, &answer);
    let mut world = scene.chain.world.lock().unwrap();
    let (one, two) = (world.key(), world.key());
    let first = world.create(&one, &tickets[..1]);
    assert_eq!(world.submit(&first), Ok(Outcome::Applied));
    let again = world.create(&two, &tickets[..1]);
    assert_eq!(world.submit(&again), Err(Refusal::TicketSpent));
    let second = world.create(&two, &tickets[1..]);
    assert_eq!(world.submit(&second), Ok(Outcome::Applied));
}

#[tokio::test]
async fn a_budget_is_given_once() {
    let scene = Scene::new();
    let wallet = scene.enrolled("A-1").await;
    let (now, next) = (scene.period(), Period(scene.period().0 + 1));
    let ask = |class, period| {
        let (_, blinded) = scene.blinded(class, period);
        let request = scene.ticket_request(&wallet, None, class, period, &blinded);
        scene.authority.issue_tickets(&request, None, scene.now())
    };
    assert!(ask(Class::Care, now).is_ok());
    assert!(matches!(ask(Class::Care, now), Err(Error::Budget)));
    assert!(ask(Class::Care, next).is_ok());
    assert!(ask(Class::Trade, now).is_ok());
    assert!(matches!(ask(Class::Care, next), Err(Error::Budget)));
}

#[tokio::test]
async fn the_same_request_gets_the_same_answer_again() {
    let scene = Scene::new();
    let wallet = scene.enrolled("A-1").await;
    let (_, blinded) = scene.blinded(Class::Care, scene.period());
    let request = scene.ticket_request(&wallet, None, Class::Care, scene.period(), &blinded);
    let first = scene.authority.issue_tickets(&request, None, scene.now()).unwrap();
    assert_eq!(scene.authority.issue_tickets(&request, None, scene.now()).unwrap(), first);
}

#[tokio::test]
async fn the_account_survives_a_crash() {
    let scene = Scene::new();
    let wallet = scene.enrolled("A-1").await;
    let (_, blinded) = scene.blinded(Class::Care, scene.period());
    let request = scene.ticket_request(&wallet, None, Class::Care, scene.period(), &blinded);
    let answer = scene.authority.issue_tickets(&request, None, scene.now()).unwrap();
    // The file as it lies when signatures leave.
    let crashed = scene.dir.path().join("crashed.redb");
    std::fs::copy(scene.database(), &crashed).unwrap();
    let reopened =
        scene::open(&crashed, &scene.chain.world.lock().unwrap(), scene.authority.issuer().clone());
    assert_eq!(reopened.issue_tickets(&request, None, scene.now()).unwrap(), answer);
    let (_, others) = scene.blinded(Class::Care, scene.period());
    let second = scene.ticket_request(&wallet, None, Class::Care, scene.period(), &others);
    assert!(matches!(reopened.issue_tickets(&second, None, scene.now()), Err(Error::Budget)));
}

#[tokio::test]
async fn a_malformed_request_costs_nothing() {
    let scene = Scene::new();
    let wallet = scene.enrolled("A-1").await;
    let period = scene.period();
    let (_, blinded) = scene.blinded(Class::Care, period);
    let ask = |blinded: &[Vec<u8>]| {
        let request = scene.ticket_request(&wallet, None, Class::Care, period, blinded);
        scene.authority.issue_tickets(&request, None, scene.now())
    };
    assert!(matches!(ask(&blinded[..1]), Err(Error::Count { expected: 2 })));
    assert!(matches!(ask(&[blinded[0].clone(), vec![0; 384]]), Err(Error::Field("blinded"))));
    assert!(matches!(ask(&[blinded[0].clone(), vec![0xff; 384]]), Err(Error::Field("blinded"))));
    assert!(matches!(ask(&[blinded[0].clone(), vec![1; 383]]), Err(Error::Field("blinded"))));
    assert!(ask(&blinded).is_ok());
}

#[tokio::test]
async fn refuses_strangers_and_changed_requests() {
    let scene = Scene::new();
    let (wallet, stranger) = (scene.enrolled("A-1").await, SigningKey::generate(&mut rng()));
    let period = scene.period();
    let (_, blinded) = scene.blinded(Class::Care, period);
    let issue = |request| scene.authority.issue_tickets(&request, None, scene.now());
    let unknown = scene.ticket_request(&stranger, None, Class::Care, period, &blinded);
    assert!(matches!(issue(unknown), Err(Error::NotEnrolled)));
    let good = scene.ticket_request(&wallet, None, Class::Care, period, &blinded);
    let mut class = good.clone();
    class.class = "trade".into();
    let mut next = good.clone();
    next.period += 1;
    let mut swapped = good.clone();
    swapped.blinded.swap(0, 1);
    for changed in [class, next, swapped] {
        assert!(matches!(issue(changed), Err(Error::Signature)));
    }
    let late = scene.now().after(REQUEST_WINDOW_MS + 1);
    assert!(matches!(scene.authority.issue_tickets(&good, None, late), Err(Error::Window)));
}

#[tokio::test]
async fn gives_for_the_current_and_the_next_period_only() {
    let scene = Scene::new();
    let wallet = scene.enrolled("A-1").await;
    let (_, blinded) = scene.blinded(Class::Care, scene.period());
    for wrong in [scene.period().0 - 1, scene.period().0 + 2, 0, u32::MAX] {
        let request = scene.ticket_request(&wallet, None, Class::Care, Period(wrong), &blinded);
        let answer = scene.authority.issue_tickets(&request, None, scene.now());
        assert!(matches!(answer, Err(Error::Period { .. })), "{wrong}");
    }
}

#[tokio::test]
async fn signs_only_with_keys_that_the_ledger_holds() {
    let scene = Scene::new();
    let wallet = scene.enrolled("A-1").await;
    let (_, blinded) = scene.blinded(Class::Care, scene.period());
    // Two periods on: the authority has a key, the ledger has not.
    let ahead = Period(scene.period().0 + 2);
    scene.chain.world.lock().unwrap().advance(60_000);
    let request = scene.ticket_request(&wallet, None, Class::Care, ahead, &blinded);
    assert!(matches!(scene.authority.issue_tickets(&request, None, scene.now()), Err(Error::KeyNotSet)));
}

#[tokio::test]
async fn a_member_gets_tickets_until_it_is_revoked() {
    let scene = Scene::new();
    let id = scene.hospital.id();
    let (now, next) = (scene.period(), Period(scene.period().0 + 1));
    let request = |period| {
        let (_, blinded) = scene.blinded(Class::Trade, period);
        scene.ticket_request(&scene.hospital_key, Some(id.0), Class::Trade, period, &blinded)
    };
    let standing = scene.standing(id).await.unwrap();
    scene.authority.issue_tickets(&request(now), Some(&standing), scene.now()).unwrap();
    // Without evidence, or with another member's, there is nothing.
    assert!(matches!(
        scene.authority.issue_tickets(&request(next), None, scene.now()),
        Err(Error::NotCertified)
    ));
    let province = scene.standing(scene.authority.issuer().id()).await.unwrap();
    assert!(matches!(
        scene.authority.issue_tickets(&request(next), Some(&province), scene.now()),
        Err(Error::NotCertified)
    ));
    scene.submit(&scene.authority.revoke(Level::Institution, id, None).unwrap());
    assert!(matches!(scene.standing(id).await, Err(Error::NotCertified)));
}

#[tokio::test]
async fn keys_and_accounts_of_ended_periods_are_forgotten() {
    let scene = Scene::new();
    let wallet = scene.enrolled("A-1").await;
    let first = scene.period();
    let (_, blinded) = scene.blinded(Class::Care, first);
    let request = scene.ticket_request(&wallet, None, Class::Care, first, &blinded);
    scene.authority.issue_tickets(&request, None, scene.now()).unwrap();
    let parameters = scene.authority.genesis().parameters.clone();
    // Within the overlap they are kept, after it they are gone.
    let end = parameters.end(first);
    scene.authority.prune(end).unwrap();
    assert!(scene.authority.is_ticket_key_set(Class::Care, first).unwrap());
    scene.authority.prune(end.after(parameters.ticket_overlap_ms)).unwrap();
    assert!(!scene.authority.is_ticket_key_set(Class::Care, first).unwrap());
    assert!(scene.authority.is_ticket_key_set(Class::Care, Period(first.0 + 1)).unwrap());
    assert!(matches!(scene.authority.issue_tickets(&request, None, scene.now()), Err(Error::KeyNotSet)));
}
