//! The runs, one after the other: creates at each rate, the most grants that get through, grants at a rate that holds.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use yilian_api::ledger::NodeStatus;

use super::{
    load::{CLOSED_IN_FLIGHT, OPEN_IN_FLIGHT, Run, closed_loop, open_loop},
    prepare::{Maker, Record, in_parallel},
    report::Load,
    schedule::Schedule,
    submit::Target,
};
use crate::{http::Http, network::Network, output::Output, query, trust::Trust};

/// Creates before the first run, so that connections stand and caches are warm.
const WARM_UP: usize = 64;
/// Grants prepared for each second of the closed loop; if all are used up, it ends early.
const CLOSED_PER_SECOND: usize = 500;
/// Pools must be empty so long after a run.
const DRAIN: Duration = Duration::from_secs(120);

pub struct Bench {
    http: Http,
    nodes: Vec<String>,
    target: Target,
    maker: Arc<Maker>,
    seconds: u32,
    output: Output,
    /// Created by now.
    records: Vec<Record>,
    granted: usize,
}

impl Bench {
    pub fn new(network: &Network, maker: Maker, seconds: u32, output: Output) -> anyhow::Result<Self> {
        let (http, nodes) = (Http::new(&Trust::default())?, network.urls());
        let target = Target::new(http.clone(), &nodes)?;
        let (maker, records) = (Arc::new(maker), Vec::new());
        Ok(Self { http, nodes, target, maker, seconds, output, records, granted: 0 })
    }

    pub async fn all(&mut self, rates: &[u32]) -> anyhow::Result<Vec<Load>> {
        let mut loads = Vec::with_capacity(rates.len() + 2);
        self.warm_up().await?;
        for rate in rates {
            loads.push(self.creates(*rate).await?);
        }
        let most = self.most_grants().await?;
        let rate = sustainable(most.applied_per_second);
        loads.push(most);
        loads.push(self.grants(rate).await?);
        Ok(loads)
    }

    async fn warm_up(&mut self) -> anyhow::Result<()> {
        let (made, _) = self.make_creates("Warming up", WARM_UP).await?;
        let (records, transactions): (Vec<_>, Vec<_>) = made.into_iter().unzip();
        let run = closed_loop(&self.target, Duration::from_secs(30), transactions).await;
        let failed = run.failures.keys().next().map(ToString::to_string).unwrap_or_default();
        anyhow::ensure!(run.applied.len() == WARM_UP, "a transaction failed on an idle network: {failed}");
        self.keep(&run, records);
        self.settle().await
    }

    async fn creates(&mut self, rate: u32) -> anyhow::Result<Load> {
        let schedule = schedule(rate, self.seconds)?;
        let (made, preparation) =
            self.make_creates(&format!("Preparing creates for {rate}/s"), schedule.count()).await?;
        let (records, transactions): (Vec<_>, Vec<_>) = made.into_iter().unzip();
        let spinner = self.output.spinner(format!("Creates at {rate}/s"));
        let run = open_loop(&self.target, &schedule, transactions).await;
        spinner.finish_and_clear();
        self.keep(&run, records);
        self.settle().await?;
        Ok(Load::new("create", Some(rate), OPEN_IN_FLIGHT, &run, preparation))
    }

    async fn most_grants(&mut self) -> anyhow::Result<Load> {
        let count = CLOSED_PER_SECOND * self.seconds as usize;
        let (transactions, preparation) = self.make_grants("Preparing grants", count).await?;
        let spinner = self.output.spinner(format!("Grants, {CLOSED_IN_FLIGHT} under way"));
        let length = Duration::from_secs(u64::from(self.seconds));
        let run = closed_loop(&self.target, length, transactions).await;
        spinner.finish_and_clear();
        self.granted += run.applied.len();
        self.settle().await?;
        Ok(Load::new("grant", None, CLOSED_IN_FLIGHT, &run, preparation))
    }

    async fn grants(&mut self, rate: u32) -> anyhow::Result<Load> {
        let schedule = schedule(rate, self.seconds)?;
        let (transactions, preparation) =
            self.make_grants(&format!("Preparing grants for {rate}/s"), schedule.count()).await?;
        let spinner = self.output.spinner(format!("Grants at {rate}/s"));
        let run = open_loop(&self.target, &schedule, transactions).await;
        spinner.finish_and_clear();
        self.granted += run.applied.len();
        self.settle().await?;
        Ok(Load::new("grant", Some(rate), OPEN_IN_FLIGHT, &run, preparation))
    }

    fn keep(&mut self, run: &Run, records: Vec<Record>) {
        self.records.extend(run.applied.iter().filter_map(|index| records.get(*index).cloned()));
    }

    async fn make_creates(&self, what: &str, count: usize) -> anyhow::Result<(Vec<(Record, Vec<u8>)>, f64)> {
        let (maker, bar) = (Arc::clone(&self.maker), self.bar(what, count));
        prepared(move || in_parallel(count, &bar, |_| maker.create())).await
    }

    /// Of the records in turn; some are granted more than once, each time under another withdrawal key.
    async fn make_grants(&self, what: &str, count: usize) -> anyhow::Result<(Vec<Vec<u8>>, f64)> {
        let (maker, bar, records) = (Arc::clone(&self.maker), self.bar(what, count), self.records.clone());
        prepared(move || in_parallel(count, &bar, |index| maker.grant(&records[index % records.len()]))).await
    }

    fn bar(&self, what: &str, count: usize) -> ProgressBar {
        if self.output.is_json() {
            return ProgressBar::hidden();
        }
        let style = ProgressStyle::with_template("{msg:32} [{bar:32}] {pos:>6} of {len}  {eta}");
        let style = style.expect("template is constant").progress_chars("━╸ ");
        ProgressBar::new(count as u64).with_message(what.to_owned()).with_style(style)
    }

    /// Until no node has anything waiting. Every node must have in its state what it said was applied.
    async fn settle(&self) -> anyhow::Result<()> {
        let began = Instant::now();
        loop {
            let (mut waiting, mut behind) = (0, 0);
            for node in &self.nodes {
                let status: NodeStatus = query::get(&self.http, node, "/v1/status").await?;
                waiting += status.pool;
                let has = (status.records as usize, status.grants as usize);
                behind += usize::from(has.0 < self.records.len() || has.1 < self.granted);
            }
            if waiting == 0 && behind == 0 {
                return Ok(());
            }
            anyhow::ensure!(
                began.elapsed() < DRAIN,
                "after {} s, {waiting} transactions wait and {behind} nodes lack what was applied",
                DRAIN.as_secs()
            );
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

/// Off the runtime's threads, with the seconds it took.
async fn prepared<T: Send + 'static>(
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> anyhow::Result<(T, f64)> {
    let start = Instant::now();
    let made = tokio::task::spawn_blocking(work).await??;
    Ok((made, start.elapsed().as_secs_f64()))
}

fn schedule(rate: u32, seconds: u32) -> anyhow::Result<Schedule> {
    Schedule::new(rate, seconds).ok_or_else(|| anyhow::anyhow!("nothing to send"))
}

/// Four fifths of the most that got through: a rate at which queues do not grow.
fn sustainable(most: f64) -> u32 {
    ((most * 0.8) as u32).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_that_holds_leaves_room() {
        assert_eq!(sustainable(400.0), 320);
        assert_eq!(sustainable(0.0), 1);
    }
}
