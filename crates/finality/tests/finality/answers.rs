//! Presence, absence and buckets (spec F-6 to F-10): what is true is accepted, every lie is refused.

use std::collections::BTreeMap;

use crate::common::{Fixture, entry, name, spread};
use commonware_codec::Encode as _;
use yilian_finality::{Answer, Bucket, FinalityError, Prefix, bucket::Member, verify_answer, verify_bucket};
use yilian_ledger::{Counts, Entry, Kind, Name};
use yilian_testkit::finality::{State, verify_absence_by_any_link, verify_presence_only};

#[test]
fn proves_every_name_present_and_others_absent() {
    let f = Fixture::new();
    for (name, entry) in &f.state.entries {
        assert_eq!(verify_answer(&f.header, name, &f.state.answer(name)), Ok(Some(entry.clone())));
        let mut near = *name;
        near.0[31] ^= 1;
        assert_eq!(verify_answer(&f.header, &near, &f.state.answer(&near)), Ok(None));
    }
}

#[test]
fn proves_absence_before_the_first_and_after_the_last_name() {
    let f = Fixture::new();
    for outside in [Name([0; 32]), Name([0xff; 32])] {
        assert_eq!(verify_answer(&f.header, &outside, &f.state.answer(&outside)), Ok(None));
    }
}

#[test]
fn one_name_alone_covers_everything() {
    let only = spread(Kind::Grant, 1);
    let f = Fixture::of([(only, entry(1))].into(), Counts::default());
    assert_eq!(verify_answer(&f.header, &only, &f.state.answer(&only)), Ok(Some(entry(1))));
    for other in [Name([0; 32]), Name([0xff; 32]), spread(Kind::Grant, 2)] {
        assert_eq!(verify_answer(&f.header, &other, &f.state.answer(&other)), Ok(None));
    }
    for kind in [Kind::Record, Kind::Grant, Kind::Slot] {
        let prefix = Prefix::new(kind, 0, [0; 31]).unwrap();
        let found = verify_bucket(&f.header, &prefix, &f.state.bucket(&prefix)).unwrap();
        assert_eq!(found.len(), usize::from(kind == Kind::Grant));
    }
}

#[test]
fn refuses_to_call_a_present_name_absent() {
    let f = Fixture::new();
    let names: Vec<Name> = f.state.entries.keys().copied().collect();
    let target = names[150];
    let mut hidden = f.state.answer(&target);
    hidden.entry = None;
    assert_eq!(verify_answer(&f.header, &target, &hidden), Err(FinalityError::Entry));
    // Every other link of the state, real and proved, covers another place.
    for other in names.iter().filter(|n| **n != target) {
        let lie = Answer { entry: None, link: f.state.links[other].clone() };
        assert_eq!(verify_answer(&f.header, &target, &lie), Err(FinalityError::Proof));
        // Control: who does not look where the link lies believes it.
        assert!(verify_absence_by_any_link(&f.header, &lie).is_ok());
    }
}

#[test]
fn refuses_a_changed_entry_link_or_proof() {
    let f = Fixture::new();
    let target = spread(Kind::Grant, 9);
    let good = f.state.answer(&target);
    let check = |change: &dyn Fn(&mut Answer), error: FinalityError| {
        let mut forged = good.clone();
        change(&mut forged);
        assert_eq!(verify_answer(&f.header, &target, &forged), Err(error));
    };
    check(&|a| a.entry = Some(entry(10).encode().to_vec()), FinalityError::Entry);
    check(&|a| a.entry = Some(vec![0xff]), FinalityError::Entry);
    check(&|a| a.link.link.value = entry(10).digest(), FinalityError::Proof);
    check(&|a| a.link.link.next = Name([0xff; 32]), FinalityError::Proof);
    check(&|a| a.link.link.name.0[31] ^= 1, FinalityError::Proof);
    check(&|a| a.link.proof.chunk[0] ^= 1, FinalityError::Proof);
    check(&|a| a.link.proof.range_proof.ops_root.0[0] ^= 1, FinalityError::Proof);
    check(&|a| a.link.proof.range_proof.proof.digests[0].0[0] ^= 1, FinalityError::Proof);
    check(&|a| a.link.proof.range_proof.proof.inactive_peaks += 1, FinalityError::Proof);
    check(&|a| a.link.proof.range_proof.proof.digests.truncate(1), FinalityError::Proof);
}

#[test]
fn refuses_answers_of_an_older_state() {
    let f = Fixture::new();
    let mut earlier = f.state.entries.clone();
    let withdrawn = spread(Kind::Grant, 3);
    earlier.insert(withdrawn, entry(77));
    let old = State::of(earlier);
    assert_eq!(verify_answer(&f.header, &withdrawn, &old.answer(&withdrawn)), Err(FinalityError::Proof));
    let prefix = Prefix::new(Kind::Grant, 0, [0; 31]).unwrap();
    assert_eq!(verify_bucket(&f.header, &prefix, &old.bucket(&prefix)), Err(FinalityError::Proof));
}

#[test]
fn a_bucket_is_exactly_the_names_of_its_prefix() {
    let f = Fixture::new();
    let mut prefixes: Vec<Prefix> =
        Kind::ALL.into_iter().map(|kind| Prefix::new(kind, 0, [0; 31]).unwrap()).collect();
    for value in [0x00u8, 0x20, 0x40, 0x60, 0x80, 0xa0, 0xc0, 0xe0] {
        let mut bytes = [0; 31];
        bytes[0] = value;
        prefixes.push(Prefix::new(Kind::Grant, 3, bytes).unwrap());
    }
    // Narrow ones: exactly a name, and beside it.
    let exact = spread(Kind::Grant, 5);
    let mut rest: [u8; 31] = exact.0[1..].try_into().unwrap();
    prefixes.push(Prefix::new(Kind::Grant, 248, rest).unwrap());
    rest[30] ^= 1;
    prefixes.push(Prefix::new(Kind::Grant, 248, rest).unwrap());
    for prefix in prefixes {
        let expected: BTreeMap<Name, Entry> = f
            .state
            .entries
            .iter()
            .filter(|(n, _)| prefix.contains(n))
            .map(|(n, e)| (*n, e.clone()))
            .collect();
        let bucket = f.state.bucket(&prefix);
        assert_eq!(verify_bucket(&f.header, &prefix, &bucket), Ok(expected), "{prefix:?}");
    }
}

