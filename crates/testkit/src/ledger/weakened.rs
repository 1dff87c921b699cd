//! A small ledger whose rules can be left out one by one: the control of an attack. With all rules it refuses what the
//! real one refuses; without the one that answers an attack, the attack succeeds.

use std::collections::BTreeMap;

use yilian_crypto::{Label, sign::SigningKey, ticket::TicketWithKey};
use yilian_delegation::reencrypt;
use yilian_ledger::{
    ChainId, Entry, MemberEntry, Name, Outcome, Refusal, Time, Transaction,
    entry::{Ended, GrantEntry, RecordEntry},
    name::{Aid, Bid},
    transaction::{Body, Create, Grant, Payment, Withdraw},
};

use super::{Chain, World, repay};

/// The rules that a weakened ledger keeps.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// `Create` and `Grant` take the owner's signature.
    pub owner_signs: bool,
    /// Signatures of owner and withdrawal key cover the tickets.
    pub bound_to_tickets: bool,
    /// `Grant` takes the withdrawal key's signature.
    pub withdrawal_signs: bool,
    /// A withdrawn grant leaves a tombstone.
    pub tombstones: bool,
    /// A failed transaction pays.
    pub failures_pay: bool,
}

impl Rules {
    pub const ALL: Self = Self {
        owner_signs: true,
        bound_to_tickets: true,
        withdrawal_signs: true,
        tombstones: true,
        failures_pay: true,
    };
}

/// State of its own; keys, tickets and time of a world.
pub struct Weakened {
    pub rules: Rules,
    pub world: World,
    state: BTreeMap<Name, Entry>,
}

impl Weakened {
    pub fn new(seed: u64, rules: Rules) -> Self {
        Self { rules, world: World::new(seed), state: BTreeMap::new() }
    }

    /// Every rule of tickets stays.
    fn pay(&self, transaction: &Transaction) -> Result<Vec<Name>, Refusal> {
        let checked = self.world.check(transaction)?;
        let payment =
            checked.transaction().body.payment().map(|p| p.tickets().map(|t| t.spent_id()).collect());
        let ids: Vec<_> = payment.unwrap_or_default();
        let spent: Vec<Name> = ids.iter().map(Name::spent_ticket).collect();
        if spent.iter().any(|name| self.state.contains_key(name)) {
            return Err(Refusal::TicketSpent);
        }
        Ok(spent)
    }

    fn apply(&mut self, transaction: &Transaction) -> Result<(), Refusal> {
        match &transaction.body {
            Body::Create(create) => self.apply_create(create),
            Body::Grant(grant) => self.apply_grant(grant),
            Body::Withdraw(withdraw) => self.apply_withdraw(withdraw),
            _ => Err(Refusal::Malformed),
        }
    }

    fn apply_create(&mut self, create: &Create) -> Result<(), Refusal> {
        let mut signed = create.clone();
        if !self.rules.bound_to_tickets {
            signed.payment = Payment { tickets: Vec::new() };
        }
        if self.rules.owner_signs {
            signed.verify(self.world.chain)?;
        }
        let name = Aid::of(&create.owner).name();
        if self.state.contains_key(&name) {
            return Err(Refusal::RecordExists);
        }
        let record = RecordEntry {
            owner: create.owner,
            capsule: create.capsule,
            wrapped: create.wrapped,
            com: create.com,
            time: self.world.time,
        };
        self.state.insert(name, Entry::Record(record));
        Ok(())
    }

    fn apply_grant(&mut self, grant: &Grant) -> Result<(), Refusal> {
        let mut signed = grant.clone();
        if !self.rules.bound_to_tickets {
            signed.payment = Payment { tickets: Vec::new() };
        }
        match signed.verify(self.world.chain) {
            Err(Refusal::WithdrawalSignature) if !self.rules.withdrawal_signs => {}
            other => other?,
        }
        let Some(Entry::Record(record)) = self.state.get(&Aid::of(&grant.owner).name()) else {
            return Err(Refusal::RecordUnknown);
        };
        let name = Bid::of(&grant.withdrawal).name();
        match self.state.get(&name) {
            None => {}
            Some(Entry::Tombstone { .. }) => return Err(Refusal::BidEnded),
            Some(_) => return Err(Refusal::BidTaken),
        }
        let time = self.world.time;
        let entry = GrantEntry {
            reencrypted: reencrypt(&record.capsule, &grant.rk),
            time,
            expiry: time.after(self.world.parameters().period_ms),
        };
        self.state.insert(name, Entry::Grant(entry));
        Ok(())
    }

    fn apply_withdraw(&mut self, withdraw: &Withdraw) -> Result<(), Refusal> {
        withdraw.verify(self.world.chain)?;
        let name = Bid::of(&withdraw.withdrawal).name();
        match self.state.remove(&name) {
            Some(Entry::Grant(_)) => {}
            _ => return Err(Refusal::GrantUnknown),
        }
        if self.rules.tombstones {
            let tombstone = Entry::Tombstone { ended: self.world.time, reason: Ended::Withdrawn };
            self.state.insert(name, tombstone);
        }
        Ok(())
    }
}

impl Chain for Weakened {
    fn create(&mut self, owner: &SigningKey, tickets: &[TicketWithKey]) -> Transaction {
        let mut transaction = self.world.create(owner, tickets);
        if let (false, Body::Create(create)) = (self.rules.bound_to_tickets, &mut transaction.body) {
            create.payment.tickets.clear();
            let signed = create.signed();
            create.owner_signature =
                owner.sign(Label::CreateByOwner, &[self.world.chain.0.as_ref(), &signed]);
            return repay(&transaction, tickets);
        }
        transaction
    }

    fn grant(
        &mut self,
        owner: &SigningKey,
        withdrawal: &SigningKey,
        tickets: &[TicketWithKey],
    ) -> Transaction {
        let mut transaction = self.world.grant(owner, withdrawal, tickets);
        if let (false, Body::Grant(grant)) = (self.rules.bound_to_tickets, &mut transaction.body) {
            grant.payment.tickets.clear();
            let signed = grant.signed();
            let parts = [self.world.chain.0.as_ref(), &signed[..]];
            grant.owner_signature = owner.sign(Label::GrantByOwner, &parts);
            grant.withdrawal_signature = withdrawal.sign(Label::GrantByWithdrawal, &parts);
            return repay(&transaction, tickets);
        }
        transaction
    }

    fn submit(&mut self, transaction: &Transaction) -> Result<Outcome, Refusal> {
        let spent = self.pay(transaction)?;
        let free = spent.is_empty();
        let result = self.apply(transaction);
        if result.is_ok() || self.rules.failures_pay {
            self.state.extend(spent.into_iter().map(|name| (name, Entry::SpentTicket)));
        }
        match result {
            Ok(()) => Ok(Outcome::Applied),
            Err(refusal) if free => Err(refusal),
            Err(refusal) => Ok(Outcome::Failed(refusal)),
        }
    }

    fn entry(&self, name: &Name) -> Option<Entry> {
        self.state.get(name).cloned()
    }

    fn id(&self) -> ChainId {
        self.world.chain
    }

    fn ticket(&mut self) -> TicketWithKey {
        self.world.ticket()
    }

    fn key(&mut self) -> SigningKey {
        self.world.key()
    }
}

/// The weakened judgement of a signer: by the time the signer wrote, not by the ledger's.
pub fn certified_by_signers_time(chain: &[MemberEntry], written: Time) -> bool {
    chain.iter().all(|member| member.certified_at(written).is_some())
}
