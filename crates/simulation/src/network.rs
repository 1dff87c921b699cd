//! All machines of a run with the network between them.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use commonware_cryptography::{Signer as _, ed25519::PublicKey};
use commonware_p2p::{
    Address,
    simulated::{self, Oracle},
};
use commonware_runtime::{Handle as Task, Supervisor as _, deterministic};
use commonware_utils::{NZUsize, ordered::Map};
use futures::FutureExt as _;
use yilian_chain::assembly::{largest_message, private_key};
use yilian_crypto::Digest;
use yilian_finality::Committee;
use yilian_ledger::Height;

use crate::{
    board::Board,
    context::Skew,
    links::Links,
    scenario::{Scenario, Treason},
    site::{Common, Site, link},
    traitor::Traitor,
    violation::Violation,
    wire::{self, Conduct},
    world::Outside,
};

/// Everything that runs.
pub struct Machines {
    context: deterministic::Context,
    oracle: Oracle<PublicKey, deterministic::Context>,
    common: Common,
    pub links: Links,
    pub honest: BTreeMap<usize, Site>,
    traitors: Vec<(Site, Arc<Mutex<Traitor>>)>,
    twins: Vec<Site>,
    /// What the twins hear is sorted by these.
    sorting: Vec<Task<()>>,
    board: Board,
    /// Heights up to which validators' blocks were looked at.
    seen: BTreeMap<usize, u64>,
    seed: u64,
}

impl Machines {
    pub async fn new(
        context: &deterministic::Context,
        scenario: &Scenario,
        outside: &Outside,
        board: Board,
    ) -> Self {
        let committee = Committee::genesis(outside.genesis()).expect("the genesis is valid");
        let keys: Vec<PublicKey> = committee.keys().iter().cloned().collect();
        let config = simulated::Config {
            max_size: largest_message(),
            max_peers_per_set: NZUsize!(16),
            disconnect_on_block: scenario.disconnects,
            tracked_peer_sets: NZUsize!(1),
        };
        let (network, oracle) =
            simulated::Network::new_with_peers(context.child("network"), config, keys.clone()).await;
        // Runs until the runtime ends.
        drop(network.start());
        let nowhere = Address::from(SocketAddr::from((Ipv4Addr::LOCALHOST, 1)));
        let members = Map::from_iter_dedup(keys.iter().map(|key| (key.clone(), nowhere.clone())));
        let common = Common { genesis: outside.genesis().clone(), committee, members };
        let mut links = Links::new(oracle.clone(), keys, scenario);
        links.update(0).await;
        let site = |i: usize, name: String| {
            Site::new(name, outside.world.validators[i].clone(), Skew(scenario.skews[i]))
        };
        let honest = scenario.honest().into_iter().map(|i| (i, site(i, i.to_string()))).collect();
        let mut machines = Self {
            context: context.child("machines"),
            oracle,
            common,
            links,
            honest,
            traitors: Vec::new(),
            twins: Vec::new(),
            sorting: Vec::new(),
            board,
            seen: BTreeMap::new(),
            seed: scenario.seed,
        };
        for (place, treason) in &scenario.traitors {
            match treason {
                Treason::Twins => {
                    machines
                        .start_twins([site(*place, format!("{place}a")), site(*place, format!("{place}b"))])
                        .await;
                }
                treason => machines.start_traitor(site(*place, place.to_string()), *treason).await,
            }
        }
        machines
    }

    fn key(site: &Site) -> PublicKey {
        private_key(site.key.seed()).public_key()
    }

    async fn start_traitor(&mut self, mut site: Site, treason: Treason) {
        let key = private_key(site.key.seed());
        let public = key.public_key();
        let chain = self.common.genesis.chain_id();
        let traitor = Traitor::new(treason, chain, &self.common.committee, key, self.seed);
        let traitor = Arc::new(Mutex::new(traitor));
        let ends = wire::register(&self.oracle.control(public.clone())).await;
        let lines = ends.iter().map(|(sender, _)| sender.clone()).collect();
        traitor.lock().unwrap_or_else(PoisonError::into_inner).attach(lines);
        let channels = wire::channels(ends, &site.disk, &Conduct::Traitor(traitor.clone()));
        let booted = site.boot(&self.context, &self.common).expect("a new machine starts");
        self.board.keep(booted.handle.clone());
        site.run(&self.context, booted, link(channels, &self.oracle, public));
        self.traitors.push((site, traitor));
    }

    /// Two of one key. Each is heard by a half of the honest ones; where there are three or more, one hears both.
    async fn start_twins(&mut self, sites: [Site; 2]) {
        let public = Self::key(&sites[0]);
        let honest: Vec<PublicKey> = self.honest.values().map(Self::key).collect();
        let (first, second) = honest.split_at(honest.len() / 2);
        let witness = second.last().filter(|_| honest.len() > 2);
        let audiences = [Arc::new(first.iter().chain(witness).cloned().collect()), Arc::new(second.to_vec())];
        let ends = wire::register(&self.oracle.control(public.clone())).await;
        let disks = [&sites[0].disk, &sites[1].disk];
        let (channels, sorting) = wire::twins(&self.context, ends, disks, audiences);
        self.sorting.extend(sorting);
        for (mut site, channels) in sites.into_iter().zip(channels) {
            let booted = site.boot(&self.context, &self.common).expect("a new machine starts");
            self.board.keep(booted.handle.clone());
            site.run(&self.context, booted, link(channels, &self.oracle, public.clone()));
            self.twins.push(site);
        }
    }

