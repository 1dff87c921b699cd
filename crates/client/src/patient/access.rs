//! The access log (protocol 4.3, 6): *first fetched by ..., at ...*, from receipts that verify.

use yilian_api::mailbox::{MessageKind, Receipt, mailbox_id};
use yilian_ledger::{Time, name::Bid};

use crate::{
    client::Client,
    error::ClientError,
    host::Host,
    mailbox,
    wallet::{
        Store, Wallet,
        index::{GrantIndex, RecordIndex},
        state::{Grant, GrantStatus, Reader},
    },
};

/// A grant, and whether its reader fetched the opening.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    pub record: RecordIndex,
    pub grant: GrantIndex,
    pub bid: Bid,
    /// `None` after a recovery without backup.
    pub reader: Option<Reader>,
    pub status: GrantStatus,
    pub granted: Time,
    pub expiry: Time,
    /// Opening message was sent.
    pub sent: bool,
    /// By the reader's signed receipt.
    pub opened: Option<Time>,
}

/// Fetches and verifies receipts, and gives the whole log.
pub async fn access_log<H: Host, S: Store>(
    client: &Client<H>,
    wallet: &mut Wallet<S>,
) -> Result<Vec<Access>, ClientError> {
    let waiting = |(key, grant): (&(RecordIndex, GrantIndex), &Grant)| {
        let posted = grant.posted.as_ref().filter(|_| grant.opened.is_none())?;
        Some((*key, posted.message, grant.reader.clone()?))
    };
    let waiting: Vec<_> = wallet.state().grants.iter().filter_map(waiting).collect();
    for ((record, index), message, reader) in waiting {
        let keys = wallet.keys().receipt_mailbox(record, index);
        let mut opened = None;
        for incoming in mailbox::collect(client, &keys.owner).await? {
            if incoming.kind != MessageKind::Receipt {
                continue;
            }
            let Ok(receipt) = Receipt::from_bytes(&incoming.bytes) else { continue };
            let by_reader = mailbox_id(&receipt.owner) == reader.mailbox && receipt.message == message;
            if by_reader && receipt.verify(&client.chain().0, &keys.id()).is_ok() {
                let time = Time(receipt.time);
                opened = Some(opened.map_or(time, |earlier: Time| earlier.min(time)));
            }
        }
        if let Some(grant) = wallet.state_mut().grants.get_mut(&(record, index)) {
            grant.opened = opened;
        }
    }
    wallet.save().await?;
    Ok(log(wallet))
}

/// The log as this device knows it.
pub fn log<S: Store>(wallet: &Wallet<S>) -> Vec<Access> {
    let access = |(&(record, grant), entry): (&(RecordIndex, GrantIndex), &Grant)| Access {
        record,
        grant,
        bid: entry.bid,
        reader: entry.reader.clone(),
        status: entry.status,
        granted: entry.granted,
        expiry: entry.expiry,
        sent: entry.posted.is_some(),
        opened: entry.opened,
    };
    wallet.state().grants.iter().map(access).collect()
}
