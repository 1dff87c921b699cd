//! What must hold whatever was done to the network: it makes blocks again, all validators tell the same history, and each of
//! them proves every write that any of them ever acknowledged.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use yilian_api::ledger::{BlockBody, NodeStatus};
use yilian_client::{Client, Network as Nodes, NodeUrl};
use yilian_ledger::name::Aid;

use crate::{http::Http, native::NativeHost, network::Network, query, trust::Trust};

/// Progress, and a validator's catching up, may take so long.
const RECOVERY: Duration = Duration::from_secs(90);
const LOOK: Duration = Duration::from_millis(200);

pub struct Checker {
    http: Http,
    host: NativeHost,
    urls: Vec<String>,
}

impl Checker {
    pub fn new(network: &Network) -> anyhow::Result<Self> {
        Ok(Self {
            http: Http::new(&Trust::default())?,
            host: NativeHost::new(Http::new(&Trust::default())?),
            urls: network.urls(),
        })
    }

    async fn status(&self, index: usize) -> anyhow::Result<NodeStatus> {
        query::get(&self.http, &self.urls[index], "/v1/status").await
    }

    /// Height of the furthest of these validators.
    pub async fn height(&self, of: &[usize]) -> u64 {
        let mut highest = 0;
        for index in of {
            if let Ok(status) = self.status(*index).await {
                highest = highest.max(status.height);
            }
        }
        highest
    }

    /// Until all of these have a block above what the furthest of them had when this began. How long it took.
    pub async fn progress(&self, of: &[usize]) -> anyhow::Result<Duration> {
        let (start, target) = (Instant::now(), self.height(of).await + 1);
        loop {
            let mut behind = Vec::new();
            for index in of {
                match self.status(*index).await {
                    Ok(status) if status.height >= target => {}
                    _ => behind.push((index + 1).to_string()),
                }
            }
            if behind.is_empty() {
                return Ok(start.elapsed());
            }
            anyhow::ensure!(
                start.elapsed() < RECOVERY,
                "after {} s validator {} is still below height {target}",
                RECOVERY.as_secs(),
                behind.join(", ")
            );
            tokio::time::sleep(LOOK).await;
        }
    }

    /// No block is made by these for `length`: two groups of which neither has more than two thirds.
    pub async fn standstill(&self, of: &[usize], length: Duration) -> anyhow::Result<()> {
        // What was voted for before the wires were cut may still become final.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let before = self.height(of).await;
        tokio::time::sleep(length).await;
        let after = self.height(of).await;
        anyhow::ensure!(before == after, "block {after} was made without a quorum");
        Ok(())
    }

    /// A client that asks one validator only, and knows nothing but the genesis.
    fn client(&self, network: &Network, index: usize) -> Client<NativeHost> {
        let nodes = Nodes::new(vec![NodeUrl::new(&self.urls[index])], None);
        Client::new(self.host.clone(), nodes, network.genesis().clone())
    }

    /// Looks every write up at each validator alone, verified against the genesis. How many proofs held.
    pub async fn find_all(&self, network: &Network, writes: &[Aid]) -> anyhow::Result<usize> {
        let mut found = 0;
        for (index, url) in self.urls.iter().enumerate() {
            let client = self.client(network, index);
            for aid in writes {
                let view = client.look_up(&aid.name()).await.with_context(|| format!("{url} was asked"))?;
                anyhow::ensure!(view.entry(&aid.name()).is_some(), denied(url, aid));
                found += 1;
            }
        }
        Ok(found)
    }

    /// A damaged validator may prove a write or fail to; what it must not do is prove that it never was. How many it proved.
    pub async fn denies_none(
        &self,
        network: &Network,
        index: usize,
        writes: &[Aid],
    ) -> anyhow::Result<usize> {
        let client = self.client(network, index);
        let mut proved = 0;
        for aid in writes {
            let Ok(view) = client.look_up(&aid.name()).await else { continue };
            anyhow::ensure!(view.entry(&aid.name()).is_some(), denied(&self.urls[index], aid));
            proved += 1;
        }
        Ok(proved)
    }

    /// The digest of every block is the same at all validators, up to the lowest of their heights. That height.
    pub async fn one_history(&self) -> anyhow::Result<u64> {
        let mut lowest = u64::MAX;
        for index in 0..self.urls.len() {
            lowest = lowest.min(self.status(index).await?.height);
        }
        for height in 1..=lowest {
            let path = format!("/v1/blocks/{height}");
            let mut first: Option<String> = None;
            for url in &self.urls {
                let block: BlockBody = query::get(&self.http, url, &path).await?;
                let digest = block.summary.digest;
                match &first {
                    Some(first) => {
                        anyhow::ensure!(*first == digest, "{url} has another block at height {height}")
                    }
                    None => first = Some(digest),
                }
            }
        }
        Ok(lowest)
    }
}

fn denied(url: &str, aid: &Aid) -> String {
    format!("{url} proves that record {} is not there, though its writing was acknowledged", aid.0)
}
