//! A value that many wait for. Those who wait are woken in the order in which they began to: where tasks run in an order that
//! follows from a seed, so does everything after a change.

use std::sync::{
    Arc, PoisonError, RwLock, RwLockReadGuard,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::Notify;

#[derive(Debug, Default)]
struct Inner<T> {
    value: RwLock<T>,
    /// Counts changes.
    version: AtomicU64,
    changed: Notify,
}

/// Changes the value.
#[derive(Debug, Default)]
pub struct Watched<T>(Arc<Inner<T>>);

/// Looks at the value.
#[derive(Debug)]
pub struct Watcher<T> {
    inner: Arc<Inner<T>>,
    seen: u64,
}

impl<T> Watched<T> {
    pub fn new(value: T) -> Self {
        Self(Arc::new(Inner {
            value: RwLock::new(value),
            version: AtomicU64::new(0),
            changed: Notify::new(),
        }))
    }

    pub fn modify(&self, change: impl FnOnce(&mut T)) {
        change(&mut self.0.value.write().unwrap_or_else(PoisonError::into_inner));
        self.0.version.fetch_add(1, Ordering::AcqRel);
        self.0.changed.notify_waiters();
    }

    /// What stands now counts as seen.
    pub fn watch(&self) -> Watcher<T> {
        Watcher { inner: self.0.clone(), seen: self.0.version.load(Ordering::Acquire) }
    }
}

impl<T> Clone for Watcher<T> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), seen: self.seen }
    }
}

impl<T> Watcher<T> {
    pub fn borrow(&self) -> RwLockReadGuard<'_, T> {
        self.inner.value.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes up to now are no news.
    pub fn mark_seen(&mut self) {
        self.seen = self.inner.version.load(Ordering::Acquire);
    }

    /// Resolves at the first change that was not seen; then it is.
    pub async fn changed(&mut self) {
        loop {
            let notified = self.inner.changed.notified();
            futures::pin_mut!(notified);
            // From here on no change is missed.
            notified.as_mut().enable();
            let version = self.inner.version.load(Ordering::Acquire);
            if version != self.seen {
                self.seen = version;
                return;
            }
            notified.await;
        }
    }

    /// Resolves when the value is as wanted.
    pub async fn wait_for(&mut self, wanted: impl Fn(&T) -> bool) {
        loop {
            self.mark_seen();
            if wanted(&self.borrow()) {
                return;
            }
            self.changed().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[test]
    fn a_change_is_news_once_to_everybody_who_watches() {
        let watched = Watched::new(1);
        let (mut first, mut second) = (watched.watch(), watched.watch());
        assert!(first.changed().now_or_never().is_none());
        watched.modify(|value| *value = 2);
        assert_eq!(*first.borrow(), 2);
        assert!(first.changed().now_or_never().is_some());
        assert!(first.changed().now_or_never().is_none());
        second.mark_seen();
        assert!(second.changed().now_or_never().is_none());
        assert!(second.wait_for(|value| *value == 2).now_or_never().is_some());
        assert!(second.wait_for(|value| *value == 3).now_or_never().is_none());
    }

    #[tokio::test]
    async fn a_change_wakes_whoever_waits() {
        let watched = Watched::new(0);
        let mut watcher = watched.watch();
        let waiting = tokio::spawn(async move { watcher.wait_for(|value| *value == 3).await });
        for value in 1..=3 {
            tokio::task::yield_now().await;
            watched.modify(|now| *now = value);
        }
        assert!(waiting.await.is_ok());
    }
}
