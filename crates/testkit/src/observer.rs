//! Who only looks: a node at what it is asked, an observer at what blocks hold. And weakened clients that tell them more.

use rand_core::CryptoRng;
use yilian_api::encoding::{from_hex, to_hex};
use yilian_client::{
    Client, ClientError, Host, Method, NodeUrl, Request, TransportError, Wallet,
    patient::grant::{self, Delivery, Terms},
    verified::directory::ReaderCard,
    wallet::{Store, index::RecordIndex},
};
use yilian_ledger::{Name, Time, Transaction, name::Aid, transaction::Body};

use crate::network::route;

/// What a node learns from a look-up: which of these names it may have been about. `None` if the path is no look-up.
pub fn candidates(path: &str, names: &[Name]) -> Option<Vec<Name>> {
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match segments.as_slice() {
        ["v1", "entries", name] => Some(vec![Name(from_hex(name).ok()?)]),
        ["v1", "buckets", kind, bits, value] => {
            let prefix = route::prefix(kind, bits, value)?;
            Some(names.iter().copied().filter(|name| prefix.contains(name)).collect())
        }
        _ => None,
    }
}

/// **Weakened**: asks a node for the very name, as a client would that knows no buckets.
pub async fn look_up_by_name<H: Host>(host: &H, node: &NodeUrl, name: &Name) -> Result<u16, TransportError> {
    let path = format!("/v1/entries/{}", to_hex(&name.0));
    let request = Request { method: Method::Get, path, content_type: None, body: Vec::new() };
    Ok(host.request(node, request).await?.status)
}

/// What an observer of blocks takes for one patient's: records granted with at most `gap_ms` from one to the next.
pub fn granted_together(seen: &[(Time, Transaction)], gap_ms: u64) -> Vec<Vec<Aid>> {
    let mut bursts: Vec<(Time, Vec<Aid>)> = Vec::new();
    for (time, transaction) in seen {
        let Body::Grant(grant) = &transaction.body else { continue };
        let aid = Aid::of(&grant.owner);
        match bursts.last_mut().filter(|(last, _)| time.0 - last.0 <= gap_ms) {
            Some((last, burst)) => {
                *last = *time;
                burst.push(aid);
            }
            None => bursts.push((*time, vec![aid])),
        }
    }
    bursts.into_iter().map(|(_, burst)| burst).filter(|burst| burst.len() > 1).collect()
}

/// **Weakened**: opens several records by a grant each, instead of one dossier.
pub async fn grant_each<H: Host, S: Store>(
    client: &Client<H>,
    wallet: &mut Wallet<S>,
    records: &[RecordIndex],
    reader: &ReaderCard,
    rng: &mut impl CryptoRng,
) -> Result<(), ClientError> {
    for record in records {
        let delivery = Delivery::Within(3_600_000);
        let terms = Terms { record: *record, reader, expiry_class: 1, delivery, note: "" };
        grant::grant(client, wallet, terms, rng).await?;
    }
    Ok(())
}
