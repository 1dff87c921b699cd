//! Work off the consensus path (checks and re-encryptions run on a pool of threads of their own), and waiting for work.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use commonware_runtime::Clock;
use futures::future::{Either, select};
use tokio::sync::oneshot;
use tracing::error;

/// What `future` gives, if it does in time.
pub async fn within<T>(clock: &impl Clock, limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    let sleep = clock.sleep(limit);
    futures::pin_mut!(future, sleep);
    match select(future, sleep).await {
        Either::Left((value, _)) => Some(value),
        Either::Right(_) => None,
    }
}

/// Runs `work` on the pool, from now on, whether the future is polled or not. `None` only if it panicked: a defect in a
/// check must not take the node down.
pub fn compute<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> impl Future<Output = Option<T>> + Send + 'static {
    let (sender, receiver) = oneshot::channel();
    rayon::spawn(move || match catch_unwind(AssertUnwindSafe(work)) {
        // Who asked may have gone.
        Ok(value) => drop(sender.send(value)),
        Err(_) => error!("a check panicked"),
    });
    async { receiver.await.ok() }
}
