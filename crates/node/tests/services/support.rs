//! A world seen as a node sees its chain, and the node's services on it.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard},
};

use commonware_codec::Encode as _;
use futures::future::BoxFuture;
use redb::Database;
use tempfile::TempDir;
use yilian_api::{
    content::{PaidTicket, UploadPayment},
    encoding,
    signing::{Audience, Statement},
};
use yilian_crypto::{Digest, sign::SigningKey, ticket::TicketWithKey};
use yilian_ledger::{Entry, Name, Parameters, Time};
use yilian_node::{
    database,
    payment::Payments,
    view::{LedgerView, Unavailable},
};
use yilian_testkit::ledger::{Member, START, World};

/// The clock of the tests, Unix ms.
pub const NOW: u64 = START.0;

pub struct View {
    pub world: Mutex<World>,
    pub standing: Mutex<HashSet<Digest>>,
}

impl View {
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }
}

impl LedgerView for View {
    fn time(&self) -> Result<Time, Unavailable> {
        Ok(self.world().time)
    }

    fn parameters(&self) -> Parameters {
        self.world().parameters().clone()
    }

    fn entry(&self, name: Name) -> BoxFuture<'_, Result<Option<Entry>, Unavailable>> {
        let entry = self.world().state.get(&name).cloned();
        Box::pin(async move { Ok(entry) })
    }

    fn is_standing(&self, mailbox: &Digest) -> Result<bool, Unavailable> {
        Ok(self.standing.lock().unwrap().contains(mailbox))
    }
}

/// What every service is built on.
pub struct Base {
    pub view: Arc<View>,
    pub database: Arc<Database>,
    pub audience: Audience,
    pub payments: Payments,
    /// Kept for its files.
    _dir: TempDir,
}

impl Base {
    pub fn new(seed: u64) -> Self {
        let world = World::new(seed);
        let audience = Audience { chain: world.chain.0, node: world.genesis.committee[0] };
        let view = Arc::new(View { world: Mutex::new(world), standing: Mutex::default() });
        let dir = tempfile::tempdir().unwrap();
        let database = Arc::new(database::open(&dir.path().join("node.redb"), 1 << 20).unwrap());
        let payments = Payments::new(view.clone(), audience, database.clone());
        Self { view, database, audience, payments, _dir: dir }
    }

    pub fn key(&self) -> SigningKey {
        use yilian_testkit::ledger::Chain as _;
        self.view.world().key()
    }

    pub fn ticket(&self) -> TicketWithKey {
        use yilian_testkit::ledger::Chain as _;
        self.view.world().ticket()
    }
}

pub fn by_tickets(tickets: &[TicketWithKey], statement: &Statement) -> UploadPayment {
    let paid = |ticket: &TicketWithKey| PaidTicket {
        ticket: encoding::to_base64(&ticket.ticket.encode()),
        signature: encoding::signature_to_hex(&statement.sign(&ticket.one_time)),
    };
    UploadPayment::Tickets { tickets: tickets.iter().map(paid).collect() }
}

pub fn by_member(member: &Member, statement: &Statement) -> UploadPayment {
    UploadPayment::Member {
        member: member.id.0.to_string(),
        signature: encoding::signature_to_hex(&statement.sign(&member.key)),
    }
}

/// `result` is refused with this code.
#[macro_export]
macro_rules! refused {
    ($result:expr, $code:ident) => {
        match $result {
            Ok(_) => panic!("accepted, expected {}", stringify!($code)),
            Err(error) => assert_eq!(error.code(), yilian_api::problem::Code::$code, "{error}"),
        }
    };
}
