//! Opening a grant (protocol 4.3, 5 and 7). The reader fetches both buckets herself, fresh; nothing that the patient
//! sent is believed that the chain does not bear out.

use commonware_codec::Encode as _;
use yilian_ledger::{
    Entry, Time,
    entry::{GrantEntry, RecordEntry},
    name::Aid,
};

use crate::{
    client::Client,
    error::ClientError,
    host::Host,
    member::Member,
    message::Opening,
    opened::{Contents, OpenedRecord, open_record, record_entry},
    record::{ContentKey, Dossier},
    verified::View,
};

/// A record that was granted, opened.
#[derive(Clone, Debug)]
pub struct GrantedRecord {
    pub record: OpenedRecord,
    /// The ledger's time of the grant.
    pub granted: Time,
    /// First instant at which it ends.
    pub expiry: Time,
}

/// A record of a dossier, opened. Whose it is stands in its own summary.
#[derive(Clone, Debug)]
pub struct DossierRecord {
    pub record: OpenedRecord,
    /// It names another patient than the dossier's first record that names one. Who granted the dossier holds the keys
    /// of every record in it, but that all are about one person is nobody's word.
    pub other_patient: bool,
}

/// Opens a grant with whichever delegatee key of the member's ring it was made for.
pub async fn open<H: Host>(
    client: &Client<H>,
    member: &Member,
    opening: &Opening,
) -> Result<GrantedRecord, ClientError> {
    let aid = Aid::of(&opening.owner);
    let grants = client.look_up_now(&opening.bid.name()).await?;
    let grant = grant_entry(&grants, opening)?;
    let records = client.look_up(&aid.name()).await?;
    let entry = record_entry(&records, &aid)?;
    if entry.capsule != opening.capsule || entry.wrapped != opening.wrapped {
        return Err(ClientError::Capsule);
    }
    let content = content_key(member, opening, grant, entry)?;
    let record = open_record(client, entry, &opening.owner, opening.salt.expose(), &content).await?;
    Ok(GrantedRecord { record, granted: grant.time, expiry: grant.expiry })
}

/// The grant, if it still counts.
fn grant_entry<'a>(view: &'a View, opening: &Opening) -> Result<&'a GrantEntry, ClientError> {
    match view.entry(&opening.bid.name()) {
        Some(Entry::Grant(grant)) if grant.expiry > view.time() => Ok(grant),
        Some(Entry::Grant(grant)) => Err(ClientError::Ended(grant.expiry)),
        Some(Entry::Tombstone { ended, .. }) => Err(ClientError::Ended(*ended)),
        Some(_) => Err(ClientError::WrongEntry),
        None => Err(ClientError::NotFound),
    }
}

/// Tries the ring, newest key first; the wrapped key authenticates the right one.
fn content_key(
    member: &Member,
    opening: &Opening,
    grant: &GrantEntry,
    entry: &RecordEntry,
) -> Result<ContentKey, ClientError> {
    let owner = opening.owner.encode();
    member
        .keys
        .delegatee_ring()
        .map(|key| key.open(&opening.blinding, &grant.reencrypted, &entry.capsule, &owner))
        .find_map(|key| ContentKey::unwrap(&key, &entry.wrapped).ok())
        .ok_or(ClientError::NoDelegateeKey)
}

/// Opens every record of a dossier, each with every check, and says which name another patient (spec R-18); one that
/// fails hides no other.
pub async fn open_dossier<H: Host>(
    client: &Client<H>,
    dossier: &Dossier,
) -> Vec<Result<DossierRecord, ClientError>> {
    let mut records = Vec::with_capacity(dossier.records.len());
    for opening in &dossier.records {
        let aid = Aid::of(&opening.owner);
        let opened = async {
            let view = client.look_up(&aid.name()).await?;
            let entry = record_entry(&view, &aid)?;
            open_record(client, entry, &opening.owner, opening.salt.expose(), &opening.content).await
        };
        records.push(opened.await);
    }
    flag_others(records)
}

fn flag_others(records: Vec<Result<OpenedRecord, ClientError>>) -> Vec<Result<DossierRecord, ClientError>> {
    let mut named = records.iter().flatten().map(|record| &record.summary().patient);
    let first = named.find(|patient| patient.is_named()).cloned().unwrap_or_default();
    let flag = |record: OpenedRecord| {
        let other_patient = record.summary().patient.is_other_than(&first);
        DossierRecord { record, other_patient }
    };
    records.into_iter().map(|record| record.map(flag)).collect()
}

impl GrantedRecord {
    /// The dossier inside, if this is one.
    pub fn dossier(&self) -> Option<&Dossier> {
        match self.record.document().contents() {
            Contents::Dossier(dossier) => Some(dossier),
            Contents::Fhir(_) => None,
        }
    }
}
