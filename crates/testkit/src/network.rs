//! A whole network in memory: the real ledger over a real authenticated state, a committee of test keys that certifies
//! real headers, nodes that keep content, mailboxes and backups and can be told to lie, and an authority. The proofs that
//! clients verify here are genuine.
//!
//! Everything runs inside [`run`], on the engine's deterministic runtime: same seed, same bytes.

mod authority;
mod certified;
mod crowd;
mod fault;
mod members;
mod node;
pub(crate) mod route;

use std::{cell::RefCell, rc::Rc};

use commonware_runtime::{Runner as _, deterministic};
use yilian_client::{Client, Host, Network as Addresses, NodeUrl, Request, Response, TransportError};
use yilian_ledger::{Entry, Name, Outcome, Refusal, Time, Transaction};

use crate::ledger::{Chain as _, World};

pub use authority::{ENROLMENT_CODE, TICKETS};
pub use fault::Fault;
pub use members::{Staff, staff};

use authority::Authority;
use certified::Certified;
use node::Node;

/// Base address of the authority.
pub const AUTHORITY: &str = "https://authority.test";

/// Everything behind the addresses. Shared by reference: a single thread runs it.
#[derive(Clone)]
pub struct TestNetwork(Rc<Inner>);

struct Inner {
    world: RefCell<World>,
    state: Certified,
    nodes: RefCell<Vec<Node>>,
    authority: RefCell<Authority>,
    requests: std::cell::Cell<usize>,
    /// Paths of requests, in order.
    asked: RefCell<Vec<String>>,
    /// Drawn by clients so far.
    nonces: std::cell::Cell<u64>,
    /// Transactions in blocks, with the blocks' times.
    seen: RefCell<Vec<(Time, Transaction)>>,
    /// How far devices' clocks are ahead of the chain's, ms.
    skew: RefCell<u64>,
}

/// Runs a test over a network of `nodes` nodes.
pub fn run<T, F: Future<Output = T>>(seed: u64, nodes: usize, test: impl FnOnce(TestNetwork) -> F) -> T {
    deterministic::Runner::seeded(seed).start(|context| async move {
        let world = World::new(seed);
        let state = Certified::new(context, &world).await;
        let nodes = (0..nodes).map(|i| Node::new(world.validators[i % 4].clone()));
        let inner = Inner {
            nodes: RefCell::new(nodes.collect()),
            authority: RefCell::new(Authority::new()),
            world: RefCell::new(world),
            state,
            skew: RefCell::new(0),
            requests: std::cell::Cell::new(0),
            asked: RefCell::default(),
            nonces: std::cell::Cell::new(0),
            seen: RefCell::default(),
        };
        test(TestNetwork(Rc::new(inner))).await
    })
}

/// Address of the i-th node.
pub fn url(node: usize) -> NodeUrl {
    NodeUrl::new(&format!("https://node-{node}.test"))
}

impl TestNetwork {
    /// A client that knows every node, storing at two.
    pub fn client(&self) -> Client<Self> {
        let nodes = (0..self.0.nodes.borrow().len()).map(url).collect();
        let addresses = Addresses::new(nodes, Some(NodeUrl::new(AUTHORITY)));
        Client::new(self.clone(), addresses, self.0.world.borrow().genesis.clone())
    }

    /// A client that asks these nodes only, in this order.
    pub fn client_of(&self, nodes: &[usize]) -> Client<Self> {
        let nodes = nodes.iter().copied().map(url).collect();
        let addresses = Addresses::new(nodes, Some(NodeUrl::new(AUTHORITY)));
        Client::new(self.clone(), addresses, self.0.world.borrow().genesis.clone())
    }

