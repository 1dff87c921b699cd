//! The transition: an input is a sequence of steps over a small world — transactions, most of them good; time; the end of a
//! block. After every block hold: nothing panics; the same block gives the same transition, whatever else is known; what
//! fails writes its spent tickets and nothing else; records, tombstones, ticket keys and spent tickets never change and a
//! grant only ends, so that no BID is used twice; the counts are the entries there are.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use commonware_codec::Encode as _;
use yilian_crypto::{
    Digest,
    certificate::Level,
    sign::SigningKey,
    ticket::{Class, Period, TicketKey, TicketWithKey},
};
use yilian_delegation::{Capsule, ReencryptionKey, Wrapped};
use yilian_ledger::{
    BlockContext, Checked, Counts, Entry, Epoch, ExecuteError, Height, Kind, Known, Name, Outcome,
    Parameters, TicketKeys, Time, Transaction, Transition, execute, select,
    transaction::{Action, Create, Grant, Revoke, Withdraw},
};
use yilian_testkit::ledger::{Chain as _, Member, START, World, ticket_secret};

use crate::target::Target;

const OWNERS: usize = 4;
const WITHDRAWALS: usize = 5;
const TICKETS: usize = 12;
const PEOPLE: usize = 3;
/// Most steps looked at.
const STEPS: usize = 96;

/// What transactions are made of, fixed.
struct Cast {
    world: World,
    owners: Vec<SigningKey>,
    withdrawals: Vec<SigningKey>,
    tickets: Vec<TicketWithKey>,
    sealed: Vec<(Capsule, Wrapped, Digest)>,
    rks: Vec<ReencryptionKey>,
    hospital: [Member; 3],
    /// Certificates of people whom the hospital may admit: one each, and a renewal.
    people: Vec<[(Member, Transaction); 2]>,
}

static CAST: LazyLock<Cast> = LazyLock::new(|| {
    let mut world = World::new(11);
    let hospital = world.hospital();
    let owners: Vec<SigningKey> = (0..OWNERS).map(|_| world.key()).collect();
    let withdrawals = (0..WITHDRAWALS).map(|_| world.key()).collect();
    let first = world.period();
    // Mostly good ones; some of the next period, some of trade, some of a period without key.
    let kinds = [
        (Class::Care, 0),
        (Class::Care, 0),
        (Class::Care, 0),
        (Class::Care, 1),
        (Class::Trade, 0),
        (Class::Care, 2),
    ];
    let tickets = (0..TICKETS)
        .map(|i| kinds[i % kinds.len()])
        .map(|(c, p)| world.ticket_of(c, Period(first.0 + p)))
        .collect();
    let sealed = owners.iter().map(|owner| world.sealed(owner)).collect();
    let rks = (0..2).map(|_| world.rk()).collect();
    let people = (0..PEOPLE)
        .map(|i| [0, 1].map(|_| world.certify(&hospital[1], Level::Practitioner, &format!("person-{i}"))))
        .collect();
    Cast { world, owners, withdrawals, tickets, sealed, rks, hospital, people }
});

/// What one step does. Everything is chosen by the bytes of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Create {
        owner: usize,
        ticket: usize,
    },
    Grant {
        owner: usize,
        withdrawal: usize,
        ticket: usize,
        class: u8,
        late: bool,
    },
    /// The signatures of one grant under the withdrawal key of another: signed by nobody.
    Forged {
        owner: usize,
        withdrawal: usize,
        ticket: usize,
    },
    Withdraw {
        withdrawal: usize,
    },
    Admit {
        person: usize,
        renewal: usize,
    },
    Revoke {
        person: usize,
        whole: bool,
    },
    TicketKey {
        ahead: u8,
        secret: usize,
        signers: usize,
    },
    Parameters {
        sequence: u64,
        period_grants: u8,
        signers: usize,
    },
    RevokeRoot,
    Advance(u64),
    EndBlock,
}

impl Step {
    fn read(bytes: [u8; 4]) -> Self {
        let [kind, a, b, c] = bytes.map(usize::from);
        let (owner, withdrawal, ticket) = (a % OWNERS, b % WITHDRAWALS, c % TICKETS);
        match kind % 24 {
            0..=4 => Self::Create { owner, ticket },
            5..=10 => Self::Grant { owner, withdrawal, ticket, class: (a / 16 % 5) as u8, late: b > 240 },
            11 => Self::Forged { owner, withdrawal, ticket },
            12..=14 => Self::Withdraw { withdrawal },
            15 => Self::Admit { person: a % PEOPLE, renewal: b % 2 },
            16 => Self::Revoke { person: a % PEOPLE, whole: b % 2 == 0 },
            17 => Self::TicketKey { ahead: (a % 4) as u8, secret: b % 4, signers: c % 5 },
            18 => Self::Parameters { sequence: (a % 4) as u64, period_grants: b as u8, signers: c % 5 },
            19 if a == 255 => Self::RevokeRoot,
            19 | 20 => Self::Advance(a as u64 * 300),
            _ => Self::EndBlock,
        }
    }
}

