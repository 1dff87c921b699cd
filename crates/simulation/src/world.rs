//! The chain that is simulated, and the transactions of its clients.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use commonware_codec::Encode as _;
use yilian_crypto::{
    certificate::Level,
    sign::SigningKey,
    ticket::{Class, Period},
};
use yilian_ledger::{
    Genesis, Name, Parameters, Time, Transaction,
    name::{Aid, Bid},
    transaction::{Revoke, Withdraw},
};
use yilian_testkit::ledger::{Chain as _, Member, START, Seeded, World, ticket_secret};

/// Length of a period: several begin and end in a simulation, and grants expire.
const PERIOD_MS: u64 = 30_000;
/// Periods with a ticket key, as many as a genesis may open.
const PERIODS: u32 = 8;

/// The time at which a simulation begins.
pub fn start() -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(START.0)
}

/// A transaction with what will be on the chain if it is applied.
#[derive(Clone, Debug)]
pub struct Order {
    pub kind: &'static str,
    pub bytes: Bytes,
    /// Under this name, something will stand.
    pub leaves: Option<Name>,
    /// It can never be in a block.
    pub is_bad: bool,
}

/// Everybody outside of the validators: authority, patients, members.
pub struct Outside {
    pub world: World,
    rng: Seeded,
    owners: Vec<SigningKey>,
    withdrawals: Vec<SigningKey>,
    members: Vec<Member>,
    sent: Vec<Order>,
    subjects: u32,
}

impl Outside {
    /// A chain with so many validators.
    pub fn new(seed: u64, validators: usize) -> Self {
        let mut world = World::new(seed);
        while world.validators.len() < validators {
            let key = world.key();
            world.validators.push(key);
        }
        world.validators.sort_by_key(|key| *key.verifying_key().as_bytes());
        world.genesis = genesis(&world);
        world.chain = world.genesis.chain_id();
        let members = vec![world.root.clone()];
        Self {
            world,
            rng: Seeded::new(seed ^ 0x0u64.wrapping_sub(7)),
            owners: Vec::new(),
            withdrawals: Vec::new(),
            members,
            sent: Vec::new(),
            subjects: 0,
        }
    }

    pub fn genesis(&self) -> &Genesis {
        &self.world.genesis
    }

    /// What clients want next; several at a time where the order in which they arrive matters.
    pub fn next(&mut self, now: Time) -> Vec<Order> {
        self.world.time = now;
        let orders = match self.rng.below(20) {
            0..8 => vec![self.create()],
            8..12 if !self.owners.is_empty() => vec![self.grant()],
            12..14 if !self.withdrawals.is_empty() => vec![self.withdraw()],
            14 if !self.owners.is_empty() => self.grant_and_withdraw(),
            15 => self.admit(),
            16 if self.members.len() > 1 => vec![self.revoke()],
            17 => self.pay_twice(),
            18 if !self.sent.is_empty() => {
                let again = self.rng.below(self.sent.len() as u64) as usize;
                return vec![self.sent[again].clone()];
            }
            19 => vec![self.nonsense()],
            _ => vec![self.create()],
        };
        self.sent.extend(orders.iter().filter(|order| !order.is_bad).cloned());
        orders
    }

    fn create(&mut self) -> Order {
        let (owner, ticket) = (self.world.key(), self.world.ticket());
        let transaction = self.world.create(&owner, &[ticket]);
        let name = Aid::of(&owner.verifying_key()).name();
        self.owners.push(owner);
        order("create", &transaction, Some(name))
    }

    fn grant(&mut self) -> Order {
        let (withdrawal, ticket) = (self.world.key(), self.world.ticket());
        let owner = self.owners[self.rng.below(self.owners.len() as u64) as usize].clone();
        let transaction = self.world.grant(&owner, &withdrawal, &[ticket]);
        let name = Bid::of(&withdrawal.verifying_key()).name();
        self.withdrawals.push(withdrawal);
        order("grant", &transaction, Some(name))
    }

    fn withdraw(&mut self) -> Order {
        let withdrawal = &self.withdrawals[self.rng.below(self.withdrawals.len() as u64) as usize];
        let name = Bid::of(&withdrawal.verifying_key()).name();
        order("withdraw", &Withdraw::sign(self.world.chain, withdrawal), Some(name))
    }

    fn grant_and_withdraw(&mut self) -> Vec<Order> {
        let grant = self.grant();
        let withdrawal = self.withdrawals.last().expect("a grant has a withdrawal key");
        let name = Bid::of(&withdrawal.verifying_key()).name();
        let withdraw = order("withdraw", &Withdraw::sign(self.world.chain, withdrawal), Some(name));
        vec![withdraw, grant]
    }

    /// A province with a hospital, whose admission needs the province's.
    fn admit(&mut self) -> Vec<Order> {
        self.subjects += 1;
        let root = self.members[0].clone();
        let subject = format!("province-{}", self.subjects);
        let (province, first) = self.world.certify(&root, Level::Intermediate, &subject);
        let (hospital, second) = self.world.certify(&province, Level::Institution, "hospital");
        let names = [&province, &hospital].map(|member| member.id.name(member.level.into()));
        self.members.push(province);
        vec![order("admit", &second, Some(names[1])), order("admit", &first, Some(names[0]))]
    }

    fn revoke(&mut self) -> Order {
        let member = &self.members[1 + self.rng.below(self.members.len() as u64 - 1) as usize];
        let transaction = Revoke::sign(self.world.chain, member.level, member.id, None, &self.members[0].key);
        order("revoke", &transaction, Some(member.id.name(member.level.into())))
    }

    /// Two records with one ticket.
    fn pay_twice(&mut self) -> Vec<Order> {
        let ticket = self.world.ticket();
        let mut create = || {
            let owner = self.world.key();
            let transaction = self.world.create(&owner, std::slice::from_ref(&ticket));
            order("create", &transaction, Some(Aid::of(&owner.verifying_key()).name()))
        };
        vec![create(), create()]
    }

    fn nonsense(&mut self) -> Order {
        let length = 1 + self.rng.below(300) as usize;
        let mut bytes = vec![0; length];
        rand_core::Rng::fill_bytes(&mut self.rng, &mut bytes);
        Order { kind: "nonsense", bytes: bytes.into(), leaves: None, is_bad: true }
    }
}

fn order(kind: &'static str, transaction: &Transaction, leaves: Option<Name>) -> Order {
    Order { kind, bytes: transaction.encode(), leaves, is_bad: false }
}

fn genesis(world: &World) -> Genesis {
    let parameters = Parameters {
        idle_block_ms: 1_000,
        period_ms: PERIOD_MS,
        ticket_overlap_ms: PERIOD_MS / 2,
        ..world.genesis.parameters.clone()
    };
    let first = parameters.period(START);
    let key = ticket_secret(0).public().clone();
    Genesis {
        time: START.0 - 5_000,
        parameters,
        committee: world.validators.iter().map(|key| *key.verifying_key().as_bytes()).collect(),
        ticket_keys: (0..PERIODS).map(|i| (Class::Care, Period(first.0 + i), key.clone())).collect(),
        ..world.genesis.clone()
    }
}
