//! Dossiers (protocol 4.3, 1): several records opened to a reader by one grant, so that no burst of grants links them.

use commonware_codec::Encode as _;
use rand_core::CryptoRng;

use crate::{
    client::Client,
    error::ClientError,
    host::Host,
    record::{Class, DocumentError, Dossier, Form, Summary, opening::MAX_DOSSIER},
    wallet::{Store, Wallet, index::RecordIndex},
    wire::Text,
};

/// A new record that holds the openings of `records`; grant it instead of them.
pub async fn dossier<H: Host, S: Store>(
    client: &Client<H>,
    wallet: &mut Wallet<S>,
    title: &str,
    records: &[RecordIndex],
    rng: &mut impl CryptoRng,
) -> Result<RecordIndex, ClientError> {
    if records.len() > MAX_DOSSIER {
        return Err(DocumentError::TooLarge.into());
    }
    let mut openings = Vec::with_capacity(records.len());
    for index in records {
        openings.push(super::read::opening(client, wallet, *index).await?);
    }
    let dossier = Dossier { title: Text::clipped(title), records: openings };
    let summary = Summary {
        class: Class::SelfRecorded,
        kind: Text::clipped("Dossier"),
        title: dossier.title.clone(),
        date: Text::default(),
        author: Text::default(),
        patient: Default::default(),
        attachments: 0,
    };
    let bytes = dossier.encode().to_vec();
    let body =
        super::own::Body { form: Form::Dossier, bytes, attachments: Vec::new(), supersedes: None, summary };
    super::own::enter(client, wallet, body, rng).await
}
