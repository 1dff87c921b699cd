use yilian_api::{
    authority::ApplicationStatus,
    encoding::{from_base64, to_hex},
};
use yilian_authority::AuthorityError as Error;
use yilian_crypto::{
    Secret,
    certificate::{Certificate, Level, Role},
    sign::SigningKey,
};
use yilian_delegation::DelegateeSecretKey;
use yilian_ledger::name::MemberId;

use crate::scene::{Scene, VALIDITY, rng};

fn id_of(status: &ApplicationStatus) -> yilian_crypto::Digest {
    let ApplicationStatus::Waiting { id } = status else { panic!("{status:?}") };
    yilian_api::encoding::digest_from_hex(id).unwrap()
}

#[tokio::test]
async fn admits_who_applied_and_the_ledger_agrees() {
    let scene = Scene::new();
    let key = SigningKey::generate(&mut rng());
    let application = scene.application("clinic", &key);
    let id = id_of(&scene.authority.apply(&application).unwrap());
    assert_eq!(scene.authority.applications().unwrap(), [(id, application.clone())]);
    let (certificate, transaction) = scene.authority.admit(&id, VALIDITY).unwrap();
    scene.submit(&transaction);

    let ApplicationStatus::Admitted { certificate: der, member, .. } =
        scene.authority.application(&id).unwrap()
    else {
        panic!("not admitted")
    };
    assert_eq!(Certificate::parse(&from_base64(&der, 4096).unwrap()).unwrap(), certificate);
    let expected = MemberId::of(Some(scene.authority.issuer().id()), "clinic");
    assert_eq!(member, to_hex(&expected.0.0));
    let standing = scene.standing(expected).await.unwrap();
    assert!(standing.has_role(Role::Pharmacy) && standing.keys().any(|k| *k == key.verifying_key()));
    assert!(scene.authority.applications().unwrap().is_empty());
}

#[tokio::test]
async fn decides_once_and_admits_again_to_the_same() {
    let scene = Scene::new();
    let application = scene.application("clinic", &SigningKey::generate(&mut rng()));
    let id = id_of(&scene.authority.apply(&application).unwrap());
    let first = scene.authority.admit(&id, VALIDITY).unwrap();
    assert_eq!(scene.authority.admit(&id, VALIDITY).unwrap(), first);
    assert!(matches!(scene.authority.refuse(&id, "late"), Err(Error::ApplicationDecided)));

    let other = scene.application("other", &SigningKey::generate(&mut rng()));
    let id = id_of(&scene.authority.apply(&other).unwrap());
    scene.authority.refuse(&id, "unknown here").unwrap();
    assert!(matches!(scene.authority.admit(&id, VALIDITY), Err(Error::ApplicationDecided)));
    // Applying again tells what became of it.
    let again = scene.authority.apply(&other).unwrap();
    assert!(matches!(again, ApplicationStatus::Refused { reason, .. } if reason == "unknown here"));
}

#[test]
fn refuses_an_application_that_its_key_did_not_sign() {
    let scene = Scene::new();
    let (key, stranger) = (SigningKey::generate(&mut rng()), SigningKey::generate(&mut rng()));
    let mut application = scene.application("clinic", &key);
    application = scene.signed(application, &stranger);
    assert!(matches!(scene.authority.apply(&application), Err(Error::Signature)));
    let mut changed = scene.application("clinic", &key);
    changed.roles = vec![Role::Maker as u8];
    assert!(matches!(scene.authority.apply(&changed), Err(Error::Signature)));
}

#[test]
fn refuses_an_application_elsewhere() {
    let scene = Scene::new();
    let key = SigningKey::generate(&mut rng());
    let mut application = scene.application("clinic", &key);
    application.issuer = to_hex(&[3; 32]);
    assert!(matches!(scene.authority.apply(&scene.signed(application, &key)), Err(Error::OtherIssuer)));
    let mut application = scene.application("clinic", &key);
    application.level = Level::Practitioner as u8;
    assert!(matches!(scene.authority.apply(&scene.signed(application, &key)), Err(Error::Field("level"))));
    let mut application = scene.application("clinic", &key);
    application.subject_id = "no spaces".into();
    assert!(matches!(scene.authority.apply(&scene.signed(application, &key)), Err(Error::Application(_))));
    let mut application = scene.application("clinic", &key);
    application.roles = vec![3, 1];
    assert!(matches!(scene.authority.apply(&scene.signed(application, &key)), Err(Error::Field("roles"))));
}

#[test]
fn certifies_a_delegatee_key_to_its_holder_only() {
    let scene = Scene::new();
    let key = SigningKey::generate(&mut rng());
    let delegatee = DelegateeSecretKey::from_seed(&Secret::new([1; 32]));
    let member = MemberId::of(Some(scene.authority.issuer().id()), "clinic");
    let proof = delegatee.prove(member.possession_context(), &mut rng());
    let with = |subject: &str| {
        use commonware_codec::Encode as _;
        let mut application = scene.application(subject, &key);
        application.delegatee_key = Some(to_hex(&delegatee.public().encode()));
        application.delegatee_proof = Some(to_hex(&proof.encode()));
        application
    };
    assert!(scene.authority.apply(&scene.signed(with("clinic"), &key)).is_ok());
    // Another subject with the key and proof that it saw.
    assert!(matches!(scene.authority.apply(&scene.signed(with("thief"), &key)), Err(Error::Possession)));
    let mut half = with("clinic");
    half.delegatee_proof = None;
    assert!(matches!(scene.authority.apply(&scene.signed(half, &key)), Err(Error::Field("delegatee_proof"))));
}

#[tokio::test]
async fn a_hospital_certifies_its_practitioners() {
    let scene = Scene::new();
    let key = SigningKey::generate(&mut rng());
    let mut application = scene.application("doctor", &key);
    application.level = Level::Practitioner as u8;
    application.issuer = to_hex(&scene.hospital.id().0.0);
    application.roles = vec![Role::Doctor as u8];
    let application = scene.signed(application, &key);
    let (_, transaction) = scene.hospital.admit(&application, scene.authority.chain(), VALIDITY).unwrap();
    scene.submit(&transaction);
    let standing = scene.standing(MemberId::of(Some(scene.hospital.id()), "doctor")).await.unwrap();
    assert_eq!(standing.level(), Level::Practitioner);
    let elsewhere = scene.application("doctor", &key);
    let refused = scene.hospital.admit(&elsewhere, scene.authority.chain(), VALIDITY);
    assert!(matches!(refused, Err(Error::OtherIssuer)));
}

#[tokio::test]
async fn a_revoked_member_stands_no_more() {
    let scene = Scene::new();
    let id = scene.hospital.id();
    assert!(scene.standing(id).await.is_ok());
    scene.submit(&scene.authority.revoke(Level::Institution, id, None).unwrap());
    assert!(matches!(scene.standing(id).await, Err(Error::NotCertified)));
    // Only the level below is this issuer's to revoke.
    assert!(matches!(scene.authority.revoke(Level::Practitioner, id, None), Err(Error::Field("level"))));
    assert!(matches!(
        scene.standing(MemberId(yilian_crypto::Digest([9; 32]))).await,
        Err(Error::MemberUnknown)
    ));
}
