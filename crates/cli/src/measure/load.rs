//! The two generators. Both are bounded in number, in time and in requests under way.
//!
//! The open loop counts latency from the time a sending was *scheduled*: a slow network cannot hide its delay by making
//! the generator wait. The closed loop keeps a number of requests under way and finds the most that gets through.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::Semaphore,
    task::JoinSet,
    time::{Instant, sleep_until, timeout_at},
};

use super::{
    schedule::Schedule,
    statistics::Latency,
    submit::{Failure, Target},
};

/// Requests that an open loop has under way at most; what is due beyond waits, and its latency counts the waiting. Below
/// the 1024 files that a process may usually have open.
pub const OPEN_IN_FLIGHT: usize = 800;
/// Requests that the closed loop keeps under way.
pub const CLOSED_IN_FLIGHT: usize = 256;
/// After the last scheduled time of an open loop, so long is sent what is behind.
const CATCH_UP: Duration = Duration::from_secs(30);

/// What one transaction came to.
#[derive(Clone, Debug)]
struct Sample {
    index: usize,
    latency: Duration,
    outcome: Result<(), Failure>,
}

/// What a run came to.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// Indexes of the transactions that were applied.
    pub applied: Vec<usize>,
    pub failures: BTreeMap<Failure, usize>,
    /// Of those applied.
    pub latency: Option<Latency>,
    /// From the start to the last answer.
    pub elapsed: Duration,
}

impl Run {
    fn of(samples: Vec<Sample>, elapsed: Duration) -> Self {
        let mut run = Self { elapsed, ..Self::default() };
        let mut latencies = Vec::with_capacity(samples.len());
        for sample in samples {
            match sample.outcome {
                Ok(()) => {
                    run.applied.push(sample.index);
                    latencies.push(sample.latency);
                }
                Err(failure) => *run.failures.entry(failure).or_default() += 1,
            }
        }
        run.latency = Latency::of(latencies);
        run
    }

    /// Applied a second, until the last answer.
    pub fn per_second(&self) -> f64 {
        match self.elapsed.as_secs_f64() {
            0.0 => 0.0,
            seconds => self.applied.len() as f64 / seconds,
        }
    }
}

/// Sends as scheduled, as many as both the schedule and `transactions` have.
pub async fn open_loop(target: &Target, schedule: &Schedule, transactions: Vec<Vec<u8>>) -> Run {
    let slots = Arc::new(Semaphore::new(OPEN_IN_FLIGHT));
    let mut requests = JoinSet::new();
    let mut samples = Vec::with_capacity(transactions.len());
    let start = Instant::now();
    let end = start + schedule.length() + CATCH_UP;
    for (index, transaction) in transactions.into_iter().take(schedule.count()).enumerate() {
        let due = start + schedule.at(index);
        sleep_until(due).await;
        let Ok(Ok(slot)) = timeout_at(end, Arc::clone(&slots).acquire_owned()).await else {
            samples.push(Sample { index, latency: due.elapsed(), outcome: Err(Failure::Unsent) });
            continue;
        };
        let target = target.clone();
        requests.spawn(async move {
            let outcome = target.submit(index, transaction).await;
            drop(slot);
            Sample { index, latency: due.elapsed(), outcome }
        });
    }
    samples.extend(requests.join_all().await);
    Run::of(samples, start.elapsed())
}

/// Keeps `CLOSED_IN_FLIGHT` requests under way until `length` is over or all are sent.
pub async fn closed_loop(target: &Target, length: Duration, transactions: Vec<Vec<u8>>) -> Run {
    let next = Arc::new(AtomicUsize::new(0));
    let queue = Arc::new(Mutex::new(transactions.into_iter()));
    let start = Instant::now();
    let mut workers = JoinSet::new();
    for _ in 0..CLOSED_IN_FLIGHT {
        let (target, next, queue) = (target.clone(), Arc::clone(&next), Arc::clone(&queue));
        workers.spawn(async move {
            let mut samples = Vec::new();
            while start.elapsed() < length {
                // An iterator cannot be left half done.
                let taken = {
                    let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
                    queue.next().map(|transaction| (next.fetch_add(1, Ordering::Relaxed), transaction))
                };
                let Some((index, transaction)) = taken else { break };
                let sent = Instant::now();
                let outcome = target.submit(index, transaction).await;
                samples.push(Sample { index, latency: sent.elapsed(), outcome });
            }
            samples
        });
    }
    let samples = workers.join_all().await.into_iter().flatten().collect();
    Run::of(samples, start.elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_do_not_count_as_latency() {
        let sample = |index, ms, outcome| Sample { index, latency: Duration::from_millis(ms), outcome };
        let refused = || Err(Failure::Refused("transaction.pool".into()));
        let samples = vec![
            sample(2, 10, Ok(())),
            sample(0, 900, refused()),
            sample(1, 20, Ok(())),
            sample(3, 5, refused()),
        ];
        let run = Run::of(samples, Duration::from_secs(4));
        assert_eq!(run.applied, [2, 1]);
        assert_eq!(run.latency, Some(Latency { p50: 10.0, p95: 20.0, max: 20.0 }));
        assert_eq!(run.failures.into_values().collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn nothing_sent_is_no_throughput() {
        assert_eq!(Run::default().per_second(), 0.0);
    }
}
