//! The ledger by itself, one thread: the stateless check and the transition, with the re-encryption prepared ahead and not.

use commonware_codec::Encode as _;
use yilian_ledger::{BlockContext, Checked, Entry, ExecuteError, Known, Transaction, execute};
use yilian_testkit::ledger::{Chain as _, World};

use crate::{
    harness::{median, processor_time},
    report::Section,
};

/// Transactions of a block.
const BLOCK: usize = 64;
const ROUNDS: usize = 15;

struct Scene {
    world: World,
    creates: Vec<Transaction>,
    grants: Vec<Transaction>,
    grants_world: World,
}

/// Creates over a fresh world, and grants over one that holds their records.
fn scene() -> Scene {
    let mut world = World::new(1);
    let creates = (0..BLOCK)
        .map(|_| {
            let (owner, tickets) = (world.key(), [world.ticket()]);
            world.create(&owner, &tickets)
        })
        .collect();
    let mut grants_world = World::new(2);
    let grants = (0..BLOCK)
        .map(|_| {
            let owner = grants_world.record();
            let (withdrawal, tickets) = (grants_world.key(), [grants_world.ticket()]);
            grants_world.grant(&owner, &withdrawal, &tickets)
        })
        .collect();
    Scene { world, creates, grants, grants_world }
}

/// Runs in a second, by the median of rounds that begin with `prepare`.
fn rate<T>(mut prepare: impl FnMut() -> T, mut work: impl FnMut(T)) -> f64 {
    let time = |_| {
        let input = prepare();
        let start = processor_time();
        work(input);
        processor_time() - start
    };
    BLOCK as f64 * 1e9 / median((0..ROUNDS).map(time))
}

fn check(world: &World, transactions: &[Vec<u8>]) -> Vec<Checked> {
    transactions.iter().map(|bytes| world.check_bytes(bytes).expect("the transaction is good")).collect()
}

/// Everything that a block asks for, as a node holds it at hand.
fn known(world: &World, context: &BlockContext, block: &[Checked]) -> Known {
    let mut known = Known::new();
    while let Err(ExecuteError::Missing(missing)) = execute(context, &known, block)
    {
        world.fetch(missing.0, &mut known);
    }
    known
}

fn transition(world: &World, block: &[Checked], known: &Known) {
    let done = execute(&world.context(), known, block).expect("the block is good");
    assert_eq!(done.outcomes.len(), block.len());
    std::hint::black_box(done);
}

fn prepare(world: &World, block: &[Checked]) {
    for checked in block {
        let entry = checked.prepares().and_then(|name| world.entry(&name));
        if let Some(Entry::Record(record)) = entry {
            checked.prepare(&record);
        }
    }
}

pub fn run() -> anyhow::Result<Section> {
    let scene = scene();
    let encoded = |all: &[Transaction]| all.iter().map(|t| t.encode().to_vec()).collect::<Vec<_>>();
    let (creates, grants) = (encoded(&scene.creates), encoded(&scene.grants));
    let (plain, granting) = (&scene.world, &scene.grants_world);
    let names_of = |world: &World, all: &[Vec<u8>]| known(world, &world.context(), &check(world, all));
    let (create_names, grant_names) = (names_of(plain, &creates), names_of(granting, &grants));
    let rows = vec![
        ("create: stateless check", rate(|| (), |()| drop(check(plain, &creates)))),
        ("create: transition", rate(|| check(plain, &creates), |b| transition(plain, &b, &create_names))),
        ("grant: stateless check", rate(|| (), |()| drop(check(granting, &grants)))),
        ("grant: re-encryption ahead", rate(|| check(granting, &grants), |b| prepare(granting, &b))),
        (
            "grant: transition, re-encryption done ahead",
            rate(
                || {
                    let block = check(granting, &grants);
                    prepare(granting, &block);
                    block
                },
                |block| transition(granting, &block, &grant_names),
            ),
        ),
        (
            "grant: transition, nothing done ahead",
            rate(|| check(granting, &grants), |b| transition(granting, &b, &grant_names)),
        ),
    ];
    Ok(Section {
        title: "Ledger",
        note: "Transactions a second, one thread, by processor time, in blocks of 64. The check is made once a transaction and \
               in parallel, by every validator; so is the re-encryption, ahead of the block.",
        columns: vec!["step", "a second", "µs each"],
        rows: rows
            .into_iter()
            .map(|(name, rate)| vec![name.into(), format!("{rate:.0}"), format!("{:.1}", 1e6 / rate)])
            .collect(),
        targets: Vec::new(),
    })
}
