//! The authority itself: genesis, issuer, store and settings; the methods are in the files of their subjects.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use yilian_api::{
    authority::{AuthorityInfo, MAX_TICKETS, REQUEST_WINDOW_MS},
    encoding::{to_base64, to_hex},
};
use yilian_crypto::ticket::{Class, Period, TicketSecretKey};
use yilian_ledger::{ChainId, Genesis, Time};

use crate::{AuthorityError, Issuer, Store};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Tickets of a wallet or member per period and class, 1 to 64: exactly so many are given.
    pub tickets_per_period: u32,
    /// How long an enrolment code may be redeemed, ms.
    pub code_life_ms: u64,
}

impl Default for Settings {
    /// 16 tickets; codes of a day.
    fn default() -> Self {
        Self { tickets_per_period: 16, code_life_ms: 24 * 3600 * 1000 }
    }
}

/// Opened ticket keys: opening one checks it, which takes a while.
type OpenKeys = BTreeMap<(Period, Class), Arc<TicketSecretKey>>;

#[derive(Debug)]
pub struct Authority {
    pub(crate) genesis: Genesis,
    pub(crate) chain: ChainId,
    pub(crate) issuer: Issuer,
    pub(crate) store: Store,
    pub(crate) settings: Settings,
    open_keys: Mutex<OpenKeys>,
}

impl Authority {
    /// Binds `store` to the chain and the issuer; a store of another one is refused. Ticket keys of the genesis that are in
    /// the store count as set.
    pub fn new(
        genesis: Genesis,
        issuer: Issuer,
        store: Store,
        settings: Settings,
    ) -> Result<Self, AuthorityError> {
        if !(1..=MAX_TICKETS as u32).contains(&settings.tickets_per_period) {
            return Err(AuthorityError::Field("tickets_per_period"));
        }
        let chain = genesis.chain_id();
        store.bind(chain, issuer.id())?;
        let authority =
            Self { genesis, chain, issuer, store, settings, open_keys: Mutex::new(BTreeMap::new()) };
        for (class, period, key) in &authority.genesis.ticket_keys {
            let ours = authority.store.ticket_key(*class, *period)?;
            if ours.is_some_and(|ours| ours.public() == key) {
                authority.store.mark_set(*class, *period)?;
            }
        }
        Ok(authority)
    }

    pub fn chain(&self) -> ChainId {
        self.chain
    }

    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    pub fn info(&self, now: Time) -> AuthorityInfo {
        AuthorityInfo {
            chain: self.chain.0.to_string(),
            member: to_hex(&self.issuer.id().0.0),
            certificate: to_base64(self.issuer.certificate().der()),
            period: self.period(now).0,
            tickets_per_period: self.settings.tickets_per_period,
        }
    }

    /// The length of a period never changes (L-93), so genesis tells.
    pub(crate) fn period(&self, now: Time) -> Period {
        self.genesis.parameters.period(now)
    }

    /// A request's time lies within the window around `now`.
    pub(crate) fn check_window(&self, time: u64, now: Time) -> Result<(), AuthorityError> {
        match time.abs_diff(now.0) <= REQUEST_WINDOW_MS {
            true => Ok(()),
            false => Err(AuthorityError::Window),
        }
    }

    /// The secret key of a class and period, if there is one.
    pub(crate) fn secret_key(
        &self,
        class: Class,
        period: Period,
    ) -> Result<Option<Arc<TicketSecretKey>>, AuthorityError> {
        if let Some(key) = self.open_keys().get(&(period, class)) {
            return Ok(Some(Arc::clone(key)));
        }
        let Some(key) = self.store.ticket_key(class, period)? else { return Ok(None) };
        let key = Arc::new(key);
        self.open_keys().insert((period, class), Arc::clone(&key));
        Ok(Some(key))
    }

    pub(crate) fn forget_keys_before(&self, first: Period) {
        self.open_keys().retain(|(period, _), _| *period >= first);
    }

    fn open_keys(&self) -> std::sync::MutexGuard<'_, OpenKeys> {
        // A map of immutable values: nothing is half done in it.
        self.open_keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
