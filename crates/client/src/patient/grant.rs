//! Granting and withdrawing (protocol 4.3).
//!
//! The grant's index, and so `wk` and `t`, is spent before anything leaves. The opening message is sealed and saved
//! before the transaction is sent; it goes out at once face to face, else after a random delay, so that the times of a
//! grant and of a message do not pair.

use rand_core::CryptoRng;
use yilian_crypto::ticket::Class as TicketClass;
use yilian_ledger::{
    Entry, Parameters, Time,
    entry::RecordEntry,
    transaction::{Grant as GrantTransaction, Withdraw},
};

use crate::{
    client::Client,
    error::ClientError,
    host::Host,
    mailbox,
    message::{Message, Opening},
    opened::record_entry,
    payment::Payer,
    verified::directory::ReaderCard,
    wallet::{
        Store, Wallet,
        index::{GrantIndex, RecordIndex},
        state::{Grant, GrantStatus, Note, Outgoing, PostedAt, Reader},
    },
    wire::{Blob, Text},
};

/// When the opening message leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Face to face.
    Now,
    /// At a random time within so many milliseconds.
    Within(u64),
}

/// Six hours: what apps should use apart from visits.
pub const DEFAULT_DELAY: Delivery = Delivery::Within(6 * 3600 * 1000);

/// What to grant, to whom, for how long.
#[derive(Clone, Debug)]
pub struct Terms<'a> {
    pub record: RecordIndex,
    pub reader: &'a ReaderCard,
    /// Index into the chain's expiry classes.
    pub expiry_class: u8,
    pub delivery: Delivery,
    /// For the reader, sealed.
    pub note: &'a str,
}

/// Grants a record; its index says how to withdraw.
pub async fn grant<H: Host, S: Store>(
    client: &Client<H>,
    wallet: &mut Wallet<S>,
    terms: Terms<'_>,
    rng: &mut impl CryptoRng,
) -> Result<GrantIndex, ClientError> {
    let parameters = client.parameters().await?;
    if usize::from(terms.expiry_class) >= parameters.expiry_classes.len() {
        return Err(ClientError::ExpiryClass(terms.expiry_class));
    }
    let aid = wallet.keys().aid(terms.record);
    let view = client.look_up(&aid.name()).await?;
    let entry = record_entry(&view, &aid)?.clone();
    let needed = 1 + usize::from(terms.delivery == Delivery::Now);
    // The view may be a while old; tickets are looked at by the present.
    let now = view.time().max(client.now());
    if wallet.tickets(TicketClass::Care, &parameters, now) < needed {
        return Err(ClientError::NoTickets);
    }
    let index = wallet.draw_grant(terms.record).await?.ok_or(ClientError::UnknownRecord(terms.record))?;
    prepare(client, wallet, &terms, index, &entry, rng).await?;
    submit(client, wallet, &terms, index, &parameters, now).await?;
    if terms.delivery == Delivery::Now {
        deliver(client, wallet).await?;
    }
    Ok(index)
}

/// Seals the opening message and saves it with the grant.
async fn prepare<H: Host, S: Store>(
    client: &Client<H>,
    wallet: &mut Wallet<S>,
    terms: &Terms<'_>,
    index: GrantIndex,
    entry: &RecordEntry,
    rng: &mut impl CryptoRng,
) -> Result<(), ClientError> {
    let keys = wallet.keys();
    let bid = keys.bid(terms.record, index);
    let opening = Message::Opening(Opening {
        owner: keys.owner(terms.record).verifying_key(),
        salt: keys.salt(terms.record),
        capsule: entry.capsule,
        wrapped: entry.wrapped,
        blinding: keys.blinding(terms.record, index),
        bid,
        note: Text::clipped(terms.note),
    });
    let sealed = opening.seal(client.chain(), terms.reader.mailbox(), rng)?;
    let now = client.now();
    let not_before = match terms.delivery {
        Delivery::Now => now,
        Delivery::Within(most) => now.after(random_below(most, rng)),
    };
    let mailbox = terms.reader.mailbox().id;
    let grant = Grant {
        bid,
        status: GrantStatus::Submitted,
        reader: Some(Reader { member: terms.reader.id(), name: Text::clipped(terms.reader.name()), mailbox }),
        granted: now,
        expiry: now,
        outgoing: Some(Outgoing { not_before, mailbox, sealed: Blob(sealed) }),
        posted: None,
        opened: None,
        note: Note::clipped(terms.note),
    };
    wallet.state_mut().grants.insert((terms.record, index), grant);
    Ok(wallet.save().await?)
}

async fn submit<H: Host, S: Store>(
    client: &Client<H>,
    wallet: &mut Wallet<S>,
    terms: &Terms<'_>,
    index: GrantIndex,
    parameters: &Parameters,
    ledger_time: Time,
) -> Result<(), ClientError> {
    let keys = wallet.keys().clone();
    let (record, name) = (terms.record, keys.bid(terms.record, index).name());
    let rk = keys.record_delegator(record).rekey(terms.reader.delegatee(), &keys.blinding(record, index));
    let tickets = super::tickets::take(client, wallet, 1, parameters).await?;
    let transaction = GrantTransaction::sign(
        client.chain(),
        &keys.owner(record),
        &keys.withdrawal(record, index),
        rk,
        terms.expiry_class,
        valid_until(parameters, ledger_time),
        &tickets,
    );
    let outcome = client.apply(&transaction, &name, |entry| matches!(entry, Entry::Grant(_))).await;
    let Some(grant) = wallet.state_mut().grants.get_mut(&(record, index)) else {
        return Err(ClientError::UnknownRecord(record));
    };
    let result = match outcome {
        Ok(Entry::Grant(entry)) => {
            (grant.status, grant.granted, grant.expiry) = (GrantStatus::Active, entry.time, entry.expiry);
            Ok(())
        }
        Ok(_) => Err(ClientError::WrongEntry),
        // Not even a refusal is proved: the grant may still come to be, until its time is over.
        Err(error) => Err(error),
    };
    wallet.save().await?;
    result
}

