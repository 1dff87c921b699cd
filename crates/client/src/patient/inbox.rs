//! What came for the patient: drafts to look at, requests for access. One bad message hides no other.

use yilian_crypto::Digest;
use yilian_ledger::Time;

use crate::{
    client::Client,
    error::ClientError,
    host::Host,
    mailbox::{self, Incoming},
    message::{AccessRequest, Draft, Message, MessageError, Refusal},
    opened::{Authorship, VerifiedDocument, fetch_document, verify_document},
    payment::Payer,
    record::ContentKey,
    verified::directory::VerifiedMember,
    wallet::{Store, Wallet, index::RecordIndex, state::OfferStatus},
};
use rand_core::CryptoRng;

/// A draft, verified and not yet accepted.
#[derive(Clone, Debug)]
pub struct ReceivedDraft {
    pub offer: RecordIndex,
    pub document: VerifiedDocument,
    /// Author, certified now.
    pub author: VerifiedMember,
    /// Message at the nodes.
    pub message: Digest,
    /// By a node's clock.
    pub received: Time,
}

/// A reader asks for access.
#[derive(Clone, Debug)]
pub struct ReceivedRequest {
    pub offer: RecordIndex,
    pub request: AccessRequest,
    /// Who asks, certified now; the signature is the member's.
    pub reader: VerifiedMember,
    pub message: Digest,
    pub received: Time,
}

/// A message that is none of these, or does not verify.
#[derive(Clone, Debug)]
pub struct Unreadable {
    pub offer: RecordIndex,
    pub message: Digest,
    pub reason: ClientError,
}

#[derive(Clone, Debug, Default)]
pub struct Inbox {
    pub drafts: Vec<ReceivedDraft>,
    pub requests: Vec<ReceivedRequest>,
    pub unreadable: Vec<Unreadable>,
}

/// Looks into the mailbox of every open offer.
pub async fn inbox<H: Host, S: Store>(client: &Client<H>, wallet: &Wallet<S>) -> Result<Inbox, ClientError> {
    let mut inbox = Inbox::default();
    let open = |(index, offer): (&RecordIndex, &crate::wallet::state::Offer)| {
        matches!(offer.status, OfferStatus::Open | OfferStatus::Adopting).then_some(*index)
    };
    let offers: Vec<_> = wallet.state().offers.iter().filter_map(open).collect();
    for offer in offers {
        let keys = wallet.keys().mailbox(offer);
        for incoming in mailbox::collect(client, &keys.owner).await? {
            let message = incoming.id;
            match read(client, wallet, offer, &incoming).await {
                Ok(Read::Draft(draft)) => inbox.drafts.push(*draft),
                Ok(Read::Request(request)) => inbox.requests.push(*request),
                Err(reason) => inbox.unreadable.push(Unreadable { offer, message, reason }),
            }
        }
    }
    Ok(inbox)
}

enum Read {
    Draft(Box<ReceivedDraft>),
    Request(Box<ReceivedRequest>),
}

async fn read<H: Host, S: Store>(
    client: &Client<H>,
    wallet: &Wallet<S>,
    offer: RecordIndex,
    incoming: &Incoming,
) -> Result<Read, ClientError> {
    let keys = wallet.keys().mailbox(offer);
    let (message, received) = (incoming.id, Time(incoming.received));
    match Message::open(client.chain(), &keys, &incoming.bytes)? {
        Message::Draft(draft) => {
            let (document, author) = view(client, wallet, offer, &draft).await?;
            let draft = ReceivedDraft { offer, document, author, message, received };
            Ok(Read::Draft(Box::new(draft)))
        }
        Message::Request(request) => {
            let reader = client.member(request.member, request.kind).await?;
            let key = reader.current().ok_or(ClientError::NotCertifiedNow)?.contents().signing_key;
            request.verify(client.chain(), &keys.id(), &key).map_err(|_| MessageError::Signature)?;
            let request = ReceivedRequest { offer, request, reader, message, received };
            Ok(Read::Request(Box::new(request)))
        }
        Message::Refusal(_) | Message::Opening(_) => Err(MessageError::Malformed.into()),
    }
}

/// Opens a draft: key, content, statement for this very offer, author certified at the chain's present time.
async fn view<H: Host, S: Store>(
    client: &Client<H>,
    wallet: &Wallet<S>,
    offer: RecordIndex,
    draft: &Draft,
) -> Result<(VerifiedDocument, VerifiedMember), ClientError> {
    let keys = wallet.keys();
    let commitment = keys.owner_commitment(offer);
    let key = keys.draft_delegator(offer).decapsulate(&draft.capsule, &commitment.0);
    let content = ContentKey::unwrap(&key, &draft.wrapped)?;
    let document = fetch_document(client, &content).await?;
    if document.statement().owner_commitment != commitment {
        return Err(ClientError::OwnerCommitment);
    }
    let owner = keys.owner(offer).verifying_key();
    let now = client.header().await?.header().time;
    let document = verify_document(client, document, &owner, now).await?;
    match document.authorship() {
        Authorship::Clinical(member) => {
            let author = (**member).clone();
            Ok((document, author))
        }
        // Nobody else holds the owner key.
        Authorship::SelfRecorded => Err(ClientError::NotAnAuthor),
    }
}

/// Refuses a draft: the index is spent, the author is told why, sealed.
pub async fn refuse<H: Host, S: Store>(
    client: &Client<H>,
    wallet: &mut Wallet<S>,
    draft: &ReceivedDraft,
    reason: &str,
    rng: &mut impl CryptoRng,
) -> Result<(), ClientError> {
    super::offer::open_card(wallet, draft.offer)?;
    wallet.mark_offer(draft.offer, OfferStatus::Refused).await?;
    let statement = draft.document.statement();
    let keys = wallet.keys().mailbox(draft.offer);
    let refusal =
        Refusal::sign(client.chain(), statement.owner_commitment, statement.id(), reason, &keys.owner);
    let to = draft.author.mailbox()?;
    let sealed = Message::Refusal(refusal).seal(client.chain(), &to, rng)?;
    let parameters = client.parameters().await?;
    let tickets = super::tickets::take(client, wallet, 1, &parameters).await?;
    mailbox::post(client, &to.id, &sealed, None, Payer::Tickets(&tickets), 1).await?;
    mailbox::discard(client, &keys.owner, &draft.message).await;
    Ok(())
}

/// Drops a message that will not be answered.
pub async fn dismiss<H: Host, S: Store>(
    client: &Client<H>,
    wallet: &Wallet<S>,
    offer: RecordIndex,
    message: &Digest,
) {
    mailbox::discard(client, &wallet.keys().mailbox(offer).owner, message).await;
}
