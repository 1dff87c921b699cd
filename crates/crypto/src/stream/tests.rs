//! The stream against its attackers: every leaf is the right one, in its place, of this stream, or refused.
#![allow(clippy::unwrap_used)]

use std::ops::Range;

use proptest::prelude::*;

use super::header::Context;
use super::*;
use crate::test::Seeded;

fn key(byte: u8) -> DataKey {
    DataKey::from_bytes(Secret::new([byte; 32]))
}

fn text(len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    rand_core::Rng::fill_bytes(&mut Seeded::new(len as u64), &mut bytes);
    bytes
}

/// Lengths around every boundary of the layout.
fn edges() -> Vec<usize> {
    let (first, segment) = (FIRST_SEGMENT as usize, SEGMENT as usize);
    [0, 1, 2, 9, first, first + segment, first + 2 * segment]
        .into_iter()
        .flat_map(|edge| [edge.saturating_sub(1), edge, edge + 1])
        .chain([first - 20_000, first - 9_000, 2 * first + 7])
        .collect()
}

/// Plaintext of `range`, read through the leaves that carry it only.
fn read(decryptor: &Decryptor, ciphertext: &[u8], range: Range<u64>) -> Vec<u8> {
    let mut out = Vec::new();
    for index in leaves_of(range.clone()) {
        let leaf = ciphertext.chunks(LEAF).nth(index as usize).unwrap();
        let start = leaf_range(decryptor.len(), index).start;
        let plain = decryptor.leaf(index, leaf).unwrap();
        let from = range.start.saturating_sub(start) as usize;
        let to = ((range.end - start) as usize).min(plain.len());
        out.extend_from_slice(&plain[from..to]);
    }
    out
}

#[test]
fn decrypts_what_was_encrypted_at_every_edge() {
    for len in edges() {
        let plaintext = text(len);
        let ciphertext = encrypt(key(1), &plaintext);
        assert_eq!(ciphertext.len() as u64, ciphertext_len(len as u64).unwrap(), "length {len}");
        assert_eq!(ciphertext.len().div_ceil(LEAF) as u64, leaf_count(len as u64), "length {len}");
        assert!(decrypt(&key(1), &ciphertext).unwrap() == plaintext, "length {len}");
    }
}

#[test]
fn leaf_by_leaf_equals_all_at_once() {
    for len in edges() {
        let plaintext = text(len);
        let whole = encrypt(key(1), &plaintext);
        let mut encryptor = Encryptor::new(key(1), len as u64).unwrap();
        let mut joined = Vec::new();
        while let Some(range) = encryptor.next_range() {
            let leaf = encryptor.next_leaf(&plaintext[range.start as usize..range.end as usize]).unwrap();
            joined.extend(leaf.unwrap());
        }
        assert_eq!(encryptor.next_leaf(&[]), Ok(None));
        assert!(joined == whole, "length {len}");
        let (decryptor, first) =
            Decryptor::new(&key(1), &whole[..LEAF.min(whole.len())], whole.len() as u64).unwrap();
        assert_eq!(decryptor.len(), len as u64);
        assert_eq!(decryptor.is_empty(), len == 0);
        let mut opened = first;
        for (index, leaf) in whole.chunks(LEAF).enumerate().skip(1) {
            let mut leaf = leaf.to_vec();
            opened.extend_from_slice(decryptor.leaf_in_place(index as u64, &mut leaf).unwrap());
        }
        assert!(opened == plaintext, "length {len}");
    }
}

/// Tabulated by hand from the definition: floor(log2) + 1 significant bits of the exponent's size are kept.
#[test]
fn padme_rounds_as_defined() {
    for (len, padded) in
        [(0, 0), (1, 1), (8, 8), (9, 10), (15, 16), (100, 104), (1000, 1024), (65_537, 67_584)]
    {
        assert_eq!(padme(len), padded, "length {len}");
    }
    assert_eq!(padme(MAX_LEN), MAX_LEN);
    assert_eq!(padme(u64::MAX), u64::MAX);
}

/// Two lengths of one class: size and all that stands in the clear are the same, and the true length is sealed.
#[test]
fn an_observer_sees_the_padded_length_only() {
    let (short, long) = (encrypt(key(1), &text(65_537)), encrypt(key(2), &text(67_584)));
    assert_eq!(short.len(), long.len());
    assert_eq!(short[..8], long[..8]);
    assert!(!short[..HEADER].windows(3).any(|window| window == [1, 0, 1]), "65,537 in the clear");
    let sealed = |len| Context::new(&key(3), len).unwrap().header()[8..16].to_vec();
    assert_ne!(sealed(65_537), sealed(67_584));
}

#[test]
fn refuses_a_wrong_key_from_the_header_alone() {
    let ciphertext = encrypt(key(1), &text(1000));
    let header = &ciphertext[..HEADER];
    let total = ciphertext.len() as u64;
    assert!(Decryptor::from_header(&key(1), header, total).is_ok());
    assert_eq!(Decryptor::from_header(&key(2), header, total).unwrap_err(), StreamError::WrongKey);
    assert_eq!(Decryptor::new(&key(2), &ciphertext, total).unwrap_err(), StreamError::WrongKey);
    assert_eq!(decrypt(&key(2), &ciphertext), Err(StreamError::WrongKey));
}

