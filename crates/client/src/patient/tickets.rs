//! Fetching tickets (protocol section 3): a fixed number, on a schedule, for the next period.
//!
//! The key is taken from the ledger, with proof, before anything is blinded, and every ticket is verified after: with a
//! key of its own for one wallet the authority could tell that wallet's transactions from all others†.

use rand_core::CryptoRng;
use yilian_api::{
    authority::{TicketRequest, class_name},
    encoding::{from_base64, key_to_hex, signature_to_hex, to_base64},
    signing::Statement,
};
use yilian_crypto::{
    sign::SigningKey,
    ticket::{Class, Period, Request, TicketKey, TicketWithKey},
};
use yilian_ledger::{Entry, Name, Parameters};

use crate::{
    client::{Client, at},
    error::{ClientError, Lie, NodeFault},
    host::Host,
    http,
    wallet::{Store, Wallet, state::MAX_BATCH},
};

/// Bytes of a blind signature.
const SIGNATURE: usize = 384;

/// What came of asking for a period's tickets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Supply {
    /// So many came.
    Fetched(usize),
    /// This wallet has tickets of that period; nobody was asked.
    Held,
    /// The authority gave them out before: they are spent, or another device of these words has them.
    Given,
    /// The ledger has no key for that period yet.
    NoKey,
    /// The authority issues nothing for that period: it is over, or too far ahead.
    Closed,
}

impl Supply {
    /// How many came.
    pub fn count(self) -> usize {
        if let Self::Fetched(count) = self { count } else { 0 }
    }
}

/// Fetches the period's fixed number, unless it was fetched already.
pub async fn fetch<H: Host, S: Store>(
    client: &Client<H>,
    wallet: &mut Wallet<S>,
    class: Class,
    period: Period,
    rng: &mut impl CryptoRng,
) -> Result<Supply, ClientError> {
    if wallet.tickets_of(class, period) > 0 {
        return Ok(Supply::Held);
    }
    match ask(client, wallet, class, period, rng).await {
        Ok(count) => Ok(Supply::Fetched(count)),
        Err(ClientError::NoTicketKey) => Ok(Supply::NoKey),
        Err(ClientError::Refused { code, .. }) if code == "tickets.budget" => Ok(Supply::Given),
        Err(ClientError::Refused { code, .. }) if code == "tickets.period" => Ok(Supply::Closed),
        Err(other) => Err(other),
    }
}

/// The requests are on disk before they are sent: an answer that is lost on its way is asked for again, with the same ones.
async fn ask<H: Host, S: Store>(
    client: &Client<H>,
    wallet: &mut Wallet<S>,
    class: Class,
    period: Period,
    rng: &mut impl CryptoRng,
) -> Result<usize, ClientError> {
    let ticket_key = ledger_key(client, class, period).await?;
    let requests = match wallet.pending(class, period) {
        Some(saved) => saved,
        None => {
            let requests = blind(client, &ticket_key, class, period, rng).await?;
            wallet.keep_pending(class, period, &requests).await?;
            requests
        }
    };
    let key = wallet.keys().authority();
    let tickets = sign(client, &key, &ticket_key, class, period, requests).await?;
    let count = tickets.len();
    wallet.add_tickets(class, period, tickets).await?;
    Ok(count)
}

/// The next period's, as far as the ledger has its key. For a schedule.
pub async fn replenish<H: Host, S: Store>(
    client: &Client<H>,
    wallet: &mut Wallet<S>,
    rng: &mut impl CryptoRng,
) -> Result<Supply, ClientError> {
    let parameters = client.parameters().await?;
    let next = Period(parameters.period(client.header().await?.header().time).0.saturating_add(1));
    fetch(client, wallet, Class::Care, next, rng).await
}

/// `count` tickets that are good by the ledger's clock; they are out of the wallet, on disk, when this returns.
pub(crate) async fn take<H: Host, S: Store>(
    client: &Client<H>,
    wallet: &mut Wallet<S>,
    count: usize,
    parameters: &Parameters,
) -> Result<Vec<TicketWithKey>, ClientError> {
    let now = client.header().await?.header().time.max(client.now());
    wallet.take_tickets(Class::Care, count, parameters, now).await?.ok_or(ClientError::NoTickets)
}

/// As many requests as everybody makes.
async fn blind<H: Host>(
    client: &Client<H>,
    ticket_key: &TicketKey,
    class: Class,
    period: Period,
    rng: &mut impl CryptoRng,
) -> Result<Vec<Request>, ClientError> {
    let authority = client.authority()?;
    let info = http::authority::info(client.host(), authority).await.map_err(|fault| at(authority, fault))?;
    let count = (info.tickets_per_period as usize).min(MAX_BATCH);
    let request = |_| {
        let request = Request::new(ticket_key, class, period, rng);
        request.map(|(request, _)| request).map_err(|_| ClientError::WrongEntry)
    };
    (0..count).map(request).collect()
}

/// Has a batch signed, unblinds, verifies: a ticket that does not verify under the ledger's key is the authority's lie.
async fn sign<H: Host>(
    client: &Client<H>,
    key: &SigningKey,
    ticket_key: &TicketKey,
    class: Class,
    period: Period,
    requests: Vec<Request>,
) -> Result<Vec<TicketWithKey>, ClientError> {
    let authority = client.authority()?;
    let blinded: Vec<Vec<u8>> = requests.iter().map(|request| request.blinded().to_vec()).collect();
    let body = request_body(client, key, class, period, &blinded);
    let answer = http::authority::tickets(client.host(), authority, &body)
        .await
        .map_err(|fault| at(authority, fault))?;
    let lie = || {
        let fault = NodeFault::Lied(Lie::Ticket);
        client.report(authority, &fault);
        at(authority, fault)
    };
    if answer.signatures.len() != requests.len() {
        return Err(lie());
    }
    let finish = |(request, signature): (Request, &String)| {
        let signature = from_base64(signature, SIGNATURE).map_err(|_| lie())?;
        request.finish(ticket_key, &signature).map_err(|_| lie())
    };
    requests.into_iter().zip(&answer.signatures).map(finish).collect()
}

fn request_body<H: Host>(
    client: &Client<H>,
    key: &SigningKey,
    class: Class,
    period: Period,
    blinded: &[Vec<u8>],
) -> TicketRequest {
    let (time, class) = (client.now().0, class_name(class));
    let chain = client.chain().0;
    let statement = Statement::tickets(&chain, None, class, period.0, blinded, time);
    TicketRequest {
        key: key_to_hex(&key.verifying_key()),
        member: None,
        class: class.into(),
        period: period.0,
        blinded: blinded.iter().map(|bytes| to_base64(bytes)).collect(),
        time,
        signature: signature_to_hex(&statement.sign(key)),
    }
}

/// The one key of a period and class, as everybody sees it.
async fn ledger_key<H: Host>(
    client: &Client<H>,
    class: Class,
    period: Period,
) -> Result<TicketKey, ClientError> {
    match client.public_entry(&Name::ticket_key(class, period)).await? {
        Some(Entry::TicketKey(key)) => Ok(key),
        Some(_) => Err(ClientError::WrongEntry),
        None => Err(ClientError::NoTicketKey),
    }
}
