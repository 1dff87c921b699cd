//! Accepting (protocol 4.1, 5 to 7; spec R-19): the wallet adopts a document under a key, an address and a capsule of its own, so
//! that its author recognizes nothing on the chain.

use commonware_codec::Encode as _;
use rand_core::CryptoRng;
use yilian_api::content::price;
use yilian_crypto::{stream::DataKey, ticket::TicketWithKey};
use yilian_dag::Cid;
use yilian_ledger::{Entry, entry::RecordEntry, transaction::Create};

use super::inbox::ReceivedDraft;
use crate::{
    client::Client,
    content::{Bytes, Prepared, Quiet, claim, prepare, store},
    error::ClientError,
    host::{Host, NodeUrl},
    mailbox,
    payment::Payer,
    record::{Author, Document, Summary, opening},
    wallet::{
        Store, Wallet,
        index::RecordIndex,
        state::{Note, OfferStatus, Pin, Record, Unpinned},
    },
    wire::Text,
};

/// Accepts a draft: from now on the record is the patient's, and nobody can change it.
///
/// May be called again after a failure: an index never makes two entries. The author is looked up anew before anything is
/// paid and again right before the entry: a record counts only if its author does at the entry's time, for ever.
pub async fn accept<H: Host, S: Store>(
    client: &Client<H>,
    wallet: &mut Wallet<S>,
    draft: &ReceivedDraft,
    rng: &mut impl CryptoRng,
) -> Result<RecordIndex, ClientError> {
    let status = wallet.state().offers.get(&draft.offer).map(|offer| offer.status);
    if !matches!(status, Some(OfferStatus::Open | OfferStatus::Adopting)) {
        return Err(ClientError::OfferNotOpen(draft.offer));
    }
    wallet.mark_offer(draft.offer, OfferStatus::Adopting).await?;
    let summary = draft.document.summary().clone();
    enter(client, wallet, draft.offer, draft.document.document(), summary, rng).await?;
    mailbox::discard(client, &wallet.keys().mailbox(draft.offer).owner, &draft.message).await;
    Ok(draft.offer)
}

/// Stores a signed document under a fresh key and enters it under the index's owner key.
pub(super) async fn enter<H: Host, S: Store>(
    client: &Client<H>,
    wallet: &mut Wallet<S>,
    index: RecordIndex,
    document: &Document,
    summary: Summary,
    rng: &mut impl CryptoRng,
) -> Result<(), ClientError> {
    let (owner, aid) = (wallet.keys().owner(index), wallet.keys().aid(index));
    let earlier = client.look_up(&aid.name()).await?;
    if let Some(entry) = earlier.entry(&aid.name()) {
        // An earlier attempt had arrived.
        return keep(wallet, index, entry, summary).await;
    }

    author_counts(client, document).await?;
    let bytes = document.to_bytes();
    let mut source = Bytes(&bytes);
    let prepared = prepare(&mut source, DataKey::generate(rng), &mut Quiet).await?;
    let parameters = client.parameters().await?;
    let each = tickets_for(prepared.stored.bytes);
    let mut tickets = super::tickets::take(client, wallet, each.saturating_add(1), &parameters).await?;
    let for_entry = tickets.split_off(each);
    place(client, wallet, &prepared, &mut source, &tickets).await?;

    let delegator = wallet.keys().record_delegator(index);
    let (capsule, key) = delegator.encapsulate(&owner.verifying_key().encode(), rng);
    let com = opening::com(&prepared.stored.cid, &key.commitment_key());
    let wrapped = opening::wrap(key, &prepared.stored.cid, &prepared.stored.key);
    author_counts(client, document).await?;
    let create = Create::sign(client.chain(), &owner, capsule, wrapped, com, &for_entry);
    let ours = |entry: &Entry| matches!(entry, Entry::Record(RecordEntry { com: c, .. }) if *c == com);
    let entry = client.apply(&create, &aid.name(), ours).await?;
    note_attachments(wallet, document);
    keep(wallet, index, &entry, summary).await
}

/// Refuses a document whose author was revoked since it was looked at.
async fn author_counts<H: Host>(client: &Client<H>, document: &Document) -> Result<(), ClientError> {
    let Author::Member { member, kind, certificate } = document.statement().author else { return Ok(()) };
    let member = client.member_now(member, kind).await?;
    let counted = member.certified(&certificate, None, member.time());
    counted.map(|_| ()).map_err(|_| ClientError::NotCertifiedNow)
}

/// Puts attachments that we do not pin ourselves on the list.
fn note_attachments<S: Store>(wallet: &mut Wallet<S>, document: &Document) {
    let state = wallet.state_mut();
    for attachment in &document.statement().attachments {
        let cid = attachment.cid.to_string();
        if state.pins.iter().all(|pin| pin.cid.as_str() != cid) {
            state.unpinned.push(Unpinned::of(attachment));
        }
    }
}