#[test]
fn refuses_every_flipped_bit_of_a_small_stream() {
    for len in [0, 1, 9, 40] {
        let ciphertext = encrypt(key(1), &text(len));
        for bit in 0..ciphertext.len() * 8 {
            let mut forged = ciphertext.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            let expected = match bit / 8 {
                0..8 => None,
                8..32 => Some(StreamError::TrueLength),
                32..64 => Some(StreamError::WrongKey),
                _ => Some(StreamError::Segment(0)),
            };
            let error = decrypt(&key(1), &forged).unwrap_err();
            assert!(expected.is_none_or(|expected| expected == error), "length {len}, bit {bit}: {error}");
        }
    }
}

#[test]
fn refuses_every_truncation_and_extension_of_a_small_stream() {
    let ciphertext = encrypt(key(1), &text(40));
    for cut in 0..ciphertext.len() {
        assert!(decrypt(&key(1), &ciphertext[..cut]).is_err(), "accepted {cut} bytes");
    }
    let longer = [&ciphertext[..], &[0]].concat();
    assert_eq!(decrypt(&key(1), &longer), Err(StreamError::Length));
}

/// A stream of three full leaves, and its decryptor.
fn three_leaves(key: &DataKey) -> (Vec<u8>, Decryptor) {
    let len = FIRST_SEGMENT + 2 * SEGMENT;
    assert_eq!(leaf_count(len), 4, "padding adds a leaf");
    let ciphertext = encrypt(key.clone(), &text(len as usize));
    let decryptor = Decryptor::from_header(key, &ciphertext[..HEADER], ciphertext.len() as u64).unwrap();
    (ciphertext, decryptor)
}

#[test]
fn refuses_whole_leaves_cut_off() {
    let (ciphertext, _) = three_leaves(&key(1));
    for leaves in 1..4 {
        assert_eq!(decrypt(&key(1), &ciphertext[..leaves * LEAF]), Err(StreamError::Length));
    }
}

/// Truncation together with a header that admits it: the shorter header is not this stream's, and an inner leaf is
/// not a last one.
#[test]
fn refuses_a_truncated_stream_under_a_fitting_header() {
    let (mut ciphertext, _) = three_leaves(&key(1));
    let shorter = encrypt(key(1), &text(FIRST_SEGMENT as usize + 1000));
    ciphertext.truncate(shorter.len());
    ciphertext[..HEADER].copy_from_slice(&shorter[..HEADER]);
    assert_eq!(decrypt(&key(1), &ciphertext), Err(StreamError::Segment(0)));
    ciphertext[..LEAF].copy_from_slice(&shorter[..LEAF]);
    assert_eq!(decrypt(&key(1), &ciphertext), Err(StreamError::Segment(1)));
}

#[test]
fn refuses_reordered_and_repeated_leaves() {
    let (ciphertext, decryptor) = three_leaves(&key(1));
    let leaf = |index: usize| &ciphertext[index * LEAF..(index + 1) * LEAF];
    assert!(decryptor.leaf(1, leaf(1)).is_ok() && decryptor.leaf(2, leaf(2)).is_ok());
    assert_eq!(decryptor.leaf(1, leaf(2)), Err(StreamError::Segment(1)));
    assert_eq!(decryptor.leaf(2, leaf(1)), Err(StreamError::Segment(2)));
    let swapped = [leaf(0), leaf(2), leaf(1), &ciphertext[3 * LEAF..]].concat();
    assert_eq!(decrypt(&key(1), &swapped), Err(StreamError::Segment(1)));
    let repeated = [leaf(0), leaf(1), leaf(1), &ciphertext[3 * LEAF..]].concat();
    assert_eq!(decrypt(&key(1), &repeated), Err(StreamError::Segment(2)));
}

#[test]
fn refuses_leaves_of_another_stream() {
    let (ciphertext, decryptor) = three_leaves(&key(1));
    let (foreign, _) = three_leaves(&key(2));
    assert_eq!(decryptor.leaf(1, &foreign[LEAF..2 * LEAF]), Err(StreamError::Segment(1)));
    let spliced = [&ciphertext[..LEAF], &foreign[LEAF..]].concat();
    assert_eq!(decrypt(&key(1), &spliced), Err(StreamError::Segment(1)));
    // Even of one under the same key, against the rule that a key is used once: the header is in every segment.
    let sibling = encrypt(key(1), &text((FIRST_SEGMENT + 2 * SEGMENT - 30_000) as usize));
    assert_eq!(decryptor.leaf(1, &sibling[LEAF..2 * LEAF]), Err(StreamError::Segment(1)));
}

#[test]
fn refuses_leaves_that_are_not_there_or_not_of_their_size() {
    let (ciphertext, decryptor) = three_leaves(&key(1));
    assert_eq!(decryptor.leaves(), 4);
    for index in [4, 5, u64::MAX] {
        assert_eq!(decryptor.leaf(index, &ciphertext[..LEAF]), Err(StreamError::NoSuchLeaf(index)));
    }
    assert_eq!(decryptor.leaf(1, &ciphertext[..LEAF - 1]), Err(StreamError::Length));
    assert_eq!(decryptor.leaf(0, &[]), Err(StreamError::Length));
    assert_eq!(decryptor.leaf_in_place(3, &mut [0; 10]).unwrap_err(), StreamError::Length);
}

