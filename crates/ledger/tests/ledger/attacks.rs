//! Attacks that the protocol answers with a rule (†). Each is played three times: on the ledger, where it fails; on a
//! ledger without that rule, where it succeeds; on the same small ledger with all rules, where it fails again, so that
//! nothing but the rule makes the difference. What an observer learns is played against an observer.

use yilian_ledger::{
    Entry, NotCertified, Outcome, Refusal, certified,
    name::{Aid, Bid},
    transaction::{Body, Grant, Revoke, Withdraw},
};
use yilian_testkit::ledger::{
    Chain, Rules, Weakened, World, certified_by_signers_time, free_expiry, pairs_by_expiry, repay,
};

/// Holds on the ledger and on the small one with all rules; succeeds without `rules`' missing one.
fn only_the_rule_matters(attack: impl Fn(&mut dyn Chain) -> bool, rules: Rules) {
    assert!(!attack(&mut World::new(1)), "the attack succeeds on the ledger");
    assert!(!attack(&mut Weakened::new(1, Rules::ALL)), "the control refuses with all rules");
    assert!(attack(&mut Weakened::new(1, rules)), "the attack fails even without the rule");
}

fn applied(result: Result<Outcome, Refusal>) -> bool {
    result == Ok(Outcome::Applied)
}

/// A record for a fresh owner.
fn record(chain: &mut dyn Chain) -> yilian_crypto::sign::SigningKey {
    let (owner, tickets) = (chain.key(), [chain.ticket()]);
    let create = chain.create(&owner, &tickets);
    assert!(applied(chain.submit(&create)));
    owner
}

#[test]
fn squatting_on_an_aid_with_other_content() {
    let attack = |chain: &mut dyn Chain| {
        let (alice, mallory) = (chain.key(), chain.key());
        let (hers, his) = ([chain.ticket()], [chain.ticket()]);
        let create = chain.create(&alice, &hers);
        // He sees her key on its way and is first with a capsule of his own.
        let mut squat = chain.create(&mallory, &his);
        let Body::Create(body) = &mut squat.body else { unreachable!() };
        body.owner = alice.verifying_key();
        chain.submit(&repay(&squat, &his)).unwrap();
        let late = chain.submit(&create).unwrap();
        let Body::Create(body) = &create.body else { unreachable!() };
        let stands = chain.entry(&Aid::of(&alice.verifying_key()).name());
        let Some(Entry::Record(stands)) = stands else { return false };
        late == Outcome::Failed(Refusal::RecordExists) && stands.capsule != body.capsule
    };
    only_the_rule_matters(attack, Rules { owner_signs: false, ..Rules::ALL });
}

#[test]
fn squatting_on_an_aid_by_a_create_copied_under_another_ticket() {
    let attack = |chain: &mut dyn Chain| {
        let alice = chain.key();
        let (hers, his) = ([chain.ticket()], [chain.ticket()]);
        let create = chain.create(&alice, &hers);
        chain.submit(&repay(&create, &his)).unwrap();
        // Her own transaction then fails and takes her ticket.
        chain.submit(&create) == Ok(Outcome::Failed(Refusal::RecordExists))
    };
    only_the_rule_matters(attack, Rules { bound_to_tickets: false, ..Rules::ALL });
}

#[test]
fn a_grant_copied_under_somebody_elses_ticket() {
    let attack = |chain: &mut dyn Chain| {
        let (alice, withdrawal) = (record(chain), chain.key());
        let (hers, his) = ([chain.ticket()], [chain.ticket()]);
        let grant = chain.grant(&alice, &withdrawal, &hers);
        applied(chain.submit(&repay(&grant, &his)))
    };
    only_the_rule_matters(attack, Rules { bound_to_tickets: false, ..Rules::ALL });
}

#[test]
fn taking_a_bid_first() {
    let attack = |chain: &mut dyn Chain| {
        let (alice, mallory, withdrawal) = (record(chain), record(chain), chain.key());
        let (hers, his) = ([chain.ticket()], [chain.ticket()]);
        let grant = chain.grant(&alice, &withdrawal, &hers);
        // A grant of his own record under her withdrawal key, which he saw on its way.
        let own = chain.key();
        let mut taking = chain.grant(&mallory, &own, &his);
        let id = chain.id();
        let Body::Grant(body) = &mut taking.body else { unreachable!() };
        body.withdrawal = withdrawal.verifying_key();
        let signed = body.signed();
        let parts = [id.0.as_ref(), &signed[..]];
        body.owner_signature = mallory.sign(yilian_crypto::Label::GrantByOwner, &parts);
        body.withdrawal_signature = own.sign(yilian_crypto::Label::GrantByWithdrawal, &parts);
        let first = applied(chain.submit(&repay(&taking, &his)));
        first && chain.submit(&grant) == Ok(Outcome::Failed(Refusal::BidTaken))
    };
    only_the_rule_matters(attack, Rules { withdrawal_signs: false, ..Rules::ALL });
}

