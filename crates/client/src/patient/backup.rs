//! Backups (spec W-18): what the chain does not know, encrypted under a key of the seed, one a lane.
//!
//! Name and write key derive from seed and lane, the size is a power of two, a counter rises; the highest valid one of
//! all nodes asked wins. Tickets are left out: they are a device's. The first backup of a lane also claims the lane, so
//! that a second device never draws from the first one's indexes.

use commonware_codec::Encode as _;
use yilian_api::{
    backup::{BYTES_PER_TICKET, Backup, BackupStored, MAX_BLOB, MIN_BLOB, backup_name},
    encoding::{from_base64, key_to_hex, signature_from_hex, signature_to_hex, to_base64},
    problem::Code,
    signing::Statement,
};
use yilian_crypto::{Digest, Label, seed::Seed, ticket::TicketWithKey};

use crate::{
    client::{Client, failure, worse},
    error::{ClientError, Lie, NodeFault},
    host::{Host, NodeUrl},
    http::backup as http,
    payment::Payer,
    wallet::{
        Store, Wallet, WalletError,
        index::Lane,
        keys::{BackupKeys, Keys},
        state::State,
        vault,
    },
    wire::decode,
};

/// Writes a backup to every node; at how many it is now.
pub async fn back_up<H: Host, S: Store>(
    client: &Client<H>,
    wallet: &mut Wallet<S>,
) -> Result<usize, ClientError> {
    let keys = wallet.keys().backup(wallet.state().lane);
    let newest = newest(client, &keys).await?.map_or(0, |found| found.counter);
    let state = wallet.state_mut();
    state.backup_counter = state.backup_counter.max(newest).saturating_add(1);
    let counter = state.backup_counter;
    wallet.save().await?;
    let backup = seal(client, &keys, wallet.state(), counter)?;
    let name = backup_name(&keys.write.verifying_key());
    let (mut written, mut fault, mut tickets) = (0, None, Vec::new());
    for node in client.nodes() {
        match put(client, wallet, &node, &name, &backup, &mut tickets).await? {
            Ok(_) => written += 1,
            Err(other) => {
                client.report(&node, &other);
                worse(&mut fault, &node, other);
            }
        }
    }
    if written == 0 { Err(failure(fault)) } else { Ok(written) }
}

/// Writes to one node; where it asks for payment, with tickets, the same ones at every node.
async fn put<H: Host, S: Store>(
    client: &Client<H>,
    wallet: &mut Wallet<S>,
    node: &NodeUrl,
    name: &Digest,
    backup: &Backup,
    tickets: &mut Vec<TicketWithKey>,
) -> Result<Result<BackupStored, NodeFault>, ClientError> {
    let answer = http::put(client.host(), node, name, backup).await;
    let costs = [Code::PaymentRequired, Code::BackupStore];
    match &answer {
        Err(NodeFault::Problem { code, .. }) if costs.iter().any(|cost| cost.text() == code) => {}
        _ => return Ok(answer),
    }
    let audience = match client.audience(node).await {
        Ok(audience) => audience,
        Err(fault) => return Ok(Err(fault)),
    };
    if tickets.is_empty() {
        let bytes = from_base64(&backup.blob, MAX_BLOB).map_or(MAX_BLOB, |blob| blob.len());
        let parameters = client.parameters().await?;
        let price = bytes.div_ceil(BYTES_PER_TICKET);
        *tickets = match super::tickets::take(client, wallet, price, &parameters).await {
            Ok(taken) => taken,
            // Another node may not ask for any.
            Err(ClientError::NoTickets) => return Ok(answer),
            Err(other) => return Err(other),
        };
    }
    let statement = Statement::backup_room(&audience, name, backup.counter);
    let paid = Backup { payment: Some(Payer::Tickets(tickets).pay(&statement)), ..backup.clone() };
    Ok(http::put(client.host(), node, name, &paid).await)
}

