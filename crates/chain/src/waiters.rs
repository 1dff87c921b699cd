//! Who waits for a transaction to be final.

use std::collections::HashMap;

use tokio::sync::oneshot;
use yilian_crypto::Digest;

use crate::{handle::ChainError, summary::Included};

type Settled = Result<Included, ChainError>;

#[derive(Debug, Default)]
pub struct Waiters(HashMap<Digest, Vec<oneshot::Sender<Settled>>>);

impl Waiters {
    pub fn wait(&mut self, digest: Digest) -> oneshot::Receiver<Settled> {
        let (sender, receiver) = oneshot::channel();
        let list = self.0.entry(digest).or_default();
        list.retain(|s| !s.is_closed());
        list.push(sender);
        receiver
    }

    pub fn settle(&mut self, digest: &Digest, result: Settled) {
        for waiter in self.0.remove(digest).unwrap_or_default() {
            // Whoever stopped waiting does not want to know.
            let _ = waiter.send(result);
        }
    }

    /// Forgets those who stopped waiting.
    pub fn tidy(&mut self) {
        self.0.retain(|_, list| {
            list.retain(|s| !s.is_closed());
            !list.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_all_who_wait_once_and_forgets_who_left() {
        let (mut waiters, digest) = (Waiters::default(), Digest([1; 32]));
        let (mut first, mut second) = (waiters.wait(digest), waiters.wait(digest));
        waiters.settle(&Digest([2; 32]), Err(ChainError::Dropped));
        assert!(first.try_recv().is_err());
        waiters.settle(&digest, Err(ChainError::Dropped));
        assert_eq!(first.try_recv(), Ok(Err(ChainError::Dropped)));
        assert_eq!(second.try_recv(), Ok(Err(ChainError::Dropped)));
        drop(waiters.wait(digest));
        waiters.tidy();
        assert!(waiters.0.is_empty());
    }
}
