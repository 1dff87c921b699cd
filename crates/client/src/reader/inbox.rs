//! Openings in a reader's standing mailbox. Fetching them gives the patient her receipts.

use yilian_crypto::Digest;
use yilian_ledger::Time;

use crate::{
    client::Client,
    error::ClientError,
    host::Host,
    mailbox,
    member::Member,
    message::{Message, Opening},
};

/// What opens a grant, as it came: nothing in it is believed before [`super::open`] checked it.
#[derive(Clone, Debug)]
pub struct ReceivedGrant {
    pub opening: Opening,
    pub message: Digest,
    /// By a node's clock.
    pub received: Time,
}

/// Openings that were sealed to any generation of this member's keys. Other messages are left alone.
pub async fn inbox<H: Host>(client: &Client<H>, member: &Member) -> Result<Vec<ReceivedGrant>, ClientError> {
    let mut grants = Vec::new();
    for incoming in mailbox::collect(client, &member.keys.mailbox()).await? {
        let opened = member
            .keys
            .mailbox_ring()
            .find_map(|keys| Message::open(client.chain(), &keys, &incoming.bytes).ok());
        if let Some(Message::Opening(opening)) = opened {
            let received = Time(incoming.received);
            grants.push(ReceivedGrant { opening, message: incoming.id, received });
        }
    }
    Ok(grants)
}
