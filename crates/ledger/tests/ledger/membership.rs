//! Admission, renewal, revocation.

use commonware_codec::{Copying, DecodeExt as _, Encode as _};
use yilian_crypto::{
    Digest,
    certificate::{Certificate, DelegateeBinding, Level, issue},
    sign::SigningKey,
};
use yilian_delegation::{DelegateeKey, DelegateeSecretKey, group::Scalar};
use yilian_ledger::{
    Entry, MemberEntry, Outcome, Refusal, Transaction,
    member::MAX_KEY_RING,
    transaction::{Action, AddMember, Body, Revoke},
};
use yilian_testkit::{
    delegation::related_key,
    ledger::{Chain as _, Member, START, World, contents, self_signed},
};

use crate::support::{applied, refused};

fn entry(world: &World, member: &Member) -> MemberEntry {
    match world.entry(&member.id.name(member.level.into())) {
        Some(Entry::Member(entry)) => entry,
        other => panic!("{other:?}"),
    }
}

/// A certificate with other validity, seconds from the world's start.
fn issued(world: &World, issuer: &Member, level: Level, key: &SigningKey, valid: (i64, i64)) -> Transaction {
    let at = |offset: i64| (START.seconds() as i64 + offset) as u64;
    let contents = yilian_crypto::certificate::Contents {
        not_before: at(valid.0),
        not_after: at(valid.1),
        ..contents(level, "x", key)
    };
    let certificate = issue(&contents, Some(&issuer.certificate), &issuer.key).unwrap();
    AddMember::transaction(world.chain, issuer.id, &certificate)
}

#[test]
fn admits_from_root_to_practitioner_and_counts() {
    let mut world = World::new(1);
    let [province, hospital, doctor] = world.hospital();
    assert_eq!(entry(&world, &doctor).issuer, Some(hospital.id));
    assert_eq!(entry(&world, &hospital).issuer, Some(province.id));
    assert_eq!(entry(&world, &province).issuer, Some(world.root.id));
    assert_eq!((world.counts.institutions, world.counts.practitioners), (1, 1));
    assert_eq!(world.chain_of(&doctor).len(), 4);
}

#[test]
fn refuses_a_member_of_an_unknown_issuer() {
    let mut world = World::new(2);
    let root = world.root.clone();
    let (province, _) = world.certify(&root, Level::Intermediate, "province");
    let (_, hospital) = world.certify(&province, Level::Institution, "hospital");
    refused(&mut world, &hospital, Refusal::IssuerUnknown);
}

#[test]
fn refuses_a_certificate_of_another_root() {
    let mut world = World::new(3);
    let key = world.key();
    // Same names, another key.
    let forged = Member { certificate: self_signed("root", &key), key, ..world.root.clone() };
    let (_, transaction) = world.certify(&forged, Level::Intermediate, "province");
    refused(&mut world, &transaction, Refusal::CertificateIssuer);
}

#[test]
fn refuses_a_certificate_whose_signature_is_broken() {
    let mut world = World::new(4);
    let root = world.root.clone();
    let (_, mut transaction) = world.certify(&root, Level::Intermediate, "province");
    let Body::AddMember(add) = &mut transaction.body else { unreachable!() };
    *add.certificate.last_mut().unwrap() ^= 1;
    refused(&mut world, &transaction, Refusal::CertificateSignature);
}

#[test]
fn refuses_malformed_and_oversize_certificates() {
    let mut world = World::new(5);
    let issuer = world.root.id;
    let cases = [
        (Vec::new(), Refusal::CertificateMalformed),
        (vec![0x30; 100], Refusal::CertificateMalformed),
        (vec![0x30; 4097], Refusal::CertificateTooLarge),
    ];
    for (certificate, refusal) in cases {
        let body = Body::AddMember(AddMember { issuer, certificate });
        let transaction = Transaction { chain: world.chain, body };
        refused(&mut world, &transaction, refusal);
    }
}

