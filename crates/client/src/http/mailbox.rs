//! Mailbox endpoints.

use yilian_api::{
    encoding::{digest_from_hex, from_base64, to_base64, to_hex},
    mailbox::{FetchRequest, Fetched, MAX_MESSAGE, MessageKind, OwnerRequest, Post, Posted, Waiting},
};
use yilian_crypto::Digest;

use super::{malformed, post, tell};
use crate::{
    error::NodeFault,
    host::{Host, Method, NodeUrl},
};

/// A message that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Envelope {
    pub id: Digest,
    pub kind: MessageKind,
    pub received: u64,
    pub receipt: Option<Digest>,
}

/// Most messages of one listing that are looked at.
const MAX_LISTED: usize = 4096;

pub(crate) async fn send_message<H: Host>(
    host: &H,
    node: &NodeUrl,
    mailbox: &Digest,
    message: &Post,
) -> Result<Posted, NodeFault> {
    post(host, node, format!("/v1/mailboxes/{mailbox}/messages"), message).await
}

pub(crate) async fn list<H: Host>(
    host: &H,
    node: &NodeUrl,
    mailbox: &Digest,
    request: &OwnerRequest,
) -> Result<Vec<Envelope>, NodeFault> {
    let waiting: Vec<Waiting> = post(host, node, format!("/v1/mailboxes/{mailbox}/list"), request).await?;
    waiting.into_iter().take(MAX_LISTED).map(envelope).collect()
}

fn envelope(waiting: Waiting) -> Result<Envelope, NodeFault> {
    let digest = |text: &str| digest_from_hex(text).map_err(|_| malformed());
    Ok(Envelope {
        id: digest(&waiting.id)?,
        kind: waiting.kind,
        received: waiting.received,
        receipt: waiting.receipt.as_deref().map(digest).transpose()?,
    })
}

pub(crate) async fn fetch<H: Host>(
    host: &H,
    node: &NodeUrl,
    mailbox: &Digest,
    request: &FetchRequest,
) -> Result<Vec<u8>, NodeFault> {
    let fetched: Fetched = post(host, node, format!("/v1/mailboxes/{mailbox}/fetch"), request).await?;
    from_base64(&fetched.sealed, MAX_MESSAGE).map_err(|_| malformed())
}

pub(crate) async fn delete<H: Host>(
    host: &H,
    node: &NodeUrl,
    mailbox: &Digest,
    request: &FetchRequest,
) -> Result<(), NodeFault> {
    tell(host, node, Method::Post, format!("/v1/mailboxes/{mailbox}/delete"), request).await
}

pub(crate) fn body(sealed: &[u8], receipt: Option<&Digest>) -> Post {
    Post {
        sealed: to_base64(sealed),
        receipt: receipt.map(|digest| to_hex(&digest.0)),
        time: 0,
        payment: None,
    }
}
