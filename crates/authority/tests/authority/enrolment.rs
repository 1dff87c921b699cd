use yilian_api::{authority::REQUEST_WINDOW_MS, signing::Statement};
use yilian_authority::{AuthorityError as Error, Issuer, Standing, Store};
use yilian_crypto::{
    Secret,
    certificate::{Contents, Level, Role},
    sign::SigningKey,
};
use yilian_files::{FormatError, OpenError};

use crate::scene::{self, Scene, contents, rng};

async fn hospital(scene: &Scene) -> Standing {
    scene.standing(scene.hospital.id()).await.unwrap()
}

#[tokio::test]
async fn a_code_enrols_one_wallet() {
    let scene = Scene::new();
    let standing = hospital(&scene).await;
    let (alice, mallory) = (SigningKey::generate(&mut rng()), SigningKey::generate(&mut rng()));
    let code =
        scene.authority.enrol(&scene.enrol_request("A-1", scene.now()), &standing, scene.now()).unwrap();
    let redeem = |wallet| scene.authority.redeem(&scene.redeem_request(&code.code, wallet), scene.now());
    redeem(&alice).unwrap();
    // The answer may have been lost.
    redeem(&alice).unwrap();
    assert!(matches!(redeem(&mallory), Err(Error::CodeUsed)));
    assert!(scene.authority.is_enrolled(&alice.verifying_key()).unwrap());
    assert!(!scene.authority.is_enrolled(&mallory.verifying_key()).unwrap());
    let person = scene.authority.person(&alice.verifying_key()).unwrap();
    assert_eq!(person, Some((scene.hospital.id().0, "A-1".into())));
}

#[tokio::test]
async fn refuses_a_request_played_again() {
    let scene = Scene::new();
    let standing = hospital(&scene).await;
    let request = scene.enrol_request("A-1", scene.now());
    scene.authority.enrol(&request, &standing, scene.now()).unwrap();
    assert!(matches!(scene.authority.enrol(&request, &standing, scene.now()), Err(Error::Replayed)));
    // Not even after old marks were removed: by then its time is outside the window.
    let later = scene.now().after(REQUEST_WINDOW_MS + 1);
    scene.authority.prune(later).unwrap();
    assert!(matches!(scene.authority.enrol(&request, &standing, later), Err(Error::Window)));
}

#[tokio::test]
async fn refuses_who_is_not_the_hospital() {
    let scene = Scene::new();
    let standing = hospital(&scene).await;
    let mut request = scene.enrol_request("A-1", scene.now());
    let statement =
        Statement::enrol(&scene.authority.chain().0, &scene.hospital.id().0, "A-1", scene.now().0);
    let stranger = SigningKey::generate(&mut rng());
    request.signature = yilian_api::encoding::signature_to_hex(&statement.sign(&stranger));
    assert!(matches!(scene.authority.enrol(&request, &standing, scene.now()), Err(Error::Signature)));
    let mut other = scene.enrol_request("A-1", scene.now());
    other.patient = "A-2".into();
    assert!(matches!(scene.authority.enrol(&other, &standing, scene.now()), Err(Error::Signature)));
}

#[tokio::test]
async fn refuses_institutions_that_are_no_hospitals() {
    let mut scene = Scene::new();
    let key = SigningKey::generate(&mut rng());
    let pharmacy =
        Contents { roles: [Role::Pharmacy].into(), ..contents(Level::Institution, "pharmacy", &key) };
    let pharmacy = scene.authority.issuer().subordinate(pharmacy, key.clone()).unwrap();
    scene.submit(&scene.authority.issuer().add_member(scene.authority.chain(), pharmacy.certificate()));
    (scene.hospital, scene.hospital_key) = (pharmacy, key);
    let standing = hospital(&scene).await;
    let request = scene.enrol_request("A-1", scene.now());
    assert!(matches!(scene.authority.enrol(&request, &standing, scene.now()), Err(Error::NotHospital)));
}

