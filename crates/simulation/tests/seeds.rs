//! Ten seeds, of which one is run twice. A failure names its seed; see `docs/simulation.md` for how to repeat it.
#![allow(clippy::unwrap_used)]

use std::thread;

use yilian_simulation::{Report, Scenario, run};

fn play(seed: u64) -> Report {
    let scenario = Scenario::of(seed);
    run(&scenario).unwrap_or_else(|violation| panic!("seed {seed} ({}): {violation}", scenario.summary()))
}

#[test]
fn ten_seeds_keep_every_promise_and_the_same_seed_gives_the_same_trace() {
    // Two at a time, each in a thread of its own.
    let halves =
        [0, 1].map(|half| thread::spawn(move || (half..10).step_by(2).map(play).collect::<Vec<_>>()));
    let reports: Vec<Report> = halves.into_iter().flat_map(|half| half.join().unwrap()).collect();
    // What is checked was also there.
    let sum = |of: fn(&Report) -> usize| reports.iter().map(of).sum::<usize>();
    assert!(sum(|r| r.acknowledged) > 100 && sum(|r| r.proved) > 300, "{reports:?}");
    assert!(sum(|r| r.crashes) > 20 && sum(|r| r.spoiled) > 10 && sum(|r| r.refused) > 10, "{reports:?}");
    assert_eq!(play(0), reports[0]);
}
