//! Re-encrypted capsules outside of their group: the reader checks them too, even where a whole committee certified
//! them (spec D-4, F-7).

use std::collections::BTreeMap;

use commonware_codec::Encode as _;
use yilian_finality::{Answer, Bucket, FinalityError, Prefix, bucket::Member, verify_answer, verify_bucket};
use yilian_ledger::{Counts, Entry, Kind, Name};
use yilian_testkit::{
    finality::{State, verify_without_parsing},
    ledger::{Chain as _, World},
};

use crate::common::{Fixture, entry, spread};

/// In an encoded grant: tag, suite byte, then four coefficients of 48 bytes.
const POINT: std::ops::Range<usize> = 2..194;

/// An entry as the ledger made it, under its name.
fn grant() -> (Name, Entry) {
    let mut world = World::new(1);
    let (owner, withdrawal, tickets) = (world.record(), world.key(), [world.ticket()]);
    let grant = world.grant(&owner, &withdrawal, &tickets);
    world.submit(&grant).unwrap();
    let made = world.state.into_iter().find(|(name, _)| name.kind() == Some(Kind::Grant));
    made.unwrap()
}

fn with_point(entry: &Entry, point: [u8; 192]) -> Vec<u8> {
    let mut bytes = entry.encode().to_vec();
    bytes[POINT].copy_from_slice(&point);
    bytes
}

/// What is no element, and elements of the torus outside the prime-order subgroup (D-4). The identity has no encoding:
/// zeros are the nearest thing to one.
fn bad_points() -> [(&'static str, [u8; 192]); 4] {
    let mut cyclotomic = [0; 192];
    cyclotomic[47] = 1;
    let mut both = [0; 192];
    (both[47], both[95], both[143], both[191]) = (1, 2, 1, 2);
    [
        ("the identity's place", [0; 192]),
        ("not reduced", [0xff; 192]),
        ("outside the subgroup", cyclotomic),
        ("outside the subgroup, all coefficients", both),
    ]
}

#[test]
fn refuses_a_certified_grant_whose_point_is_outside_its_group() {
    let (name, genuine) = grant();
    let mut entries: BTreeMap<Name, Entry> = (0..5).map(|i| (spread(Kind::Grant, i), entry(i))).collect();
    entries.insert(name, genuine.clone());
    let prefix = Prefix::new(Kind::Grant, 0, [0; 31]).unwrap();
    let counts = Counts { grants: 6, ..Counts::default() };

    let honest = Fixture::of(entries.clone(), counts);
    let proved = verify_answer(&honest.header, &name, &honest.state.answer(&name));
    assert_eq!(proved, Ok(Some(genuine.clone())));

    for (what, point) in bad_points() {
        let bytes = with_point(&genuine, point);
        let f = Fixture::over(State::with_forged(entries.clone(), name, &bytes), counts);
        let answer = Answer { entry: Some(bytes.clone()), ..f.state.answer(&name) };
        assert_eq!(verify_answer(&f.header, &name, &answer), Err(FinalityError::Entry), "{what}");

        let forge = |member: &Member| match member.link.link.name == name {
            true => Member { entry: Some(bytes.clone()), ..member.clone() },
            false => member.clone(),
        };
        let bucket = Bucket::new(f.state.bucket(&prefix).members().iter().map(forge).collect()).unwrap();
        assert_eq!(verify_bucket(&f.header, &prefix, &bucket), Err(FinalityError::Entry), "{what}");

        // Control: proof and digest are in order, so that who does not look at the point takes it.
        assert_eq!(verify_without_parsing(&f.header, &answer), Ok(bytes), "{what}");
    }
}