/// Attack: a node leaves out one grant of a bucket, so that its reader thinks it does not exist.
#[test]
fn refuses_a_bucket_that_leaves_one_out() {
    let f = Fixture::new();
    let prefix = Prefix::new(Kind::Grant, 0, [0; 31]).unwrap();
    let full = f.state.bucket(&prefix).members().to_vec();
    for hidden in 0..full.len() {
        let mut members = full.clone();
        members.remove(hidden);
        let lie = Bucket::new(members).unwrap();
        let refused = verify_bucket(&f.header, &prefix, &lie);
        assert_eq!(refused, Err(FinalityError::Incomplete), "without member {hidden}");
        // Control: where only presence is proved, nobody notices.
        let seen = verify_presence_only(&f.header, &prefix, &lie).unwrap();
        assert_eq!(seen.len(), full.len() - 1);
    }
}

#[test]
fn refuses_buckets_with_too_much_in_another_order_or_for_another_prefix() {
    let f = Fixture::new();
    let mut bytes = [0; 31];
    bytes[0] = 0x40;
    let prefix = Prefix::new(Kind::Grant, 2, bytes).unwrap();
    let full = f.state.bucket(&prefix).members().to_vec();
    let refuse = |members: Vec<Member>| {
        let lie = Bucket::new(members).unwrap();
        assert_eq!(verify_bucket(&f.header, &prefix, &lie), Err(FinalityError::Incomplete));
    };
    let mut more = full.clone();
    more.push(f.state.member(&full.last().unwrap().link.link.next));
    refuse(more);
    let mut twice = full.clone();
    twice.insert(2, full[1].clone());
    refuse(twice);
    let mut swapped = full.clone();
    swapped.swap(1, 2);
    refuse(swapped);
    let mut without_entry = full.clone();
    without_entry[1].entry = None;
    refuse(without_entry);
    let mut with_entry = full.clone();
    with_entry[0].entry = full[1].entry.clone();
    refuse(with_entry);
    refuse(full[1..].to_vec());
    let wider = Prefix::new(Kind::Grant, 1, [0; 31]).unwrap();
    let narrow = Bucket::new(full).unwrap();
    assert_eq!(verify_bucket(&f.header, &wider, &narrow), Err(FinalityError::Incomplete));
}

/// Attack: an empty bucket, "proved" by a link that wraps around the end of the names or lies elsewhere.
#[test]
fn refuses_an_empty_bucket_of_a_prefix_that_is_not() {
    let f = Fixture::new();
    let prefix = Prefix::new(Kind::Grant, 0, [0; 31]).unwrap();
    for linked in f.state.links.values() {
        let lie = Bucket::new(vec![Member { link: linked.clone(), entry: None }]).unwrap();
        assert_eq!(verify_bucket(&f.header, &prefix, &lie), Err(FinalityError::Incomplete));
    }
    assert!(Bucket::new(Vec::new()).is_err());
}

#[test]
fn refuses_a_bucket_with_a_changed_entry() {
    let f = Fixture::new();
    let prefix = Prefix::new(Kind::Grant, 0, [0; 31]).unwrap();
    let mut members = f.state.bucket(&prefix).members().to_vec();
    members[4].entry = Some(entry(9999).encode().to_vec());
    let lie = Bucket::new(members).unwrap();
    assert_eq!(verify_bucket(&f.header, &prefix, &lie), Err(FinalityError::Entry));
}

#[test]
fn a_bucket_has_about_64_entries_and_institutions_come_whole() {
    let counts = |grants| Counts { grants, institutions: 1 << 20, ..Counts::default() };
    let bits = |grants| Prefix::of(&spread(Kind::Grant, 1), &counts(grants)).unwrap().bits;
    assert_eq!([0, 64, 127, 128, 255, 256, 1 << 20].map(bits), [0, 0, 0, 1, 1, 2, 14]);
    let institution = name(Kind::Institution, &[7; 31]);
    assert_eq!(Prefix::of(&institution, &counts(0)).unwrap().bits, 0);
    assert_eq!(Prefix::of(&Name([0xff; 32]), &counts(0)), None);
    let grant = spread(Kind::Grant, 1);
    assert!(Prefix::of(&grant, &counts(1 << 20)).unwrap().contains(&grant));
}

#[test]
fn refuses_prefixes_with_unused_bits_or_too_many() {
    assert!(Prefix::new(Kind::Grant, 3, [0xff; 31]).is_none());
    assert!(Prefix::new(Kind::Grant, 249, [0; 31]).is_none());
    assert!(Prefix::new(Kind::Grant, 248, [0xff; 31]).is_some());
}

#[test]
fn shared_digests_stand_once() {
    let f = Fixture::new();
    let prefix = Prefix::of(&spread(Kind::Grant, 1), &f.header.header().counts).unwrap();
    let bucket = f.state.bucket(&prefix);
    let alone: usize = bucket.members().iter().map(|m| m.link.encode().len()).sum();
    let together = bucket.encode().len();
    println!("{} links: {alone} bytes of single proofs, {together} together", bucket.members().len());
    assert!(together * 2 < alone);
}
