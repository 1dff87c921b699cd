//! A signed request is answered once (spec MB-4).
//!
//! Inside the time window the node remembers what it answered, in memory and bounded; when the memory is full the
//! oldest is forgotten, because refusing would let a flood lock every owner out. Requests signed before the node's
//! start are refused, so that a restart opens no window.

use std::{
    collections::{BTreeSet, HashSet},
    sync::{Mutex, PoisonError},
};

use yilian_api::mailbox::REQUEST_WINDOW_MS;
use yilian_crypto::Digest;

use super::error::MailboxError;

#[derive(Debug)]
pub struct ReplayGuard {
    /// Unix ms.
    started: u64,
    capacity: usize,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    requests: HashSet<Digest>,
    /// Time after which a request is refused by its time alone.
    by_end: BTreeSet<(u64, Digest)>,
}

impl ReplayGuard {
    pub fn new(started: u64, capacity: usize) -> Self {
        Self { started, capacity, seen: Mutex::default() }
    }

    /// Time first: costs nothing. Call before the signature is checked.
    pub fn check_time(&self, time: u64, now: u64) -> Result<(), MailboxError> {
        if time.abs_diff(now) > REQUEST_WINDOW_MS || time < self.started {
            return Err(MailboxError::Expired { window_ms: REQUEST_WINDOW_MS });
        }
        Ok(())
    }

    /// Call after the signature was found good; `request` identifies what was signed, not the signature's bytes.
    pub fn admit(&self, request: Digest, time: u64, now: u64) -> Result<(), MailboxError> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(oldest) = seen.by_end.first().copied() {
            if oldest.0 >= now && seen.by_end.len() < self.capacity {
                break;
            }
            seen.by_end.remove(&oldest);
            seen.requests.remove(&oldest.1);
        }
        if !seen.requests.insert(request) {
            return Err(MailboxError::Replayed);
        }
        seen.by_end.insert((time.saturating_add(REQUEST_WINDOW_MS), request));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const START: u64 = 1_000_000;

    fn request(n: u8) -> Digest {
        Digest([n; 32])
    }

    #[test]
    fn takes_a_request_once() {
        let guard = ReplayGuard::new(START, 8);
        guard.admit(request(1), START, START).unwrap();
        guard.admit(request(2), START, START).unwrap();
        assert!(matches!(guard.admit(request(1), START, START + 1), Err(MailboxError::Replayed)));
    }

    #[test]
    fn remembers_a_request_for_as_long_as_its_time_is_accepted() {
        let guard = ReplayGuard::new(START, 8);
        let time = START + REQUEST_WINDOW_MS;
        guard.check_time(time, START).unwrap();
        guard.admit(request(1), time, START).unwrap();
        let end = time + REQUEST_WINDOW_MS;
        guard.check_time(time, end).unwrap();
        assert!(matches!(guard.admit(request(1), time, end), Err(MailboxError::Replayed)));
        assert!(guard.check_time(time, end + 1).is_err());
    }

    #[test]
    fn refuses_times_outside_the_window_and_before_the_start() {
        let guard = ReplayGuard::new(START, 8);
        let now = START + 10 * REQUEST_WINDOW_MS;
        guard.check_time(now - REQUEST_WINDOW_MS, now).unwrap();
        guard.check_time(now + REQUEST_WINDOW_MS, now).unwrap();
        assert!(guard.check_time(now - REQUEST_WINDOW_MS - 1, now).is_err());
        assert!(guard.check_time(now + REQUEST_WINDOW_MS + 1, now).is_err());
        assert!(guard.check_time(START - 1, START).is_err());
    }

    #[test]
    fn a_flood_forgets_the_oldest_and_locks_nobody_out() {
        let guard = ReplayGuard::new(START, 4);
        for n in 0..100 {
            guard.admit(request(n), START + u64::from(n), START).unwrap();
        }
        let seen = guard.seen.lock().unwrap();
        assert_eq!((seen.requests.len(), seen.by_end.len()), (4, 4));
    }
}
