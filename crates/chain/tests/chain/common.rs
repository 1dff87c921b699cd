//! Four validators on loopback, and a wallet's transactions.

use std::{
    net::SocketAddr,
    path::Path,
    sync::OnceLock,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use commonware_codec::Encode as _;
use yilian_chain::{Chain, ChainConfig, Handle, PoolLimits};
use yilian_crypto::{
    certificate::{Contents, Level, issue},
    sign::SigningKey,
    ticket::{Class, Period},
};
use yilian_ledger::{Genesis, Parameters, Time, Transaction};
use yilian_testkit::ledger::{Chain as _, Member, World, contents, ticket_secret};

pub struct Net {
    pub world: World,
    pub addresses: Vec<SocketAddr>,
    pub directory: tempfile::TempDir,
}

pub fn now() -> Time {
    Time(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64)
}

/// The world's genesis, begun a moment ago, with periods of a day and blocks every second.
pub fn genesis(world: &World) -> Genesis {
    let parameters = Parameters { idle_block_ms: 1_000, ..Parameters::default() };
    let period = parameters.period(now());
    let key = ticket_secret(0).public().clone();
    let slots = [(Class::Care, 0), (Class::Trade, 0), (Class::Care, 1), (Class::Trade, 1)];
    Genesis {
        time: now().0 - 5_000,
        parameters,
        roots: vec![world.root.certificate.der().to_vec()],
        ticket_keys: slots.map(|(class, ahead)| (class, Period(period.0 + ahead), key.clone())).to_vec(),
        ..world.genesis.clone()
    }
}

impl Net {
    pub fn new(seed: u64) -> Self {
        Self::of(World::new(seed))
    }

    /// Epochs of so many blocks, and so many nodes beside the four validators, to which all others serve blocks.
    pub fn with_epochs(seed: u64, blocks: u64, others: usize) -> Self {
        let mut world = World::with_epochs(seed, blocks);
        world.joiners = (0..others).map(|_| world.key()).collect();
        Self::of(world)
    }

    fn of(mut world: World) -> Self {
        let root = valid_now(contents(Level::Root, "root", &world.root.key));
        world.root.certificate = issue(&root, None, &world.root.key).unwrap();
        world.genesis = genesis(&world);
        world.chain = world.genesis.chain_id();
        let addresses = yilian_testkit::ports::free(4 + world.joiners.len());
        Self { world, addresses, directory: tempfile::tempdir().unwrap() }
    }

    /// The key of a node: validators of the genesis first.
    pub fn key(&self, index: usize) -> SigningKey {
        self.world.validators.iter().chain(&self.world.joiners).nth(index).unwrap().clone()
    }

    pub fn config(&self, index: usize) -> ChainConfig {
        let directory = self.directory.path().join(index.to_string());
        let mut config = config(&self.world.genesis, &self.key(index), &self.addresses, index, &directory);
        let all =
            (0..self.addresses.len()).map(|i| (*self.key(i).verifying_key().as_bytes(), self.addresses[i]));
        if !self.world.joiners.is_empty() {
            config.followers = all.collect();
        }
        config
    }

    pub fn start(&self, index: usize) -> Handle {
        Chain::start(self.config(index)).unwrap()
    }

    pub fn create(&mut self, owner: &SigningKey) -> Bytes {
        self.world.time = now();
        let ticket = self.world.ticket();
        encode(&self.world.create(owner, &[ticket]))
    }

    /// A new member's certificate, and its admission.
    pub fn certify(&mut self, issuer: &Member, level: Level, subject: &str) -> (Member, Bytes) {
        let key = self.world.key();
        let contents = valid_now(self.world.contents(level, Some(issuer.id), subject, &key));
        let (member, admission) = self.world.certify_contents(issuer, &contents, key);
        (member, encode(&admission))
    }

    pub fn grant(&mut self, owner: &SigningKey, withdrawal: &SigningKey) -> Bytes {
        self.world.time = now();
        let ticket = self.world.ticket();
        encode(&self.world.grant(owner, withdrawal, &[ticket]))
    }
}

/// The same years for all, since an issuer's validity holds those below it.
fn valid_now(contents: Contents) -> Contents {
    static SECONDS: OnceLock<u64> = OnceLock::new();
    let seconds = *SECONDS.get_or_init(|| now().seconds());
    Contents { not_before: seconds - 86_400, not_after: seconds + 86_400, ..contents }
}

pub fn config(
    genesis: &Genesis,
    signer: &SigningKey,
    addresses: &[SocketAddr],
    index: usize,
    directory: &Path,
) -> ChainConfig {
    ChainConfig {
        genesis: genesis.clone(),
        signer: signer.seed().clone(),
        listen: addresses[index],
        peers: genesis.committee.iter().copied().zip(addresses.iter().copied()).collect(),
        followers: Vec::new(),
        data_dir: directory.to_owned(),
        pool: PoolLimits::default(),
    }
}

pub fn encode(transaction: &Transaction) -> Bytes {
    transaction.encode()
}

/// Waits for a condition for at most ten seconds.
pub async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    for _ in 0..200 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{what} did not happen");
}
