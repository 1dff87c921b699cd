//! Tickets: an authority that marks people, and weakened wallets and verifiers on which attacks succeed.

use rand_core::CryptoRng;
use yilian_crypto::ticket::{
    Class, Period, Request, Ticket, TicketError, TicketKey, TicketSecretKey, TicketWithKey,
};

/// An adversary (spec T-7): besides the key that stands in the ledger it keeps one for each person it wants to follow.
pub struct TaggingAuthority {
    common: TicketSecretKey,
    personal: Vec<TicketSecretKey>,
}

impl TaggingAuthority {
    pub fn new(common: TicketSecretKey, personal: Vec<TicketSecretKey>) -> Self {
        Self { common, personal }
    }

    /// What governance set and everybody can prove.
    pub fn ledger_key(&self) -> &TicketKey {
        self.common.public()
    }

    /// What it tells a person the period's key is.
    pub fn told_key(&self, person: usize) -> &TicketKey {
        self.personal[person].public()
    }

    /// Signs with the person's own key.
    pub fn sign_marked(
        &self,
        person: usize,
        blinded: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<u8>, TicketError> {
        self.personal[person].sign_blinded(blinded, rng).map(Vec::from)
    }

    /// Signs as it should.
    pub fn sign_fairly(&self, blinded: &[u8], rng: &mut impl CryptoRng) -> Result<Vec<u8>, TicketError> {
        self.common.sign_blinded(blinded, rng).map(Vec::from)
    }

    /// Who spends this ticket, as far as the marks tell.
    pub fn recognize(&self, ticket: &Ticket) -> Option<usize> {
        self.personal.iter().position(|key| ticket.verify(key.public()).is_ok())
    }
}

/// **Weakened** wallet: blinds for the key that the authority tells it, instead of the ledger's.
pub fn fetch_trusting(
    authority: &TaggingAuthority,
    person: usize,
    class: Class,
    period: Period,
    rng: &mut impl CryptoRng,
) -> Result<TicketWithKey, TicketError> {
    let key = authority.told_key(person);
    let (request, blinded) = Request::new(key, class, period, rng)?;
    request.finish(key, &authority.sign_marked(person, &blinded, rng)?)
}

/// **Weakened** ticket: class and period stand beside what is signed, not in it (spec T-2, T-4).
pub struct LooseTicket {
    pub class: Class,
    pub period: Period,
    signed: Ticket,
}

impl LooseTicket {
    pub fn of(ticket: Ticket) -> Self {
        Self { class: ticket.class, period: ticket.period, signed: ticket }
    }

    /// Checks the signature, and believes what stands beside it.
    pub fn verify(&self, key: &TicketKey) -> Result<(), TicketError> {
        self.signed.verify(key)
    }
}
