//! Work off the consensus path (checks and re-encryptions run on threads of their own), and waiting for work.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, SystemTime},
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

/// Time left until `deadline`. `None` from the deadline on: a wait of no length would end before the clock has moved.
pub fn rest(clock: &impl Clock, deadline: SystemTime) -> Option<Duration> {
    deadline.duration_since(clock.current()).ok().filter(|rest| !rest.is_zero())
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

#[cfg(test)]
mod tests {
    use commonware_runtime::{Runner as _, deterministic};

    use super::*;

    #[test]
    fn nothing_is_left_at_the_deadline_itself() {
        deterministic::Runner::default().start(|clock| async move {
            let deadline = clock.current() + Duration::from_millis(5);
            assert_eq!(rest(&clock, deadline), Some(Duration::from_millis(5)));
            clock.sleep_until(deadline).await;
            assert_eq!((clock.current(), rest(&clock, deadline)), (deadline, None));
        });
    }
}
