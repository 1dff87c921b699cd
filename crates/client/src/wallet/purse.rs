//! Unspent tickets (spec W-15): taken out, and the wallet saved, before anybody sees them; used once, for one thing.

use yilian_crypto::ticket::{Class, Period, Request, TicketWithKey};
use yilian_ledger::{Parameters, Time};

use super::{
    Store, Wallet, WalletError,
    state::{HeldTicket, PendingTickets},
};
use crate::wire::Blob;

impl<S: Store> Wallet<S> {
    /// Tickets that are good at `now`.
    pub fn tickets(&self, class: Class, parameters: &Parameters, now: Time) -> usize {
        self.state.tickets.iter().filter(|held| good(held, class, parameters, now)).count()
    }

    /// Tickets held for a period, good now or not yet.
    pub fn tickets_of(&self, class: Class, period: Period) -> usize {
        let of = |held: &&HeldTicket| held.0.ticket.class == class && held.0.ticket.period == period;
        self.state.tickets.iter().filter(of).count()
    }

    /// The batch that was asked for and not received.
    pub(crate) fn pending(&self, class: Class, period: Period) -> Option<Vec<Request>> {
        let batch = self.state.pending.iter().find(|batch| (batch.class, batch.period) == (class, period))?;
        batch.requests.iter().map(|saved| Request::restore(&saved.0).ok()).collect()
    }

    /// Saves a batch before it is sent; batches of periods long past make room.
    pub(crate) async fn keep_pending(
        &mut self,
        class: Class,
        period: Period,
        requests: &[Request],
    ) -> Result<(), WalletError> {
        let pending = &mut self.state.pending;
        pending.retain(|batch| batch.period.0.saturating_add(2) > period.0);
        pending.retain(|batch| (batch.class, batch.period) != (class, period));
        let requests = requests.iter().map(|request| Blob(request.save().expose().clone())).collect();
        pending.push(PendingTickets { class, period, requests });
        self.save().await
    }

    pub(crate) async fn add_tickets(
        &mut self,
        class: Class,
        period: Period,
        tickets: Vec<TicketWithKey>,
    ) -> Result<(), WalletError> {
        self.state.tickets.extend(tickets.into_iter().map(HeldTicket));
        self.state.pending.retain(|batch| (batch.class, batch.period) != (class, period));
        self.save().await
    }

    /// `count` tickets, those that end first; `None` and nothing taken if there are fewer.
    pub(crate) async fn take_tickets(
        &mut self,
        class: Class,
        count: usize,
        parameters: &Parameters,
        now: Time,
    ) -> Result<Option<Vec<TicketWithKey>>, WalletError> {
        self.state.tickets.retain(|held| !ended(held, parameters, now));
        self.state.tickets.sort_by_key(|held| held.0.ticket.period);
        if self.tickets(class, parameters, now) < count {
            return Ok(None);
        }
        let (mut taken, mut left) = (Vec::with_capacity(count), Vec::new());
        for held in std::mem::take(&mut self.state.tickets) {
            if taken.len() < count && good(&held, class, parameters, now) {
                taken.push(held.0);
            } else {
                left.push(held);
            }
        }
        self.state.tickets = left;
        self.save().await?;
        Ok(Some(taken))
    }
}

fn good(held: &HeldTicket, class: Class, parameters: &Parameters, now: Time) -> bool {
    held.0.ticket.class == class && parameters.ticket_window(held.0.ticket.period, now).is_ok()
}

fn ended(held: &HeldTicket, parameters: &Parameters, now: Time) -> bool {
    parameters.end(held.0.ticket.period).after(parameters.ticket_overlap_ms) <= now
}
