//! The chain of committees (spec F-11 to F-15).

use commonware_codec::{Copying, DecodeExt as _, Encode as _};
use commonware_consensus::types::{Epoch as EngineEpoch, Round, View};
use yilian_crypto::{Digest, Secret, sign::SigningKey};
use yilian_finality::{
    Committee, FinalityError, Followed, Header, Snapshot, Step, Trust, trust::KeptError, verify,
};
use yilian_ledger::{Counts, Epoch, Genesis};
use yilian_testkit::{
    finality::{certify_as, certify_in, header},
    ledger::World,
};

use crate::common::{NOW, trust};

/// Blocks of an epoch.
const BLOCKS: u64 = 10;

/// A chain whose committees are the genesis' four, then `a`, then `b`, from epochs 2 and 5 on, then the four again from 9.
struct Chain {
    genesis: Genesis,
    four: Vec<SigningKey>,
    a: Vec<SigningKey>,
    b: Vec<SigningKey>,
}

fn keys(from: u8, count: u8) -> Vec<SigningKey> {
    (from..from + count).map(|i| SigningKey::from_seed(Secret::new([i; 32]))).collect()
}

fn committee(keys: &[SigningKey]) -> Committee {
    let mut raw: Vec<_> = keys.iter().map(|key| *key.verifying_key().as_bytes()).collect();
    raw.sort_unstable();
    Committee::new(&raw).unwrap()
}

impl Chain {
    fn new() -> Self {
        let world = World::with_epochs(7, BLOCKS);
        let four = world.validators.clone();
        // One of the four goes, two come; then only newcomers are left.
        let a = [&four[1..], &keys(50, 2)].concat();
        Self { genesis: world.genesis, four, a, b: keys(60, 4) }
    }

    /// A header at a height, which names `next`.
    fn header(&self, height: u64, next: &[SigningKey]) -> Header {
        let mut header = header(&self.genesis, Digest([7; 32]), Counts::default(), height, NOW);
        header.next_committee = committee(next).digest();
        header
    }

    fn snapshot(&self, height: u64, by: &[SigningKey], next: &[SigningKey]) -> Snapshot {
        self.certify(by, self.header(height, next))
    }

    fn certify(&self, by: &[SigningKey], header: Header) -> Snapshot {
        certify_as(self.genesis.chain_id(), &committee(by), header, by)
    }

    /// The step out of `epoch`.
    fn step(&self, epoch: u64, by: &[SigningKey], next: &[SigningKey]) -> Step {
        let last = self.snapshot((epoch + 1) * BLOCKS - 1, by, next);
        Step { last, members: committee(next).raw() }
    }

    fn steps(&self) -> [Step; 3] {
        [self.step(1, &self.four, &self.a), self.step(4, &self.a, &self.b), self.step(8, &self.b, &self.four)]
    }

    fn trust(&self) -> Trust {
        trust(&self.genesis)
    }

    /// Up to the n-th step.
    fn followed(&self, steps: usize) -> Trust {
        let mut trust = self.trust();
        for step in &self.steps()[..steps] {
            assert_eq!(trust.follow(step), Ok(Followed::New));
        }
        trust
    }
}

#[test]
fn from_genesis_alone_to_the_newest_committee() {
    let chain = Chain::new();
    let mut trust = chain.trust();
    let newest = chain.snapshot(95, &chain.four, &chain.four);
    let in_b = chain.snapshot(55, &chain.b, &chain.b);
    let unknown = FinalityError::UnknownCommittee { epoch: Epoch(5), trusted: Epoch(0) };
    assert_eq!(verify(&trust, &in_b, NOW), Err(unknown));
    for (step, epoch) in chain.steps().iter().zip([2, 5, 9]) {
        assert_eq!(trust.follow(step), Ok(Followed::New));
        assert_eq!(trust.epoch(), Epoch(epoch));
        assert_eq!(trust.follow(step), Ok(Followed::Known), "the same again changes nothing");
    }
    assert!(verify(&trust, &newest, NOW).is_ok());
    assert_eq!(trust.committee(), &committee(&chain.four));
}