/// Ticket keys that the ledger has or may get: the check compares with these, execution with its own state.
struct AllKeys;

impl TicketKeys for AllKeys {
    fn ticket_key(&self, class: Class, period: Period) -> Option<TicketKey> {
        CAST.world.ticket_key(class, period)
    }
}

thread_local! {
    /// Signing and checking take milliseconds and depend on the step alone.
    static CHECKED: RefCell<BTreeMap<Step, Option<Checked>>> = const { RefCell::new(BTreeMap::new()) };
}

fn checked(step: Step) -> Option<Checked> {
    if let Some(known) = CHECKED.with_borrow(|all| all.get(&step).cloned()) {
        return known;
    }
    let transaction = make(step)?;
    let checked = Checked::check(&transaction.encode(), CAST.world.chain, &AllKeys).ok();
    CHECKED.with_borrow_mut(|all| all.insert(step, checked.clone()));
    checked
}

fn make(step: Step) -> Option<Transaction> {
    let cast = &*CAST;
    let chain = cast.world.chain;
    let grant = |owner: usize, withdrawal: usize, ticket: usize, class: u8, until: Time| {
        let tickets = std::slice::from_ref(&cast.tickets[ticket]);
        let rk = cast.rks[withdrawal % cast.rks.len()];
        Grant::sign(chain, &cast.owners[owner], &cast.withdrawals[withdrawal], rk, class, until, tickets)
    };
    let until = START.after(cast.world.parameters().max_validity_ms / 2);
    match step {
        Step::Create { owner, ticket } => {
            let (capsule, wrapped, com) = cast.sealed[owner];
            let tickets = std::slice::from_ref(&cast.tickets[ticket]);
            Some(Create::sign(chain, &cast.owners[owner], capsule, wrapped, com, tickets))
        }
        Step::Grant { owner, withdrawal, ticket, class, late } => {
            Some(grant(owner, withdrawal, ticket, class, if late { START } else { until }))
        }
        Step::Forged { owner, withdrawal, ticket } => {
            let other = &cast.owners[(owner + 1) % OWNERS];
            let tickets = std::slice::from_ref(&cast.tickets[ticket]);
            let mut forged = grant(owner, withdrawal, ticket, 0, until);
            if let yilian_ledger::transaction::Body::Grant(body) = &mut forged.body {
                body.owner = other.verifying_key();
            }
            Some(yilian_testkit::ledger::repay(&forged, tickets))
        }
        Step::Withdraw { withdrawal } => Some(Withdraw::sign(chain, &cast.withdrawals[withdrawal])),
        Step::Admit { person, renewal } => Some(cast.people[person][renewal].1.clone()),
        Step::Revoke { person, whole } => {
            let [(member, _), _] = &cast.people[person];
            let certificate = (!whole).then(|| member.certificate.id());
            let hospital = &cast.hospital[1];
            Some(Revoke::sign(chain, Level::Practitioner, member.id, certificate, &hospital.key))
        }
        Step::TicketKey { ahead, secret, signers } => {
            let period = Period(cast.world.period().0 + u32::from(ahead));
            let key = ticket_secret(secret).public().clone();
            Some(governance(Action::SetTicketKey { class: Class::Care, period, key }, signers))
        }
        Step::Parameters { sequence, period_grants, signers } => {
            let now = cast.world.parameters().clone();
            let expiry_classes = [1, 2, 3, 5 + u32::from(period_grants % 4)];
            let action = Action::SetParameters(Parameters { sequence, expiry_classes, ..now });
            Some(governance(action, signers))
        }
        Step::RevokeRoot => Some(governance(Action::RevokeRoot { member: cast.world.root.id }, 3)),
        Step::Advance(_) | Step::EndBlock => None,
    }
}

fn governance(action: Action, signers: usize) -> Transaction {
    let signers: Vec<u16> = (0..signers.min(4) as u16).collect();
    CAST.world.governance(action, &signers)
}

/// A state in the making.
struct Ledger {
    state: BTreeMap<Name, Entry>,
    counts: Counts,
    time: Time,
    height: Height,
    applied: usize,
}

impl Ledger {
    fn new() -> Self {
        let world = &CAST.world;
        Self {
            state: world.state.clone(),
            counts: world.counts,
            time: START,
            height: world.height,
            applied: 0,
        }
    }

    fn context(&self) -> BlockContext {
        let height = Height(self.height.0 + 1);
        BlockContext { chain: CAST.world.chain, height, epoch: Epoch(0), time: self.time }
    }

    fn fetch(&self, names: BTreeSet<Name>, known: &mut Known) {
        known.extend(names.into_iter().map(|name| (name, self.state.get(&name).cloned())));
    }

    /// Until nothing is missing. `None`: a transaction must be checked again, as a node would drop it.
    fn ask<T>(&self, known: &mut Known, step: impl Fn(&Known) -> Result<T, ExecuteError>) -> Option<T> {
        loop {
            match step(known) {
                Ok(done) => return Some(done),
                Err(ExecuteError::Missing(missing)) => {
                    let before = known.len();
                    self.fetch(missing.0, known);
                    assert!(known.len() > before, "asked again for what is known");
                }
                Err(ExecuteError::Recheck(_)) => return None,
                Err(other) => panic!("{other:?}"),
            }
        }
    }