#[test]
fn refuses_to_add_a_root_or_skip_a_level() {
    let mut world = World::new(6);
    let (root, key) = (world.root.clone(), world.key());
    let transaction = AddMember::transaction(world.chain, root.id, &self_signed("other", &key));
    refused(&mut world, &transaction, Refusal::CertificateLevel);
    let [_, hospital, _] = world.hospital();
    // An institution's certificate under the name of another level's issuer.
    // Without a delegatee key, whose proof would not fit the other issuer either.
    let key = world.key();
    let contents = contents(Level::Practitioner, "p", &key);
    let (_, practitioner) = world.certify_contents(&hospital, &contents, key);
    let Body::AddMember(add) = practitioner.body else { unreachable!() };
    let wrong = AddMember { issuer: root.id, ..add };
    let transaction = Transaction { chain: world.chain, body: Body::AddMember(wrong) };
    refused(&mut world, &transaction, Refusal::IssuerUnknown);
}

#[test]
fn refuses_an_expired_certificate_and_accepts_one_of_the_future() {
    let mut world = World::new(7);
    let root = world.root.clone();
    let key = world.key();
    let expired = issued(&world, &root, Level::Intermediate, &key, (-100, -1));
    refused(&mut world, &expired, Refusal::CertificateExpired);
    let last_second = issued(&world, &root, Level::Intermediate, &key, (-100, 0));
    applied(&mut world, &last_second);
    let future = issued(&world, &root, Level::Intermediate, &key, (100, 200));
    applied(&mut world, &future);
}

#[test]
fn refuses_an_issuer_out_of_its_validity() {
    let mut world = World::new(8);
    let (root, key) = (world.root.clone(), world.key());
    let short = issued(&world, &root, Level::Intermediate, &key, (-100, 10));
    applied(&mut world, &short);
    let Body::AddMember(add) = &short.body else { unreachable!() };
    let certificate = Certificate::parse(&add.certificate).unwrap();
    let id = yilian_ledger::name::MemberId::of(Some(root.id), "x");
    let province = Member { id, level: Level::Intermediate, issuer: Some(root.id), key, certificate };
    let key = world.key();
    let admit = issued(&world, &province, Level::Institution, &key, (-100, 10));
    world.advance(11_000);
    refused(&mut world, &admit, Refusal::IssuerNotCertified);
    world.time = START;
    applied(&mut world, &admit);
    let member = yilian_ledger::name::MemberId::of(Some(id), "x");
    let revoke = Revoke::sign(world.chain, Level::Institution, member, None, &province.key);
    world.advance(11_000);
    refused(&mut world, &revoke, Refusal::IssuerNotCertified);
}

#[test]
fn refuses_a_delegatee_key_without_proof_of_possession() {
    let mut world = World::new(9);
    let (root, key) = (world.root.clone(), world.key());
    // Carol's key and proof, certified for Mallory: the related key of the attack needs a proof that nobody has.
    let carol = world.contents(Level::Intermediate, Some(root.id), "carol", &key);
    let mallory_key = world.key();
    let mut mallory = world.contents(Level::Intermediate, Some(root.id), "mallory", &mallory_key);
    mallory.delegatee = carol.delegatee.clone();
    let (_, copied) = world.certify_contents(&root, &mallory, mallory_key.clone());
    refused(&mut world, &copied, Refusal::Possession);
    // A key of his own with a proof for another key.
    let other = DelegateeSecretKey::from_seed(&world.secret()).public().encode().to_vec();
    let mut mallory = world.contents(Level::Intermediate, Some(root.id), "mallory", &mallory_key);
    mallory.delegatee.as_mut().unwrap().key = other;
    let (_, foreign) = world.certify_contents(&root, &mallory, mallory_key);
    refused(&mut world, &foreign, Refusal::Possession);
    let (_, own) = world.certify_contents(&root, &carol, key);
    applied(&mut world, &own);
}

#[test]
fn refuses_a_delegatee_key_related_to_another_members() {
    let mut world = World::new(21);
    let (root, key, mallory_key) = (world.root.clone(), world.key(), world.key());
    let carol = world.contents(Level::Intermediate, Some(root.id), "carol", &key);
    let binding = carol.delegatee.clone().unwrap();
    let victim = DelegateeKey::decode(Copying(&binding.key)).unwrap();
    // Mallory knows k, not the secret of PKc^k, and has Carol's proof.
    let related = related_key(&victim, &Scalar::random(&mut world.rng));
    let mut mallory = world.contents(Level::Intermediate, Some(root.id), "mallory", &mallory_key);
    let own = mallory.delegatee.clone().unwrap();
    for proof in [&binding.proof, &own.proof] {
        let stolen = DelegateeBinding { key: related.encode().to_vec(), proof: proof.clone() };
        mallory.delegatee = Some(stolen);
        let (_, admit) = world.certify_contents(&root, &mallory, mallory_key.clone());
        refused(&mut world, &admit, Refusal::Possession);
    }
    mallory.delegatee = Some(own);
    let (_, admit) = world.certify_contents(&root, &mallory, mallory_key);
    applied(&mut world, &admit);
}

