//! A small world that seeds are taken from; made once.

use std::sync::LazyLock;

use commonware_codec::Encode as _;
use yilian_crypto::{
    certificate::Level,
    sign::SigningKey,
    ticket::{Class, Period},
};
use yilian_finality::{Snapshot, Trust, VerifiedHeader, verify_historical};
use yilian_ledger::{
    Transaction,
    transaction::{Action, Revoke, Withdraw},
};
use yilian_testkit::{
    finality::{State, certify, header},
    ledger::{Chain as _, Member, World, ticket_secret},
};

pub struct Fixtures {
    pub world: World,
    /// One of each kind, all good at the world's time.
    pub transactions: Vec<Transaction>,
    pub members: [Member; 3],
    pub state: State,
    pub snapshot: Snapshot,
    pub header: VerifiedHeader,
    pub trust: Trust,
}

pub static FIXTURES: LazyLock<Fixtures> = LazyLock::new(make);

fn make() -> Fixtures {
    let mut world = World::new(7);
    let members = world.hospital();
    let owners: Vec<SigningKey> = (0..6).map(|_| world.record()).collect();
    let withdrawals: Vec<SigningKey> = owners.iter().map(|owner| granted(&mut world, owner)).collect();
    let end = Withdraw::sign(world.chain, &withdrawals[0]);
    world.submit(&end).expect("the grant is there");
    let transactions = transactions(&mut world, &members, &owners[0], &withdrawals[1]);
    let state = State::of(world.state.clone());
    let head = header(&world.genesis, state.root, world.counts, world.height.0 + 1, world.time);
    let snapshot = certify(&world.genesis, head, &world.validators[..3]);
    let trust = Trust::genesis(&world.genesis).expect("a committee");
    let header = verify_historical(&trust, &snapshot).expect("three of four signed");
    Fixtures { world, transactions, members, state, snapshot, header, trust }
}

fn granted(world: &mut World, owner: &SigningKey) -> SigningKey {
    let (withdrawal, tickets) = (world.key(), [world.ticket()]);
    let grant = world.grant(owner, &withdrawal, &tickets);
    world.submit(&grant).expect("the record is there");
    withdrawal
}

fn transactions(
    world: &mut World,
    members: &[Member; 3],
    owner: &SigningKey,
    withdrawal: &SigningKey,
) -> Vec<Transaction> {
    let [_, hospital, doctor] = members;
    let (fresh, tickets) = (world.key(), [world.ticket()]);
    let create = world.create(&fresh, &tickets);
    let (fresh, tickets) = (world.key(), [world.ticket()]);
    let grant = world.grant(owner, &fresh, &tickets);
    let add = world.certify(hospital, Level::Practitioner, "another").1;
    let revoke = Revoke::sign(world.chain, doctor.level, doctor.id, None, &hospital.key);
    let period = Period(world.period().0 + 2);
    let key = ticket_secret(2).public().clone();
    let actions = [
        Action::SetTicketKey { class: Class::Care, period, key },
        Action::SetParameters(yilian_ledger::Parameters { sequence: 1, ..world.parameters().clone() }),
        Action::AddRoot { certificate: world.root.certificate.der().to_vec() },
        Action::RevokeRoot { member: world.root.id },
    ];
    let governance = actions.map(|action| world.governance(action, &[0, 1, 2]));
    let withdraw = Withdraw::sign(world.chain, withdrawal);
    [create, grant, withdraw, add, revoke].into_iter().chain(governance).collect()
}

/// The encodings of all transactions.
pub fn encoded() -> Vec<Vec<u8>> {
    FIXTURES.transactions.iter().map(|t| t.encode().to_vec()).collect()
}
