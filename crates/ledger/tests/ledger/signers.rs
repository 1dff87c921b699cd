//! Whether a signer was certified at the ledger's time of an entry.

use yilian_crypto::{
    Digest,
    certificate::{Level, Role},
};
use yilian_ledger::{
    NotCertified, Time, certified,
    transaction::{Action, Revoke},
};
use yilian_testkit::ledger::{Member, World};

use crate::support::applied;

fn judge(world: &World, signer: &Member, role: Option<Role>, at: Time) -> Result<(), NotCertified> {
    certified(&world.chain_of(signer), &signer.certificate.id(), role, at).map(|_| ())
}

#[test]
fn counts_a_signer_from_admission_to_revocation() {
    let mut world = World::new(1);
    world.advance(1_000);
    let [_, hospital, doctor] = world.hospital();
    let admitted = world.time;
    world.advance(1_000);
    let revoke = Revoke::sign(world.chain, doctor.level, doctor.id, None, &hospital.key);
    applied(&mut world, &revoke);
    assert_eq!(judge(&world, &doctor, Some(Role::Doctor), Time(admitted.0 - 1)), Err(NotCertified::TooEarly));
    assert_eq!(judge(&world, &doctor, Some(Role::Doctor), admitted), Ok(()));
    assert_eq!(judge(&world, &doctor, Some(Role::Doctor), Time(world.time.0 - 1)), Ok(()));
    assert_eq!(judge(&world, &doctor, Some(Role::Doctor), world.time), Err(NotCertified::MemberRevoked));
}

#[test]
fn counts_an_old_certificate_that_still_holds_after_renewal() {
    let mut world = World::new(2);
    let [_, hospital, doctor] = world.hospital();
    world.advance(1_000);
    world.admit(&hospital, Level::Practitioner, "doctor");
    assert_eq!(judge(&world, &doctor, None, world.time), Ok(()));
}

#[test]
fn refuses_a_revoked_certificate_beside_a_good_one() {
    let mut world = World::new(3);
    let [_, hospital, doctor] = world.hospital();
    let renewed = world.admit(&hospital, Level::Practitioner, "doctor");
    let id = Some(doctor.certificate.id());
    let revoke = Revoke::sign(world.chain, doctor.level, doctor.id, id, &hospital.key);
    applied(&mut world, &revoke);
    assert_eq!(judge(&world, &doctor, None, world.time), Err(NotCertified::CertificateRevoked));
    assert_eq!(judge(&world, &renewed, None, world.time), Ok(()));
}

#[test]
fn refuses_a_signer_below_what_was_revoked() {
    let mut world = World::new(4);
    let [_, hospital, doctor] = world.hospital();
    let before = world.time;
    world.advance(1_000);
    let root = world.root.id;
    let revoke_root = world.governance(Action::RevokeRoot { member: root }, &[0, 1, 3]);
    applied(&mut world, &revoke_root);
    assert_eq!(judge(&world, &doctor, None, world.time), Err(NotCertified::MemberRevoked));
    assert_eq!(judge(&world, &hospital, None, world.time), Err(NotCertified::MemberRevoked));
    assert_eq!(judge(&world, &doctor, None, before), Ok(()), "what was signed before still counts");
}

#[test]
fn refuses_a_signer_whose_issuer_has_no_certificate_left() {
    let mut world = World::new(5);
    let [province, hospital, doctor] = world.hospital();
    let id = Some(hospital.certificate.id());
    let revoke = Revoke::sign(world.chain, hospital.level, hospital.id, id, &province.key);
    applied(&mut world, &revoke);
    assert_eq!(judge(&world, &doctor, None, world.time), Err(NotCertified::Issuer));
}

#[test]
fn refuses_a_certificate_out_of_its_validity() {
    let mut world = World::new(6);
    let [_, _, doctor] = world.hospital();
    let last = doctor.certificate.contents().not_after;
    assert_eq!(judge(&world, &doctor, None, Time(last * 1000 + 999)), Ok(()));
    assert_eq!(judge(&world, &doctor, None, Time((last + 1) * 1000)), Err(NotCertified::Validity));
}

#[test]
fn refuses_other_roles_unknown_certificates_and_broken_chains() {
    let mut world = World::new(7);
    let [_, _, doctor] = world.hospital();
    let at = world.time;
    assert_eq!(judge(&world, &doctor, Some(Role::Pharmacy), at), Err(NotCertified::Role));
    let chain = world.chain_of(&doctor);
    let id = doctor.certificate.id();
    assert_eq!(certified(&chain, &Digest([1; 32]), None, at).err(), Some(NotCertified::Unknown));
    for broken in [&chain[..0], &chain[..3], &[chain[0].clone(), chain[2].clone(), chain[3].clone()]] {
        assert_eq!(certified(broken, &id, None, at).err(), Some(NotCertified::Chain));
    }
    // Another root's members above do not help.
    let mut other = World::new(8);
    other.hospital();
    let mut grafted = chain.clone();
    grafted[3].id = yilian_ledger::name::MemberId::of(None, "another");
    assert_eq!(certified(&grafted, &id, None, at).err(), Some(NotCertified::Chain));
}
