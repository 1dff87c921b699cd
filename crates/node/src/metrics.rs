//! What a node counts (spec N-30 to N-33; `docs/metrics.md` lists it): itself, its chain, its stores, its listener.
//!
//! Whoever reads all of it over a year learns how much a node does and when, not for whom: no label holds an identifier.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::broadcast::error::RecvError;
use yilian_chain::{BlockSummary, Handle};
use yilian_transport::{
    metrics::{Collect, Histogram, Page, http::HttpMetrics, process},
    tls::Tls,
};

use crate::app::{App, now_ms};

/// Upper bounds of the time to finality, seconds.
const FINALITY: &[f64] = &[0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0, 30.0];

/// Hexadecimal digits in a row that are a key or a hash, and no number.
const KEY_DIGITS: usize = 32;

/// Counters that nothing else keeps.
#[derive(Debug)]
pub struct Metrics {
    pub http: Arc<HttpMetrics>,
    blocks: AtomicU64,
    transactions: AtomicU64,
    bytes: AtomicU64,
    times: Mutex<Times>,
}

#[derive(Debug)]
struct Times {
    /// From a block's time, which its proposer writes, to when this node saw it final.
    blocks: Histogram,
    /// From a transaction's arrival here to its finality, of those whose sender waited.
    submissions: Histogram,
}

impl Metrics {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            http: HttpMetrics::new(),
            blocks: AtomicU64::new(0),
            transactions: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            times: Mutex::new(Times {
                blocks: Histogram::new(FINALITY),
                submissions: Histogram::new(FINALITY),
            }),
        })
    }

    /// A transaction that was submitted here is final.
    pub fn finalized(&self, took: Duration) {
        self.times().submissions.observe(took);
    }

    /// Counts finalized blocks until the chain ends.
    pub async fn follow(self: Arc<Self>, chain: Handle) {
        let mut blocks = chain.subscribe();
        loop {
            match blocks.recv().await {
                Ok(block) => self.block(&block, now_ms()),
                Err(RecvError::Lagged(missed)) => drop(self.blocks.fetch_add(missed, Ordering::Relaxed)),
                Err(RecvError::Closed) => return,
            }
        }
    }

    fn block(&self, block: &BlockSummary, now: u64) {
        self.blocks.fetch_add(1, Ordering::Relaxed);
        self.transactions.fetch_add(block.transactions as u64, Ordering::Relaxed);
        self.bytes.fetch_add(block.bytes as u64, Ordering::Relaxed);
        self.times().blocks.observe(Duration::from_millis(now.saturating_sub(block.time.0)));
    }

    fn times(&self) -> MutexGuard<'_, Times> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_chain(&self, page: &mut Page, chain: &Handle) {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64;
        let status = chain.status();
        let age = now_ms().saturating_sub(status.time.0) as f64 / 1000.0;
        page.gauge("yilian_chain_height", "Newest finalized block.", status.height.0 as f64);
        page.gauge("yilian_chain_block_age_seconds", "Age of the newest finalized block.", age);
        page.gauge("yilian_chain_peers", "Other validators connected.", status.peers as f64);
        page.gauge("yilian_pool_transactions", "Transactions that wait for a block.", status.pool as f64);
        page.counter("yilian_chain_blocks_total", "Blocks finalized since the start.", read(&self.blocks));
        page.counter("yilian_chain_transactions_total", "Transactions in them.", read(&self.transactions));
        page.counter("yilian_chain_bytes_total", "Bytes of them.", read(&self.bytes));
        let counts = status.counts;
        let entries = [
            ("record", counts.records),
            ("grant", counts.grants),
            ("practitioner", counts.practitioners),
            ("institution", counts.institutions),
        ];
        let entries = entries.map(|(kind, count)| (vec![("kind", kind)], count));
        page.gauges("yilian_state_entries", "Entries of the state.", entries);
        let times = self.times();
        page.histograms(
            "yilian_block_finality_seconds",
            "From a block's own time to when this node saw it final.",
            [(vec![], &times.blocks)],
        );
        page.histograms(
            "yilian_submit_finality_seconds",
            "From a transaction's arrival here to its finality, where the sender waited.",
            [(vec![], &times.submissions)],
        );
    }
}

/// Everything on one page.
pub fn collect(app: App, tls: Option<Tls>) -> Collect {
    Arc::new(move || {
        let (app, tls) = (app.clone(), tls.clone());
        Box::pin(async move { page(&app, tls.as_ref()).await })
    })
}

async fn page(app: &App, tls: Option<&Tls>) -> Page {
    let mut page = Page::default();
    page.gauges(
        "yilian_build_info",
        "Always 1; the label tells the version.",
        [(vec![("version", env!("CARGO_PKG_VERSION"))], 1)],
    );
    process::write(&mut page);
    app.metrics.write_chain(&mut page, &app.chain);
    app.metrics.http.write(&mut page);
    if let Some(tls) = tls {
        tls.write(&mut page);
    }
    write_stores(&mut page, app).await;
    // The engine's own, but for those that are told apart by validator.
    let engine = app.chain.engine_metrics().await.unwrap_or_default();
    let lines = engine.lines().filter(|line| !names_a_key(line));
    page.append(&lines.collect::<Vec<_>>().join("\n"));
    page
}

/// Whether a line of the engine's is told apart by validator, under whatever label.
fn names_a_key(line: &str) -> bool {
    let mut run = 0;
    line.bytes().any(|byte| {
        run = if byte.is_ascii_hexdigit() { run + 1 } else { 0 };
        run >= KEY_DIGITS
    })
}

async fn write_stores(page: &mut Page, app: &App) {
    let owned = app.clone();
    let (content, mailboxes) =
        crate::blocking(move || (owned.content.store().stats(), owned.mailboxes.count())).await;
    match content {
        Ok(stats) => {
            page.gauge("yilian_content_objects", "Objects stored.", stats.objects as f64);
            page.gauge("yilian_content_bytes", "Bytes of them.", stats.bytes as f64);
            page.gauge("yilian_content_uploads", "Uploads under way.", stats.uploads as f64);
            page.counter(
                "yilian_content_damaged_reads_total",
                "Reads that met damage.",
                stats.corrupt as f64,
            );
        }
        Err(error) => tracing::warn!(%error, "the content store cannot be counted"),
    }
    match mailboxes {
        Ok(messages) => page.gauge("yilian_mailbox_messages", "Messages that wait.", messages as f64),
        Err(error) => tracing::warn!(%error, "messages cannot be counted"),
    }
}
