//! Writing a record for a patient (protocol 4.1, 2 to 3): sign, encrypt, store, seal the draft to the offer's mailbox.

use rand_core::CryptoRng;
use yilian_crypto::{Digest, stream::DataKey};
use yilian_ledger::Time;

use crate::{
    client::Client,
    content::{Bytes, Prepared, Progress, Quiet, Source, Stored, prepare, store},
    error::ClientError,
    host::Host,
    mailbox,
    member::Member,
    message::{Draft, Message, Refusal},
    offer::{OfferCard, OfferError},
    payment::Payer,
    record::{Attachment, Author, Bundle, Claims, Document, opening::wrap},
    wire::Text,
};

/// What to write.
#[derive(Clone, Debug, Default)]
pub struct NewRecord {
    /// FHIR R4 Bundle, kept as these bytes; it names the patient.
    pub bundle: Vec<u8>,
    /// Uploaded before with [`attach`].
    pub attachments: Vec<Attachment>,
    /// Statement that this record corrects.
    pub supersedes: Option<Digest>,
}

/// A draft on its way to the patient. The author keeps the statement's id to recognize a refusal by.
#[derive(Clone, Debug)]
pub struct SentDraft {
    pub statement: Digest,
    pub owner_commitment: Digest,
    pub message: Digest,
    pub stored: Stored,
}

/// Writes a draft for an offer.
pub async fn write<H: Host>(
    client: &Client<H>,
    author: &Member,
    offer: &OfferCard,
    record: NewRecord,
    rng: &mut impl CryptoRng,
) -> Result<SentDraft, ClientError> {
    if offer.chain != client.chain() {
        return Err(OfferError::Chain.into());
    }
    let bundle = Bundle::parse(&record.bundle)?;
    bundle.patient()?;
    let claims = Claims {
        chain: client.chain(),
        form: bundle.form(),
        owner_commitment: offer.owner_commitment,
        time: client.now(),
        author: Author::Member {
            member: author.id,
            kind: author.kind(),
            certificate: author.certificate.id(),
        },
        supersedes: record.supersedes,
        attachments: record.attachments,
    };
    let document = Document::sign(claims, record.bundle, &author.keys.signing())?;
    let statement = document.statement().id();

    let bytes = document.to_bytes();
    let mut source = Bytes(&bytes);
    let prepared = prepare(&mut source, DataKey::generate(rng), &mut Quiet).await?;
    place(client, author, &prepared, &mut source, rng, &mut Quiet).await?;

    let stored = prepared.stored;
    let (capsule, key) = offer.draft.encapsulate(&offer.owner_commitment.0, rng);
    let wrapped = wrap(key, &stored.cid, &stored.key);
    let draft = Message::Draft(Draft { capsule, wrapped });
    let sealed = draft.seal(client.chain(), &offer.mailbox, rng)?;
    let copies = client.network().replicas;
    let (_, message) =
        mailbox::post(client, &offer.mailbox.id, &sealed, None, Payer::Member(author), copies).await?;
    Ok(SentDraft { statement, owner_commitment: offer.owner_commitment, message, stored })
}

/// Encrypts and uploads a file of any size, in memory of one leaf; what to put into [`NewRecord`].
pub async fn attach<H: Host, S: Source>(
    client: &Client<H>,
    author: &Member,
    source: &mut S,
    (media_type, title): (&str, &str),
    rng: &mut impl CryptoRng,
    progress: &mut impl Progress,
) -> Result<Attachment, ClientError> {
    let prepared = prepare(source, DataKey::generate(rng), &mut Quiet).await?;
    place(client, author, &prepared, source, rng, progress).await?;
    let stored = prepared.stored;
    Ok(Attachment {
        cid: stored.cid,
        key: stored.key,
        length: stored.length,
        tree: stored.tree,
        media_type: Text::clipped(media_type),
        title: Text::clipped(title),
    })
}

/// Stores at as many nodes as the network asks for, at least at one; the member's signature pays.
async fn place<H: Host, S: Source>(
    client: &Client<H>,
    author: &Member,
    prepared: &Prepared,
    source: &mut S,
    rng: &mut impl CryptoRng,
    progress: &mut impl Progress,
) -> Result<(), ClientError> {
    let (mut placed, mut error) = (0, None);
    for node in client.nodes() {
        if placed == client.network().replicas.max(1) {
            break;
        }
        // Nobody unpins a draft: nodes let unadopted ones go.
        let pin = yilian_crypto::sign::SigningKey::generate(rng).verifying_key();
        match store(client, &node, prepared, source, &pin, Payer::Member(author), progress).await {
            Ok(()) => placed += 1,
            Err(other) => error = Some(other),
        }
    }
    match error {
        Some(error) if placed == 0 => Err(error),
        None if placed == 0 => Err(ClientError::NoNodes),
        _ => Ok(()),
    }
}

/// A patient did not take a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedRefusal {
    pub refusal: Refusal,
    pub message: Digest,
    /// By a node's clock.
    pub received: Time,
}

/// Refusals in the member's mailbox. That a refusal is the patient's is shown by [`is_of`](ReceivedRefusal::is_of).
pub async fn refusals<H: Host>(
    client: &Client<H>,
    member: &Member,
) -> Result<Vec<ReceivedRefusal>, ClientError> {
    let mut refusals = Vec::new();
    for incoming in mailbox::collect(client, &member.keys.mailbox()).await? {
        let opened = member
            .keys
            .mailbox_ring()
            .find_map(|keys| Message::open(client.chain(), &keys, &incoming.bytes).ok());
        if let Some(Message::Refusal(refusal)) = opened
            && refusal.verify(client.chain()).is_ok()
        {
            let received = Time(incoming.received);
            refusals.push(ReceivedRefusal { refusal, message: incoming.id, received });
        }
    }
    Ok(refusals)
}

impl ReceivedRefusal {
    /// Whether this refuses the draft written for `offer`, signed by whom the offer came from.
    pub fn is_of(&self, draft: &SentDraft, offer: &OfferCard) -> bool {
        self.refusal.statement == draft.statement
            && self.refusal.owner_commitment == draft.owner_commitment
            && yilian_api::mailbox::mailbox_id(&self.refusal.mailbox) == offer.mailbox.id
    }
}
