//! The other nodes: where they answer, how they did so far, and when to ask them again.

use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use super::{link::LinkError, lock, placement::NodeKey};
use crate::app::now_ms;

/// After the first failure, ms; doubles with each further one.
const PAUSE: u64 = 1_000;
const LONGEST_PAUSE: u64 = 5 * 60_000;
/// After an answer that no honest node gives, ms.
const DISTRUST: u64 = 10 * 60_000;

/// Another node.
#[derive(Debug)]
pub struct Peer {
    pub key: NodeKey,
    /// Base address of its HTTP interface, without a trailing slash.
    pub url: String,
    record: Mutex<Record>,
}

/// How a peer did since this node's start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Unix ms.
    pub last_answer: Option<u64>,
    pub blocks: u64,
    pub bytes: u64,
    /// Answers that no honest node gives.
    pub lies: u64,
    /// In a row.
    pub failures: u32,
    pub last_error: Option<Remark>,
    /// Not asked before, Unix ms.
    pub asked_after: u64,
}

/// Something worth an operator's look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remark {
    /// Unix ms.
    pub time: u64,
    pub text: String,
}

impl Remark {
    pub fn now(text: impl Into<String>) -> Self {
        Self { time: now_ms(), text: text.into() }
    }
}

impl Peer {
    pub fn new(key: NodeKey, url: &str) -> Self {
        Self { key, url: url.trim_end_matches('/').to_owned(), record: Mutex::default() }
    }

    pub fn record(&self) -> Record {
        lock(&self.record).clone()
    }

    /// Whether it may be asked now.
    pub fn is_due(&self, now: u64) -> bool {
        lock(&self.record).asked_after <= now
    }

    /// Bytes of a block; 0 for every other answer.
    pub fn answered(&self, bytes: u64) {
        let mut record = lock(&self.record);
        record.failures = 0;
        record.last_answer = Some(now_ms());
        record.blocks += u64::from(bytes > 0);
        record.bytes += bytes;
    }

    pub fn failed(&self, error: &LinkError) {
        let now = now_ms();
        let mut record = lock(&self.record);
        record.failures = record.failures.saturating_add(1);
        record.last_error = Some(Remark::now(error.to_string()));
        let pause = if error.is_lie() {
            record.lies += 1;
            // Which one, and what it gave, is the operator's business (CC-10): logs name no nodes and no content.
            tracing::warn!(
                "another node gives what no honest node gives; `yilian content status` says which"
            );
            DISTRUST
        } else {
            pause(record.failures, PAUSE, LONGEST_PAUSE)
        };
        record.asked_after = now.saturating_add(pause);
    }

    pub fn remark(&self, text: impl Into<String>) {
        lock(&self.record).last_error = Some(Remark::now(text));
    }
}

/// Doubles with each failure up to a bound.
pub fn pause(failures: u32, first: u64, longest: u64) -> u64 {
    let doublings = failures.saturating_sub(1).min(32);
    first.saturating_mul(1 << doublings).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_bound() {
        assert_eq!([1, 2, 3, 4].map(|failures| pause(failures, 1_000, 5_000)), [1_000, 2_000, 4_000, 5_000]);
        assert_eq!(pause(u32::MAX, 1_000, 5_000), 5_000);
    }

    #[test]
    fn a_peer_that_fails_is_left_alone_and_forgiven_when_it_answers() {
        let peer = Peer::new([1; 32], "http://there/");
        assert_eq!(peer.url, "http://there");
        assert!(peer.is_due(now_ms()));
        peer.failed(&LinkError::Timeout);
        assert!(!peer.is_due(now_ms()) && peer.is_due(now_ms() + PAUSE));
        peer.failed(&LinkError::Answer);
        assert!(!peer.is_due(now_ms() + LONGEST_PAUSE), "who lies is left alone for longer");
        peer.answered(5);
        let record = peer.record();
        assert_eq!((record.failures, record.lies, record.blocks, record.bytes), (0, 1, 1, 5));
    }
}
