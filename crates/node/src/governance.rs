//! What this node co-signs when the authority asks (spec H-8): the next ticket key of a class, once. Roots, parameters and
//! revocations are its operator's decision, made with the command line.

use std::sync::Arc;

use commonware_codec::DecodeExt as _;
use redb::{Database, ReadableDatabase as _, ReadableTable as _, TableDefinition};
use yilian_api::{problem::Code, signing::Statement};
use yilian_crypto::{
    Digest, Label,
    hash::tagged,
    sign::{Signature, VerifyingKey},
    ticket::{Class, Period},
};
use yilian_ledger::{ChainId, Entry, Name, TICKET_KEYS_AHEAD, Time, transaction::Action};

use crate::{
    database::DatabaseError,
    http::error::ApiError,
    view::{LedgerView, Unavailable},
};

/// (class, period) → digest of the action signed.
const SIGNED: TableDefinition<(u8, u32), [u8; 32]> = TableDefinition::new("governance-signed");

#[derive(Debug, thiserror::Error)]
pub enum GovernanceError {
    #[error("the action does not decode")]
    Malformed,
    #[error("this action needs the operator: use the command line")]
    Operator,
    #[error(
        "the request is not signed by an authority that this node's operator named in its settings (`authorities`)"
    )]
    Authority,
    #[error("valid-until has passed or is further ahead than the parameters allow")]
    Validity,
    #[error("the period has passed, is too far ahead, or the period before it has no key yet")]
    Order,
    #[error("the ledger has a key for this class and period")]
    Set,
    #[error("this node has signed another key for this class and period")]
    Signed,
    #[error(transparent)]
    View(#[from] Unavailable),
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl GovernanceError {
    pub fn code(&self) -> Code {
        match self {
            Self::Malformed => Code::RequestField,
            Self::Operator => Code::GovernancePolicy,
            Self::Authority => Code::RequestUnauthorized,
            Self::Validity => Code::RequestExpired,
            Self::Order | Self::Set => Code::GovernanceOrder,
            Self::Signed => Code::GovernanceSigned,
            Self::View(_) => Code::Unavailable,
            Self::Database(_) => Code::Internal,
        }
    }
}

impl From<GovernanceError> for ApiError {
    fn from(error: GovernanceError) -> Self {
        Self::of(error.code(), &error)
    }
}

/// An authority's request, decoded.
#[derive(Debug)]
pub struct Request {
    /// Encoded `Action`.
    pub action: Vec<u8>,
    pub valid_until: u64,
    pub key: VerifyingKey,
    pub signature: Signature,
}

/// Evidence that the policy lets this action be signed, and that the node will sign no other in its place.
#[derive(Debug)]
pub struct Approved {
    action: Action,
    valid_until: Time,
}

impl Approved {
    pub fn action(&self) -> &Action {
        &self.action
    }
    pub fn valid_until(&self) -> Time {
        self.valid_until
    }
}

/// Whom the node listens to, and what it signed.
pub struct Policy {
    chain: ChainId,
    /// Of the configuration.
    authorities: Vec<VerifyingKey>,
    view: Arc<dyn LedgerView>,
    database: Arc<Database>,
}

impl Policy {
    pub fn open(
        chain: ChainId,
        configured: Vec<VerifyingKey>,
        view: Arc<dyn LedgerView>,
        database: Arc<Database>,
    ) -> Result<Self, DatabaseError> {
        let transaction = database.begin_write()?;
        transaction.open_table(SIGNED)?;
        transaction.commit()?;
        Ok(Self { chain, authorities: configured, view, database })
    }

    pub async fn approve(&self, request: Request) -> Result<Approved, GovernanceError> {
        Statement::approval_request(&self.chain.0, &request.action, request.valid_until)
            .verify(&request.key, &request.signature)
            .map_err(|_| GovernanceError::Authority)?;
        // Nobody is followed unasked: whoever picks a ticket key can forge tickets with it.
        if !self.authorities.contains(&request.key) {
            return Err(GovernanceError::Authority);
        }
        let now = self.view.time()?;
        let digest = tagged(Label::Governance, &[&request.action]);
        let action = Action::decode(request.action).map_err(|_| GovernanceError::Malformed)?;
        let Action::SetTicketKey { class, period, .. } = action else {
            return Err(GovernanceError::Operator);
        };
        let valid_until = Time(request.valid_until);
        if valid_until < now || valid_until > now.after(self.view.parameters().max_validity_ms) {
            return Err(GovernanceError::Validity);
        }
        self.in_order(class, period, now).await?;
        self.remember(class, period, digest).await?;
        Ok(Approved { action, valid_until })
    }

    /// Neither past nor far ahead, without a key, and its predecessor has one (or is past).
    async fn in_order(&self, class: Class, period: Period, now: Time) -> Result<(), GovernanceError> {
        let current = self.view.parameters().period(now);
        if period < current || period.0 > current.0.saturating_add(TICKET_KEYS_AHEAD) {
            return Err(GovernanceError::Order);
        }
        if self.has_key(class, period).await? {
            return Err(GovernanceError::Set);
        }
        if period > current {
            let before = Period(period.0 - 1);
            if !self.has_key(class, before).await? && !self.signed(class, before)? {
                return Err(GovernanceError::Order);
            }
        }
        Ok(())
    }

    async fn has_key(&self, class: Class, period: Period) -> Result<bool, GovernanceError> {
        let entry = self.view.entry(Name::ticket_key(class, period)).await?;
        Ok(matches!(entry, Some(Entry::TicketKey(_))))
    }

    fn signed(&self, class: Class, period: Period) -> Result<bool, GovernanceError> {
        let transaction = self.database.begin_read().map_err(DatabaseError::from)?;
        let table = transaction.open_table(SIGNED).map_err(DatabaseError::from)?;
        Ok(table.get((class as u8, period.0)).map_err(DatabaseError::from)?.is_some())
    }

    /// On disk before the signature exists: the node never signs two keys for one period.
    async fn remember(&self, class: Class, period: Period, digest: Digest) -> Result<(), GovernanceError> {
        let database = self.database.clone();
        let remember = move || {
            let transaction = database.begin_write().map_err(DatabaseError::from)?;
            {
                let mut table = transaction.open_table(SIGNED).map_err(DatabaseError::from)?;
                let key = (class as u8, period.0);
                let before = table.get(key).map_err(DatabaseError::from)?.map(|digest| digest.value());
                match before {
                    Some(before) if before != digest.0 => return Err(GovernanceError::Signed),
                    Some(_) => return Ok(()),
                    None => table.insert(key, digest.0).map_err(DatabaseError::from)?,
                };
            }
            transaction.commit().map_err(DatabaseError::from)?;
            Ok(())
        };
        crate::blocking(remember).await
    }
}
