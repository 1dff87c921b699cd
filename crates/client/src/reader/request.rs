//! A reader asks a patient for access: signed, sealed to the mailbox that the patient's card shows.

use rand_core::CryptoRng;
use yilian_crypto::Digest;

use crate::{
    client::Client,
    error::ClientError,
    host::Host,
    mailbox,
    member::Member,
    message::{AccessRequest, Message, Wish},
    offer::{OfferCard, OfferError},
    payment::Payer,
};

/// Sends a request; the id of the message.
pub async fn request<H: Host>(
    client: &Client<H>,
    member: &Member,
    to: &OfferCard,
    wish: Wish,
    rng: &mut impl CryptoRng,
) -> Result<Digest, ClientError> {
    if to.chain != client.chain() {
        return Err(OfferError::Chain.into());
    }
    let signed = AccessRequest::sign(
        client.chain(),
        &to.mailbox.id,
        (member.id, member.kind()),
        wish,
        client.now(),
        &member.keys.signing(),
    );
    let sealed = Message::Request(signed).seal(client.chain(), &to.mailbox, rng)?;
    let copies = client.network().replicas;
    let (_, message) =
        mailbox::post(client, &to.mailbox.id, &sealed, None, Payer::Member(member), copies).await?;
    Ok(message)
}
