//! When an open loop sends: times that are fixed before the first is sent, whatever the answers take.

use std::time::Duration;

/// `rate` sendings a second, evenly spaced, for `seconds`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    rate: u32,
    seconds: u32,
}

impl Schedule {
    /// `None` without a rate or a duration.
    pub const fn new(rate: u32, seconds: u32) -> Option<Self> {
        if rate == 0 || seconds == 0 { None } else { Some(Self { rate, seconds }) }
    }

    /// Sendings in all.
    pub const fn count(&self) -> usize {
        self.rate as usize * self.seconds as usize
    }

    /// From the start to sending `index`; no error adds up.
    pub fn at(&self, index: usize) -> Duration {
        let nanoseconds = index as u128 * 1_000_000_000 / u128::from(self.rate);
        Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
    }

    pub const fn length(&self) -> Duration {
        Duration::from_secs(self.seconds as u64)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn sendings_are_evenly_spaced_and_end_in_time() {
        let schedule = Schedule::new(100, 8).unwrap();
        assert_eq!(schedule.count(), 800);
        assert_eq!(schedule.at(0), Duration::ZERO);
        assert!((1..800).all(|i| schedule.at(i) - schedule.at(i - 1) == Duration::from_millis(10)));
        assert!(schedule.at(schedule.count() - 1) < schedule.length());
    }

    #[test]
    fn rounding_does_not_add_up() {
        let schedule = Schedule::new(3, 3600).unwrap();
        assert_eq!(schedule.at(3 * 3600), Duration::from_secs(3600));
        assert_eq!(schedule.at(1), Duration::from_nanos(333_333_333));
    }

    #[test]
    fn refuses_nothing_to_send() {
        assert_eq!(Schedule::new(0, 8), None);
        assert_eq!(Schedule::new(8, 0), None);
    }
}