#[test]
fn refuses_other_suites_and_unpadded_lengths() {
    let ciphertext = encrypt(key(1), &text(1000));
    let with_head = |head: [u8; 8]| {
        let mut forged = ciphertext.clone();
        forged[..8].copy_from_slice(&head);
        decrypt(&key(1), &forged).unwrap_err()
    };
    let mut head = 1024u64.to_be_bytes();
    head[0] = crate::suite::LOCK;
    assert_eq!(with_head(head), StreamError::Header);
    for padded in [1001, (MAX_LEN << 1), (1 << 56) - 1] {
        let mut head = u64::to_be_bytes(padded);
        head[0] = crate::suite::STREAM;
        assert_eq!(with_head(head), StreamError::Header);
    }
    let mut head = 1040u64.to_be_bytes();
    head[0] = crate::suite::STREAM;
    assert_eq!(padme(1040), 1088, "the control: a length that Padmé does not make");
    assert_eq!(with_head(head), StreamError::Header);
    let mut head = 1088u64.to_be_bytes();
    head[0] = crate::suite::STREAM;
    assert_eq!(with_head(head), StreamError::TrueLength);
}

/// A holder of the key who hides bytes in the padding is refused: one plaintext has one stream.
#[test]
fn refuses_padding_that_is_not_zero() {
    let context = Context::new(&key(1), 9).unwrap();
    let mut ciphertext = vec![0; HEADER + 10 + TAG];
    ciphertext[..HEADER].copy_from_slice(context.header());
    context.seal(0, true, b"123456789\0", &mut ciphertext[HEADER..]);
    assert_eq!(decrypt(&key(1), &ciphertext).unwrap(), b"123456789");
    context.seal(0, true, b"123456789!", &mut ciphertext[HEADER..]);
    assert_eq!(decrypt(&key(1), &ciphertext), Err(StreamError::Padding(0)));
}

#[test]
fn refuses_plaintext_of_another_length_than_announced() {
    let mut encryptor = Encryptor::new(key(1), 100).unwrap();
    for got in [0, 99, 101] {
        assert_eq!(encryptor.next_leaf(&vec![0; got]), Err(StreamError::Input { expected: 100, got }));
    }
    assert_eq!(encryptor.next_leaf_to(&[0; 100], &mut [0; 10]), Err(StreamError::Length));
    assert!(encryptor.next_leaf(&[0; 100]).unwrap().is_some(), "a refusal uses no leaf up");
    assert_eq!(encryptor.next_leaf_to(&[], &mut [0; 10]), Err(StreamError::NoSuchLeaf(1)));
}

#[test]
fn refuses_more_than_a_stream_can_hold() {
    assert_eq!(Encryptor::new(key(1), MAX_LEN + 1).unwrap_err(), StreamError::TooLong(MAX_LEN + 1));
    assert_eq!(ciphertext_len(u64::MAX), Err(StreamError::TooLong(u64::MAX)));
    assert!(Encryptor::new(key(1), MAX_LEN).is_ok());
}

proptest! {
    #[test]
    fn padme_is_monotonic_idempotent_and_cheap(a in 0..MAX_LEN, b in 0..MAX_LEN) {
        let (low, high) = (a.min(b), a.max(b));
        prop_assert!(padme(low) <= padme(high));
        prop_assert_eq!(padme(padme(a)), padme(a));
        prop_assert!(padme(a) >= a && (padme(a) - a) * 100 <= a * 12);
    }

    #[test]
    fn leaf_ranges_tile_the_plaintext(len in 0..4 * LEAF as u64) {
        let mut at = 0;
        for index in 0..leaf_count(len) {
            let range = leaf_range(len, index);
            prop_assert_eq!(range.start, at);
            at = range.end;
        }
        prop_assert_eq!(at, len);
    }

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(decrypt(&key(1), &bytes).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_range_decrypts_to_the_slice(len in 0usize..3 * LEAF, from in 0.0..1.0, size in 0.0..1.0) {
        let plaintext = text(len);
        let ciphertext = encrypt(key(1), &plaintext);
        let total = ciphertext.len() as u64;
        let decryptor = Decryptor::from_header(&key(1), &ciphertext[..HEADER], total).unwrap();
        let start = (len as f64 * from) as usize;
        let end = start + ((len - start) as f64 * size) as usize;
        prop_assert!(read(&decryptor, &ciphertext, start as u64..end as u64) == plaintext[start..end]);
    }

    #[test]
    fn refuses_a_flipped_bit_anywhere(len in 0usize..2 * LEAF, at in 0.0..1.0) {
        let mut ciphertext = encrypt(key(1), &text(len));
        let bit = (ciphertext.len() as f64 * 8.0 * at) as usize;
        ciphertext[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(decrypt(&key(1), &ciphertext).is_err());
    }
}
