//! The wallet's side: blind a fresh one-time key, unblind and verify the answer (spec T-6).

use std::fmt;

use blind_rsa_signatures::{
    BlindMessage, BlindSignature, BlindingResult, MessageRandomizer, PublicKeySha384PSSRandomized as Inner,
    Secret as Unblinder,
};
use rand_core::CryptoRng;
use zeroize::Zeroize as _;

use super::{Class, MODULUS, PREFIX, Period, SUITE, Ticket, TicketError, TicketKey, TicketWithKey, message};
use crate::{Secret, sign::SigningKey};

/// A wallet's pending request. Keep it (`save`) until the answer is in: the authority answers the same blinded message
/// again without charging twice.
#[derive(Clone)]
pub struct Request {
    class: Class,
    period: Period,
    one_time: SigningKey,
    prefix: [u8; PREFIX],
    blinded: [u8; MODULUS],
    unblinder: Secret<Vec<u8>>,
}

/// Bytes of a saved request: suite, class, period, one-time seed, prefix, blinded message, unblinder.
const SAVED: usize = 1 + 1 + 4 + 32 + PREFIX + MODULUS + MODULUS;

impl Request {
    /// Draws the one-time key, blinds its hash. Returns state and the 384-byte blinded message.
    ///
    /// `key` must come from proved ledger state: whoever blinds for a key the authority handed over privately can be
    /// recognized by it when the ticket is spent (spec T-7).
    pub fn new(
        key: &TicketKey,
        class: Class,
        period: Period,
        rng: &mut impl CryptoRng,
    ) -> Result<(Self, Vec<u8>), TicketError> {
        let one_time = SigningKey::generate(rng);
        let message = message(class, period, &one_time.verifying_key());
        let BlindingResult { blind_message, secret, msg_randomizer } =
            inner(key)?.blind(rng, message.0).map_err(|_| TicketError::Key)?;
        let unblinder = Secret::new(secret.0);
        let request = Self {
            class,
            period,
            one_time,
            prefix: msg_randomizer.ok_or(TicketError::Key)?.0,
            blinded: blind_message.0.as_slice().try_into().map_err(|_| TicketError::Key)?,
            unblinder,
        };
        Ok((request, blind_message.0))
    }

    pub fn class(&self) -> Class {
        self.class
    }

    pub fn period(&self) -> Period {
        self.period
    }

    /// What the authority is asked to sign.
    pub fn blinded(&self) -> &[u8; MODULUS] {
        &self.blinded
    }

    /// Unblinds and verifies; an answer made with any other key is refused.
    pub fn finish(self, key: &TicketKey, blind_signature: &[u8]) -> Result<TicketWithKey, TicketError> {
        if !key.holds(blind_signature) {
            return Err(TicketError::Signature);
        }
        let message = message(self.class, self.period, &self.one_time.verifying_key());
        let mut blinding = BlindingResult {
            blind_message: BlindMessage(self.blinded.to_vec()),
            secret: Unblinder(self.unblinder.expose().clone()),
            msg_randomizer: Some(MessageRandomizer(self.prefix)),
        };
        let unblinded = inner(key)?.finalize(&BlindSignature(blind_signature.to_vec()), &blinding, message.0);
        blinding.secret.0.zeroize();
        let signature = unblinded.ok().and_then(|s| s.0.try_into().ok()).ok_or(TicketError::Signature)?;
        let ticket = Ticket {
            class: self.class,
            period: self.period,
            one_time_key: self.one_time.verifying_key(),
            prefix: self.prefix,
            signature,
        };
        ticket.verify(key)?;
        Ok(TicketWithKey { ticket, one_time: self.one_time })
    }

    /// For the wallet's own locked storage.
    pub fn save(&self) -> Secret<Vec<u8>> {
        let mut out = Vec::with_capacity(SAVED);
        out.extend_from_slice(&[SUITE, self.class as u8]);
        out.extend_from_slice(&self.period.0.to_be_bytes());
        out.extend_from_slice(self.one_time.seed().expose());
        out.extend_from_slice(&self.prefix);
        out.extend_from_slice(&self.blinded);
        out.extend_from_slice(self.unblinder.expose());
        Secret::new(out)
    }

    /// The inverse of `save`.
    pub fn restore(saved: &[u8]) -> Result<Self, TicketError> {
        let (&[suite, class], rest) = saved.split_first_chunk::<2>().ok_or(TicketError::Saved)?;
        let (period, rest) = rest.split_first_chunk::<4>().ok_or(TicketError::Saved)?;
        let (seed, rest) = rest.split_first_chunk::<32>().ok_or(TicketError::Saved)?;
        let (prefix, rest) = rest.split_first_chunk::<PREFIX>().ok_or(TicketError::Saved)?;
        let (blinded, unblinder) = rest.split_first_chunk::<MODULUS>().ok_or(TicketError::Saved)?;
        let class = Class::ALL.into_iter().find(|c| *c as u8 == class).ok_or(TicketError::Saved)?;
        if suite != SUITE || unblinder.len() != MODULUS {
            return Err(TicketError::Saved);
        }
        Ok(Self {
            class,
            period: Period(u32::from_be_bytes(*period)),
            one_time: SigningKey::from_seed(Secret::new(*seed)),
            prefix: *prefix,
            blinded: *blinded,
            unblinder: Secret::new(unblinder.to_vec()),
        })
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("class", &self.class)
            .field("period", &self.period)
            .finish_non_exhaustive()
    }
}

fn inner(key: &TicketKey) -> Result<Inner, TicketError> {
    Inner::from_der(key.der()).map_err(|_| TicketError::Key)
}
