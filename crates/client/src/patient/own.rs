//! The patient's own records: measurements, an imported history. Signed by the owner key, shown as uncertified.

use rand_core::CryptoRng;
use yilian_crypto::{Digest, stream::DataKey};

use crate::{
    client::Client,
    content::{Progress, Source, prepare},
    error::ClientError,
    host::Host,
    record::{Attachment, Author, Bundle, Claims, Class, Document, Form, Summary},
    wallet::{Store, Wallet, index::RecordIndex, state::OfferStatus},
    wire::Text,
};

/// Records a FHIR bundle of one's own.
pub async fn record<H: Host, S: Store>(
    client: &Client<H>,
    wallet: &mut Wallet<S>,
    bundle: &[u8],
    attachments: Vec<Attachment>,
    supersedes: Option<Digest>,
    rng: &mut impl CryptoRng,
) -> Result<RecordIndex, ClientError> {
    let parsed = Bundle::parse(bundle)?;
    let summary = parsed.summary(Class::SelfRecorded, attachments.len());
    let body = Body { form: parsed.form(), bytes: bundle.to_vec(), attachments, supersedes, summary };
    enter(client, wallet, body, rng).await
}

/// Outcome of an import, bundle by bundle.
#[derive(Debug)]
pub struct Imported {
    /// Place in the input.
    pub place: usize,
    pub outcome: Result<RecordIndex, ClientError>,
}

/// Takes over a history, oldest first as given. One bad bundle stops nothing; running out of tickets does.
pub async fn import<H: Host, S: Store>(
    client: &Client<H>,
    wallet: &mut Wallet<S>,
    bundles: &[Vec<u8>],
    progress: &mut impl Progress,
    rng: &mut impl CryptoRng,
) -> Vec<Imported> {
    let mut outcomes = Vec::new();
    for (place, bundle) in bundles.iter().enumerate() {
        let outcome = record(client, wallet, bundle, Vec::new(), None, rng).await;
        let stop = matches!(outcome, Err(ClientError::NoTickets));
        outcomes.push(Imported { place, outcome });
        progress.advance(place as u64 + 1, bundles.len() as u64);
        if stop {
            break;
        }
    }
    outcomes
}

/// Uploads a file for a record of one's own; tickets by its size at each node.
pub async fn attach<H: Host, S: Store, C: Source>(
    client: &Client<H>,
    wallet: &mut Wallet<S>,
    source: &mut C,
    (media_type, title): (&str, &str),
    rng: &mut impl CryptoRng,
    progress: &mut impl Progress,
) -> Result<Attachment, ClientError> {
    let prepared = prepare(source, DataKey::generate(rng), progress).await?;
    let parameters = client.parameters().await?;
    let each = super::adopt::tickets_for(prepared.stored.bytes);
    let tickets = super::tickets::take(client, wallet, each, &parameters).await?;
    super::adopt::place(client, wallet, &prepared, source, &tickets).await?;
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

/// What is signed with the owner key.
pub(super) struct Body {
    pub form: Form,
    pub bytes: Vec<u8>,
    pub attachments: Vec<Attachment>,
    pub supersedes: Option<Digest>,
    pub summary: Summary,
}

/// Draws an index, signs, stores, enters.
pub(super) async fn enter<H: Host, S: Store>(
    client: &Client<H>,
    wallet: &mut Wallet<S>,
    body: Body,
    rng: &mut impl CryptoRng,
) -> Result<RecordIndex, ClientError> {
    let index = wallet.draw_record(OfferStatus::Adopting, client.now(), "").await?;
    let claims = Claims {
        chain: client.chain(),
        form: body.form,
        owner_commitment: wallet.keys().owner_commitment(index),
        time: client.now(),
        author: Author::Owner,
        supersedes: body.supersedes,
        attachments: body.attachments,
    };
    let document = Document::sign(claims, body.bytes, &wallet.keys().owner(index))?;
    super::adopt::enter(client, wallet, index, &document, body.summary, rng).await?;
    Ok(index)
}