#[tokio::test]
async fn refuses_codes_that_ended_or_never_were() {
    let scene = Scene::new();
    let standing = hospital(&scene).await;
    let wallet = SigningKey::generate(&mut rng());
    let unknown = scene.redeem_request("0000-0000-0000", &wallet);
    assert!(matches!(scene.authority.redeem(&unknown, scene.now()), Err(Error::CodeUnknown)));
    let code =
        scene.authority.enrol(&scene.enrol_request("A-1", scene.now()), &standing, scene.now()).unwrap();
    let life = code.expires - scene.now().0;
    scene.chain.world.lock().unwrap().advance(life + 1);
    let late = scene.redeem_request(&code.code, &wallet);
    assert!(matches!(scene.authority.redeem(&late, scene.now()), Err(Error::CodeUnknown)));
}

#[tokio::test]
async fn refuses_a_wallet_that_did_not_sign() {
    let scene = Scene::new();
    let (alice, mallory) = (SigningKey::generate(&mut rng()), SigningKey::generate(&mut rng()));
    let mut request = scene.redeem_request("0000-0000-0000", &mallory);
    request.wallet = yilian_api::encoding::key_to_hex(&alice.verifying_key());
    assert!(matches!(scene.authority.redeem(&request, scene.now()), Err(Error::Signature)));
}

#[tokio::test]
async fn a_new_wallet_replaces_the_patients_old_one() {
    let scene = Scene::new();
    let old = scene.enrolled("A-1").await;
    scene.chain.world.lock().unwrap().advance(1);
    let new = scene.enrolled("A-1").await;
    assert!(!scene.authority.is_enrolled(&old.verifying_key()).unwrap());
    assert!(scene.authority.is_enrolled(&new.verifying_key()).unwrap());
}

#[tokio::test]
async fn refuses_a_wallet_of_another_patient() {
    let scene = Scene::new();
    let standing = hospital(&scene).await;
    let wallet = scene.enrolled("A-1").await;
    let code =
        scene.authority.enrol(&scene.enrol_request("B-2", scene.now()), &standing, scene.now()).unwrap();
    let request = scene.redeem_request(&code.code, &wallet);
    assert!(matches!(scene.authority.redeem(&request, scene.now()), Err(Error::WalletTaken)));
    // Nothing of the attempt stays: the code still serves its patient.
    let own = SigningKey::generate(&mut rng());
    scene.authority.redeem(&scene.redeem_request(&code.code, &own), scene.now()).unwrap();
    assert_eq!(scene.authority.person(&wallet.verifying_key()).unwrap().unwrap().1, "A-1");
}

#[tokio::test]
async fn enrolment_survives_a_crash_and_names_nobody_on_disk() {
    let scene = Scene::new();
    let wallet = scene.enrolled("patient-number-4711").await;
    // The file as a crash at this instant would leave it.
    let crashed = scene.dir.path().join("crashed.redb");
    std::fs::copy(scene.database(), &crashed).unwrap();
    let bytes = std::fs::read(&crashed).unwrap();
    assert!(!bytes.windows(14).any(|window| window == b"patient-number"));
    let world = scene.chain.world.lock().unwrap();
    let reopened = scene::open(&crashed, &world, scene.authority.issuer().clone());
    assert!(reopened.is_enrolled(&wallet.verifying_key()).unwrap());
}

#[test]
fn a_store_opens_with_its_key_and_for_its_chain_only() {
    let scene = Scene::new();
    let path = scene.dir.path().join("copy.redb");
    std::fs::copy(scene.database(), &path).unwrap();
    assert!(matches!(Store::open(&path, &Secret::new([6; 32])), Err(Error::ForeignStore)));
    let mut genesis = scene.authority.genesis().clone();
    genesis.name = "another".into();
    let issuer: Issuer = scene.authority.issuer().clone();
    let store = Store::open(&path, &scene::store_key()).unwrap();
    let opened = yilian_authority::Authority::new(genesis, issuer, store, Default::default());
    assert!(matches!(opened, Err(Error::ForeignStore)));
}

#[test]
fn refuses_a_store_of_another_format() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.redb");
    drop(Store::open(&path, &scene::store_key()).unwrap());
    let future = redb::Database::create(&path).unwrap();
    let write = future.begin_write().unwrap();
    let format = redb::TableDefinition::<&str, u32>::new("format");
    write.open_table(format).unwrap().insert("number", 9).unwrap();
    write.commit().unwrap();
    drop(future);
    assert!(matches!(
        Store::open(&path, &scene::store_key()),
        Err(Error::Open(OpenError::Format(FormatError::Newer { found: 9, .. })))
    ));
}
