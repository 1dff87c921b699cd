//! Payment for what a node does off chain: tickets, each used once at this node, or a member's signature (spec H-6).

mod error;
mod used;

use std::{collections::BTreeSet, sync::Arc, time::Instant};

use commonware_codec::DecodeExt as _;
use redb::Database;
use yilian_api::{
    content::{PaidTicket, UploadPayment},
    encoding,
    signing::{Audience, Statement},
};
use yilian_crypto::{Digest, ticket::Ticket};
use yilian_ledger::{Entry, Name, Parameters, Time, name::MemberId};
use yilian_transport::rates::{Rate, Rates};

pub use self::{
    error::PaymentError,
    used::{Purpose, prune},
};
use crate::{database::DatabaseError, members, view::LedgerView};

/// Longest encoding of a ticket that is looked at, bytes.
const MAX_TICKET: usize = 1024;
/// Most tickets in one payment, whatever the price.
const MAX_TICKETS: usize = 4096;

/// Members that are told apart at a time.
const MEMBERS: usize = 1 << 14;

/// Checks payments against the chain's state.
#[derive(Clone)]
pub struct Payments {
    view: Arc<dyn LedgerView>,
    audience: Audience,
    database: Arc<Database>,
    /// How often a member may pay by its signature.
    rates: Option<Arc<Rates<MemberId>>>,
}

/// Evidence that a payment is good but for the use of its tickets, which `claim` settles.
#[derive(Debug)]
#[must_use = "a payment that is not claimed is not used up"]
pub struct Verified {
    purpose: Purpose,
    used: Vec<used::Use>,
    member: Option<MemberId>,
}

impl Payments {
    pub fn new(view: Arc<dyn LedgerView>, audience: Audience, database: Arc<Database>) -> Self {
        Self { view, audience, database, rates: None }
    }

    /// Holds each member to a rate, whatever addresses it asks from (spec N-21).
    pub fn with_rate(self, rate: Option<Rate>) -> Self {
        let rates = rate.map(|rate| Arc::new(Rates::new(rate, MEMBERS, Instant::now())));
        Self { rates, ..self }
    }

    /// What requests to this node are bound to.
    pub fn audience(&self) -> &Audience {
        &self.audience
    }

    /// Checks that `payment` signs `statement` and is worth `tickets` tickets; a member's signature is worth any.
    pub async fn verify(
        &self,
        payment: &UploadPayment,
        statement: &Statement,
        purpose: Purpose,
        tickets: usize,
    ) -> Result<Verified, PaymentError> {
        match payment {
            UploadPayment::Tickets { tickets: paid } => {
                self.verify_tickets(paid, statement, purpose, tickets).await
            }
            UploadPayment::Member { member, signature } => {
                let member = self.verify_member(member, signature, statement).await?;
                Ok(Verified { purpose, used: Vec::new(), member: Some(member) })
            }
        }
    }

    /// Uses the payment up, in a transaction of its own.
    pub async fn claim(&self, verified: Verified) -> Result<(), PaymentError> {
        let database = self.database.clone();
        let claim = move || {
            let transaction = database.begin_write().map_err(DatabaseError::from)?;
            verified.claim(&transaction)?;
            transaction.commit().map_err(DatabaseError::from)?;
            Ok(())
        };
        crate::blocking(claim).await
    }

    async fn verify_tickets(
        &self,
        paid: &[PaidTicket],
        statement: &Statement,
        purpose: Purpose,
        price: usize,
    ) -> Result<Verified, PaymentError> {
        if paid.len() != price || paid.len() > MAX_TICKETS {
            return Err(PaymentError::Tickets { given: paid.len(), price });
        }
        // Before any is verified: one good ticket, repeated, would buy thousands of verifications.
        let distinct: BTreeSet<&str> = paid.iter().map(|paid| paid.ticket.as_str()).collect();
        if distinct.len() != paid.len() {
            return Err(PaymentError::Spent);
        }
        let now = self.view.time()?;
        let parameters = self.view.parameters();
        let mut used = Vec::with_capacity(paid.len());
        for paid in paid {
            let ticket = self.verify_ticket(paid, statement, &parameters, now).await?;
            used.push(used::Use {
                spent: ticket.spent_id(),
                until: parameters.end(ticket.period).after(parameters.ticket_overlap_ms),
            });
        }
        Ok(Verified { purpose, used, member: None })
    }

    async fn verify_ticket(
        &self,
        paid: &PaidTicket,
        statement: &Statement,
        parameters: &Parameters,
        now: Time,
    ) -> Result<Ticket, PaymentError> {
        let bytes = encoding::from_base64(&paid.ticket, MAX_TICKET)?;
        let ticket = Ticket::decode(bytes).map_err(|_| PaymentError::Ticket)?;
        let signature = encoding::signature_from_hex(&paid.signature)?;
        statement.verify(&ticket.one_time_key, &signature).map_err(|_| PaymentError::Signature)?;

        parameters.ticket_window(ticket.period, now).map_err(|_| PaymentError::Period)?;
        let name = Name::ticket_key(ticket.class, ticket.period);
        let Some(Entry::TicketKey(key)) = self.view.entry(name).await? else {
            return Err(PaymentError::Period);
        };
        ticket.verify(&key).map_err(|_| PaymentError::Invalid)?;
        Ok(ticket)
    }

    async fn verify_member(
        &self,
        member: &str,
        signature: &str,
        statement: &Statement,
    ) -> Result<MemberId, PaymentError> {
        let id = MemberId(encoding::digest_from_hex(member)?);
        let signature = encoding::signature_from_hex(signature)?;
        let now = self.view.time()?;
        let certified = members::certified(self.view.as_ref(), id, now).await?.ok_or(PaymentError::Member)?;
        let signed = certified
            .certificates()
            .any(|contents| statement.verify(&contents.signing_key, &signature).is_ok());
        if !signed {
            return Err(PaymentError::Signature);
        }
        // Counted last: a stranger that claims to be the member must not use up its rate.
        match &self.rates {
            Some(rates) => rates.take(id, Instant::now()).map_err(|_| PaymentError::Rate).map(|()| id),
            None => Ok(id),
        }
    }
}

impl Verified {
    /// Who pays by signature.
    pub fn member(&self) -> Option<MemberId> {
        self.member
    }

    /// Tickets that are used up, and until when that must be remembered; for who keeps the account elsewhere.
    pub fn uses(&self) -> impl Iterator<Item = (Digest, Time)> {
        self.used.iter().map(|used| (used.spent, used.until))
    }

    /// Marks the tickets as used for this purpose; refuses if one was.
    pub fn claim(self, transaction: &redb::WriteTransaction) -> Result<(), PaymentError> {
        used::claim(transaction, self.purpose, &self.used)
    }
}
