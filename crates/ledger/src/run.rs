//! One block: its beginning (ended grants), then one step per transaction (spec L-65 to L-69).

use std::collections::BTreeMap;

use crate::{
    BlockContext, Checked, CommitteeEntry, Entry, Name, Outcome, Parameters, Refusal, ValidatorKey,
    rules::{expiry, governance, membership, records},
    state::{Lack, State},
    transaction::Body,
    transition::{Counts, Known},
};

/// Why a transaction was not executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    Lack(Lack),
    /// Cannot be in a block; or, behind good tickets, fails.
    Refused(Refusal),
    /// Evidence of another branch.
    Recheck,
}

impl From<Lack> for Stop {
    fn from(lack: Lack) -> Self {
        Self::Lack(lack)
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// What a rule wants written; nothing is written before every check has passed.
pub(crate) type Effects = Vec<(Name, Entry)>;

/// What rules see beside state.
pub(crate) struct Block<'a> {
    pub context: &'a BlockContext,
    /// Of the block's epoch, as of the parent: a change begins with an epoch, never within one.
    pub committee: Vec<ValidatorKey>,
    /// As of the parent: a change takes effect with the next block.
    pub parameters: Parameters,
}

pub(crate) struct Run<'a> {
    block: Block<'a>,
    state: State<'a>,
}

impl<'a> Run<'a> {
    pub fn begin(context: &'a BlockContext, known: &'a Known) -> Result<Self, Lack> {
        let mut state = State::new(known);
        let parameters = state.parameters()?.clone();
        let committee = state.committee()?.at(context.epoch).to_vec();
        expiry::tombstone_ended(&mut state, &parameters, context.time)?;
        Ok(Self { block: Block { context, committee, parameters }, state })
    }

    /// Tickets first: what they cannot pay is refused. Then what is paid for: it succeeds or fails, and pays either way.
    pub fn step(&mut self, transaction: &Checked) -> Result<Outcome, Stop> {
        self.check_tickets(transaction)?;
        let result = transaction.verdict().map_err(Stop::from).and_then(|()| self.effects(transaction));
        let paid = !transaction.tickets().is_empty();
        let (effects, outcome) = match result {
            Ok(effects) => (effects, Outcome::Applied),
            Err(Stop::Refused(refusal)) if paid => (Effects::new(), Outcome::Failed(refusal)),
            Err(stop) => return Err(stop),
        };
        for ticket in transaction.tickets() {
            self.state.write(ticket.spent, Entry::SpentTicket);
        }
        for (name, entry) in effects {
            self.state.write(name, entry);
        }
        Ok(outcome)
    }

    /// Writes, names created, and the committee's entry as the block leaves it.
    pub fn finish(self) -> Result<(BTreeMap<Name, Entry>, Counts, CommitteeEntry), Lack> {
        let committee = self.state.committee()?.clone();
        let (writes, created) = self.state.finish();
        Ok((writes, created, committee))
    }

    /// Rules L-35 to L-37: in its window, under the ledger's key, not spent.
    fn check_tickets(&self, transaction: &Checked) -> Result<(), Stop> {
        for ticket in transaction.tickets() {
            self.block.parameters.ticket_window(ticket.period, self.block.context.time)?;
            let name = Name::ticket_key(ticket.class, ticket.period);
            let key = self.state.parents_ticket_key(&name)?.ok_or(Refusal::TicketKeyUnknown)?;
            if *key != ticket.key {
                return Err(Stop::Recheck);
            }
            if self.state.spent(&ticket.spent)? {
                return Err(Refusal::TicketSpent.into());
            }
        }
        Ok(())
    }

    fn effects(&self, transaction: &Checked) -> Result<Effects, Stop> {
        let (block, state) = (&self.block, &self.state);
        match &transaction.transaction().body {
            Body::Create(create) => records::create(block, state, create),
            Body::Grant(grant) => records::grant(block, state, grant, transaction),
            Body::Withdraw(withdraw) => records::withdraw(block, state, withdraw),
            Body::AddMember(add) => membership::add(block, state, add.issuer, transaction.certificate()),
            Body::Revoke(revoke) => membership::revoke(block, state, revoke),
            Body::Governance(governance) => {
                governance::apply(block, state, governance, transaction.certificate())
            }
        }
    }
}
