//! Work off the consensus path (checks and re-encryptions run on a pool of threads of their own), and waiting for work.

use std::{future::Future, time::Duration};

use commonware_runtime::Clock;
use futures::future::{Either, select};
use tokio::sync::oneshot;

/// What `future` gives, if it does in time.
pub async fn within<T>(clock: &impl Clock, limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    let sleep = clock.sleep(limit);
    futures::pin_mut!(future, sleep);
    match select(future, sleep).await {
        Either::Left((value, _)) => Some(value),
        Either::Right(_) => None,
    }
}

/// Runs `work` on the pool. `None` only if it panicked.
pub async fn compute<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (sender, receiver) = oneshot::channel();
    rayon::spawn(move || {
        let _ = sender.send(work());
    });
    receiver.await.ok()
}