#[test]
fn terms_without_a_change_need_no_step() {
    let chain = Chain::new();
    let trust = chain.trust();
    for height in [1, 15, 999_999] {
        assert!(verify(&trust, &chain.snapshot(height, &chain.four, &chain.four), NOW).is_ok());
    }
    // Nor do they for who follows late.
    let mut trust = chain.trust();
    let late = chain.step(70, &chain.four, &chain.a);
    assert_eq!(trust.follow(&late), Ok(Followed::New));
    assert_eq!(trust.epoch(), Epoch(71));
}

#[test]
fn a_certificate_of_shared_members_is_not_one_of_another_committee() {
    let chain = Chain::new();
    // Three of the four are in `a`, with two others: their votes are enough for the four, not for the five.
    let shared = &chain.four[1..];
    let header = chain.header(25, &chain.a);
    let as_four = certify_as(chain.genesis.chain_id(), &committee(&chain.four), header.clone(), shared);
    assert!(verify(&chain.trust(), &as_four, NOW).is_ok());
    assert_eq!(verify(&chain.followed(1), &as_four, NOW), Err(FinalityError::Certificate));
    let by_a = certify_as(chain.genesis.chain_id(), &committee(&chain.a), header, &chain.a[1..]);
    assert!(verify(&chain.followed(1), &by_a, NOW).is_ok());
    assert!(verify(&chain.trust(), &by_a, NOW).is_err());
}

#[test]
fn the_old_committee_alone_certifies_nothing_any_more() {
    let chain = Chain::new();
    let trust = chain.followed(1);
    let by_old = chain.snapshot(25, &chain.four, &chain.a);
    assert_eq!(verify(&trust, &by_old, NOW), Err(FinalityError::Certificate));
    let later = chain.snapshot(35, &chain.four, &chain.a);
    let unknown = FinalityError::UnknownCommittee { epoch: Epoch(3), trusted: Epoch(2) };
    assert_eq!(verify(&trust, &later, NOW), Err(unknown));
    let mut trust = trust;
    assert_eq!(
        trust.follow(&chain.step(3, &chain.four, &chain.b)),
        Err(FinalityError::UnknownCommittee { epoch: Epoch(3), trusted: Epoch(2) })
    );
    assert_eq!(trust, chain.followed(1));
}

#[test]
fn refuses_a_forged_link() {
    let chain = Chain::new();
    let good = chain.steps()[0].clone();
    let check = |change: &dyn Fn(&mut Step), error: FinalityError| {
        let (mut trust, mut step) = (chain.trust(), good.clone());
        change(&mut step);
        assert_eq!(trust.follow(&step), Err(error));
        assert_eq!(trust, chain.trust());
    };
    let unknown = FinalityError::UnknownCommittee { epoch: Epoch(1), trusted: Epoch(0) };
    check(&|s| s.last.header.next_committee = committee(&keys(70, 4)).digest(), unknown.clone());
    check(&|s| s.members = committee(&keys(70, 4)).raw(), FinalityError::Members);
    check(&|s| s.members.reverse(), FinalityError::Members);
    check(&|s| s.members.clear(), FinalityError::Members);
    check(&|s| s.members.truncate(2), FinalityError::Members);
    check(&|s| s.last.finalization.truncate(20), FinalityError::Malformed);
    // Signed by a set that is none: strangers, too few, the committee that follows.
    for by in [keys(80, 4), chain.a.clone(), chain.b.clone()] {
        check(&|s| *s = chain.step(1, &by, &chain.a), unknown.clone());
    }
}

#[test]
fn refuses_a_link_that_ends_no_epoch() {
    let chain = Chain::new();
    for height in [18, 20] {
        let last = chain.snapshot(height, &chain.four, &chain.a);
        let step = Step { last, members: committee(&chain.a).raw() };
        assert_eq!(chain.trust().follow(&step), Err(FinalityError::Boundary));
    }
    // A height and an epoch that do not belong together.
    let mut header = chain.header(19, &chain.a);
    header.epoch = Epoch(3);
    let last = chain.certify(&chain.four, header);
    let step = Step { last, members: committee(&chain.a).raw() };
    assert_eq!(chain.trust().follow(&step), Err(FinalityError::Boundary));
}

#[test]
fn refuses_to_skip_a_committee() {
    let chain = Chain::new();
    let mut trust = chain.trust();
    let [_, second, third] = chain.steps();
    for (step, epoch) in [(second, 4), (third, 8)] {
        let unknown = FinalityError::UnknownCommittee { epoch: Epoch(epoch), trusted: Epoch(0) };
        assert_eq!(trust.follow(&step), Err(unknown));
    }
}

