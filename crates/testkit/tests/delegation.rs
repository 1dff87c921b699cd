//! The attacks that the delegation suite must withstand, each beside a control on which it succeeds.
#![allow(clippy::unwrap_used)]

use getrandom::{SysRng, rand_core::UnwrapErr};
use yilian_crypto::{Digest, Secret};
use yilian_delegation::{
    Blinding, DelegateeKey, DelegateeSecretKey, DelegationError, DelegatorSecretKey, ProofOfPossession,
    ReencryptionKey, Wrap,
    group::{Gt, Scalar},
    reencrypt,
};
use yilian_testkit::delegation::{
    BlsStyleProof, Textbook, collude, delegatee_scalar, delegator_scalar, name_by_bls_proofs,
    name_by_pairing, name_by_related_key, open_with_half_key, records_with_a_part_in, related_key,
    unblinded_rekey,
};

const OWNER: &[u8] = b"owner key";

fn rng() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}

fn seed(n: u8) -> Secret<[u8; 32]> {
    Secret::new([n; 32])
}

fn delegator(n: u8) -> DelegatorSecretKey {
    DelegatorSecretKey::from_seed(&seed(n))
}

fn reader(n: u8) -> DelegateeSecretKey {
    DelegateeSecretKey::from_seed(&seed(n))
}

fn directory() -> Vec<DelegateeKey> {
    (0..5).map(|n| reader(n).public()).collect()
}

fn fresh_blinding() -> Blinding {
    let t = Scalar::random(&mut rng()).to_be_bytes();
    Blinding::from_bytes(t).unwrap()
}

fn blinding_scalar(t: &Blinding) -> Scalar {
    Scalar::from_be_bytes(t.expose()).unwrap()
}

// --- (a) linking a grant to its record ---

#[test]
fn a_component_that_survives_links_every_textbook_grant_to_its_record() {
    let records: Vec<Textbook> = (0..4)
        .map(|n| {
            let (m, r) = (Gt::generator_pow(&Scalar::random(&mut rng())), Scalar::random(&mut rng()));
            Textbook::encrypt(&delegator(n).public(), &m, &r)
        })
        .collect();
    let stored: Vec<Vec<u8>> = records.iter().map(Textbook::bytes).collect();
    for (n, record) in records.iter().enumerate() {
        // Blinding the re-key does not help: the first component is not touched by it.
        let rk = delegator(n as u8).rekey(&reader(0).public(), &fresh_blinding());
        assert_eq!(records_with_a_part_in(&record.reencrypt(&rk).bytes(), &stored), vec![n]);
    }
}

#[test]
fn no_part_of_our_grant_is_in_any_record_or_other_grant() {
    let mut stored = Vec::new();
    let mut grants = Vec::new();
    for n in 0..4 {
        let (capsule, fresh) = delegator(n).encapsulate(OWNER, &mut rng());
        let wrap = Wrap { data_key: Secret::new([1; 32]), codec: 0x55, digest: Digest([2; 32]) };
        stored.push([&capsule.as_bytes()[..], &fresh.wrap(&wrap).unwrap().0].concat());
        for _ in 0..2 {
            let rk = delegator(n).rekey(&reader(0).public(), &fresh_blinding());
            grants.push(reencrypt(&capsule, &rk).as_bytes().to_vec());
        }
    }
    for (i, grant) in grants.iter().enumerate() {
        assert_eq!(records_with_a_part_in(grant, &stored), Vec::<usize>::new());
        assert_eq!(records_with_a_part_in(grant, &grants), vec![i], "only itself");
    }
}

// --- (b) naming the reader ---

#[test]
fn a_pairing_names_the_reader_of_an_unblinded_rekey() {
    for n in 0..5 {
        let rk = unblinded_rekey(&delegator_scalar(&seed(77)), &reader(n).public());
        assert_eq!(name_by_pairing(&delegator(77).public(), &rk, &directory()), Some(usize::from(n)));
    }
}

#[test]
fn a_pairing_does_not_name_the_reader_of_our_rekey() {
    for n in 0..5 {
        let rk = delegator(77).rekey(&reader(n).public(), &fresh_blinding());
        assert_eq!(name_by_pairing(&delegator(77).public(), &rk, &directory()), None);
    }
}

#[test]
fn two_unblinded_grants_to_one_reader_are_equal_and_ours_are_not() {
    let (a, carol) = (delegator_scalar(&seed(77)), reader(1).public());
    assert_eq!(unblinded_rekey(&a, &carol), unblinded_rekey(&a, &carol));
    let ours = || delegator(77).rekey(&carol, &fresh_blinding());
    assert_ne!(ours(), ours());
}

/// Every pair (rk, directory entry) is equally possible: for each reader some t explains the very same RK.
#[test]
fn our_rekey_is_explained_by_every_reader() {
    let (a, t) = (delegator(77), fresh_blinding());
    let rk = a.rekey(&reader(1).public(), &t);
    for other in 0..5 {
        // t' = t c / c' (computed with the readers' secrets, which no observer has).
        let ratio = delegatee_scalar(&seed(1)).mul(&delegatee_scalar(&seed(other)).invert());
        let explained = Blinding::from_bytes(blinding_scalar(&t).mul(&ratio).to_be_bytes()).unwrap();
        assert_eq!(a.rekey(&reader(other).public(), &explained), rk);
    }
}

