//! What latencies come down to: nearest-rank percentiles, so that every figure is one that was measured.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    pub p50: f64,
    pub p95: f64,
    pub max: f64,
}

impl Latency {
    /// `None` of nothing.
    pub fn of(mut samples: Vec<Duration>) -> Option<Self> {
        samples.sort_unstable();
        let milliseconds = |percent| percentile(&samples, percent).map(|at| at.as_secs_f64() * 1000.0);
        Some(Self { p50: milliseconds(50)?, p95: milliseconds(95)?, max: milliseconds(100)? })
    }
}

/// The smallest sample that at least `percent` of 100 do not exceed; `sorted` ascends.
fn percentile(sorted: &[Duration], percent: usize) -> Option<Duration> {
    let rank = (sorted.len() * percent.min(100)).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn ms(values: impl IntoIterator<Item = u64>) -> Vec<Duration> {
        values.into_iter().map(Duration::from_millis).collect()
    }

    #[test]
    fn percentiles_are_samples_of_the_nearest_rank() {
        let five = ms([15, 20, 35, 40, 50]);
        for (percent, expected) in [(0, 15), (5, 15), (20, 15), (21, 20), (40, 20), (50, 35), (100, 50)] {
            assert_eq!(percentile(&five, percent), Some(Duration::from_millis(expected)), "{percent}");
        }
        let hundred = ms(1..=100);
        assert_eq!(percentile(&hundred, 95), Some(Duration::from_millis(95)));
        assert_eq!(percentile(&hundred, 101), Some(Duration::from_millis(100)));
    }

    #[test]
    fn order_does_not_matter() {
        let latency = Latency::of(ms([9, 1, 5, 3, 7])).unwrap();
        assert_eq!(latency, Latency { p50: 5.0, p95: 9.0, max: 9.0 });
        assert_eq!(Latency::of(ms([4])).unwrap(), Latency { p50: 4.0, p95: 4.0, max: 4.0 });
    }

    #[test]
    fn nothing_measured_has_no_percentiles() {
        assert_eq!(Latency::of(Vec::new()), None);
        assert_eq!(percentile(&[], 50), None);
    }
}
