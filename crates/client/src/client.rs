//! A client of one chain: its genesis, its nodes, what it knows to be fresh, and who lied.
//!
//! Nothing is believed because a node says so. Nodes are asked in turn until one gives a verifiable answer; faults are
//! reported whether or not another node helped out (spec R-2).

use std::sync::{Mutex, MutexGuard, PoisonError};

use yilian_finality::{FinalityError, Trust};
use yilian_ledger::{ChainId, Genesis, Time};

use crate::{
    error::{ClientError, Lie, NodeFault, Report},
    host::{Host, NodeUrl},
    http,
    verified::Cache,
};

/// Most faults kept.
const MAX_REPORTS: usize = 256;

/// Where to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// At least one; two or more to notice a lie and to survive a failure.
    pub nodes: Vec<NodeUrl>,
    pub authority: Option<NodeUrl>,
    /// On how many nodes content is stored, drafts and openings are left.
    pub replicas: usize,
}

impl Network {
    pub fn new(nodes: Vec<NodeUrl>, authority: Option<NodeUrl>) -> Self {
        Self { nodes, authority, replicas: 2 }
    }
}

/// Talks to one chain's nodes. Cheap to share by reference.
pub struct Client<H> {
    host: H,
    genesis: Genesis,
    chain: ChainId,
    network: Network,
    pub(crate) trust: Mutex<Trust>,
    pub(crate) cache: Mutex<Cache>,
    reports: Mutex<Vec<Report>>,
    /// Place in `nodes` of the one that answered last.
    preferred: Mutex<usize>,
}

impl<H> std::fmt::Debug for Client<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("chain", &self.chain).field("network", &self.network).finish()
    }
}

/// A poisoned lock still guards plain data: every critical section here leaves it whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<H: Host> Client<H> {
    /// With a genesis that is trusted already: one that was made, or decoded.
    pub fn new(host: H, network: Network, genesis: Genesis) -> Self {
        let chain = genesis.chain_id();
        let trust = Trust::genesis(&genesis).expect("a genesis that decoded has a committee");
        Self {
            host,
            genesis,
            chain,
            network,
            trust: Mutex::new(trust),
            cache: Mutex::new(Cache::default()),
            reports: Mutex::new(Vec::new()),
            preferred: Mutex::new(0),
        }
    }

    /// Fetches the genesis of the chain whose id is known.
    pub async fn connect(host: H, network: Network, chain: ChainId) -> Result<Self, ClientError> {
        let mut fault = None;
        for node in &network.nodes {
            match http::ledger::genesis(&host, node).await {
                Ok(genesis) if genesis.chain_id() == chain => return Ok(Self::new(host, network, genesis)),
                Ok(_) => worse(&mut fault, node, NodeFault::Lied(Lie::Genesis)),
                Err(other) => worse(&mut fault, node, other),
            }
        }
        Err(failure(fault))
    }

    pub fn host(&self) -> &H {
        &self.host
    }

    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    pub fn chain(&self) -> ChainId {
        self.chain
    }

    pub fn network(&self) -> &Network {
        &self.network
    }

    pub fn now(&self) -> Time {
        self.host.now()
    }

    /// Faults noticed so far, oldest first.
    pub fn reports(&self) -> Vec<Report> {
        lock(&self.reports).clone()
    }

    pub(crate) fn authority(&self) -> Result<&NodeUrl, ClientError> {
        self.network.authority.as_ref().ok_or(ClientError::NoAuthority)
    }

    pub(crate) fn report(&self, node: &NodeUrl, fault: &NodeFault) {
        let mut reports = lock(&self.reports);
        if reports.len() == MAX_REPORTS {
            reports.remove(0);
        }
        reports.push(Report { node: node.clone(), fault: fault.clone(), time: self.host.now() });
    }

    /// Nodes in the order in which they are asked: the one that answered last comes first.
    pub(crate) fn nodes(&self) -> Vec<NodeUrl> {
        let mut nodes = self.network.nodes.clone();
        let first = *lock(&self.preferred);
        if first < nodes.len() {
            nodes.rotate_left(first);
        }
        nodes
    }

    /// Asks one node after the other until one answers; reports the others.
    pub(crate) async fn ask<T>(
        &self,
        question: impl AsyncFn(&NodeUrl) -> Result<T, NodeFault>,
    ) -> Result<(NodeUrl, T), ClientError> {
        let mut fault = None;
        for node in self.nodes() {
            match question(&node).await {
                Ok(answer) => {
                    self.prefer(&node);
                    return Ok((node, answer));
                }
                Err(other) => {
                    self.report(&node, &other);
                    worse(&mut fault, &node, other);
                }
            }
        }
        Err(failure(fault))
    }

    pub(crate) fn prefer(&self, node: &NodeUrl) {
        if let Some(place) = self.network.nodes.iter().position(|known| known == node) {
            *lock(&self.preferred) = place;
        }
    }
}

/// A stale header is no lie, nor is one of a term that has ended; everything else is.
pub(crate) fn finality(error: FinalityError) -> NodeFault {
    match error {
        FinalityError::Stale { age_ms } => NodeFault::Stale { age_ms },
        FinalityError::Superseded { epoch, trusted } => NodeFault::Superseded { epoch, trusted },
        other => NodeFault::Lied(Lie::Finality(other)),
    }
}

/// Keeps the gravest fault: lie, staleness, refusal, silence.
pub(crate) fn worse(kept: &mut Option<(NodeUrl, NodeFault)>, node: &NodeUrl, fault: NodeFault) {
    let gravity = |fault: &NodeFault| match fault {
        NodeFault::Transport(_) => 0,
        NodeFault::Problem { .. } => 1,
        NodeFault::Stale { .. } | NodeFault::Superseded { .. } => 2,
        NodeFault::Lied(_) => 3,
    };
    if kept.as_ref().is_none_or(|(_, old)| gravity(&fault) > gravity(old)) {
        *kept = Some((node.clone(), fault));
    }
}

pub(crate) fn failure(fault: Option<(NodeUrl, NodeFault)>) -> ClientError {
    match fault {
        None => ClientError::NoNodes,
        Some((node, fault)) => at(&node, fault),
    }
}

/// A fault as the error of a flow.
pub(crate) fn at(node: &NodeUrl, fault: NodeFault) -> ClientError {
    let node = node.clone();
    match fault {
        NodeFault::Transport(source) => ClientError::Transport { node, source },
        NodeFault::Problem { status, code, detail } => ClientError::Refused { node, status, code, detail },
        NodeFault::Stale { age_ms } => ClientError::StaleNode { node, age_ms },
        NodeFault::Superseded { epoch, trusted } => ClientError::SupersededNode { node, epoch, trusted },
        NodeFault::Lied(Lie::Finality(FinalityError::Fork { epoch })) => ClientError::Fork { node, epoch },
        NodeFault::Lied(Lie::Finality(FinalityError::UnknownCommittee { epoch, trusted })) => {
            ClientError::UnknownCommittee { node, epoch, trusted }
        }
        NodeFault::Lied(reason) => ClientError::LyingNode { node, reason },
    }
}
