//! Mailboxes over all nodes: a message may lie at any of them, so all are asked, and copies count once (spec R-17).

use std::collections::BTreeSet;

use yilian_api::{
    encoding::{signature_to_hex, to_hex},
    mailbox::{FetchRequest, MessageKind, OwnerRequest, mailbox_id, message_id},
    signing::{MailboxVerb, Statement},
};
use yilian_crypto::{Digest, sign::SigningKey};

use crate::{
    client::{Client, failure, worse},
    error::{ClientError, Lie, NodeFault},
    host::{Host, NodeUrl},
    http::mailbox as http,
    payment::Payer,
};

/// A message that was handed out to us.
#[derive(Clone, Debug)]
pub(crate) struct Incoming {
    pub id: Digest,
    pub kind: MessageKind,
    /// By the node's clock, ms.
    pub received: u64,
    pub bytes: Vec<u8>,
}

/// Everything that waits in `owner`'s mailbox, from every node that answers; receipts are given where asked for.
pub(crate) async fn collect<H: Host>(
    client: &Client<H>,
    owner: &SigningKey,
) -> Result<Vec<Incoming>, ClientError> {
    let (mut seen, mut messages, mut fault, mut answered) = (BTreeSet::new(), Vec::new(), None, false);
    for node in client.nodes() {
        match collect_at(client, &node, owner, &mut seen, &mut messages).await {
            Ok(()) => answered = true,
            Err(other) => {
                client.report(&node, &other);
                worse(&mut fault, &node, other);
            }
        }
    }
    if answered { Ok(messages) } else { Err(failure(fault)) }
}

/// Adds to `messages` what was not seen elsewhere; what was handed out before a fault stays.
async fn collect_at<H: Host>(
    client: &Client<H>,
    node: &NodeUrl,
    owner: &SigningKey,
    seen: &mut BTreeSet<Digest>,
    messages: &mut Vec<Incoming>,
) -> Result<(), NodeFault> {
    let audience = client.audience(node).await?;
    let mailbox = mailbox_id(&owner.verifying_key());
    let request = OwnerRequest::sign(owner, &audience, MailboxVerb::List, None, client.now().0);
    for envelope in http::list(client.host(), node, &mailbox, &request).await? {
        if seen.contains(&envelope.id) {
            continue;
        }
        let time = client.now().0;
        let receipt = envelope.receipt.map(|receipt| {
            let statement = Statement::receipt(&client.chain().0, &envelope.id, &receipt, time);
            signature_to_hex(&statement.sign(owner))
        });
        let request = OwnerRequest::sign(owner, &audience, MailboxVerb::Fetch, Some(&envelope.id), time);
        let request = FetchRequest { request, message: to_hex(&envelope.id.0), receipt };
        let bytes = match http::fetch(client.host(), node, &mailbox, &request).await {
            Ok(bytes) => bytes,
            // Deleted or expired between listing and fetching.
            Err(NodeFault::Problem { status: 404 | 410, .. }) => continue,
            Err(other) => return Err(other),
        };
        if message_id(&bytes) != envelope.id {
            return Err(NodeFault::Lied(Lie::Message));
        }
        seen.insert(envelope.id);
        messages.push(Incoming { id: envelope.id, kind: envelope.kind, received: envelope.received, bytes });
    }
    Ok(())
}

/// Leaves a sealed message at `copies` nodes, at least at one; where it was left, and its id.
pub(crate) async fn post<H: Host>(
    client: &Client<H>,
    mailbox: &Digest,
    sealed: &[u8],
    receipt: Option<&Digest>,
    payer: Payer<'_>,
    copies: usize,
) -> Result<(Vec<NodeUrl>, Digest), ClientError> {
    let (mut left_at, mut fault) = (Vec::new(), None);
    for node in client.nodes() {
        if left_at.len() == copies.max(1) {
            break;
        }
        match post_at(client, &node, mailbox, sealed, receipt, payer).await {
            Ok(()) => left_at.push(node),
            Err(other) => {
                client.report(&node, &other);
                worse(&mut fault, &node, other);
            }
        }
    }
    if left_at.is_empty() { Err(failure(fault)) } else { Ok((left_at, message_id(sealed))) }
}

async fn post_at<H: Host>(
    client: &Client<H>,
    node: &NodeUrl,
    mailbox: &Digest,
    sealed: &[u8],
    receipt: Option<&Digest>,
    payer: Payer<'_>,
) -> Result<(), NodeFault> {
    let audience = client.audience(node).await?;
    let (time, id) = (client.now().0, message_id(sealed));
    let statement = Statement::mailbox_post(&audience, mailbox, &id, receipt, time);
    let mut body = http::body(sealed, receipt);
    (body.payment, body.time) = (Some(payer.pay(&statement)), time);
    let posted = http::send_message(client.host(), node, mailbox, &body).await?;
    if posted.id == to_hex(&id.0) { Ok(()) } else { Err(NodeFault::Lied(Lie::Message)) }
}

/// Asks every node to drop a message; nodes that do not know it do not matter.
pub(crate) async fn discard<H: Host>(client: &Client<H>, owner: &SigningKey, message: &Digest) {
    let mailbox = mailbox_id(&owner.verifying_key());
    for node in client.nodes() {
        let Ok(audience) = client.audience(&node).await else { continue };
        let time = client.now().0;
        let request = OwnerRequest::sign(owner, &audience, MailboxVerb::Delete, Some(message), time);
        let request = FetchRequest { request, message: to_hex(&message.0), receipt: None };
        match http::delete(client.host(), &node, &mailbox, &request).await {
            Ok(()) | Err(NodeFault::Problem { .. }) => {}
            Err(fault) => client.report(&node, &fault),
        }
    }
}
