//! Applications for certificates and what became of them (spec M-11). They hold nothing that a certificate would not publish.

use redb::{ReadableDatabase as _, ReadableTable as _, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};
use yilian_crypto::Digest;

use super::Store;
use crate::AuthorityError;

/// Id → the application with its decision, as JSON: the body that was signed.
const APPLICATIONS: TableDefinition<'_, [u8; 32], &[u8]> = TableDefinition::new("applications");
/// Most applications kept. Anybody may apply, so there is an end.
const MAX_APPLICATIONS: u64 = 65_536;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Application {
    pub(crate) body: yilian_api::authority::Application,
    pub(crate) decision: Decision,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Decision {
    Waiting,
    /// DER.
    Admitted(Vec<u8>),
    Refused(String),
}

pub(super) fn create_tables(write: &WriteTransaction) -> Result<(), AuthorityError> {
    write.open_table(APPLICATIONS)?;
    Ok(())
}

fn decode(json: &[u8]) -> Result<Application, AuthorityError> {
    serde_json::from_slice(json).map_err(|_| AuthorityError::Corrupt("an application"))
}

fn encode(application: &Application) -> Result<Vec<u8>, AuthorityError> {
    serde_json::to_vec(application).map_err(|_| AuthorityError::Corrupt("an application"))
}

impl Store {
    /// Keeps a new application; one known already stays as it is and is returned.
    pub(crate) fn put_application(
        &self,
        id: &Digest,
        body: &yilian_api::authority::Application,
    ) -> Result<Application, AuthorityError> {
        let application = Application { body: body.clone(), decision: Decision::Waiting };
        let write = self.database.begin_write()?;
        {
            let mut table = write.open_table(APPLICATIONS)?;
            let known = table.get(id.0)?.map(|value| value.value().to_vec());
            if let Some(json) = known {
                return decode(&json);
            }
            if redb::ReadableTableMetadata::len(&table)? >= MAX_APPLICATIONS {
                return Err(AuthorityError::ApplicationsFull);
            }
            table.insert(id.0, encode(&application)?.as_slice())?;
        }
        write.commit()?;
        Ok(application)
    }

    pub(crate) fn application(&self, id: &Digest) -> Result<Application, AuthorityError> {
        let read = self.database.begin_read()?;
        let json = read.open_table(APPLICATIONS)?.get(id.0)?.map(|value| value.value().to_vec());
        decode(&json.ok_or(AuthorityError::ApplicationUnknown)?)
    }

    pub(crate) fn waiting_applications(&self) -> Result<Vec<(Digest, Application)>, AuthorityError> {
        let read = self.database.begin_read()?;
        let mut waiting = Vec::new();
        for item in read.open_table(APPLICATIONS)?.iter()? {
            let (id, json) = item?;
            let application = decode(json.value())?;
            if application.decision == Decision::Waiting {
                waiting.push((Digest(id.value()), application));
            }
        }
        Ok(waiting)
    }

    /// A decision is made once.
    pub(crate) fn decide(&self, id: &Digest, decision: Decision) -> Result<(), AuthorityError> {
        let write = self.database.begin_write()?;
        {
            let mut table = write.open_table(APPLICATIONS)?;
            let json = table.get(id.0)?.map(|value| value.value().to_vec());
            let mut application = decode(&json.ok_or(AuthorityError::ApplicationUnknown)?)?;
            if application.decision != Decision::Waiting {
                return Err(AuthorityError::ApplicationDecided);
            }
            application.decision = decision;
            table.insert(id.0, encode(&application)?.as_slice())?;
        }
        Ok(write.commit()?)
    }
}