/// Looks after grants whose transaction was on its way when something went wrong.
pub async fn settle<H: Host, S: Store>(
    client: &Client<H>,
    wallet: &mut Wallet<S>,
) -> Result<(), ClientError> {
    let unsettled = |(key, grant): (&(RecordIndex, GrantIndex), &Grant)| {
        (grant.status == GrantStatus::Submitted).then_some((*key, grant.bid))
    };
    let open: Vec<_> = wallet.state().grants.iter().filter_map(unsettled).collect();
    if open.is_empty() {
        return Ok(());
    }
    let max_validity = client.parameters().await?.max_validity_ms;
    for (key, bid) in open {
        let view = client.look_up(&bid.name()).await?;
        let Some(grant) = wallet.state_mut().grants.get_mut(&key) else { continue };
        match view.entry(&bid.name()) {
            Some(Entry::Grant(entry)) => {
                (grant.status, grant.granted, grant.expiry) = (GrantStatus::Active, entry.time, entry.expiry);
            }
            Some(Entry::Tombstone { .. }) => (grant.status, grant.outgoing) = (GrantStatus::Withdrawn, None),
            // No block can hold it any more (L-71).
            None if view.time() > grant.granted.after(max_validity) => {
                (grant.status, grant.outgoing) = (GrantStatus::Failed, None);
            }
            _ => {}
        }
    }
    Ok(wallet.save().await?)
}

/// Sends the opening messages that are due; how many went out. Call it now and then.
pub async fn deliver<H: Host, S: Store>(
    client: &Client<H>,
    wallet: &mut Wallet<S>,
) -> Result<usize, ClientError> {
    let now = client.now();
    let due = |(key, grant): (&(RecordIndex, GrantIndex), &Grant)| {
        let active = grant.status == GrantStatus::Active;
        grant.outgoing.clone().filter(|out| active && out.not_before <= now).map(|out| (*key, out))
    };
    let due: Vec<_> = wallet.state().grants.iter().filter_map(due).collect();
    let mut sent = 0;
    for ((record, index), outgoing) in due {
        let parameters = client.parameters().await?;
        let tickets = super::tickets::take(client, wallet, 1, &parameters).await?;
        let receipt = wallet.keys().receipt_mailbox(record, index).id();
        // The same ticket pays once at each node; the reader counts copies once.
        let (payer, copies) = (Payer::Tickets(&tickets), client.network().replicas);
        let (nodes, message) =
            mailbox::post(client, &outgoing.mailbox, &outgoing.sealed.0, Some(&receipt), payer, copies)
                .await?;
        if let Some(grant) = wallet.state_mut().grants.get_mut(&(record, index)) {
            let node = nodes.first().map(|node| node.as_str()).unwrap_or_default();
            grant.posted = Some(PostedAt { node: Text::clipped(node), message });
            grant.outgoing = None;
        }
        wallet.save().await?;
        sent += 1;
    }
    Ok(sent)
}

/// Ends a grant: no one can fetch it any more. Who has read it may remember it.
pub async fn withdraw<H: Host, S: Store>(
    client: &Client<H>,
    wallet: &mut Wallet<S>,
    record: RecordIndex,
    index: GrantIndex,
) -> Result<Time, ClientError> {
    let withdrawal = wallet.keys().withdrawal(record, index);
    let name = wallet.keys().bid(record, index).name();
    let transaction = Withdraw::sign(client.chain(), &withdrawal);
    let ended = |entry: &Entry| matches!(entry, Entry::Tombstone { .. });
    let entry = client.apply(&transaction, &name, ended).await?;
    let Entry::Tombstone { ended, .. } = entry else { return Err(ClientError::WrongEntry) };
    if let Some(grant) = wallet.state_mut().grants.get_mut(&(record, index)) {
        (grant.status, grant.outgoing) = (GrantStatus::Withdrawn, None);
    }
    wallet.save().await?;
    Ok(ended)
}

/// Last block time of a grant, one that all wallets of that quarter of the validity share: derived from a header's exact
/// time, it would mark what one wallet made from one view of the chain. A half to three quarters of the validity ahead.
fn valid_until(parameters: &Parameters, now: Time) -> Time {
    let step = (parameters.max_validity_ms / 4).max(1);
    Time(now.after(parameters.max_validity_ms / 2).0.div_ceil(step).saturating_mul(step))
}

/// Uniform below `bound` but for a bias of 2^-64.
fn random_below(bound: u64, rng: &mut impl CryptoRng) -> u64 {
    let mut wide = [0; 16];
    rng.fill_bytes(&mut wide);
    (u128::from_le_bytes(wide) % u128::from(bound.max(1))) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_until_tells_no_more_than_the_quarter_of_the_validity() {
        let parameters = Parameters::default();
        let quarter = parameters.max_validity_ms / 4;
        let begun = 1_000_000 * quarter + 1;
        let until = valid_until(&parameters, Time(begun));
        for time in [begun, begun + 1, begun + 60_000, begun + quarter - 1] {
            assert_eq!(valid_until(&parameters, Time(time)), until);
            let ahead = until.0 - time;
            assert!((2 * quarter..=3 * quarter).contains(&ahead), "{ahead}");
        }
        assert_ne!(valid_until(&parameters, Time(begun + quarter)), until);
    }
}
