//! † Two keys, one ciphertext: plain GCM opens it under both, our stream does not (spec S-6, S-7).
//!
//! The attack shows one reader a harmless record and another reader a different one, behind the same CID.
#![allow(clippy::unwrap_used)]

use yilian_crypto::stream::{DataKey, HEADER, StreamError, decrypt, encrypt};
use yilian_testkit::crypto::{
    ONLY_SEGMENT, TWO_FACED, data_key, open_uncommitted, segment_key, two_faced_ciphertext,
};

const TEXTS: [&[u8; 16]; 2] = [b"blood group: AB+", b"blood group: 0-."];

fn keys() -> [DataKey; 2] {
    [data_key(1), data_key(2)]
}

fn attack(context: &[u8]) -> [u8; TWO_FACED] {
    let [first, second] = keys().map(|key| segment_key(&key));
    two_faced_ciphertext([&first, &second], ONLY_SEGMENT, context, TEXTS)
}

#[test]
fn control_without_commitment_one_ciphertext_opens_under_two_keys() {
    let [first, second] = keys();
    let context = b"no commitment";
    let segment = attack(context);
    let one = open_uncommitted(&first, context, &segment).unwrap();
    let other = open_uncommitted(&second, context, &segment).unwrap();
    assert_eq!(&one[..16], TEXTS[0]);
    assert_eq!(&other[16..32], TEXTS[1]);
    assert!(open_uncommitted(&data_key(3), context, &segment).is_err(), "it opens under these two only");
}

/// The header of an honest stream of 48 bytes, and a segment that GCM opens under both keys in that very context.
fn two_faced_stream(committed: &DataKey) -> Vec<u8> {
    let header = &encrypt(committed.clone(), &[0; 48])[..HEADER];
    let segment = attack(header);
    for key in keys() {
        assert!(open_uncommitted(&key, header, &segment).is_ok(), "GCM itself is fooled");
    }
    [header, &segment].concat()
}

#[test]
fn the_same_attack_on_the_stream_opens_under_the_committed_key_only() {
    let [first, second] = keys();
    for (committed, other, text, range) in
        [(&first, &second, TEXTS[0], 0..16), (&second, &first, TEXTS[1], 16..32)]
    {
        let stream = two_faced_stream(committed);
        assert_eq!(decrypt(other, &stream), Err(StreamError::WrongKey));
        assert_eq!(&decrypt(committed, &stream).unwrap()[range], text);
    }
}

#[test]
fn transplanting_the_other_commitment_satisfies_neither_key() {
    let [first, second] = keys();
    let mut header = encrypt(first.clone(), &[0; 48])[..HEADER].to_vec();
    header[32..].copy_from_slice(&encrypt(second.clone(), &[0; 48])[32..HEADER]);
    let stream = [&header[..], &attack(&header)].concat();
    assert_eq!(decrypt(&first, &stream), Err(StreamError::WrongKey));
    assert_eq!(decrypt(&second, &stream), Err(StreamError::TrueLength));
}
