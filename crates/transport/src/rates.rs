//! Token buckets, one a key, in a table of bounded size (spec N-21).
//!
//! A bucket holds up to `burst` requests and gains `per_second`. When the table is full, buckets that have filled up again are
//! forgotten, which changes nothing for their keys; keys that still find no place share one bucket, so that whoever comes
//! with very many keys competes with itself.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Requests a second, and how many may come at once after a pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub per_second: u32,
    pub burst: u32,
}

#[derive(Debug)]
pub struct Rates<K> {
    rate: Rate,
    capacity: usize,
    table: Mutex<Table<K>>,
}

#[derive(Debug)]
struct Table<K> {
    buckets: HashMap<K, Bucket>,
    /// Of all keys that found no place.
    shared: Bucket,
    /// Between two sweeps of a full table passes the time in which an empty bucket fills: sweeping is linear.
    swept: Instant,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// Nanoseconds' worth of filling: `burst` requests at most.
    credit: Duration,
    at: Instant,
}

impl<K: Eq + Hash> Rates<K> {
    /// At most `capacity` keys are told apart. A rate without requests or burst is one a second.
    pub fn new(rate: Rate, capacity: usize, now: Instant) -> Self {
        let rate = Rate { per_second: rate.per_second.max(1), burst: rate.burst.max(1) };
        let shared = Bucket { credit: full(rate), at: now };
        let table = Table { buckets: HashMap::new(), shared, swept: now };
        Self { rate, capacity: capacity.max(1), table: Mutex::new(table) }
    }

    /// Counts a request of `key`. `Err`: after how long one would pass.
    pub fn take(&self, key: K, now: Instant) -> Result<(), Duration> {
        // Plain data: a panic elsewhere leaves it whole.
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.bucket(key, self.rate, self.capacity, now).take(self.rate, now)
    }

    pub fn len(&self) -> usize {
        self.table.lock().unwrap_or_else(PoisonError::into_inner).buckets.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<K: Eq + Hash> Table<K> {
    fn bucket(&mut self, key: K, rate: Rate, capacity: usize, now: Instant) -> &mut Bucket {
        let full_again = full(rate);
        let crowded = self.buckets.len() >= capacity && !self.buckets.contains_key(&key);
        if crowded && now.saturating_duration_since(self.swept) >= full_again.min(Duration::from_secs(1)) {
            self.swept = now;
            self.buckets.retain(|_, bucket| bucket.filled(rate, now) < full_again);
        }
        if self.buckets.len() >= capacity && !self.buckets.contains_key(&key) {
            return &mut self.shared;
        }
        self.buckets.entry(key).or_insert(Bucket { credit: full_again, at: now })
    }
}

impl Bucket {
    fn filled(&self, rate: Rate, now: Instant) -> Duration {
        (self.credit + now.saturating_duration_since(self.at)).min(full(rate))
    }

    fn take(&mut self, rate: Rate, now: Instant) -> Result<(), Duration> {
        let credit = self.filled(rate, now);
        // A clock that was read before another request's must not give that time twice.
        self.at = self.at.max(now);
        match credit.checked_sub(price(rate)) {
            Some(rest) => {
                self.credit = rest;
                Ok(())
            }
            None => {
                self.credit = credit;
                Err(price(rate) - credit)
            }
        }
    }
}

fn price(rate: Rate) -> Duration {
    Duration::from_secs(1) / rate.per_second
}

fn full(rate: Rate) -> Duration {
    price(rate) * rate.burst
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_second: 10, burst: 5 };
    const PRICE: Duration = Duration::from_millis(100);

    fn rates(capacity: usize) -> (Rates<u32>, Instant) {
        let now = Instant::now();
        (Rates::new(RATE, capacity, now), now)
    }

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let (rates, start) = rates(8);
        for _ in 0..5 {
            assert_eq!(rates.take(1, start), Ok(()));
        }
        assert_eq!(rates.take(1, start), Err(PRICE));
        assert_eq!(rates.take(1, start + PRICE / 4), Err(PRICE * 3 / 4));
        assert_eq!(rates.take(1, start + PRICE), Ok(()));
        assert!(rates.take(1, start + PRICE).is_err());
        // Never more than a burst, however long the pause.
        let later = start + PRICE * 1000;
        assert_eq!((0..9).filter(|_| rates.take(1, later).is_ok()).count(), 5);
    }

    #[test]
    fn keys_do_not_share_while_there_is_room() {
        let (rates, start) = rates(8);
        while rates.take(1, start).is_ok() {}
        assert_eq!(rates.take(2, start), Ok(()));
    }

    #[test]
    fn the_table_is_bounded_and_latecomers_share_one_bucket() {
        let (rates, start) = rates(4);
        for key in 0..4 {
            assert_eq!(rates.take(key, start), Ok(()));
        }
        let passed = (100..200).filter(|key| rates.take(*key, start).is_ok()).count();
        assert_eq!((passed, rates.len()), (5, 4));
        // Whoever has a place keeps it.
        assert_eq!(rates.take(0, start), Ok(()));
    }

    #[test]
    fn places_of_filled_buckets_are_given_away() {
        let (rates, start) = rates(4);
        for key in 0..4 {
            assert_eq!(rates.take(key, start), Ok(()));
        }
        let later = start + PRICE * 5;
        assert_eq!(rates.take(9, later), Ok(()));
        assert_eq!(rates.len(), 1);
    }

    #[test]
    fn time_that_runs_back_gives_nothing() {
        let (rates, start) = rates(4);
        let later = start + PRICE;
        while rates.take(1, later).is_ok() {}
        assert!(rates.take(1, start).is_err());
        assert!(rates.take(1, later).is_err());
    }
}
