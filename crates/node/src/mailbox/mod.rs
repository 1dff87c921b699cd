//! Sealed mailboxes (spec MB-*): bounded size and life, handed out to their owner only, against a receipt.

mod envelope;
mod error;
mod quota;
mod replay;
mod store;

use std::sync::Arc;

use redb::Database;
use yilian_api::{
    content::UploadPayment,
    encoding,
    mailbox::{MAX_MESSAGE, Receipt, mailbox_id, message_id},
    signing::{Audience, MailboxVerb, Statement},
};
use yilian_crypto::{
    Digest,
    sign::{Signature, VerifyingKey},
};

pub use self::{
    envelope::Envelope,
    error::MailboxError,
    quota::Quota,
    store::{ROW_BYTES, Store},
};
use self::{replay::ReplayGuard, store::Incoming};
use crate::{
    database::DatabaseError,
    payment::{Payments, Purpose, Verified},
    view::LedgerView,
};

/// Signed requests remembered, at about 150 bytes each.
const REMEMBERED: usize = 1 << 16;

pub struct Mailboxes {
    store: Store,
    replay: ReplayGuard,
    payments: Payments,
    view: Arc<dyn LedgerView>,
}

/// A message as posted, decoded.
#[derive(Debug)]
pub struct NewMessage {
    pub mailbox: Digest,
    pub sealed: Vec<u8>,
    pub receipt: Option<Digest>,
    /// Unix ms, when the payment was signed.
    pub time: u64,
    pub payment: Option<UploadPayment>,
}

/// An owner's request, decoded.
#[derive(Clone, Debug)]
pub struct Owner {
    pub mailbox: Digest,
    pub key: VerifyingKey,
    /// Unix ms.
    pub time: u64,
    pub signature: Signature,
}

impl Mailboxes {
    /// `started`: requests signed before are refused (spec MB-4).
    pub fn open(
        database: Arc<Database>,
        quota: Quota,
        payments: Payments,
        view: Arc<dyn LedgerView>,
        started: u64,
    ) -> Result<Self, DatabaseError> {
        let store = Store::open(database, quota)?;
        Ok(Self { store, replay: ReplayGuard::new(started, REMEMBERED), payments, view })
    }

    /// Messages that are held.
    pub fn count(&self) -> Result<u64, DatabaseError> {
        self.store.count()
    }

    /// Message id and end.
    pub async fn post(&self, new: NewMessage, now: u64) -> Result<(Digest, u64), MailboxError> {
        if new.sealed.is_empty() {
            return Err(MailboxError::Empty);
        }
        if new.sealed.len() > MAX_MESSAGE {
            return Err(MailboxError::TooLarge { max: MAX_MESSAGE });
        }
        let id = message_id(&new.sealed);
        if let Some(envelope) = self.store.envelope(&new.mailbox, &id, now)? {
            return Ok((id, envelope.expires));
        }
        let payment = self.pay(&new, &id, now).await?;
        let store = self.store.clone();
        let incoming = Incoming { mailbox: new.mailbox, sealed: new.sealed, receipt: new.receipt, payment };
        let expires = crate::blocking(move || store.post(incoming, now)).await?;
        Ok((id, expires))
    }

    pub async fn list(&self, owner: &Owner, now: u64) -> Result<Vec<(Digest, Envelope)>, MailboxError> {
        self.authenticate(owner, MailboxVerb::List, None, now)?;
        self.store.list(&owner.mailbox, now)
    }

    /// The sealed bytes. `receipt` is demanded as long as the envelope names a receipt mailbox.
    pub async fn fetch(
        &self,
        owner: &Owner,
        message: Digest,
        receipt: Option<Signature>,
        now: u64,
    ) -> Result<Vec<u8>, MailboxError> {
        self.authenticate(owner, MailboxVerb::Fetch, Some(&message), now)?;
        let target =
            self.store.envelope(&owner.mailbox, &message, now)?.and_then(|envelope| envelope.receipt);
        let (Some(target), Some(signature)) = (target, receipt) else {
            return self.store.fetch(&owner.mailbox, &message, now);
        };
        let receipt = Receipt { owner: owner.key, message, time: owner.time, signature };
        receipt.verify(&self.audience().chain, &target).map_err(|_| MailboxError::ReceiptInvalid)?;
        let (store, mailbox) = (self.store.clone(), owner.mailbox);
        crate::blocking(move || store.fetch_against_receipt(&mailbox, &message, &receipt.to_bytes(), now))
            .await
    }

    pub async fn delete(&self, owner: &Owner, message: Digest, now: u64) -> Result<(), MailboxError> {
        self.authenticate(owner, MailboxVerb::Delete, Some(&message), now)?;
        let (store, mailbox) = (self.store.clone(), owner.mailbox);
        crate::blocking(move || store.delete(&mailbox, &message, now)).await
    }

    /// Removes what ended.
    pub async fn prune(&self, now: u64) -> Result<usize, DatabaseError> {
        const BATCH: usize = 4096;
        let store = self.store.clone();
        crate::blocking(move || store.prune(now, BATCH)).await
    }

    fn audience(&self) -> &Audience {
        self.payments.audience()
    }

    /// `None` for a free post, which a standing mailbox refuses.
    async fn pay(&self, new: &NewMessage, id: &Digest, now: u64) -> Result<Option<Verified>, MailboxError> {
        let Some(payment) = &new.payment else {
            return match self.view.is_standing(&new.mailbox)? {
                true => Err(MailboxError::PaymentRequired),
                false => Ok(None),
            };
        };
        self.replay.check_time(new.time, now)?;
        let receipt = new.receipt.as_ref();
        let statement = Statement::mailbox_post(self.audience(), &new.mailbox, id, receipt, new.time);
        Ok(Some(self.payments.verify(payment, &statement, Purpose::Mailbox, 1).await?))
    }

    /// Cheapest first: time, ownership, signature, then whether it was answered before.
    fn authenticate(
        &self,
        owner: &Owner,
        verb: MailboxVerb,
        message: Option<&Digest>,
        now: u64,
    ) -> Result<(), MailboxError> {
        self.replay.check_time(owner.time, now)?;
        if mailbox_id(&owner.key) != owner.mailbox {
            return Err(MailboxError::NotOwner);
        }
        let statement =
            Statement::mailbox_request(self.audience(), verb, &owner.mailbox, message, owner.time);
        statement.verify(&owner.key, &owner.signature).map_err(|_| MailboxError::Signature)?;
        self.replay.admit(statement.digest(), owner.time, now)
    }
}

impl Owner {
    /// Of a request about `mailbox`.
    pub fn parse(
        mailbox: Digest,
        request: &yilian_api::mailbox::OwnerRequest,
    ) -> Result<Self, (&'static str, encoding::EncodingError)> {
        let key = encoding::key_from_hex(&request.owner).map_err(|error| ("owner", error))?;
        let signature =
            encoding::signature_from_hex(&request.signature).map_err(|error| ("signature", error))?;
        Ok(Self { mailbox, key, time: request.time, signature })
    }
}
