//! Both implementations against the standard, against each other, and against damage.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::{native::Native, portable::Portable, *};

fn key(byte: u8) -> Aead {
    Aead::new(&Secret::new([byte; 32]))
}

#[test]
fn opens_what_it_sealed() {
    for len in [0, 1, 15, 16, 17, 1000] {
        let plaintext = vec![7; len];
        let mut buf = plaintext.clone();
        key(1).seal([0; NONCE], b"aad", &mut buf);
        assert_eq!(buf.len(), len + TAG);
        key(1).open([0; NONCE], b"aad", &mut buf).unwrap();
        assert_eq!(buf, plaintext);
    }
}

#[test]
fn refuses_another_key_nonce_or_associated_data_and_empties_the_buffer() {
    let mut sealed = b"text".to_vec();
    key(1).seal([0; NONCE], b"aad", &mut sealed);
    for (key, nonce, aad) in [
        (key(2), [0; NONCE], &b"aad"[..]),
        (key(1), [1; NONCE], b"aad"),
        (key(1), [0; NONCE], b"aae"),
        (key(1), [0; NONCE], b""),
    ] {
        let mut buf = sealed.clone();
        assert_eq!(key.open(nonce, aad, &mut buf), Err(AeadError));
        assert!(buf.is_empty());
    }
}

#[test]
fn refuses_every_flipped_bit_and_truncation() {
    let mut sealed = b"text".to_vec();
    key(1).seal([0; NONCE], b"aad", &mut sealed);
    for bit in 0..sealed.len() * 8 {
        let mut buf = sealed.clone();
        buf[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(key(1).open([0; NONCE], b"aad", &mut buf), Err(AeadError), "bit {bit}");
    }
    for cut in 0..sealed.len() {
        assert_eq!(key(1).open([0; NONCE], b"aad", &mut sealed[..cut].to_vec()), Err(AeadError));
    }
}

/// The GCM submission's AES-256 test cases 13 (empty) and 14 (one zero block).
fn matches_the_published_cases<G: Gcm>() {
    let gcm = G::new(&[0; 32]);
    let tag = gcm.seal_in_place([0; NONCE], b"", &mut []);
    assert_eq!(hex::encode(tag), "530f8afbc74536b9a963b4f1c4cb738b");
    let mut block = [0; 16];
    let tag = gcm.seal_in_place([0; NONCE], b"", &mut block);
    assert_eq!(hex::encode(block), "cea7403d4d606b6e074ec5d3baf39d18");
    assert_eq!(hex::encode(tag), "d0d1c8a799996bf0265b98b5d48ab919");
}

#[test]
fn native_matches_the_published_cases() {
    matches_the_published_cases::<Native>();
}

#[test]
fn portable_matches_the_published_cases() {
    matches_the_published_cases::<Portable>();
}

/// Seals with one implementation in both ways, opens with the other in both ways.
fn crosses<A: Gcm, B: Gcm>(key: &[u8; 32], nonce: [u8; NONCE], aad: &[u8], plaintext: &[u8]) {
    let (a, b) = (A::new(key), B::new(key));
    let mut sealed = plaintext.to_vec();
    let tag = a.seal_in_place(nonce, aad, &mut sealed);
    let mut beside = vec![0; plaintext.len()];
    assert_eq!(a.seal_to(nonce, aad, plaintext, &mut beside), tag);
    assert_eq!(beside, sealed);
    b.open_to(nonce, aad, &sealed, &tag, &mut beside).unwrap();
    assert_eq!(beside, plaintext);
    let mut wrong = tag;
    wrong[0] ^= 1;
    assert_eq!(b.open_to(nonce, aad, &sealed, &wrong, &mut beside), Err(AeadError));
    assert_eq!(b.open_in_place(nonce, aad, &mut sealed.clone(), &wrong), Err(AeadError));
    b.open_in_place(nonce, aad, &mut sealed, &tag).unwrap();
    assert_eq!(sealed, plaintext);
}

proptest! {
    #[test]
    fn the_two_implementations_agree(
        key: [u8; 32],
        nonce: [u8; NONCE],
        aad in proptest::collection::vec(any::<u8>(), 0..80),
        plaintext in proptest::collection::vec(any::<u8>(), 0..600),
    ) {
        crosses::<Native, Portable>(&key, nonce, &aad, &plaintext);
        crosses::<Portable, Native>(&key, nonce, &aad, &plaintext);
    }

    #[test]
    fn padded_sealing_equals_sealing_the_padded_text(
        plaintext in proptest::collection::vec(any::<u8>(), 0..100),
        zeros in 0usize..100,
    ) {
        let mut buf = plaintext.clone();
        buf.resize(plaintext.len() + zeros, 0);
        let mut out = vec![0xff; buf.len() + TAG];
        key(1).seal_padded_to([3; NONCE], b"aad", &plaintext, &mut out);
        key(1).seal([3; NONCE], b"aad", &mut buf);
        prop_assert_eq!(out, buf);
    }
}
