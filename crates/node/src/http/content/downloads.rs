//! Who may be downloading a whole object (spec CS-14): so many at a time, and no slow reader keeps others out.
//!
//! A slow reader disturbs nobody while there is room. Once all places are taken, the slowest of those that took less than
//! `FLOOR` bytes a second for a while gives its place to who comes; so holding them all costs real bandwidth.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::Notify;

/// Over which a reader's speed is taken.
const WINDOW: Duration = Duration::from_secs(10);
/// Bytes a second; who is faster keeps its place.
const FLOOR: u64 = 256 << 10;

#[derive(Debug)]
pub struct Downloads {
    most: usize,
    running: Mutex<Running>,
}

#[derive(Debug, Default)]
struct Running {
    next: u64,
    places: BTreeMap<u64, Place>,
}

#[derive(Debug)]
struct Place {
    bytes: u64,
    /// When how many bytes had gone: the older mark is one to two windows old.
    marks: [(Instant, u64); 2],
    cut: Arc<Notify>,
}

/// A place, until dropped.
#[derive(Debug)]
pub struct Download {
    downloads: Arc<Downloads>,
    id: u64,
    cut: Arc<Notify>,
}

impl Place {
    /// Bytes a second; `None` for one that began lately.
    fn speed(&self, now: Instant) -> Option<u64> {
        let (since, bytes) = self.marks[0];
        let took = now.saturating_duration_since(since);
        (took >= WINDOW).then(|| (self.bytes - bytes) / took.as_secs().max(1))
    }

    fn advance(&mut self, bytes: u64, now: Instant) {
        self.bytes += bytes;
        if now.saturating_duration_since(self.marks[1].0) >= WINDOW {
            self.marks = [self.marks[1], (now, self.bytes)];
        }
    }
}

impl Downloads {
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, running: Mutex::default() })
    }

    /// A place, if need be that of a slow reader. `None`: all are taken by readers that get on.
    pub fn begin(self: &Arc<Self>) -> Option<Download> {
        self.begin_at(Instant::now())
    }

    fn begin_at(self: &Arc<Self>, now: Instant) -> Option<Download> {
        let mut running = self.running();
        if running.places.len() >= self.most {
            let slow = running.places.iter().filter_map(|(id, place)| Some((place.speed(now)?, *id)));
            let (_, id) = slow.filter(|(speed, _)| *speed < FLOOR).min()?;
            if let Some(place) = running.places.remove(&id) {
                place.cut.notify_one();
            }
        }
        let id = running.next;
        running.next += 1;
        let cut = Arc::new(Notify::new());
        running.places.insert(id, Place { bytes: 0, marks: [(now, 0); 2], cut: cut.clone() });
        Some(Download { downloads: self.clone(), id, cut })
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Download {
    /// So many bytes were taken.
    pub fn took(&self, bytes: usize) {
        self.took_at(bytes, Instant::now());
    }

    fn took_at(&self, bytes: usize, now: Instant) {
        if let Some(place) = self.downloads.running().places.get_mut(&self.id) {
            place.advance(bytes as u64, now);
        }
    }

    /// Resolves when somebody else got the place.
    pub async fn is_cut(&self) {
        self.cut.notified().await;
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        self.downloads.running().places.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use futures::FutureExt as _;

    use super::*;

    const FAST: usize = 40 * FLOOR as usize;

    fn is_cut(download: &Download) -> bool {
        download.is_cut().now_or_never().is_some()
    }

    #[test]
    fn slow_readers_give_way_to_others_the_slowest_first() {
        let (downloads, start) = (Downloads::new(3), Instant::now());
        let slow: Vec<_> = (0..3).map(|_| downloads.begin_at(start).unwrap()).collect();
        assert!(downloads.begin_at(start + WINDOW / 2).is_none(), "too early to tell");
        slow[0].took_at(2000, start + WINDOW / 2);
        slow[1].took_at(1000, start + WINDOW / 2);
        slow[2].took_at(FAST, start + WINDOW / 2);
        let (first, second) =
            (downloads.begin_at(start + WINDOW).unwrap(), downloads.begin_at(start + WINDOW).unwrap());
        assert!(is_cut(&slow[1]) && is_cut(&slow[0]) && !is_cut(&slow[2]));
        assert!(downloads.begin_at(start + WINDOW).is_none(), "who gets on keeps its place");
        // A reader that lost its place has nothing to give back.
        drop(slow);
        let third = downloads.begin_at(start + WINDOW);
        assert!(third.is_some() && downloads.begin_at(start + WINDOW).is_none());
        drop((first, second));
        assert!(downloads.begin_at(start + WINDOW).is_some());
    }

    #[test]
    fn one_that_was_fast_and_stopped_is_slow() {
        let (downloads, start) = (Downloads::new(1), Instant::now());
        let download = downloads.begin_at(start).unwrap();
        for second in 0..=20 {
            download.took_at(FAST, start + Duration::from_secs(second));
        }
        assert!(downloads.begin_at(start + Duration::from_secs(21)).is_none());
        for second in [31, 42] {
            download.took_at(1, start + Duration::from_secs(second));
        }
        assert!(downloads.begin_at(start + Duration::from_secs(43)).is_some());
        assert!(is_cut(&download));
    }

    #[test]
    fn slow_readers_are_left_alone_while_there_is_room() {
        let (downloads, start) = (Downloads::new(2), Instant::now());
        let slow = downloads.begin_at(start).unwrap();
        let _other = downloads.begin_at(start + 100 * WINDOW).unwrap();
        assert!(!is_cut(&slow));
    }
}
