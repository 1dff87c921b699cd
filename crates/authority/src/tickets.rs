//! Ticket keys and blind issuing (spec T-10 to T-14): a fixed number for each holder, period and class; the account is on
//! disk before a signature leaves.

use yilian_api::{
    authority::{BLINDED, TicketAnswer, TicketRequest},
    encoding::{digest_from_hex, from_base64, key_from_hex, signature_from_hex, to_base64},
    signing::Statement,
};
use yilian_crypto::{
    Digest, Label,
    hash::tagged,
    sign::VerifyingKey,
    ticket::{Class, Period, TicketKey, TicketSecretKey},
};
use yilian_ledger::Time;

use crate::{
    Authority, AuthorityError, Standing, Store, rng,
    store::{Holder, WalletKey},
};

/// A request's fields, decoded.
struct Decoded {
    key: VerifyingKey,
    member: Option<Digest>,
    class: Class,
    period: Period,
    blinded: Vec<Vec<u8>>,
}

impl Authority {
    /// Signs a wallet's or member's blinded messages. `standing` is asked of the chain when the request names a member.
    pub fn issue_tickets(
        &self,
        request: &TicketRequest,
        standing: Option<&Standing>,
        now: Time,
    ) -> Result<TicketAnswer, AuthorityError> {
        self.check_window(request.time, now)?;
        let decoded = self.decode(request)?;
        self.check_period(decoded.period, now)?;
        self.check_signature(request, &decoded)?;
        let holder = self.holder(&decoded, standing)?;
        let key = match self.store.is_set(decoded.class, decoded.period)? {
            true => self.secret_key(decoded.class, decoded.period)?.ok_or(AuthorityError::KeyNotSet)?,
            false => return Err(AuthorityError::KeyNotSet),
        };
        // Refused before the account is touched, so that a malformed message costs nothing.
        if !decoded.blinded.iter().all(|message| key.public().holds(message)) {
            return Err(AuthorityError::Field("blinded"));
        }
        let parts: Vec<&[u8]> = decoded.blinded.iter().map(Vec::as_slice).collect();
        let paid_for = tagged(Label::AuthorityRequest, &parts);
        self.store.charge(decoded.class, decoded.period, &holder, &paid_for)?;
        let sign = |message: &Vec<u8>| {
            let signature = key.sign_blinded(message, &mut rng());
            signature.map(|s| to_base64(&s)).map_err(|_| AuthorityError::Field("blinded"))
        };
        Ok(TicketAnswer { signatures: decoded.blinded.iter().map(sign).collect::<Result<_, _>>()? })
    }

    fn decode(&self, request: &TicketRequest) -> Result<Decoded, AuthorityError> {
        let expected = self.settings.tickets_per_period;
        if request.blinded.len() != expected as usize {
            return Err(AuthorityError::Count { expected });
        }
        let blinded = |text: &String| match from_base64(text, BLINDED) {
            Ok(bytes) if bytes.len() == BLINDED => Ok(bytes),
            _ => Err(AuthorityError::Field("blinded")),
        };
        Ok(Decoded {
            key: key_from_hex(&request.key).map_err(|_| AuthorityError::Field("key"))?,
            member: member(request)?,
            class: request.class.parse().map_err(|_| AuthorityError::Field("class"))?,
            period: Period(request.period),
            blinded: request.blinded.iter().map(blinded).collect::<Result<_, _>>()?,
        })
    }

    /// Now or next: what lies further ahead has no key yet, what is past buys nothing.
    fn check_period(&self, period: Period, now: Time) -> Result<(), AuthorityError> {
        let current = self.period(now);
        match period.0.checked_sub(current.0) {
            Some(0 | 1) => Ok(()),
            _ => Err(AuthorityError::Period { current: current.0 }),
        }
    }

    fn check_signature(&self, request: &TicketRequest, decoded: &Decoded) -> Result<(), AuthorityError> {
        let signature =
            signature_from_hex(&request.signature).map_err(|_| AuthorityError::Field("signature"))?;
        Statement::tickets(
            &self.chain.0,
            decoded.member.as_ref(),
            decoded.class.as_str(),
            decoded.period.0,
            &decoded.blinded,
            request.time,
        )
        .verify(&decoded.key, &signature)
        .map_err(|_| AuthorityError::Signature)
    }

    /// Whose budget pays: an enrolled wallet's, or that of a member certified now.
    fn holder(&self, decoded: &Decoded, standing: Option<&Standing>) -> Result<Holder, AuthorityError> {
        let Some(id) = decoded.member else {
            let wallet = WalletKey::of(&decoded.key);
            return match self.store.is_enrolled(&wallet)? {
                true => Ok(Holder::wallet(&wallet)),
                false => Err(AuthorityError::NotEnrolled),
            };
        };
        let standing =
            standing.filter(|standing| standing.id().0 == id).ok_or(AuthorityError::NotCertified)?;
        match standing.keys().any(|key| *key == decoded.key) {
            true => Ok(Holder::member(&id)),
            false => Err(AuthorityError::NotCertified),
        }
    }

    /// The public ticket key of a class and period; makes the pair if there is none, which takes a second or more.
    pub fn ticket_key(&self, class: Class, period: Period) -> Result<TicketKey, AuthorityError> {
        match self.secret_key(class, period)? {
            Some(key) => Ok(key.public().clone()),
            None => self.store.ensure_ticket_key(class, period),
        }
    }

    /// Whether ledger state is known to hold this authority's key of a class and period.
    pub fn is_ticket_key_set(&self, class: Class, period: Period) -> Result<bool, AuthorityError> {
        self.store.is_set(class, period)
    }

    /// Ledger state was proved to hold the key.
    pub(crate) fn ticket_key_is_set(&self, class: Class, period: Period) -> Result<(), AuthorityError> {
        self.store.mark_set(class, period)
    }

    /// Forgets keys and accounts of periods whose tickets are good no more, replay marks and codes that ended.
    pub fn prune(&self, now: Time) -> Result<(), AuthorityError> {
        let overlap = self.genesis.parameters.ticket_overlap_ms;
        let first = self.period(Time(now.0.saturating_sub(overlap)));
        self.forget_keys_before(first);
        match self.store.is_pruned(now.0, first)? {
            true => Ok(()),
            false => self.store.prune(now.0, first),
        }
    }
}

impl Store {
    /// The public ticket key of a class and period, made if there is none: before a genesis exists, for its first periods.
    pub fn ensure_ticket_key(&self, class: Class, period: Period) -> Result<TicketKey, AuthorityError> {
        if let Some(key) = self.ticket_key(class, period)? {
            return Ok(key.public().clone());
        }
        let key = self.keep_ticket_key(class, period, TicketSecretKey::generate(&mut rng()))?;
        Ok(key.public().clone())
    }

    /// Takes in a key made elsewhere. One that is there already stays, and is returned.
    pub fn import_ticket_key(
        &self,
        class: Class,
        period: Period,
        key: TicketSecretKey,
    ) -> Result<TicketKey, AuthorityError> {
        Ok(self.keep_ticket_key(class, period, key)?.public().clone())
    }
}

/// Which member asks, before its standing is known.
pub(crate) fn member(request: &TicketRequest) -> Result<Option<Digest>, AuthorityError> {
    let decode = |text| digest_from_hex(text).map_err(|_| AuthorityError::Field("member"));
    request.member.as_deref().map(decode).transpose()
}
