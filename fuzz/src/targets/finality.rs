//! What a light client takes from nodes that it does not trust.

use commonware_codec::Encode as _;
use yilian_finality::{
    Answer, Bucket, Committee, Header, Prefix, Snapshot, certificate::verify_certificate, verify_answer,
    verify_bucket, verify_historical,
};
use yilian_ledger::{Kind, Name};

use super::fixtures::FIXTURES;
use crate::target::{Target, canonical, choose, chosen, decodes};

pub const HEADER: Target = Target::new("header", "a block's header", decodes::<Header>, || {
    vec![FIXTURES.snapshot.header.encode().to_vec()]
});

/// Only the fixture itself is certified, however it is bent.
fn snapshot(input: &[u8]) -> bool {
    let Some(snapshot) = canonical::<Snapshot>(input) else { return false };
    if verify_historical(&FIXTURES.trust, &snapshot).is_ok() {
        assert_eq!(snapshot.header, FIXTURES.snapshot.header, "a header that nobody signed is certified");
    }
    true
}

pub const SNAPSHOT: Target =
    Target::new("snapshot", "a header with its finalization certificate", snapshot, || {
        vec![FIXTURES.snapshot.encode().to_vec()]
    });

fn certificate(input: &[u8]) -> bool {
    let committee = Committee::genesis(&FIXTURES.world.genesis).expect("a committee");
    verify_certificate(
        FIXTURES.world.chain,
        FIXTURES.world.genesis.epochs(),
        &committee,
        &FIXTURES.snapshot.header,
        input,
    )
    .is_ok()
}

pub const CERTIFICATE: Target =
    Target::new("finalization", "a finalization certificate for a header", certificate, || {
        vec![FIXTURES.snapshot.finalization.clone()]
    });

/// Whatever verifies is what the state holds.
fn answer(input: &[u8]) -> bool {
    let state = &FIXTURES.state;
    let Some((name, answer)) = input.split_at_checked(32) else { return false };
    let name = Name(name.try_into().expect("32 bytes"));
    let Some(answer) = canonical::<Answer>(answer) else { return false };
    if let Ok(entry) = verify_answer(&FIXTURES.header, &name, &answer) {
        assert_eq!(entry.as_ref(), state.entries.get(&name), "a proof of what is not so");
    }
    true
}

fn names() -> Vec<Name> {
    let mut names: Vec<Name> = FIXTURES.state.entries.keys().step_by(5).copied().collect();
    names.extend([Name([0; 32]), Name([0xff; 32]), Name([2; 32])]);
    names
}

pub const ANSWER: Target = Target::new("answer", "an entry or its absence, with the proof", answer, || {
    let seed = |name: &Name| [&name.0[..], &FIXTURES.state.answer(name).encode()].concat();
    names().iter().map(seed).collect()
})
.weighing(2);

/// Whatever verifies is all that the state holds under the prefix.
fn bucket(input: &[u8]) -> bool {
    let Some((rest, kind)) = choose(input, &Kind::ALL) else { return false };
    let Some((bits, rest)) = rest.split_first() else { return false };
    let Some((value, rest)) = rest.split_at_checked(31) else { return false };
    let value = value.try_into().expect("31 bytes");
    let Some(prefix) = Prefix::new(Kind::ALL[kind], *bits, value) else { return false };
    let Some(bucket) = canonical::<Bucket>(rest) else { return false };
    if let Ok(entries) = verify_bucket(&FIXTURES.header, &prefix, &bucket) {
        let all = FIXTURES.state.entries.iter().filter(|(name, _)| prefix.contains(name));
        assert!(all.eq(entries.iter()), "a bucket that is not the state's");
    }
    true
}

pub const BUCKET: Target = Target::new("bucket", "a prefix bucket with its proofs", bucket, || {
    let seed = |kind: usize, bits: u8, value: [u8; 31]| {
        let prefix = Prefix::new(Kind::ALL[kind], bits, value).expect("no unused bits");
        let bucket = FIXTURES.state.bucket(&prefix).encode();
        chosen(kind, [&[bits][..], &value, &bucket].concat())
    };
    let mut half = [0; 31];
    half[0] = 0x80;
    let whole = (0..Kind::ALL.len()).map(|kind| seed(kind, 0, [0; 31]));
    whole.chain([seed(0, 1, half), seed(1, 1, [0; 31]), seed(1, 3, half)]).collect()
})
.long(32 << 10, 8 << 20)
.weighing(2);
