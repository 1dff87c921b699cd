//! `make simulate`: runs seeds one after another, prints a line for each, ends with the first that breaks a promise.
#![allow(clippy::print_stdout)]

use std::{process::ExitCode, time::Instant};

use clap::Parser;
use yilian_simulation::{Scenario, run};

/// Whole networks of validators in simulated time, by seed.
#[derive(Parser)]
struct Arguments {
    /// How many seeds to run.
    #[arg(long, default_value_t = 10)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// Run each seed twice and compare what happened.
    #[arg(long)]
    twice: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = tracing_subscriber::EnvFilter::from_default_env();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).without_time().init();
    let begun = Instant::now();
    let (mut failed, mut blocks, mut acknowledged, mut crashes) = (0u64, 0, 0, 0);
    println!(
        "{:>6} {:>7} {:>6} {:>8} {:>8} {:>8} {:>7} {:>6}  scenario",
        "seed", "blocks", "final", "refused", "crashes", "invalid", "proved", "s"
    );
    for seed in arguments.first..arguments.first + arguments.seeds {
        let scenario = Scenario::of(seed);
        let start = Instant::now();
        let mut result = run(&scenario).map_err(|violation| violation.to_string());
        if arguments.twice && result.is_ok() && run(&scenario).map_err(|v| v.to_string()) != result {
            result = Err("the same seed gave another trace".into());
        }
        let seconds = start.elapsed().as_secs_f64();
        match result {
            Ok(report) => {
                blocks += report.height;
                acknowledged += report.acknowledged;
                crashes += report.crashes;
                println!(
                    "{seed:>6} {:>7} {:>6} {:>8} {:>8} {:>8} {:>7} {seconds:>6.1}  {}",
                    report.height,
                    report.acknowledged,
                    report.refused,
                    report.crashes,
                    report.spoiled,
                    report.proved,
                    scenario.summary()
                );
            }
            Err(what) => {
                failed += 1;
                println!("{seed:>6} FAILED after {seconds:.1} s: {what}\n       {}", scenario.summary());
                println!(
                    "       again, with all that happened: RUST_LOG=yilian_simulation=info make simulate FIRST={seed} SEEDS=1"
                );
            }
        }
    }
    println!(
        "{} seeds in {:.0} s: {blocks} blocks, {acknowledged} transactions final, {crashes} crashes, {failed} failed",
        arguments.seeds,
        begun.elapsed().as_secs_f64()
    );
    if failed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
