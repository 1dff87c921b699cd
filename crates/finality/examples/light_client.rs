//! What a light client pays at a large state: bytes and time of one proof and of one bucket.
//! `cargo run --release -p yilian-finality --example light_client [ENTRIES] [--json FILE]`, a million by default.
//!
//! Names are random, as hashes are; entries of the bucket are real records, so that their points are parsed and checked.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::{hint::black_box, time::Instant};

use commonware_codec::{Copying, DecodeExt as _, Encode as _};
use yilian_crypto::{Digest, hash::sha256};
use yilian_finality::{
    Answer, Bucket, Prefix, Snapshot, Trust, bucket::Member, bucket::Walk, verify_answer, verify_bucket,
    verify_historical,
};
use yilian_ledger::{Entry, Kind, Name, transition::Counts};
use yilian_testkit::{
    finality::{certify, header, prove},
    ledger::World,
};

const ROUNDS: usize = 21;
/// Writes of one batch, as of a full block.
const BLOCK: usize = 1000;

/// Record number `i`'s name: a hash behind the kind's byte.
fn name(i: u64) -> Name {
    let mut name = sha256(&i.to_be_bytes()).0;
    name[0] = Kind::Record as u8;
    Name(name)
}

/// A few real records; what a state commits to need not differ from name to name.
fn records() -> Vec<Entry> {
    let mut world = World::new(1);
    (0..8).for_each(|_| _ = world.record());
    world.state.into_values().filter(|entry| matches!(entry, Entry::Record(_))).collect()
}

/// Milliseconds, the median of some rounds.
fn milliseconds<T>(mut work: impl FnMut() -> T) -> f64 {
    black_box(work());
    let mut times: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            black_box(work());
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[ROUNDS / 2]
}

fn main() {
    let mut arguments = std::env::args().skip(1).peekable();
    let count = arguments.next_if(|word| word != "--json").map_or(1_000_000, |word| word.parse().unwrap());
    let json = arguments.next().map(|_| arguments.next().unwrap());

    let (world, records) = (World::new(2), records());
    let counts = Counts { records: count, ..Counts::default() };
    let prefix = Prefix::of(&name(count / 2), &counts).unwrap();
    let entry = |i: u64| &records[i as usize % records.len()];
    let values = (0..count).map(|i| (name(i), entry(i).digest())).collect();
    let (root, links) = prove(values, BLOCK, |names| {
        // Those of the prefix, and the one before.
        let start = names.partition_point(|name| *name < prefix.first());
        let end = names.partition_point(|name| *name <= prefix.last());
        names[start.saturating_sub(1)..end].to_vec()
    });
    let encoded = |name: &Name| {
        let digest: Digest = links[name].link.value;
        records.iter().find(|entry| entry.digest() == digest).unwrap().encode().to_vec()
    };

    let answer = Answer { entry: Some(encoded(&name(count / 2))), link: links[&name(count / 2)].clone() };
    let mut members: Vec<Member> = Vec::new();
    let first = links.values().find(|link| Walk::start(&prefix, link).is_some()).unwrap().clone();
    let mut walk = Walk::start(&prefix, &first).unwrap();
    members.push(Member { entry: walk.first_belongs().then(|| encoded(&first.link.name)), link: first });
    while let Some(name) = walk.next() {
        walk.step(&links[&name]);
        members.push(Member { link: links[&name].clone(), entry: Some(encoded(&name)) });
    }
    let entries: usize = members.iter().filter_map(|m| m.entry.as_ref()).map(Vec::len).sum();
    let bucket = Bucket::new(members).unwrap();

    let head = header(&world.genesis, root, counts, 7, world.time);
    let snapshot = certify(&world.genesis, head, &world.validators[..3]);
    let trust = Trust::genesis(&world.genesis).unwrap();
    let verified = verify_historical(&trust, &snapshot).unwrap();
    let (snapshot_bytes, answer_bytes, bucket_bytes) =
        (snapshot.encode().to_vec(), answer.encode().to_vec(), bucket.encode().to_vec());
    let present = bucket.members().iter().filter(|m| m.entry.is_some()).count();
    let proof = answer_bytes.len() - answer.entry.as_ref().unwrap().len();

    let rows = [
        (
            "header and certificate of 4 validators",
            snapshot_bytes.len(),
            milliseconds(|| {
                let snapshot = Snapshot::decode(Copying(&snapshot_bytes)).unwrap();
                verify_historical(&trust, &snapshot).unwrap()
            }),
        ),
        ("one proof, without its entry", proof, milliseconds(|| answer.link.verify(&root).unwrap())),
        (
            "one answer: proof and record",
            answer_bytes.len(),
            milliseconds(|| {
                let answer = Answer::decode(Copying(&answer_bytes)).unwrap();
                verify_answer(&verified, &name(count / 2), &answer).unwrap()
            }),
        ),
        (
            "one bucket",
            bucket_bytes.len(),
            milliseconds(|| {
                let bucket = Bucket::decode(Copying(&bucket_bytes)).unwrap();
                verify_bucket(&verified, &prefix, &bucket).unwrap()
            }),
        ),
        ("of it, the records themselves", entries, 0.0),
    ];
    println!(
        "### Light client, {count} entries\n\nDecoded and verified, one thread, wall clock, medians. The bucket has {present} records.\n"
    );
    println!("| | bytes | ms |\n| --- | --- | --- |");
    for (what, bytes, ms) in &rows {
        println!("| {what} | {bytes} | {ms:.3} |");
    }
    println!();
    if let Some(path) = json {
        let rows: Vec<_> = rows
            .iter()
            .map(|(what, bytes, ms)| serde_json::json!({"what": what, "bytes": bytes, "ms": ms}))
            .collect();
        let report = serde_json::json!({"entries": count, "bucket": present, "rows": rows});
        std::fs::write(path, serde_json::to_vec_pretty(&report).unwrap()).unwrap();
    }
}
