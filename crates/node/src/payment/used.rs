//! Tickets used at this node, until their period is over (spec H-6).

use redb::{Database, ReadableTable as _, TableDefinition, WriteTransaction};
use yilian_crypto::Digest;
use yilian_ledger::Time;

use super::PaymentError;
use crate::database::DatabaseError;

/// What a ticket pays for; one use each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Purpose {
    Upload = 1,
    Mailbox = 2,
    Backup = 3,
}

/// A ticket's use, to be remembered until its period's tickets end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    pub spent: Digest,
    pub until: Time,
}

/// (purpose, spent id) → end.
const USED: TableDefinition<(u8, [u8; 32]), u64> = TableDefinition::new("tickets-used");
/// (end, purpose, spent id), for pruning.
const ENDS: TableDefinition<(u64, u8, [u8; 32]), ()> = TableDefinition::new("tickets-used-ends");

pub fn claim(transaction: &WriteTransaction, purpose: Purpose, uses: &[Use]) -> Result<(), PaymentError> {
    let mut used = transaction.open_table(USED).map_err(DatabaseError::from)?;
    let mut ends = transaction.open_table(ENDS).map_err(DatabaseError::from)?;
    for Use { spent, until } in uses {
        let before = used.insert((purpose as u8, spent.0), until.0).map_err(DatabaseError::from)?;
        // The same ticket twice in one payment is caught here, too.
        if before.is_some() {
            return Err(PaymentError::Spent);
        }
        ends.insert((until.0, purpose as u8, spent.0), ()).map_err(DatabaseError::from)?;
    }
    Ok(())
}

/// Forgets uses of tickets that no longer count at `now` of the chain. Returns how many.
pub fn prune(database: &Database, now: Time) -> Result<usize, DatabaseError> {
    let transaction = database.begin_write()?;
    let mut over = Vec::new();
    {
        let mut used = transaction.open_table(USED)?;
        let mut ends = transaction.open_table(ENDS)?;
        for row in ends.range(..(now.0, 0, [0; 32]))? {
            over.push(row?.0.value());
        }
        for (end, purpose, spent) in &over {
            ends.remove((*end, *purpose, *spent))?;
            used.remove((*purpose, *spent))?;
        }
    }
    transaction.commit()?;
    Ok(over.len())
}