#[test]
fn refuses_a_proof_of_possession_made_below_another_issuer() {
    let mut world = World::new(19);
    let (root, key) = (world.root.clone(), world.key());
    let elsewhere = yilian_ledger::name::MemberId::of(None, "another root");
    let contents = world.contents(Level::Intermediate, Some(elsewhere), "carol", &key);
    let (_, transaction) = world.certify_contents(&root, &contents, key);
    refused(&mut world, &transaction, Refusal::Possession);
}

#[test]
fn refuses_a_delegatee_key_that_is_no_point() {
    let mut world = World::new(10);
    let (root, key) = (world.root.clone(), world.key());
    let mut contents = world.contents(Level::Intermediate, Some(root.id), "x", &key);
    contents.delegatee.as_mut().unwrap().key[50] ^= 1;
    let (_, transaction) = world.certify_contents(&root, &contents, key);
    refused(&mut world, &transaction, Refusal::DelegateeKey);
}

#[test]
fn renewal_keeps_the_ring_and_refuses_a_certificate_seen_before() {
    let mut world = World::new(11);
    let [_, hospital, doctor] = world.hospital();
    let again = AddMember::transaction(world.chain, hospital.id, &doctor.certificate);
    refused(&mut world, &again, Refusal::CertificateSeen);
    world.advance(5_000);
    let renewed = world.admit(&hospital, Level::Practitioner, "doctor");
    assert_eq!(renewed.id, doctor.id);
    let ring = entry(&world, &doctor);
    let ids: Vec<Digest> = ring.certificates.iter().map(|c| c.certificate.id()).collect();
    assert_eq!(ids, [doctor.certificate.id(), renewed.certificate.id()]);
    assert_eq!(ring.certified_at(world.time), Some(&renewed.certificate));
    assert_eq!(ring.certified_at(START), Some(&doctor.certificate), "renewed only later");
    assert_eq!(world.counts.practitioners, 1, "a renewal is no new name");
}

#[test]
fn a_certificate_held_back_never_becomes_the_newest() {
    let mut world = World::new(21);
    let [_, hospital, doctor] = world.hospital();
    let contents = doctor.certificate.contents().clone();
    let begins = |not_before| yilian_crypto::certificate::Contents { not_before, ..contents.clone() };
    let (_, held_back) =
        world.certify_contents(&hospital, &begins(contents.not_before + 1), doctor.key.clone());
    let (newer, renewal) =
        world.certify_contents(&hospital, &begins(contents.not_before + 2), doctor.key.clone());
    applied(&mut world, &renewal);
    refused(&mut world, &held_back, Refusal::CertificateOlder);
    // A certificate that was revoked stands in nobody's way.
    let id = Some(newer.certificate.id());
    let revoke = Revoke::sign(world.chain, doctor.level, doctor.id, id, &hospital.key);
    applied(&mut world, &revoke);
    applied(&mut world, &held_back);
}

#[test]
fn a_key_ring_is_bounded() {
    let mut world = World::new(12);
    let root = world.root.clone();
    for _ in 0..MAX_KEY_RING {
        world.admit(&root, Level::Intermediate, "province");
    }
    let (_, more) = world.certify(&root, Level::Intermediate, "province");
    refused(&mut world, &more, Refusal::KeyRingFull);
}

#[test]
fn refuses_an_issuer_certificate_that_was_renewed() {
    let mut world = World::new(13);
    let [province, hospital, _] = world.hospital();
    let renewed = world.admit(&province, Level::Institution, "hospital");
    let (_, by_old) = world.certify(&hospital, Level::Practitioner, "late");
    refused(&mut world, &by_old, Refusal::CertificateIssuer);
    let (_, by_new) = world.certify(&renewed, Level::Practitioner, "late");
    applied(&mut world, &by_new);
}

