//! All targets, several at a time, each a process of its own: an abort ends one of them only.

use std::{
    process::{Command, ExitCode, Output},
    sync::Mutex,
    thread,
    time::Instant,
};

use crate::{
    corpus,
    report::{Row, table},
    target::Target,
    targets,
};

/// For all targets together, without a time of their own.
const ALL_SECONDS: u64 = 60;
/// Inputs within which a control is found; it takes a small part of them.
const CONTROL_RUNS: u64 = 2_000_000;

/// Every control, then every target for so many seconds each.
pub fn all(seconds: Option<u64>) -> ExitCode {
    let (controls, targets) = (targets::CONTROLS, targets::ALL);
    let missed: Vec<&str> = controls.iter().filter(|c| !is_found(c)).map(|c| c.name).collect();
    println!("controls: {} of {} planted defects found", controls.len() - missed.len(), controls.len());
    let dead: Vec<&str> = targets.iter().filter(|t| !is_alive(t)).map(|t| t.name).collect();
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let weights: u64 = targets.iter().map(|t| u64::from(t.weight)).sum();
    let share = ALL_SECONDS * workers as u64 / weights;
    let rows = in_parallel(targets, workers, |target| {
        fuzz(target, seconds.unwrap_or(share.max(1)) * u64::from(target.weight))
    });
    print!("{}", table(&rows));
    for name in missed.iter() {
        println!("NOT FOUND: {name}: the fuzzer is blind");
    }
    for name in dead.iter() {
        println!("DEAD: {name} does not accept its own first seed");
    }
    let failed: Vec<&Row> = rows.iter().filter(|row| row.failed).collect();
    for row in &failed {
        match &row.find {
            Some(path) => {
                println!("FOUND: {0}; repeat it with: make fuzz-repeat TARGET={0} FILE={path}", row.name)
            }
            None => println!("FAILED: {}", row.name),
        }
    }
    if missed.is_empty() && dead.is_empty() && failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// In a process of its own: a target may abort.
fn spawn(words: &[&str], flags: &[String]) -> Output {
    let program = std::env::current_exe().expect("this program has a path");
    // What panicked is said in a line or two; `repeat` gives the rest.
    Command::new(program)
        .args(words)
        .args(flags)
        .env("RUST_BACKTRACE", "0")
        .output()
        .expect("this program starts")
}

fn fuzz(target: &Target, seconds: u64) -> Row {
    let flags = [format!("-max_total_time={seconds}"), "-print_final_stats=1".into()];
    let start = Instant::now();
    let output = spawn(&["run", target.name], &flags);
    let mut row = Row { name: target.name.into(), seconds: start.elapsed().as_secs_f64(), ..Row::default() };
    let text = String::from_utf8_lossy(&output.stderr);
    row.parse(&text);
    row.failed = !output.status.success();
    if row.failed {
        println!("--- {}\n{}", target.name, tail(&text));
    } else {
        (row.corpus, row.accepted) = corpus::census(target);
    }
    row
}

fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}

fn is_found(control: &Target) -> bool {
    corpus::clear(&corpus::artifacts(control));
    let flags = [format!("-runs={CONTROL_RUNS}"), "-seed=1".into()];
    !spawn(&["run", control.name], &flags).status.success()
        && !corpus::files(&corpus::artifacts(control)).is_empty()
}

/// A target that refuses its own seed tests nothing.
fn is_alive(target: &Target) -> bool {
    (target.seeds)().first().is_some_and(|seed| (target.run)(seed))
}

/// Keeps of all inputs known here, in the repository's corpora, those that add coverage.
pub fn minimize() -> ExitCode {
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let kept = in_parallel(targets::ALL, workers, |target| {
        corpus::write_seeds(target);
        let merged = corpus::merged(target);
        let folders = [&merged, &corpus::kept(target), &corpus::working(target)];
        let mut flags = vec!["-set_cover_merge=1".to_owned()];
        flags.extend(folders.map(|folder| folder.display().to_string()));
        let done = spawn(&["run", target.name], &flags).status.success();
        if done {
            corpus::replace_kept(target, &merged);
        }
        (target.name, done, corpus::files(&corpus::kept(target)).len())
    });
    for (name, done, count) in &kept {
        println!("{name:<16} {count:>5}{}", if *done { "" } else { "  FAILED" });
    }
    if kept.iter().all(|(_, done, _)| *done) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// In order, so many at a time.
fn in_parallel<T: Send>(
    targets: &'static [Target],
    workers: usize,
    work: impl Fn(&'static Target) -> T + Sync,
) -> Vec<T> {
    let (queue, done) = (Mutex::new(targets.iter().enumerate()), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let Some((index, target)) = queue.lock().expect("no worker panics").next() else { break };
                    let result = work(target);
                    done.lock().expect("no worker panics").push((index, result));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("no worker panics");
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}
