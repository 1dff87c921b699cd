//! Secret ticket keys: one for a period and class, for good (spec T-10).

use redb::{ReadTransaction, ReadableDatabase as _, ReadableTable as _, TableDefinition, WriteTransaction};
use yilian_crypto::ticket::{Class, Period, TicketSecretKey};

use super::Store;
use crate::AuthorityError;

/// (period, class) → sealed PKCS#8.
const KEYS: TableDefinition<'_, (u32, u8), &[u8]> = TableDefinition::new("ticket-keys");
/// Keys that ledger state holds.
const SET: TableDefinition<'_, (u32, u8), ()> = TableDefinition::new("ticket-keys-set");

pub(super) fn create_tables(write: &WriteTransaction) -> Result<(), AuthorityError> {
    write.open_table(KEYS)?;
    write.open_table(SET)?;
    Ok(())
}

pub(super) fn prune(write: &WriteTransaction, first: Period) -> Result<(), AuthorityError> {
    write.open_table(KEYS)?.retain_in(..(first.0, 0), |_, _| false)?;
    write.open_table(SET)?.retain_in(..(first.0, 0), |_, ()| false)?;
    Ok(())
}

pub(super) fn any_before(read: &ReadTransaction, first: Period) -> Result<bool, AuthorityError> {
    Ok(read.open_table(KEYS)?.first()?.is_some_and(|(key, _)| key.value().0 < first.0))
}

impl Store {
    /// The secret key of a class and period, if there is one.
    pub fn ticket_key(
        &self,
        class: Class,
        period: Period,
    ) -> Result<Option<TicketSecretKey>, AuthorityError> {
        let read = self.database.begin_read()?;
        let sealed = read.open_table(KEYS)?.get((period.0, class as u8))?.map(|value| value.value().to_vec());
        sealed.map(|sealed| self.open_ticket_key(&sealed)).transpose()
    }

    fn open_ticket_key(&self, sealed: &[u8]) -> Result<TicketSecretKey, AuthorityError> {
        let der = self.sealer.open("ticket-key", sealed)?;
        TicketSecretKey::from_pkcs8(der.expose()).map_err(|_| AuthorityError::Corrupt("a ticket key"))
    }

    /// Keeps `key` unless there is one already, which is returned instead: no period gets two.
    pub(crate) fn keep_ticket_key(
        &self,
        class: Class,
        period: Period,
        key: TicketSecretKey,
    ) -> Result<TicketSecretKey, AuthorityError> {
        let write = self.database.begin_write()?;
        {
            let mut keys = write.open_table(KEYS)?;
            let known = keys.get((period.0, class as u8))?.map(|value| value.value().to_vec());
            if let Some(sealed) = known {
                return self.open_ticket_key(&sealed);
            }
            let sealed = self.sealer.seal("ticket-key", key.to_pkcs8().expose());
            keys.insert((period.0, class as u8), sealed.as_slice())?;
        }
        write.commit()?;
        Ok(key)
    }

    pub(crate) fn mark_set(&self, class: Class, period: Period) -> Result<(), AuthorityError> {
        let write = self.database.begin_write()?;
        write.open_table(SET)?.insert((period.0, class as u8), ())?;
        Ok(write.commit()?)
    }

    pub(crate) fn is_set(&self, class: Class, period: Period) -> Result<bool, AuthorityError> {
        let read = self.database.begin_read()?;
        Ok(read.open_table(SET)?.get((period.0, class as u8))?.is_some())
    }
}
