//! The measured network's own tickets. The authority gives a wallet a few a period; a measurement needs thousands, so it
//! takes the secret key from the authority's store and signs by itself.
//!
//! What the ledger checks is the same: a blind signature, unblinded, is RSASSA-PSS over the message (spec T-4), which the
//! native library makes directly and many times faster than the blind protocol. Every ticket is verified as a wallet does.

use anyhow::Context as _;
use aws_lc_rs::{rand::SystemRandom, rsa::KeyPair, signature::RSA_PSS_SHA384};
use commonware_codec::Encode as _;
use rand_core::Rng as _;
use yilian_crypto::{
    Label,
    hash::tagged,
    sign::SigningKey,
    ticket::{Class, MODULUS, PREFIX, Period, Ticket, TicketKey, TicketWithKey},
};
use yilian_ledger::Time;

use crate::{native::rng, network::Network, passphrase, query::now_ms};

/// Makes *care* tickets of the present period.
pub struct Tickets {
    pair: KeyPair,
    key: TicketKey,
    period: Period,
}

impl Tickets {
    /// From the authority's folder, while the authority does not run: its store has one user at a time.
    pub fn open(network: &Network) -> anyhow::Result<Self> {
        let folder = network.authority_folder();
        let settings = folder.settings()?;
        let file = settings.passphrase_file.context("the authority's passphrase lies in no file")?;
        let opened = folder.open(passphrase::read(&folder.path(file))?.expose())?;
        let period = network.genesis().parameters.period(Time(now_ms()));
        let secret =
            opened.store.ticket_key(Class::Care, period)?.context("there is no ticket key for today")?;
        let pair = KeyPair::from_pkcs8(secret.to_pkcs8().expose())
            .map_err(|_| anyhow::anyhow!("the native library refuses the ticket key"))?;
        Ok(Self { pair, key: secret.public().clone(), period })
    }

    pub fn issue(&self) -> anyhow::Result<TicketWithKey> {
        let one_time = SigningKey::generate(&mut rng());
        let mut prefix = [0; PREFIX];
        rng().fill_bytes(&mut prefix);
        let signature = self.sign(&prefix, &one_time)?;
        let (class, period, one_time_key) = (Class::Care, self.period, one_time.verifying_key());
        let ticket = Ticket { class, period, one_time_key, prefix, signature };
        ticket.verify(&self.key)?;
        Ok(TicketWithKey { ticket, one_time })
    }

    /// Over prefix and message of spec T-2.
    fn sign(&self, prefix: &[u8; PREFIX], one_time: &SigningKey) -> anyhow::Result<[u8; MODULUS]> {
        let (class, period) = ([Class::Care as u8], self.period.0.to_be_bytes());
        let key = one_time.verifying_key().encode();
        let message = tagged(Label::TicketMessage, &[&class, &period, &key]);
        let signed = [&prefix[..], &message.0].concat();
        let mut signature = [0; MODULUS];
        self.pair
            .sign(&RSA_PSS_SHA384, &SystemRandom::new(), &signed, &mut signature)
            .map_err(|_| anyhow::anyhow!("a ticket could not be signed"))?;
        Ok(signature)
    }
}
