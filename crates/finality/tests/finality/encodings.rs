//! Encodings: round trip, truncation, trailing bytes, hostile bytes, frozen bytes.

use std::fmt::Debug;

use crate::common::{Fixture, spread, trust};
use commonware_codec::{Copying, Decode, DecodeExt as _, Encode, Read};
use proptest::prelude::*;
use yilian_crypto::hash::sha256;
use yilian_finality::{Answer, Bucket, Committee, Header, Prefix, Snapshot};
use yilian_ledger::Kind;

fn holds<T: Encode + Decode + Read<Cfg = ()> + PartialEq + Debug>(value: &T) {
    let bytes = value.encode();
    assert_eq!(&T::decode(bytes.clone()).unwrap(), value);
    for length in 0..bytes.len() {
        assert!(T::decode(Copying(&bytes[..length])).is_err(), "cut to {length}");
    }
    let mut longer = bytes.to_vec();
    longer.push(0);
    assert!(T::decode(longer).is_err());
}

fn small_bucket(f: &Fixture) -> Bucket {
    let mut bytes = [0; 31];
    bytes[0] = 0x40;
    f.state.bucket(&Prefix::new(Kind::Grant, 5, bytes).unwrap())
}

#[test]
fn every_type_round_trips_and_refuses_cuts_and_additions() {
    let f = Fixture::new();
    holds(&f.snapshot.header);
    holds(&f.snapshot);
    holds(&f.state.answer(&spread(Kind::Grant, 1)));
    holds(&f.state.answer(&spread(Kind::Grant, 1000)));
    holds(&small_bucket(&f));
    assert!(f.snapshot.header.encode().len() <= Header::MAX_SIZE);
}

/// One encoding per bucket: whatever decodes encodes to the same bytes.
#[test]
fn a_bucket_has_one_encoding() {
    let f = Fixture::new();
    let bytes = small_bucket(&f).encode();
    for byte in 0..bytes.len() {
        let mut other = bytes.to_vec();
        other[byte] ^= 1;
        if let Ok(bucket) = Bucket::decode(other.clone()) {
            assert_eq!(bucket.encode().as_ref(), other.as_slice(), "byte {byte}");
        }
    }
}

#[test]
fn a_committee_is_sorted_distinct_and_not_empty() {
    let f = Fixture::new();
    let keys = f.world.genesis.committee.clone();
    assert_eq!(Committee::new(&keys).unwrap().quorum(), 3);
    let mut reversed = keys.clone();
    reversed.reverse();
    assert!(Committee::new(&reversed).is_err());
    assert!(Committee::new(&[keys[0], keys[0]]).is_err());
    assert!(Committee::new(&[]).is_err());
    assert!(Committee::new(&[[0xff; 32]]).is_err());
}

/// A changed digest is another protocol: update `spec/vectors/finality.json` on purpose.
#[test]
fn bytes_are_frozen() {
    let f = Fixture::new();
    let committee = Committee::genesis(&f.world.genesis).unwrap();
    let answer = f.state.answer(&spread(Kind::Grant, 1));
    let digest = |bytes: &[u8]| sha256(bytes).to_string();
    let now = serde_json::json!({
        "committee": committee.digest().to_string(),
        "header": hex::encode(f.snapshot.header.encode()),
        "header_digest": f.snapshot.header.digest().to_string(),
        "state_root": f.state.root.to_string(),
        "namespace": yilian_finality::certificate::namespace(f.world.chain, &committee).to_string(),
        "trust": hex::encode(trust(&f.world.genesis).keep()),
        "snapshot_sha256": digest(&f.snapshot.encode()),
        "answer_sha256": digest(&answer.encode()),
        "bucket_sha256": digest(&small_bucket(&f).encode()),
    });
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../spec/vectors/finality.json");
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::write(path, serde_json::to_string_pretty(&now).unwrap() + "\n").unwrap();
    }
    let frozen: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(now, frozen);
}

static GENESIS: std::sync::LazyLock<yilian_ledger::Genesis> =
    std::sync::LazyLock::new(|| yilian_testkit::ledger::World::new(7).genesis);

proptest! {
    #[test]
    fn hostile_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = Header::decode(Copying(&bytes));
        let _ = Snapshot::decode(Copying(&bytes));
        let _ = Answer::decode(Copying(&bytes));
        let _ = Bucket::decode(Copying(&bytes));
        let _ = yilian_finality::Step::decode(Copying(&bytes));
        let _ = yilian_finality::Trust::resume(&GENESIS, &bytes);
    }
}
