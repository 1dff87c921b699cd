//! Interleaved measurement on one thread. All candidates of an operation take turns within every round, so that whatever
//! slows the machine down slows all of them; times are of the thread's own processor time; ratios are medians of the ratios
//! within a round, not ratios of medians.

use std::hint::black_box;

use rustix::time::{ClockId, clock_gettime};

const ROUNDS: usize = 41;
/// One candidate's turn lasts about so long, ns.
const TURN: f64 = 4e6;

/// One way to do an operation.
pub struct Candidate<'a> {
    pub who: &'static str,
    work: Box<dyn FnMut() + 'a>,
}

impl<'a> Candidate<'a> {
    pub fn new<T>(who: &'static str, mut work: impl FnMut() -> T + 'a) -> Self {
        Self { who, work: Box::new(move || drop(black_box(work()))) }
    }

    /// Nanoseconds of one run, from a turn of `runs`.
    fn turn(&mut self, runs: usize) -> f64 {
        let start = processor_time();
        for _ in 0..runs {
            (self.work)();
        }
        (processor_time() - start) / runs as f64
    }

    /// Warms up and says how many runs make a turn.
    fn calibrate(&mut self) -> usize {
        self.turn(1);
        let first = self.turn(2).max(1.0);
        ((TURN / first) as usize).clamp(1, 1 << 20)
    }
}

/// What one candidate took.
#[derive(Clone, Debug)]
pub struct Timing {
    pub who: &'static str,
    /// Median.
    pub nanoseconds: f64,
    /// How many times as fast the first candidate is, median of rounds.
    pub first_is_faster: f64,
}

/// The first candidate is the one that others are compared with.
pub fn measure(mut candidates: Vec<Candidate<'_>>) -> Vec<Timing> {
    let runs: Vec<usize> = candidates.iter_mut().map(Candidate::calibrate).collect();
    let mut rounds: Vec<Vec<f64>> = Vec::with_capacity(ROUNDS);
    for round in 0..ROUNDS {
        let mut times = vec![0.0; candidates.len()];
        for turn in 0..candidates.len() {
            // Everyone is first in turn.
            let at = (turn + round) % candidates.len();
            times[at] = candidates[at].turn(runs[at]);
        }
        rounds.push(times);
    }
    let timing = |(at, candidate): (usize, &Candidate<'_>)| Timing {
        who: candidate.who,
        nanoseconds: median(rounds.iter().map(|times| times[at])),
        first_is_faster: median(rounds.iter().map(|times| times[at] / times[0])),
    };
    candidates.iter().enumerate().map(timing).collect()
}

pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Of this thread, ns.
pub fn processor_time() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 * 1e9 + now.tv_nsec as f64
}
