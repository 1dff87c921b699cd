//! What handlers share.

use std::{
    ops::Deref,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use axum::extract::FromRef;
use tokio::sync::{Semaphore, watch};
use yilian_api::{ledger::GenesisBody, signing::Audience};
use yilian_chain::Handle;
use yilian_crypto::sign::SigningKey;

use crate::{
    backup::Backups, governance::Policy, http::content::Content, mailbox::Mailboxes, metrics::Metrics,
    payment::Payments,
};

/// Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// A node's services.
pub struct Parts {
    pub audience: Audience,
    /// The key that `audience` names: what the node says of itself is signed with it.
    pub identity: SigningKey,
    pub genesis: GenesisBody,
    pub chain: Handle,
    pub payments: Payments,
    pub mailboxes: Mailboxes,
    pub backups: Backups,
    pub content: Content,
    pub policy: Policy,
    pub metrics: Arc<Metrics>,
    /// One permit a subscriber of events.
    pub subscribers: Arc<Semaphore>,
    /// Turns true when the node stops: endless answers end.
    pub stop: watch::Receiver<bool>,
}

impl App {
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl FromRef<App> for Content {
    fn from_ref(app: &App) -> Self {
        app.content.clone()
    }
}

/// Unix ms by the node's clock.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