/// Two rules answer this one, so the control leaves both out; each alone still holds.
#[test]
fn replaying_a_grant_after_its_withdrawal() {
    let attack = |chain: &mut dyn Chain| {
        let (alice, withdrawal) = (record(chain), chain.key());
        let (hers, his) = ([chain.ticket()], [chain.ticket()]);
        let grant = chain.grant(&alice, &withdrawal, &hers);
        assert!(applied(chain.submit(&grant)));
        let withdraw = Withdraw::sign(chain.id(), &withdrawal);
        assert!(applied(chain.submit(&withdraw)));
        // As it was, then under a ticket of the reader's own.
        let same = chain.submit(&grant);
        let copied = chain.submit(&repay(&grant, &his));
        let live = matches!(chain.entry(&Bid::of(&withdrawal.verifying_key()).name()), Some(Entry::Grant(_)));
        (applied(same) || applied(copied)) && live
    };
    let neither = Rules { bound_to_tickets: false, tombstones: false, ..Rules::ALL };
    only_the_rule_matters(attack, neither);
    assert!(!attack(&mut Weakened::new(2, Rules { bound_to_tickets: false, ..Rules::ALL })));
    assert!(!attack(&mut Weakened::new(2, Rules { tombstones: false, ..Rules::ALL })));
}

#[test]
fn work_without_end_for_one_ticket() {
    let attack = |chain: &mut dyn Chain| {
        let (owner, ticket) = (record(chain), [chain.ticket()]);
        let mut failures = 0;
        for _ in 0..5 {
            let fails = chain.create(&owner, &ticket);
            failures += u32::from(chain.submit(&fails) == Ok(Outcome::Failed(Refusal::RecordExists)));
        }
        failures > 1
    };
    only_the_rule_matters(attack, Rules { failures_pay: false, ..Rules::ALL });
}

#[test]
fn a_revoked_doctor_who_writes_an_earlier_time() {
    let mut world = World::new(3);
    let [_, hospital, doctor] = world.hospital();
    let before = world.time;
    world.advance(10_000);
    let revoke = Revoke::sign(world.chain, doctor.level, doctor.id, None, &hospital.key);
    crate::support::applied(&mut world, &revoke);
    world.advance(10_000);
    // Signed and entered now, dated before the revocation.
    let (written, entered) = (before, world.time);
    let chain = world.chain_of(&doctor);
    let id = doctor.certificate.id();
    assert_eq!(certified(&chain, &id, None, entered).err(), Some(NotCertified::MemberRevoked));
    assert!(certified_by_signers_time(&chain, written), "the control believes the signer");
    assert!(!certified_by_signers_time(&chain, entered));
}

/// Every patient grants twice, to a doctor and to a pharmacy, both until an appointment of the patient's own. No entry
/// names a record, yet an end that occurs exactly twice pairs the two.
#[test]
fn pairing_grants_by_their_expiry() {
    const PATIENTS: u64 = 12;
    let mut world = World::new(4);
    let start = world.time;
    let (mut ours, mut free) = (Vec::new(), Vec::new());
    for patient in 0..PATIENTS {
        let appointment = start.after(60_001 + patient * 20_003);
        for made in [1 + patient * 700, 30_000 + patient * 700] {
            world.time = start.after(made);
            let wished = appointment.0.saturating_sub(world.time.0);
            let period = world.parameters().period_ms;
            let periods = world.parameters().expiry_classes;
            // The shortest class that lasts until the appointment.
            let class = periods.iter().position(|n| u64::from(*n) * period >= wished).unwrap() as u8;
            let (owner, withdrawal, rk) = (record(&mut world), world.key(), world.rk());
            let tickets = [world.ticket()];
            let until = world.time;
            let grant = Grant::sign(world.chain, &owner, &withdrawal, rk, class, until, &tickets);
            assert!(applied(world.submit(&grant)));
            let Some(Entry::Grant(entry)) = world.entry(&Bid::of(&withdrawal.verifying_key()).name()) else {
                panic!("no grant")
            };
            ours.push(entry.expiry);
            free.push(free_expiry(world.time, wished));
        }
    }
    assert_eq!(pairs_by_expiry(&ours), []);
    let pairs: Vec<_> = (0..PATIENTS as usize).map(|patient| (2 * patient, 2 * patient + 1)).collect();
    assert_eq!(pairs_by_expiry(&free), pairs, "free values pair every patient's grants");
}