#[test]
fn never_goes_back() {
    let chain = Chain::new();
    // The four are in office again: what they signed in their first term leads nowhere.
    let trust = chain.followed(3);
    let [first, second, _] = chain.steps();
    for (step, epoch) in [(&first, 2), (&second, 5)] {
        let error = FinalityError::Superseded { epoch: Epoch(epoch), trusted: Epoch(9) };
        assert_eq!(trust.clone().follow(step), Err(error));
    }
    let old = chain.snapshot(15, &chain.four, &chain.four);
    let error = FinalityError::Superseded { epoch: Epoch(1), trusted: Epoch(9) };
    assert_eq!(verify(&trust, &old, NOW), Err(error));
}

#[test]
fn a_second_certified_committee_is_a_fork() {
    let chain = Chain::new();
    let mut trust = chain.followed(1);
    let fork = chain.step(1, &chain.four, &chain.b);
    assert_eq!(trust.follow(&fork), Err(FinalityError::Fork { epoch: Epoch(2) }));
    assert_eq!(trust, chain.followed(1));
    // Whoever forges one is a forger, and no evidence.
    let forged = chain.step(1, &keys(80, 4), &chain.b);
    assert_eq!(trust.follow(&forged), Err(FinalityError::Certificate));
}

#[test]
fn the_last_block_of_an_epoch_may_be_final_in_a_later_round_and_no_other() {
    let chain = Chain::new();
    let again = |height: u64, epoch: u64, view: u64| {
        let (id, by) = (chain.genesis.chain_id(), committee(&chain.four));
        let round = Round::new(EngineEpoch::new(epoch), View::new(view));
        certify_in(id, &by, chain.header(height, &chain.four), round, &chain.four)
    };
    let trust = chain.trust();
    assert!(verify(&trust, &again(19, 1, 20), NOW).is_ok());
    assert!(verify(&trust, &again(19, 1, 18), NOW).is_err(), "an earlier round");
    assert!(verify(&trust, &again(19, 2, 20), NOW).is_err(), "another epoch's round");
    assert!(verify(&trust, &again(18, 1, 20), NOW).is_err(), "not the last block");
}

#[test]
fn what_is_kept_is_taken_up_on_the_same_chain_only() {
    let chain = Chain::new();
    for steps in 0..=3 {
        let trust = chain.followed(steps);
        let kept = trust.keep();
        assert_eq!(Trust::resume(&chain.genesis, &kept), Ok(trust));
        for cut in 0..kept.len() {
            assert_eq!(Trust::resume(&chain.genesis, &kept[..cut]), Err(KeptError::Malformed));
        }
        let longer = [&kept[..], &[0]].concat();
        assert_eq!(Trust::resume(&chain.genesis, &longer), Err(KeptError::Malformed));
        let mut other = kept.clone();
        other[0] = 2;
        assert_eq!(Trust::resume(&chain.genesis, &other), Err(KeptError::Malformed), "another version");
    }
    let elsewhere = World::new(8).genesis;
    assert_eq!(Trust::resume(&elsewhere, &chain.trust().keep()), Err(KeptError::Chain));
}

#[test]
fn who_starts_with_a_later_committee_goes_on_from_there() {
    let chain = Chain::new();
    let mut trust = Trust::of(&chain.genesis, Epoch(2), committee(&chain.a)).unwrap();
    let [first, second, _] = chain.steps();
    assert_eq!(trust.follow(&first), Ok(Followed::Known));
    let other = chain.step(1, &chain.four, &chain.b);
    let superseded = FinalityError::Superseded { epoch: Epoch(2), trusted: Epoch(2) };
    assert_eq!(trust.follow(&other), Err(superseded));
    assert_eq!(trust.follow(&second), Ok(Followed::New));
}

#[test]
fn a_step_has_one_encoding() {
    let step = Chain::new().steps()[0].clone();
    let bytes = step.encode();
    assert_eq!(Step::decode(Copying(&bytes)).unwrap(), step);
    for cut in 0..bytes.len() {
        assert!(Step::decode(Copying(&bytes[..cut])).is_err());
    }
    assert!(Step::decode(Copying(&[&bytes[..], &[0]].concat())).is_err());
}