#[test]
fn a_related_key_names_the_reader_where_keys_are_unproved_and_rekeys_unblinded() {
    let (a, k) = (delegator_scalar(&seed(77)), Scalar::random(&mut rng()));
    let grants: Vec<ReencryptionKey> = (0..5).map(|n| unblinded_rekey(&a, &reader(n).public())).collect();
    for n in 0..5 {
        // Admitted without proof, Mallory gets the record too and raises the others' grants to k.
        let own = unblinded_rekey(&a, &related_key(&reader(n).public(), &k));
        let named: Vec<bool> = grants.iter().map(|seen| name_by_related_key(seen, &own, &k)).collect();
        assert_eq!(named, (0..5).map(|i| i == n).collect::<Vec<bool>>());
    }
}

#[test]
fn a_related_key_names_nobody_in_our_rekeys() {
    let (a, k, carol) = (delegator(77), Scalar::random(&mut rng()), reader(1).public());
    let seen = a.rekey(&carol, &fresh_blinding());
    let own = a.rekey(&related_key(&carol, &k), &fresh_blinding());
    assert!(!name_by_related_key(&seen, &own, &k));
}

/// The first barrier: such a key is not admitted at all. Mallory knows k and Carol's proof, not c.
#[test]
fn a_related_key_finds_no_proof_of_possession() {
    let subject = b"mallory";
    let (carol, k) = (reader(1), Scalar::random(&mut rng()));
    let related = related_key(&carol.public(), &k);
    let hers = carol.prove(b"carol", &mut rng());
    let half = |i: usize| -> [u8; 32] { hers.as_bytes()[32 * i..][..32].try_into().unwrap() };
    let scaled = Scalar::from_be_bytes(&half(1)).unwrap().mul(&k);
    let scaled_challenge = Scalar::from_challenge(&half(0)).unwrap().mul(&k.invert());
    let join = |challenge: &[u8; 32], response: &[u8; 32]| [&challenge[..], response].concat();
    let attempts = [
        hers.as_bytes().to_vec(),
        join(&half(0), scaled.to_be_bytes().expose()),
        join(scaled_challenge.to_be_bytes().expose(), &half(1)),
        reader(9).prove(subject, &mut rng()).as_bytes().to_vec(),
    ];
    for attempt in attempts {
        let proof = ProofOfPossession::from_bytes(&attempt).unwrap();
        for context in [&subject[..], b"carol"] {
            assert_eq!(related.verify(context, &proof), Err(DelegationError::Possession));
        }
    }
    // The check is not simply closed: an honest key of Mallory's own passes.
    let honest = reader(9);
    assert_eq!(honest.public().verify(subject, &honest.prove(subject, &mut rng())), Ok(()));
}

#[test]
fn a_related_key_inherits_a_bls_style_proof() {
    let (carol, k) = (reader(1).public(), Scalar::random(&mut rng()));
    let hers = BlsStyleProof::prove(&delegatee_scalar(&seed(1)));
    assert!(hers.verify(&carol));
    assert!(hers.inherit(&k).verify(&related_key(&carol, &k)));
    assert!(!hers.verify(&related_key(&carol, &k)));
}

#[test]
fn bls_style_proofs_name_the_readers_of_two_unblinded_grants_and_not_of_ours() {
    let proofs: Vec<_> = (0..5).map(|n| BlsStyleProof::prove(&delegatee_scalar(&seed(n)))).collect();
    let a = delegator_scalar(&seed(77));
    let weak = |n| unblinded_rekey(&a, &reader(n).public());
    assert_eq!(name_by_bls_proofs(&weak(3), &weak(1), &proofs), Some((3, 1)));
    let ours = |n| delegator(77).rekey(&reader(n).public(), &fresh_blinding());
    assert_eq!(name_by_bls_proofs(&ours(3), &ours(1), &proofs), None);
}

// --- (c) collusion ---

/// The limit of the scheme, shown on purpose: RK, c and t give `h^(1/a)`. Where one key serves two records, a grant
/// of the first opens the second; one delegator key per record confines it to what was granted.
#[test]
fn collusion_opens_every_record_under_one_delegator_key_and_none_under_another() {
    let (shared_key, own_key, t) = (delegator(1), delegator(2), fresh_blinding());
    let (granted, granted_key) = shared_key.encapsulate(OWNER, &mut rng());
    let (same, same_key) = shared_key.encapsulate(OWNER, &mut rng());
    let (separate, separate_key) = own_key.encapsulate(OWNER, &mut rng());

    let rk = shared_key.rekey(&reader(3).public(), &t);
    let half_key = collude(&rk, &delegatee_scalar(&seed(3)), &blinding_scalar(&t));
    let opened = |capsule| *open_with_half_key(&half_key, capsule, OWNER).expose();
    assert_eq!(&opened(&granted), granted_key.commitment_key().expose());
    assert_eq!(
        &opened(&same),
        same_key.commitment_key().expose(),
        "control: a second record under the same key"
    );
    assert_ne!(&opened(&separate), separate_key.commitment_key().expose(), "ours: a key per record");
}

#[test]
fn neither_proxy_nor_reader_alone_gets_the_half_key() {
    let (a, t) = (delegator(1), fresh_blinding());
    let (capsule, key) = a.encapsulate(OWNER, &mut rng());
    let rk = a.rekey(&reader(3).public(), &t);
    let (c, t) = (delegatee_scalar(&seed(3)), blinding_scalar(&t));
    let guess = Scalar::random(&mut rng());
    for (c, t) in [(&guess, &t), (&c, &guess)] {
        let half_key = collude(&rk, c, t);
        assert_ne!(open_with_half_key(&half_key, &capsule, OWNER).expose(), key.commitment_key().expose());
    }
}
