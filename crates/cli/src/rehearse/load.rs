//! Writers that never stop: records created at a steady rate, at the validators in turn. Every write that a node
//! acknowledged is remembered; what was not acknowledged may have happened or not, and is nobody's promise.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Semaphore, task::JoinHandle, time::Instant};
use yilian_ledger::name::Aid;

use crate::{
    http::Http,
    measure::{prepare::Maker, submit::Target},
    network::Network,
    trust::Trust,
};

/// Requests under way at most: those to a validator that is down or cut off wait.
const IN_FLIGHT: usize = 256;

#[derive(Debug, Default)]
struct Book {
    acknowledged: Mutex<Vec<Aid>>,
    sent: AtomicUsize,
    stop: AtomicBool,
}

pub struct Load {
    book: Arc<Book>,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Load {
    /// `rate` creates a second until [`Load::stop`].
    pub fn start(network: &Network, maker: Maker, rate: u32) -> anyhow::Result<Self> {
        let target = Target::new(Http::new(&Trust::default())?, &network.urls())?;
        let book = Arc::new(Book::default());
        let task = tokio::spawn(write(target, maker, rate, Arc::clone(&book)));
        Ok(Self { book, task })
    }

    pub fn acknowledged(&self) -> usize {
        self.book.acknowledged.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// All that was acknowledged by now.
    pub fn writes(&self) -> Vec<Aid> {
        self.book.acknowledged.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn sent(&self) -> usize {
        self.book.sent.load(Ordering::Relaxed)
    }

    /// Ends the writing, waits for what is under way; all that was acknowledged.
    pub async fn stop(self) -> anyhow::Result<Vec<Aid>> {
        self.book.stop.store(true, Ordering::Relaxed);
        self.task.await??;
        let mut acknowledged = self.book.acknowledged.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(std::mem::take(&mut acknowledged))
    }
}

async fn write(target: Target, maker: Maker, rate: u32, book: Arc<Book>) -> anyhow::Result<()> {
    let maker = Arc::new(maker);
    let slots = Arc::new(Semaphore::new(IN_FLIGHT));
    let pause = Duration::from_secs(1) / rate.max(1);
    let mut due = Instant::now();
    for index in 0.. {
        if book.stop.load(Ordering::Relaxed) {
            break;
        }
        due += pause;
        tokio::time::sleep_until(due).await;
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { break };
        let (target, maker, book) = (target.clone(), Arc::clone(&maker), Arc::clone(&book));
        tokio::spawn(async move {
            let made = tokio::task::spawn_blocking(move || maker.create()).await;
            if let Ok(Ok((record, transaction))) = made {
                book.sent.fetch_add(1, Ordering::Relaxed);
                if target.submit(index, transaction).await.is_ok() {
                    book.acknowledged.lock().unwrap_or_else(PoisonError::into_inner).push(record.aid());
                }
            }
            drop(slot);
        });
    }
    // All slots back: nothing is under way.
    let _ = slots.acquire_many(IN_FLIGHT as u32).await;
    Ok(())
}
