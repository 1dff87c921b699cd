//! Accepting (protocol 4.1, 5 to 7): the wallet adopts a document under a key, an address and a capsule of its own, so
//! that its author recognizes nothing on the chain.

use commonware_codec::Encode as _;
use rand_core::CryptoRng;
use yilian_api::{
    content::{PinRequest, price},
    encoding::{key_to_hex, signature_to_hex},
    signing::{PinVerb, Statement},
};
use yilian_crypto::{stream::DataKey, ticket::TicketWithKey};
use yilian_dag::Cid;
use yilian_ledger::{Entry, entry::RecordEntry, transaction::Create};

use super::inbox::ReceivedDraft;
use crate::{
    client::{Client, failure, worse},
    content::{Bytes, Prepared, Quiet, prepare, store},
    error::{ClientError, NodeFault},
    host::{Host, NodeUrl},
    http, mailbox,
    payment::Payer,
    record::{Document, Summary, opening},
    wallet::{
        Store, Wallet,
        index::RecordIndex,
        state::{Note, OfferStatus, Pin, Record},
    },
    wire::Text,
};

/// Accepts a draft: from now on the record is the patient's, and nobody can change it.
///
/// May be called again after a failure: an index never makes two entries.
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

    let bytes = document.to_bytes();
    let mut source = Bytes(&bytes);
    let prepared = prepare(&mut source, DataKey::generate(rng), &mut Quiet).await?;
    let parameters = client.parameters().await?;
    let copies = client.network().replicas.clamp(1, client.network().nodes.len().max(1));
    let each = usize::try_from(price(prepared.stored.bytes)).unwrap_or(usize::MAX);
    let mut tickets =
        super::tickets::take(client, wallet, each.saturating_mul(copies).saturating_add(1), &parameters)
            .await?;
    let for_entry = tickets.split_off(each * copies);

    let piles: Vec<_> = tickets.chunks(each).collect();
    place(client, wallet, &prepared, &mut source, &piles).await?;
    for attachment in &document.statement().attachments {
        pin(client, wallet, &attachment.cid).await?;
    }

    let delegator = wallet.keys().record_delegator(index);
    let (capsule, key) = delegator.encapsulate(&owner.verifying_key().encode(), rng);
    let com = opening::com(&prepared.stored.cid, &key.commitment_key());
    let wrapped = opening::wrap(key, &prepared.stored.cid, &prepared.stored.key);
    let create = Create::sign(client.chain(), &owner, capsule, wrapped, com, &for_entry);
    let ours = |entry: &Entry| matches!(entry, Entry::Record(RecordEntry { com: c, .. }) if *c == com);
    let entry = client.apply(&create, &aid.name(), ours).await?;
    keep(wallet, index, &entry, summary).await
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

/// Puts an object at as many nodes as there are piles of tickets, at least at one, each under a pin key of its own.
pub(super) async fn place<H: Host, S: Store, C: crate::content::Source>(
    client: &Client<H>,
    wallet: &mut Wallet<S>,
    prepared: &Prepared,
    source: &mut C,
    piles: &[&[TicketWithKey]],
) -> Result<(), ClientError> {
    let (mut piles, mut placed, mut error) = (piles.iter().peekable(), 0, None);
    for node in client.nodes() {
        let Some(tickets) = piles.peek() else { break };
        let object = wallet.draw_object().await?;
        let key = wallet.keys().pin(object).verifying_key();
        match store(client, &node, prepared, source, &key, Payer::Tickets(tickets), &mut Quiet).await {
            Ok(()) => {
                keep_pin(wallet, &prepared.stored.cid, &node, object).await?;
                piles.next();
                placed += 1;
            }
            Err(other) => error = Some(other),
        }
    }
    match error {
        Some(error) if placed == 0 => Err(error),
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

/// Pins an object that is stored already, wherever it is, so that no hospital can let it vanish.
async fn pin<H: Host, S: Store>(
    client: &Client<H>,
    wallet: &mut Wallet<S>,
    cid: &Cid,
) -> Result<(), ClientError> {
    let (mut pinned, mut fault) = (false, None);
    for node in client.nodes() {
        let object = wallet.draw_object().await?;
        let key = wallet.keys().pin(object);
        match pin_at(client, &node, cid, &key).await {
            Ok(()) => {
                keep_pin(wallet, cid, &node, object).await?;
                pinned = true;
            }
            // Not every node has it.
            Err(NodeFault::Problem { status: 404, .. }) => {}
            Err(other) => {
                client.report(&node, &other);
                worse(&mut fault, &node, other);
            }
        }
    }
    match (pinned, fault) {
        (true, _) => Ok(()),
        (false, None) => Err(crate::content::ContentError::Missing(0).into()),
        (false, fault) => Err(failure(fault)),
    }
}

async fn pin_at<H: Host>(
    client: &Client<H>,
    node: &NodeUrl,
    cid: &Cid,
    key: &yilian_crypto::sign::SigningKey,
) -> Result<(), NodeFault> {
    let audience = client.audience(node).await?;
    let (cid, time) = (cid.to_string(), client.now().0);
    let statement = Statement::pin(&audience, PinVerb::Pin, &cid, time);
    let request = PinRequest {
        cid,
        pin_key: key_to_hex(&key.verifying_key()),
        time,
        signature: signature_to_hex(&statement.sign(key)),
    };
    http::content::pin(client.host(), node, &request).await
}

/// Tickets that a document of `bytes` costs to enter, with its entry.
pub fn cost(network: &crate::client::Network, bytes: u64) -> u64 {
    price(bytes) * network.replicas.clamp(1, network.nodes.len().max(1)) as u64 + 1
}
