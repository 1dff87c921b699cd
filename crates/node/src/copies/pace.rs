//! A pace in bytes per second: replication must never take what the validator needs.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use super::lock;

#[derive(Debug)]
pub struct Pace {
    bytes_per_second: u64,
    /// When the next bytes may go.
    next: Mutex<Instant>,
}

impl Pace {
    pub fn new(bytes_per_second: u64) -> Self {
        Self { bytes_per_second: bytes_per_second.max(1), next: Mutex::new(Instant::now()) }
    }

    /// Returns when so many bytes may go; who comes later waits behind.
    pub async fn take(&self, bytes: u64) {
        let wait = self.reserve(bytes, Instant::now());
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }

    /// How long to wait. Time in which nothing went is not saved up.
    fn reserve(&self, bytes: u64, now: Instant) -> Duration {
        let takes = Duration::from_secs_f64(bytes as f64 / self.bytes_per_second as f64);
        let mut next = lock(&self.next);
        let begin = (*next).max(now);
        *next = begin + takes;
        begin - now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_wait_for_those_before_them() {
        let pace = Pace::new(1000);
        let now = Instant::now() + Duration::from_secs(1);
        assert_eq!(pace.reserve(500, now), Duration::ZERO);
        assert_eq!(pace.reserve(250, now), Duration::from_millis(500));
        assert_eq!(pace.reserve(1, now), Duration::from_millis(750));
    }

    #[test]
    fn idle_time_is_not_saved_up() {
        let pace = Pace::new(1000);
        let now = Instant::now() + Duration::from_secs(1);
        assert_eq!(pace.reserve(1000, now), Duration::ZERO);
        let later = now + Duration::from_secs(60);
        assert_eq!(pace.reserve(1000, later), Duration::ZERO);
        assert_eq!(pace.reserve(1000, later), Duration::from_secs(1));
    }
}
