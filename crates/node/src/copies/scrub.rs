//! Looking for damage before somebody asks (spec CC-9): lengths of files at the start and every hour, all bytes slowly.

use std::{sync::Mutex, time::Duration};

use yilian_content::{Scrubbed, StoreError};
use yilian_dag::LEAF;

use super::{Copies, lock, pace::Pace};
use crate::app::now_ms;

/// Between two rounds.
const BETWEEN: Duration = Duration::from_secs(60 * 60);
/// A small object costs more than its bytes.
const LEAST: u64 = 64 << 10;

#[derive(Debug)]
pub struct ScrubState {
    pace: Pace,
    seen: Mutex<Seen>,
}

/// Since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub objects: u64,
    /// Objects found damaged, by their files' lengths or by reading.
    pub damaged: u64,
    /// When the last round was complete, Unix ms.
    pub complete: Option<u64>,
}

impl ScrubState {
    pub fn new(bytes_per_second: u64) -> Self {
        Self { pace: Pace::new(bytes_per_second), seen: Mutex::default() }
    }

    pub fn seen(&self) -> Seen {
        *lock(&self.seen)
    }
}

impl Copies {
    /// Reads everything that is stored, round after round.
    pub(super) async fn scrub(&self) {
        loop {
            self.check_files().await;
            while self.scrub_next().await {}
            tokio::time::sleep(BETWEEN).await;
        }
    }

    pub(super) async fn check_files(&self) {
        match self.ask(|store| store.check_files()).await {
            Ok(0) => {}
            Ok(damaged) => {
                lock(&self.scrub.seen).damaged += damaged;
                self.remark(format!("files of {damaged} objects are gone or cut"));
                self.wake.notify_one();
            }
            Err(error) => self.remark(format!("files could not be checked: {error}")),
        }
    }

    /// Whether there was another object in this round.
    pub(super) async fn scrub_next(&self) -> bool {
        match self.ask(|store| store.next_to_scrub()).await {
            Ok(Some(object)) => {
                self.scrub_object(object).await;
                true
            }
            Ok(None) => {
                lock(&self.scrub.seen).complete = Some(now_ms());
                false
            }
            Err(error) => {
                self.remark(format!("content could not be read through: {error}"));
                false
            }
        }
    }

    async fn scrub_object(&self, object: Scrubbed) {
        let outcome = self.read_through(&object).await;
        lock(&self.scrub.seen).objects += 1;
        match outcome {
            Ok(()) => {}
            Err(StoreError::Corrupt(block)) => {
                lock(&self.scrub.seen).damaged += 1;
                self.remark(format!("{}: block {block} is damaged on disk", object.root));
                self.wake.notify_one();
            }
            // Collected meanwhile.
            Err(StoreError::UnknownObject) => {}
            Err(error) => self.remark(format!("{}: {error}", object.root)),
        }
        if let Err(error) = self.ask(move |store| store.scrubbed(&object)).await {
            self.remark(error.to_string());
        }
    }

    async fn read_through(&self, object: &Scrubbed) -> Result<(), StoreError> {
        self.scrub.pace.take(LEAST).await;
        let root = object.root;
        let Some(mut open) = self.ask(move |store| store.shared_object(&root)).await? else { return Ok(()) };
        for leaf in 0..open.layout().leaves() {
            self.scrub.pace.take(LEAF.min(object.bytes as usize) as u64).await;
            let (back, read) = crate::blocking(move || {
                let read = open.leaf(leaf);
                (open, read)
            })
            .await;
            open = back;
            read?;
        }
        Ok(())
    }
}