    /// The chain behind the nodes, for looking and for acting past any API.
    pub fn with_world<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        act(&mut self.0.world.borrow_mut())
    }

    pub fn entry(&self, name: &Name) -> Option<Entry> {
        self.0.world.borrow().entry(name)
    }

    /// Tells a node to lie, or to be honest again.
    pub fn set_fault(&self, node: usize, fault: Fault) {
        self.0.nodes.borrow_mut()[node].fault = fault;
    }

    /// Time passes, and a block without transactions is made.
    pub async fn advance(&self, ms: u64) {
        self.0.world.borrow_mut().advance(ms);
        let transition = self.0.world.borrow().execute(&[]).expect("an empty block is valid");
        self.0.world.borrow_mut().commit(&transition);
        self.certify(&transition).await;
    }

    /// Time passes and the chain stands still.
    pub fn stall(&self, ms: u64) {
        *self.0.skew.borrow_mut() += ms;
    }

    /// A block with one transaction.
    pub async fn submit(&self, transaction: &Transaction) -> Result<Outcome, Refusal> {
        let checked = self.0.world.borrow().check(transaction)?;
        self.0.world.borrow_mut().advance(10);
        let executed = self.0.world.borrow_mut().block(&[checked]);
        let transition = executed.map_err(|(_, refusal)| refusal)?;
        self.0.seen.borrow_mut().push((self.0.world.borrow().time, transaction.clone()));
        self.certify(&transition).await;
        Ok(transition.outcomes[0])
    }

    /// Brings the certified state up to the world, after changes that went past [`Self::submit`].
    pub async fn sync(&self) {
        let everything = self.0.world.borrow().state.clone();
        self.0.world.borrow_mut().advance(10);
        self.0.state.certify(&self.0.world, &everything).await;
    }

    async fn certify(&self, transition: &yilian_ledger::Transition) {
        self.0.state.certify(&self.0.world, &transition.writes).await;
    }

    /// Addresses of all blocks that a node keeps: what its operator sees.
    pub fn stored(&self, node: usize) -> Vec<String> {
        self.0.nodes.borrow()[node].stored()
    }

    /// Opens a further period's care tickets.
    pub async fn open_period(&self, period: yilian_crypto::ticket::Period) {
        self.0.world.borrow_mut().open_period(period);
        self.sync().await;
    }

    /// Lets a wallet fetch its tickets again: in place of a second device's own enrolment.
    pub fn give(&self, wallet: yilian_crypto::sign::VerifyingKey) {
        self.0.authority.borrow_mut().forget(&yilian_api::encoding::key_to_hex(&wallet));
    }

    /// Requests served so far.
    pub fn requests(&self) -> usize {
        self.0.requests.get()
    }

    /// Paths that were asked for since the last call: what nodes learn of look-ups.
    pub fn asked(&self) -> Vec<String> {
        self.0.asked.take()
    }

    /// Every transaction of a block, with the block's time: what an observer of the chain sees.
    pub fn seen(&self) -> Vec<(Time, Transaction)> {
        self.0.seen.borrow().clone()
    }

    /// The newest certified header.
    pub fn snapshot(&self) -> yilian_finality::Snapshot {
        self.0.state.snapshot()
    }

    /// Content and pin keys as a node sees them.
    pub fn pins(&self, node: usize) -> Vec<(String, String)> {
        self.0.nodes.borrow()[node].pins.clone()
    }

    /// The newest message in a mailbox at any node, past its owner.
    pub fn message(&self, mailbox: &yilian_crypto::Digest) -> Vec<u8> {
        let nodes = self.0.nodes.borrow();
        nodes.iter().find_map(|node| node.newest(mailbox)).expect("a message was left")
    }

    /// Transactions that a faulty node did not pass on.
    pub fn kept(&self, node: usize) -> Vec<Transaction> {
        self.0.nodes.borrow()[node].kept.clone()
    }

    /// Whether the authority signs with a key that is not the ledger's.
    pub fn set_tagging(&self, tags: bool) {
        self.0.authority.borrow_mut().tags = tags;
    }
}

impl Host for TestNetwork {
    async fn request(&self, node: &NodeUrl, request: Request) -> Result<Response, TransportError> {
        self.0.requests.set(self.0.requests.get() + 1);
        self.0.asked.borrow_mut().push(request.path.clone());
        route::serve(self, node, request).await
    }

    fn now(&self) -> Time {
        Time(self.0.world.borrow().time.0 + *self.0.skew.borrow())
    }

    fn nonce(&self) -> [u8; 32] {
        let count = self.0.nonces.get() + 1;
        self.0.nonces.set(count);
        yilian_crypto::hash::sha256(&count.to_be_bytes()).0
    }

    async fn pause(&self, milliseconds: u64) {
        self.advance(milliseconds).await;
    }
}
