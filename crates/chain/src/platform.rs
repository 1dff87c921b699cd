//! What a validator takes from the machine it runs on besides its engine's runtime: the time, and threads for work.
//!
//! Validators run on [`Native`]. Another platform decides these two things and nothing else: which transaction is good and
//! what a block does stay the chain's.

use std::time::{SystemTime, UNIX_EPOCH};

use commonware_runtime::Clock;

/// Work that is done once.
pub type Job = Box<dyn FnOnce() + Send + 'static>;

/// Where a validator runs.
pub trait Platform: Send + Sync + 'static {
    /// Wall clock, the one that the engine's runtime shows.
    fn now(&self) -> SystemTime;

    /// Does `job`, now or soon, off the consensus path where there are threads for it. A job does not panic.
    fn work(&self, job: Job);
}

/// The system's clock, and a pool of threads.
#[derive(Clone, Copy, Debug, Default)]
pub struct Native;

impl Platform for Native {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn work(&self, job: Job) {
        rayon::spawn(job);
    }
}

/// Wall clock of the engine's runtime, ms.
pub fn now_ms(clock: &impl Clock) -> u64 {
    millis(clock.current())
}

/// Milliseconds since 1970.
pub fn millis(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as u64)
}
