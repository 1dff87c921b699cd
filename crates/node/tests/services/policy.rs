use commonware_codec::Encode as _;
use yilian_api::signing::Statement;
use yilian_crypto::{
    sign::{SigningKey, VerifyingKey},
    ticket::{Class, Period},
};
use yilian_ledger::transaction::Action;
use yilian_node::governance::{Policy, Request};
use yilian_testkit::ledger::ticket_secret;

use crate::{refused, support::Base};

fn policy(base: &Base, authorities: Vec<VerifyingKey>) -> Policy {
    let chain = base.view.world().chain;
    Policy::open(chain, authorities, base.view.clone(), base.database.clone()).unwrap()
}

fn set_key(base: &Base, ahead: u32, key: usize) -> Action {
    let period = Period(base.view.world().period().0 + ahead);
    Action::SetTicketKey { class: Class::Care, period, key: ticket_secret(key).public().clone() }
}

fn request(base: &Base, action: &Action, key: &SigningKey) -> Request {
    let world = base.view.world();
    let (action, valid_until) = (action.encode().to_vec(), world.time.0 + 60_000);
    let signature = Statement::approval_request(&world.chain.0, &action, valid_until).sign(key);
    Request { action, valid_until, key: key.verifying_key(), signature }
}

/// A policy and the key it follows.
fn following(base: &Base) -> (Policy, SigningKey) {
    let key = base.key();
    (policy(base, vec![key.verifying_key()]), key)
}

#[tokio::test]
async fn signs_the_next_ticket_key_for_the_authority_it_follows() {
    let base = Base::new(30);
    let (policy, key) = following(&base);
    let action = set_key(&base, 2, 0);
    let approved = policy.approve(request(&base, &action, &key)).await.unwrap();
    assert_eq!(*approved.action(), action);
}

#[tokio::test]
async fn signs_no_second_key_for_a_period() {
    let base = Base::new(31);
    let (policy, key) = following(&base);
    let (first, second) = (set_key(&base, 2, 0), set_key(&base, 2, 1));
    policy.approve(request(&base, &first, &key)).await.unwrap();
    refused!(policy.approve(request(&base, &second, &key)).await, GovernanceSigned);
    // The same one again is the same signature.
    policy.approve(request(&base, &first, &key)).await.unwrap();
}

#[tokio::test]
async fn signs_periods_in_order_and_only_unset_ones() {
    let base = Base::new(32);
    let (policy, key) = following(&base);
    for ahead in [0, 1, 3, 17] {
        let action = set_key(&base, ahead, 0);
        refused!(policy.approve(request(&base, &action, &key)).await, GovernanceOrder);
    }
    for ahead in [2, 3] {
        policy.approve(request(&base, &set_key(&base, ahead, 0), &key)).await.unwrap();
    }
    let past = set_key(&base, 4, 0);
    base.view.world().advance(5 * 60_000);
    refused!(policy.approve(request(&base, &past, &key)).await, GovernanceOrder);
}

#[tokio::test]
async fn leaves_everything_but_ticket_keys_to_the_operator() {
    let base = Base::new(33);
    let (policy, key) = following(&base);
    let root = base.view.world().root.clone();
    let parameters = base.view.world().parameters().clone();
    let actions = [
        Action::AddRoot { certificate: root.certificate.der().to_vec() },
        Action::RevokeRoot { member: root.id },
        Action::SetParameters(parameters),
    ];
    for action in &actions {
        refused!(policy.approve(request(&base, action, &key)).await, GovernancePolicy);
    }
}

#[tokio::test]
async fn follows_whom_its_operator_named_and_nobody_else() {
    let base = Base::new(34);
    let [province, hospital, doctor] = base.view.world().hospital();
    let root = base.view.world().root.clone();
    let action = set_key(&base, 2, 0);
    let named = policy(&base, vec![province.key.verifying_key()]);
    for member in [&root, &hospital, &doctor] {
        refused!(named.approve(request(&base, &action, &member.key)).await, RequestUnauthorized);
    }
    // Certified or not, by default nobody is.
    for member in [&root, &province] {
        let unnamed = policy(&base, vec![]);
        refused!(unnamed.approve(request(&base, &action, &member.key)).await, RequestUnauthorized);
    }
    named.approve(request(&base, &action, &province.key)).await.unwrap();
}

#[tokio::test]
async fn refuses_changed_late_and_far_requests() {
    let base = Base::new(36);
    let (policy, key) = following(&base);
    let action = set_key(&base, 2, 0);
    let mut changed = request(&base, &action, &key);
    changed.valid_until += 1;
    refused!(policy.approve(changed).await, RequestUnauthorized);

    let now = base.view.world().time.0;
    let most = base.view.world().parameters().max_validity_ms;
    for (valid_until, good) in [(now - 1, false), (now, true), (now + most, true), (now + most + 1, false)] {
        let mut request = request(&base, &action, &key);
        request.valid_until = valid_until;
        let statement = Statement::approval_request(&base.audience.chain, &request.action, valid_until);
        request.signature = statement.sign(&key);
        assert_eq!(policy.approve(request).await.is_ok(), good, "{valid_until}");
    }

    let mut garbage = request(&base, &action, &key);
    garbage.action.push(0);
    garbage.signature =
        Statement::approval_request(&base.audience.chain, &garbage.action, garbage.valid_until).sign(&key);
    refused!(policy.approve(garbage).await, RequestField);
}