    fn execute(&self, known: &mut Known, block: &[Checked]) -> Option<Transition> {
        let context = self.context();
        self.ask(known, |known| execute(&context, known, block))
    }

    fn pick(&self, candidates: &[Checked]) -> Option<Vec<Checked>> {
        let context = self.context();
        let selection = self.ask(&mut Known::new(), |known| select(&context, known, candidates))?;
        Some(selection.included.iter().map(|i| candidates[*i].clone()).collect())
    }

    /// One block of what can be included, held to every rule.
    fn block(&mut self, candidates: &[Checked]) {
        let Some(block) = self.pick(candidates) else { return };
        let transition = self.execute(&mut Known::new(), &block).expect("selected a moment ago");
        let mut all = self.state.iter().map(|(name, entry)| (*name, Some(entry.clone()))).collect();
        assert_eq!(self.execute(&mut all, &block).as_ref(), Some(&transition), "not a function of the state");
        self.hold_failures(&block, &transition);
        let before = self.state.clone();
        self.state.extend(transition.writes.clone());
        self.counts = self.counts.plus(&transition.created);
        self.height.0 += 1;
        self.applied += transition.outcomes.iter().filter(|outcome| **outcome == Outcome::Applied).count();
        hold_history(&before, &self.state);
        assert_eq!(self.counts, counted(&self.state), "counts are not the entries");
    }

    /// Without its failed transactions a block writes the same, but for their spent tickets.
    fn hold_failures(&self, block: &[Checked], transition: &Transition) {
        let (mut good, mut writes) = (Vec::new(), transition.writes.clone());
        for (checked, outcome) in block.iter().zip(&transition.outcomes) {
            if *outcome == Outcome::Applied {
                good.push(checked.clone());
                continue;
            }
            let payment = checked.transaction().body.payment();
            for ticket in payment.expect("only paid transactions fail inside a block").tickets() {
                let spent = Name::spent_ticket(&ticket.spent_id());
                assert_eq!(writes.remove(&spent), Some(Entry::SpentTicket), "a failed one keeps its ticket");
            }
        }
        let alone = self.execute(&mut Known::new(), &good).expect("a part of a good block");
        assert_eq!(alone.writes, writes, "a failed transaction wrote");
        assert_eq!(alone.created, transition.created);
    }
}

fn hold_history(before: &BTreeMap<Name, Entry>, after: &BTreeMap<Name, Entry>) {
    for (name, old) in before {
        let new = &after[name];
        match old {
            Entry::Record(_) | Entry::Tombstone { .. } | Entry::SpentTicket | Entry::TicketKey(_) => {
                assert_eq!(new, old, "history changed");
            }
            Entry::Grant(_) => assert!(new == old || matches!(new, Entry::Tombstone { .. }), "a BID twice"),
            _ => {}
        }
    }
}

fn counted(state: &BTreeMap<Name, Entry>) -> Counts {
    let count = |kind| state.keys().filter(|name| name.kind() == Some(kind)).count() as u64;
    Counts {
        records: count(Kind::Record),
        grants: count(Kind::Grant),
        slots: count(Kind::Slot),
        practitioners: count(Kind::Practitioner),
        institutions: count(Kind::Institution),
    }
}

fn run(input: &[u8]) -> bool {
    let (mut ledger, mut candidates) = (Ledger::new(), Vec::new());
    for bytes in input.as_chunks::<4>().0.iter().take(STEPS) {
        match Step::read(*bytes) {
            Step::Advance(ms) => ledger.time = ledger.time.after(ms),
            Step::EndBlock => ledger.block(&std::mem::take(&mut candidates)),
            step => candidates.extend(checked(step)),
        }
    }
    ledger.block(&candidates);
    ledger.applied > 0
}

fn seeds() -> Vec<Vec<u8>> {
    let story = [
        [0, 0, 0, 0],
        [23, 0, 0, 0], // create, block
        [5, 0, 0, 1],
        [0, 1, 0, 2],
        [23, 0, 0, 0], // grant, create, block
        [5, 1, 0, 6],
        [5, 1, 1, 7],
        [23, 0, 0, 0], // a taken BID, a grant
        [12, 0, 0, 0],
        [20, 255, 0, 0],
        [23, 0, 0, 0], // withdraw, time passes
        [15, 0, 0, 0],
        [17, 2, 0, 3],
        [18, 1, 9, 3],
        [23, 0, 0, 0],
        [16, 0, 0, 0],
        [20, 255, 0, 0],
        [20, 255, 0, 0],
        [23, 0, 0, 0],
        [5, 1, 0, 3],
        [11, 0, 2, 9],
        [5, 17, 2, 3],
        [23, 0, 0, 0],
    ];
    vec![story.concat(), story[..2].concat(), story[..8].concat()]
}

pub const TRANSITION: Target =
    Target::new("transition", "sequences of transactions over a small world", run, seeds)
        .long(4 * STEPS, 64 << 20)
        .weighing(6);
