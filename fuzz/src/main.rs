//! The fuzzer: one target per decoder of untrusted bytes, one for the transition, all in one binary.
//!
//! A target fails by a panic, an overflow, an allocation beyond its bound, a time-out, or a broken property: what was
//! decoded must encode to the very bytes it came from. `docs/fuzzing.md` says how to use it.

mod allocation;
mod corpus;
mod driver;
mod libfuzzer;
mod report;
mod target;
mod targets;

use std::process::ExitCode;

use target::Target;

#[global_allocator]
static ALLOCATOR: allocation::Counting = allocation::Counting;

const USAGE: &str = "\
yilian-fuzz all [SECONDS]           every target, SECONDS each (without: a minute in all), and the controls; prints a table
yilian-fuzz run TARGET [FLAG...]    one target until Ctrl-C; flags are libFuzzer's
yilian-fuzz repeat TARGET FILE...   inputs once each, without the fuzzer
yilian-fuzz minimize                keeps what adds coverage to the corpora in the repository
yilian-fuzz list                    the targets";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["all"] => driver::all(None),
        ["all", seconds] => match seconds.parse() {
            Ok(seconds) => driver::all(Some(seconds)),
            Err(_) => usage(),
        },
        ["run", name, flags @ ..] => with_target(name, |target| libfuzzer::run(target, flags)),
        ["repeat", name, files @ ..] if !files.is_empty() => {
            with_target(name, |target| corpus::repeat(target, files))
        }
        ["minimize"] => driver::minimize(),
        ["list"] => list(),
        _ => usage(),
    }
}

fn with_target(name: &str, act: impl FnOnce(&'static Target) -> ExitCode) -> ExitCode {
    match targets::find(name) {
        Some(target) => act(target),
        None => {
            eprintln!("there is no target {name}; `list` shows them");
            ExitCode::FAILURE
        }
    }
}

fn list() -> ExitCode {
    for target in targets::ALL.iter().chain(targets::CONTROLS) {
        println!("{:16} {}", target.name, target.what);
    }
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::FAILURE
}