/// Tickets that content of `bytes` costs.
pub(super) fn tickets_for(bytes: u64) -> usize {
    usize::try_from(price(bytes)).unwrap_or(usize::MAX)
}

async fn keep<S: Store>(
    wallet: &mut Wallet<S>,
    index: RecordIndex,
    entry: &Entry,
    summary: Summary,
) -> Result<(), ClientError> {
    let Entry::Record(entry) = entry else { return Err(ClientError::WrongEntry) };
    let note = wallet.state().offers.get(&index).map(|offer| offer.note.clone()).unwrap_or_default();
    let record = Record {
        aid: wallet.keys().aid(index),
        time: entry.time,
        summary: Some(summary),
        next_grant: 0,
        note: Note::clipped(note.as_str()),
    };
    Ok(wallet.keep_record(index, record).await?)
}

/// Puts an object at as many nodes as the network asks for, at least at one, each under a pin key of its own. A ticket
/// pays once at each node.
pub(super) async fn place<H: Host, S: Store, C: crate::content::Source>(
    client: &Client<H>,
    wallet: &mut Wallet<S>,
    prepared: &Prepared,
    source: &mut C,
    tickets: &[TicketWithKey],
) -> Result<(), ClientError> {
    let (mut placed, mut error) = (0, None);
    for node in client.nodes() {
        if placed == client.network().replicas.max(1) {
            break;
        }
        let object = wallet.draw_object().await?;
        let key = wallet.keys().pin(object).verifying_key();
        match store(client, &node, prepared, source, &key, Payer::Tickets(tickets), &mut Quiet).await {
            Ok(()) => {
                keep_pin(wallet, &prepared.stored.cid, &node, object).await?;
                placed += 1;
            }
            Err(other) => error = Some(other),
        }
    }
    match error {
        Some(error) if placed == 0 => Err(error),
        None if placed == 0 => Err(ClientError::NoNodes),
        _ => Ok(()),
    }
}

async fn keep_pin<S: Store>(
    wallet: &mut Wallet<S>,
    cid: &Cid,
    node: &NodeUrl,
    object: crate::wallet::index::ObjectIndex,
) -> Result<(), ClientError> {
    let pin = Pin { cid: Text::clipped(&cid.to_string()), node: Text::clipped(node.as_str()), object };
    wallet.state_mut().pins.push(pin);
    Ok(wallet.save().await?)
}

/// Pins the attachments of records that were taken over, so that no hospital can let them vanish; how many are left.
///
/// Call it at a time of its own, hours after a record was accepted and not for several records at once: the author knows
/// the attachments' addresses, and whoever sees a pin right beside an entry knows which entry the draft became. A pin
/// costs what an upload costs. What the tickets at hand do not pay for stays on the list for the next call.
pub async fn pin_attachments<H: Host, S: Store>(
    client: &Client<H>,
    wallet: &mut Wallet<S>,
) -> Result<usize, ClientError> {
    let parameters = client.parameters().await?;
    let waiting = wallet.state().unpinned.clone();
    for unpinned in waiting {
        let tickets =
            match super::tickets::take(client, wallet, tickets_for(unpinned.bytes), &parameters).await {
                Ok(tickets) => tickets,
                Err(ClientError::NoTickets) => continue,
                Err(other) => return Err(other),
            };
        if pin(client, wallet, &unpinned, &tickets).await? {
            wallet.state_mut().unpinned.retain(|other| *other != unpinned);
            wallet.save().await?;
        }
    }
    Ok(wallet.state().unpinned.len())
}

/// Pins an object at every node that has it, up to the number of replicas.
async fn pin<H: Host, S: Store>(
    client: &Client<H>,
    wallet: &mut Wallet<S>,
    unpinned: &Unpinned,
    tickets: &[TicketWithKey],
) -> Result<bool, ClientError> {
    let mut pinned = 0;
    for node in client.nodes() {
        if pinned == client.network().replicas.max(1) {
            break;
        }
        let object = wallet.draw_object().await?;
        let key = wallet.keys().pin(object).verifying_key();
        match claim(client, &node, &unpinned.cid, unpinned.bytes, &key, Payer::Tickets(tickets)).await {
            Ok(true) => {
                keep_pin(wallet, &unpinned.cid, &node, object).await?;
                pinned += 1;
            }
            // Not every node has it.
            Ok(false) => {}
            Err(fault) => client.report(&node, &fault),
        }
    }
    Ok(pinned > 0)
}

/// Tickets that a document of `bytes` costs to enter, with its entry.
pub fn cost(bytes: u64) -> u64 {
    price(bytes) + 1
}