    /// Starts an honest validator, and looks whether it knows what it acknowledged before it hears of anything new.
    pub async fn start(&mut self, node: usize) {
        let Some(site) = self.honest.get_mut(&node).filter(|site| !site.is_up()) else { return };
        if site.crashes > 0 {
            site.repair(self.seed ^ (site.crashes << 40) ^ ((node as u64) << 56));
        }
        let booted = match site.boot(&self.context, &self.common) {
            Ok(booted) => booted,
            Err(why) => return self.board.violate(Violation::NotStarted { node, why }),
        };
        self.board.note(&format!("{node} starts at {}", booted.handle.status().height.0));
        let handle = booted.handle.clone();
        remembers(&self.board, node, &handle).await;
        let public = Self::key(site);
        let ends = wire::register(&self.oracle.control(public.clone())).await;
        let channels = wire::channels(ends, &site.disk, &Conduct::Honest);
        site.run(&self.context, booted, link(channels, &self.oracle, public));
        self.board.open(node, handle, site.disk.clone());
        // Its blocks are looked at anew: what it has now must be what it had.
        self.seen.insert(node, 0);
    }

    pub fn crash(&mut self, node: usize) -> bool {
        let Some(site) = self.honest.get_mut(&node).filter(|site| site.is_up()) else { return false };
        self.board.note(&format!("{node} crashes after {} operations", site.disk.operations()));
        site.crash();
        self.board.close(node);
        true
    }

    pub fn arm(&self, node: usize, operations: u64) -> bool {
        let site = self.honest.get(&node).filter(|site| site.is_up());
        site.inspect(|site| site.disk.arm(operations)).is_some()
    }

    /// Honest validators that have lost their power and not been found yet.
    pub fn dark(&self) -> Vec<usize> {
        let dark = self.honest.iter().filter(|(_, site)| site.is_up() && !site.disk.has_power());
        dark.map(|(node, _)| *node).collect()
    }

    pub fn down(&self) -> Vec<usize> {
        self.honest.iter().filter(|(_, site)| !site.is_up()).map(|(node, _)| *node).collect()
    }

    /// Looks at new blocks of all honest validators that are up.
    pub async fn look(&mut self) {
        for (node, site) in &self.honest {
            let Some(handle) = self.board.handle(*node).filter(|_| site.disk.has_power()) else { continue };
            if handle.stopped().now_or_never().is_some() {
                self.board.violate(Violation::Ended { node: *node });
            }
            let seen = self.seen.entry(*node).or_default();
            let tip = handle.status().height.0;
            while *seen < tip {
                match handle.block(Height(*seen + 1)).await {
                    Ok(Some(block)) => self.board.head(*node, *seen + 1, block.summary.digest),
                    other => {
                        let why = format!("{other:?}");
                        return self.board.violate(Violation::Unprovable {
                            node: *node,
                            what: "a block",
                            why,
                        });
                    }
                }
                *seen += 1;
            }
        }
    }

    pub fn heights(&self) -> BTreeMap<usize, u64> {
        let height = |node: &usize| self.board.handle(*node).map_or(0, |handle| handle.status().height.0);
        self.honest.keys().map(|node| (*node, height(node))).collect()
    }

    /// No block that breaks a rule is final, and no honest validator shuts out another.
    pub async fn judge(&self) {
        let spoiled = self.spoiled();
        for (height, digest) in self.board.heads() {
            if spoiled.contains(&digest) {
                self.board.violate(Violation::Spoiled { height });
            }
        }
        for (by, whom) in self.links.shut_out().await {
            if self.honest.contains_key(&by) && self.honest.contains_key(&whom) {
                self.board.violate(Violation::ShutOut { by, whom });
            }
        }
    }

    pub fn spoiled(&self) -> BTreeSet<Digest> {
        let of = |traitor: &Arc<Mutex<Traitor>>| {
            traitor.lock().unwrap_or_else(PoisonError::into_inner).spoiled().clone()
        };
        self.traitors.iter().flat_map(|(_, traitor)| of(traitor)).collect()
    }

    pub fn crashes(&self) -> u64 {
        self.honest.values().map(|site| site.crashes).sum()
    }
}

/// What this validator said is final must be in its store, where it was.
async fn remembers(board: &Board, node: usize, handle: &yilian_chain::Handle) {
    for (transaction, known) in board.acknowledged() {
        if !known.by.contains(&node) {
            continue;
        }
        match handle.transaction(transaction).await {
            Ok(Some(yilian_chain::TransactionStatus::Included(place))) if place == known.place => {}
            Ok(Some(yilian_chain::TransactionStatus::Included(place))) => {
                let places = Box::new([known.place, place]);
                board.violate(Violation::Moved { transaction, places });
            }
            _ => board.violate(Violation::Lost { node, transaction }),
        }
    }
}