#[test]
fn refuses_a_certificate_valid_beyond_its_issuers_present_one() {
    let mut world = World::new(20);
    let [province, hospital, _] = world.hospital();
    // Renewed for a shorter time under the same key; issued below the older, longer certificate.
    let old = hospital.certificate.contents().clone();
    let shorter = yilian_crypto::certificate::Contents { not_after: old.not_after - 1, ..old };
    let (_, renewal) = world.certify_contents(&province, &shorter, hospital.key.clone());
    applied(&mut world, &renewal);
    let (_, late) = world.certify(&hospital, Level::Practitioner, "late");
    refused(&mut world, &late, Refusal::CertificateValidity);
}

#[test]
fn revokes_a_member_once_and_for_good() {
    let mut world = World::new(14);
    let [_, hospital, doctor] = world.hospital();
    let revoke = Revoke::sign(world.chain, doctor.level, doctor.id, None, &hospital.key);
    world.advance(3_000);
    applied(&mut world, &revoke);
    assert_eq!(entry(&world, &doctor).revoked, Some(world.time));
    refused(&mut world, &revoke, Refusal::MemberRevoked);
    let (_, back) = world.certify(&hospital, Level::Practitioner, "doctor");
    refused(&mut world, &back, Refusal::MemberRevoked);
}

#[test]
fn revokes_one_certificate_and_leaves_the_other() {
    let mut world = World::new(15);
    let [_, hospital, doctor] = world.hospital();
    let renewed = world.admit(&hospital, Level::Practitioner, "doctor");
    let id = Some(renewed.certificate.id());
    let revoke = Revoke::sign(world.chain, doctor.level, doctor.id, id, &hospital.key);
    applied(&mut world, &revoke);
    assert_eq!(entry(&world, &doctor).certified_at(world.time), Some(&doctor.certificate));
    refused(&mut world, &revoke, Refusal::CertificateRevoked);
    let unknown = Revoke::sign(world.chain, doctor.level, doctor.id, Some(Digest([7; 32])), &hospital.key);
    refused(&mut world, &unknown, Refusal::CertificateUnknown);
}

#[test]
fn refuses_a_revocation_by_anybody_but_the_issuer() {
    let mut world = World::new(16);
    let [province, hospital, doctor] = world.hospital();
    for key in [&province.key, &doctor.key, &world.root.key.clone()] {
        let revoke = Revoke::sign(world.chain, doctor.level, doctor.id, None, key);
        refused(&mut world, &revoke, Refusal::RevokeSignature);
    }
    // Signed for one certificate, played for the member as a whole.
    let id = Some(doctor.certificate.id());
    let mut revoke = Revoke::sign(world.chain, doctor.level, doctor.id, id, &hospital.key);
    let Body::Revoke(body) = &mut revoke.body else { unreachable!() };
    body.certificate = None;
    refused(&mut world, &revoke, Refusal::RevokeSignature);
}

#[test]
fn refuses_to_revoke_strangers_and_roots() {
    let mut world = World::new(17);
    let [_, hospital, doctor] = world.hospital();
    let unknown = Revoke::sign(world.chain, Level::Institution, doctor.id, None, &hospital.key);
    refused(&mut world, &unknown, Refusal::MemberUnknown);
    let root = world.root.clone();
    let revoke = Revoke::sign(world.chain, Level::Root, root.id, None, &root.key);
    refused(&mut world, &revoke, Refusal::CertificateLevel);
}

#[test]
fn what_is_revoked_above_admits_nobody() {
    for level in [Level::Root, Level::Intermediate, Level::Institution] {
        let mut world = World::new(18);
        let [province, hospital, _] = world.hospital();
        let end = match level {
            Level::Root => {
                let member = world.root.id;
                world.governance(Action::RevokeRoot { member }, &[0, 1, 2])
            }
            Level::Intermediate => {
                Revoke::sign(world.chain, level, province.id, None, &world.root.key.clone())
            }
            _ => Revoke::sign(world.chain, level, hospital.id, None, &province.key),
        };
        assert_eq!(world.submit(&end), Ok(Outcome::Applied));
        let (_, late) = world.certify(&hospital, Level::Practitioner, "late");
        refused(&mut world, &late, Refusal::IssuerNotCertified);
    }
}
