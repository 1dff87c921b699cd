//! Work off the consensus path (checks and re-encryptions run on threads of their own), and waiting for work.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use commonware_runtime::Clock;
use futures::future::{Either, select};
use tokio::sync::oneshot;
use tracing::error;

use crate::platform::Platform;

/// What `future` gives, if it does in time.
pub async fn within<T>(clock: &impl Clock, limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    let sleep = clock.sleep(limit);
    futures::pin_mut!(future, sleep);
    match select(future, sleep).await {
        Either::Left((value, _)) => Some(value),
        Either::Right(_) => None,
    }
}

/// Runs `work` on the platform's threads, from now on, whether the future is polled or not. `None` only if it panicked: a
/// defect in a check must not take the node down.
pub fn compute<T: Send + 'static, W: FnOnce() -> T + Send + 'static>(
    platform: &dyn Platform,
    work: W,
) -> impl Future<Output = Option<T>> + Send + 'static + use<T, W> {
    let (sender, receiver) = oneshot::channel();
    let job = move || match catch_unwind(AssertUnwindSafe(work)) {
        // Who asked may have gone.
        Ok(value) => drop(sender.send(value)),
        Err(_) => error!("a check panicked"),
    };
    platform.work(Box::new(job));
    async { receiver.await.ok() }
}