/// Reads the backups of all lanes in use and takes in what this wallet does not know; how many were found.
pub async fn restore<H: Host, S: Store>(
    client: &Client<H>,
    wallet: &mut Wallet<S>,
) -> Result<usize, ClientError> {
    let (mut found, mut empty) = (0, 0);
    for lane in Lane::all() {
        if empty == super::recover::LANE_GAP {
            break;
        }
        match newest(client, &wallet.keys().backup(lane)).await? {
            Some(backup) => {
                empty = 0;
                found += 1;
                merge(wallet.state_mut(), lane, backup);
            }
            None => empty += 1,
        }
    }
    wallet.save().await?;
    Ok(found)
}

/// A lane for a further device of a seed, claimed by a first backup at every node that answers.
///
/// Never the first lane: whoever made the seed took it without asking. A lane with a backup or with a record is taken;
/// two devices that claim at the same time see each other's backup, and one of them moves on.
pub async fn claim_lane<H: Host>(client: &Client<H>, seed: &Seed) -> Result<Lane, ClientError> {
    let keys = Keys::new(seed.clone());
    for lane in Lane::all().skip(1) {
        let backup_keys = keys.backup(lane);
        let free = newest(client, &backup_keys).await?.is_none()
            && !super::recover::has_records(client, &keys, lane).await?;
        if free && claim(client, &backup_keys, lane).await? {
            return Ok(lane);
        }
    }
    Err(ClientError::NoLane)
}

/// Whether our claim stands at every node that answers.
async fn claim<H: Host>(client: &Client<H>, keys: &BackupKeys, lane: Lane) -> Result<bool, ClientError> {
    // The time of the claim tells two devices' claims apart.
    let mut state = State::new(client.chain(), lane);
    state.backup_counter = client.now().0;
    let backup = seal(client, keys, &state, 1)?;
    let name = backup_name(&keys.write.verifying_key());
    let (mut stands, mut fault) = (false, None);
    for node in client.nodes() {
        let put = http::put(client.host(), &node, &name, &backup).await;
        match (put, http::fetch(client.host(), &node, &name).await) {
            (Ok(_), Ok(Some(stored))) if stored.blob == backup.blob => stands = true,
            (Ok(_), Ok(_)) => {
                let lie = NodeFault::Lied(Lie::Backup);
                client.report(&node, &lie);
                worse(&mut fault, &node, lie);
            }
            // Another device was there first.
            (Err(_), Ok(Some(_))) => return Ok(false),
            (Err(other), _) | (Ok(_), Err(other)) => {
                client.report(&node, &other);
                worse(&mut fault, &node, other);
            }
        }
    }
    if stands { Ok(true) } else { Err(failure(fault)) }
}

/// A backup that verifies.
struct Valid {
    counter: u64,
    state: State,
}

/// The valid backup with the highest counter at any node. A node that knows none, or an older one, is not believed to
/// have the last word.
async fn newest<H: Host>(client: &Client<H>, keys: &BackupKeys) -> Result<Option<Valid>, ClientError> {
    let name = backup_name(&keys.write.verifying_key());
    let (mut best, mut fault, mut answered) = (None::<Valid>, None, false);
    for node in client.nodes() {
        match at_node(client, &node, &name, keys).await {
            Ok(found) => {
                answered = true;
                let better = |f: &Valid| best.as_ref().is_none_or(|b| f.counter > b.counter);
                if let Some(found) = found.filter(better) {
                    best = Some(found);
                }
            }
            Err(other) => {
                client.report(&node, &other);
                worse(&mut fault, &node, other);
            }
        }
    }
    if answered { Ok(best) } else { Err(failure(fault)) }
}

async fn at_node<H: Host>(
    client: &Client<H>,
    node: &NodeUrl,
    name: &Digest,
    keys: &BackupKeys,
) -> Result<Option<Valid>, NodeFault> {
    let Some(backup) = http::fetch(client.host(), node, name).await? else { return Ok(None) };
    open(client, keys, &backup).map(Some).ok_or(NodeFault::Lied(Lie::Backup))
}

