//! Who reaches whom, and how well.

use std::{collections::BTreeMap, time::Duration};

use commonware_cryptography::ed25519::PublicKey;
use commonware_p2p::simulated::{Link, Oracle};
use commonware_runtime::deterministic;
use commonware_utils::Probability;

use crate::scenario::Scenario;

/// The network's links, as they are and as they shall be.
pub struct Links {
    oracle: Oracle<PublicKey, deterministic::Context>,
    keys: Vec<PublicKey>,
    link: Link,
    made: BTreeMap<(usize, usize), bool>,
    /// Until when a mask's members do not reach the others.
    partitions: Vec<(u32, u64)>,
    cuts: Vec<(usize, usize, u64)>,
}

impl Links {
    pub fn new(
        oracle: Oracle<PublicKey, deterministic::Context>,
        keys: Vec<PublicKey>,
        scenario: &Scenario,
    ) -> Self {
        let link = link(scenario, scenario.arrive);
        Self { oracle, keys, link, made: BTreeMap::new(), partitions: Vec::new(), cuts: Vec::new() }
    }

    pub fn part(&mut self, mask: u32, until: u64) {
        self.partitions.push((mask, until));
    }

    pub fn cut(&mut self, from: usize, to: usize, until: u64) {
        self.cuts.push((from, to, until));
    }

    /// From now on nothing is lost, and everybody reaches everybody.
    pub async fn heal(&mut self, scenario: &Scenario) {
        self.partitions.clear();
        self.cuts.clear();
        let pairs: Vec<_> =
            self.made.iter().filter(|(_, is_made)| **is_made).map(|(pair, _)| *pair).collect();
        for (from, to) in pairs {
            self.remove(from, to).await;
        }
        self.link = link(scenario, 100);
        self.update(0).await;
    }

    /// Makes links as they shall be at `now`.
    pub async fn update(&mut self, now: u64) {
        self.partitions.retain(|(_, until)| *until > now);
        self.cuts.retain(|(_, _, until)| *until > now);
        for from in 0..self.keys.len() {
            for to in (0..self.keys.len()).filter(|to| *to != from) {
                let shall = self.reaches(from, to);
                if shall == self.made.get(&(from, to)).copied().unwrap_or(false) {
                    continue;
                }
                if shall {
                    let (sender, receiver) = (self.keys[from].clone(), self.keys[to].clone());
                    self.oracle
                        .add_link(sender, receiver, self.link.clone())
                        .await
                        .expect("it was not there");
                    self.made.insert((from, to), true);
                } else {
                    self.remove(from, to).await;
                }
            }
        }
    }

    async fn remove(&mut self, from: usize, to: usize) {
        let (sender, receiver) = (self.keys[from].clone(), self.keys[to].clone());
        self.oracle.remove_link(sender, receiver).await.expect("it was there");
        self.made.insert((from, to), false);
    }

    fn reaches(&self, from: usize, to: usize) -> bool {
        let is_in = |mask: u32, node: usize| mask >> node & 1 == 1;
        self.partitions.iter().all(|(mask, _)| is_in(*mask, from) == is_in(*mask, to))
            && self.cuts.iter().all(|(a, b, _)| (*a, *b) != (from, to))
    }

    /// Pairs of which the first has shut out the second.
    pub async fn shut_out(&self) -> Vec<(usize, usize)> {
        let place = |key: &PublicKey| self.keys.iter().position(|k| k == key);
        let blocked = self.oracle.blocked().await.expect("the network runs");
        blocked.iter().filter_map(|(by, whom)| Some((place(by)?, place(whom)?))).collect()
    }
}

fn link(scenario: &Scenario, arrive: u64) -> Link {
    Link {
        latency: Duration::from_millis(scenario.latency.0),
        jitter: Duration::from_millis(scenario.latency.1),
        success_rate: Probability::new(arrive, 100).expect("at most a hundred in a hundred"),
    }
}
