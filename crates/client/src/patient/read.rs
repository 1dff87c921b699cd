//! Reading one's own records.

use commonware_codec::Encode as _;
use yilian_ledger::entry::RecordEntry;

use crate::{
    client::Client,
    content::{Object, Progress, Sink},
    error::ClientError,
    host::Host,
    opened::{OpenedRecord, open_record, record_entry},
    record::{Attachment, ContentKey, RecordOpening},
    wallet::{
        Store, Wallet,
        index::RecordIndex,
        keys::Keys,
        state::{Note, Record},
    },
};

/// Opens a record of this wallet, with every check that a reader makes.
pub async fn read<H: Host, S: Store>(
    client: &Client<H>,
    wallet: &mut Wallet<S>,
    index: RecordIndex,
) -> Result<OpenedRecord, ClientError> {
    let aid = wallet.keys().aid(index);
    let view = client.look_up(&aid.name()).await?;
    let entry = record_entry(&view, &aid)?;
    let (owner, salt) = (wallet.keys().owner(index).verifying_key(), wallet.keys().salt(index));
    let content = content_key(wallet.keys(), index, entry)?;
    let record = open_record(client, entry, &owner, salt.expose(), &content).await?;
    let known = Record {
        aid,
        time: entry.time,
        summary: Some(record.summary().clone()),
        next_grant: 0,
        note: Note::default(),
    };
    wallet.keep_record(index, known).await?;
    Ok(record)
}

/// `DK`, CID and the hiding part of `com`, from the entry and the record's delegator key.
pub(super) fn content_key(
    keys: &Keys,
    index: RecordIndex,
    entry: &RecordEntry,
) -> Result<ContentKey, ClientError> {
    let owner = keys.owner(index).verifying_key().encode();
    let key = keys.record_delegator(index).decapsulate(&entry.capsule, &owner);
    Ok(ContentKey::unwrap(&key, &entry.wrapped)?)
}

/// What opens a record inside a dossier.
pub(super) async fn opening<H: Host, S: Store>(
    client: &Client<H>,
    wallet: &Wallet<S>,
    index: RecordIndex,
) -> Result<RecordOpening, ClientError> {
    let aid = wallet.keys().aid(index);
    let view = client.look_up(&aid.name()).await?;
    let entry = record_entry(&view, &aid)?;
    Ok(RecordOpening {
        owner: wallet.keys().owner(index).verifying_key(),
        salt: wallet.keys().salt(index),
        content: content_key(wallet.keys(), index, entry)?,
    })
}

/// A whole attachment, checked against the digest that was signed.
pub async fn read_attachment<H: Host>(
    client: &Client<H>,
    attachment: &Attachment,
    sink: &mut impl Sink,
    progress: &mut impl Progress,
) -> Result<(), ClientError> {
    let mut object = open_attachment(client, attachment).await?;
    object.read_all(client, Some(&attachment.tree), sink, progress).await
}

/// An attachment open for range reads: every segment is authenticated by itself.
pub async fn open_attachment<H: Host>(
    client: &Client<H>,
    attachment: &Attachment,
) -> Result<Object, ClientError> {
    let object = Object::open(client, attachment.cid, &attachment.key).await?;
    if object.length() == attachment.length {
        Ok(object)
    } else {
        Err(crate::content::ContentError::Digest.into())
    }
}