fn seal<H: Host>(
    client: &Client<H>,
    keys: &BackupKeys,
    state: &State,
    counter: u64,
) -> Result<Backup, ClientError> {
    let state = State { tickets: Vec::new(), pending: Vec::new(), ..state.clone() };
    let padded = pad(&state.encode(), counter).ok_or(WalletError::Exhausted)?;
    let blob = vault::seal(&keys.encryption, Label::Backup, &padded);
    let signature = Statement::backup(&client.chain().0, counter, &blob).sign(&keys.write);
    Ok(Backup {
        key: key_to_hex(&keys.write.verifying_key()),
        counter,
        blob: to_base64(&blob),
        signature: signature_to_hex(&signature),
        payment: None,
    })
}

fn open<H: Host>(client: &Client<H>, keys: &BackupKeys, backup: &Backup) -> Option<Valid> {
    let blob = from_base64(&backup.blob, MAX_BLOB).ok()?;
    let signature = signature_from_hex(&backup.signature).ok()?;
    let statement = Statement::backup(&client.chain().0, backup.counter, &blob);
    statement.verify(&keys.write.verifying_key(), &signature).ok()?;
    let padded = vault::open(&keys.encryption, Label::Backup, &blob).ok()?;
    let (counter, state) = unpad(padded.expose())?;
    let state: State = decode(state).ok()?;
    (counter == backup.counter && state.chain == client.chain()).then_some(Valid { counter, state })
}

/// Counter, length, state, zeros; with the vault's overhead a power of two.
fn pad(state: &[u8], counter: u64) -> Option<Vec<u8>> {
    let size = (state.len() + 16 + vault::OVERHEAD).next_power_of_two().max(MIN_BLOB);
    if size > MAX_BLOB {
        return None;
    }
    let mut padded = Vec::with_capacity(size);
    padded.extend_from_slice(&counter.to_be_bytes());
    padded.extend_from_slice(&(state.len() as u64).to_be_bytes());
    padded.extend_from_slice(state);
    padded.resize(size - vault::OVERHEAD, 0);
    Some(padded)
}

fn unpad(padded: &[u8]) -> Option<(u64, &[u8])> {
    let (counter, rest) = padded.split_first_chunk::<8>()?;
    let (length, rest) = rest.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_be_bytes(*length)).ok()?;
    Some((u64::from_be_bytes(*counter), rest.get(..length)?))
}

/// Takes in what is missing here; what is known here stands.
fn merge(state: &mut State, lane: Lane, backup: Valid) {
    let other = backup.state;
    if lane == state.lane {
        state.next_record = state.next_record.max(other.next_record);
        state.next_object = state.next_object.max(other.next_object);
        state.backup_counter = state.backup_counter.max(backup.counter);
    }
    for (index, offer) in other.offers {
        state.offers.entry(index).or_insert(offer);
    }
    for (index, mut record) in other.records {
        // Grant counters are a device's own.
        if lane != state.lane {
            record.next_grant = 0;
        }
        match state.records.get_mut(&index) {
            None => {
                state.records.insert(index, record);
            }
            Some(known) => {
                known.summary = known.summary.take().or(record.summary);
                known.next_grant = known.next_grant.max(record.next_grant);
                if known.note.as_str().is_empty() {
                    known.note = record.note;
                }
            }
        }
    }
    for (key, grant) in other.grants {
        match state.grants.get_mut(&key) {
            None => {
                state.grants.insert(key, grant);
            }
            Some(known) if known.reader.is_none() => {
                (known.reader, known.note, known.granted) = (grant.reader, grant.note, grant.granted);
                (known.outgoing, known.posted, known.opened) = (grant.outgoing, grant.posted, grant.opened);
            }
            Some(_) => {}
        }
    }
    for unpinned in other.unpinned {
        let ours = state.pins.iter().any(|pin| pin.cid.as_str() == unpinned.cid.to_string());
        if !ours && !state.unpinned.contains(&unpinned) {
            state.unpinned.push(unpinned);
        }
    }
    for pin in other.pins {
        if !state.pins.contains(&pin) {
            state.pins.push(pin);
        }
    }
}
