//! Recovery (protocol 4.3; spec W-17): the 24 words alone find every record, on every lane, by scanning derived AIDs in
//! prefix buckets; and every grant of it, so that it can be withdrawn.

use yilian_ledger::{Entry, Name};

use crate::{
    client::Client,
    content::Progress,
    error::ClientError,
    host::Host,
    wallet::{
        Store, Wallet,
        index::{GrantIndex, Lane, RecordIndex},
        keys::Keys,
        state::{Grant, GrantStatus, Note, Record},
    },
};

/// Consecutive indexes without an entry after which a lane ends: offers refused or given up are such.
pub const RECORD_GAP: u32 = 50;
/// The same for a record's grants: only grants that the ledger refused leave gaps.
pub const GRANT_GAP: u32 = 8;
/// Consecutive lanes without a record after which no further lane is looked at.
pub const LANE_GAP: u16 = 4;

/// What a scan found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    pub records: usize,
    pub grants: usize,
    /// Lanes with at least one record.
    pub lanes: Vec<Lane>,
}

/// Scans the chain for everything of this seed and adds it to the wallet. Lanes of other devices are read, never drawn
/// from; this device's own counters are moved past what is found.
pub async fn recover<H: Host, S: Store>(
    client: &Client<H>,
    wallet: &mut Wallet<S>,
    progress: &mut impl Progress,
) -> Result<Found, ClientError> {
    client.refresh();
    let mut found = Found::default();
    let (mut empty, own) = (0, wallet.state().lane);
    for lane in Lane::all() {
        if empty >= LANE_GAP && lane > own {
            break;
        }
        let records = scan_lane(client, wallet, lane, progress).await?;
        if records.is_empty() {
            empty += 1;
            continue;
        }
        empty = 0;
        found.lanes.push(lane);
        found.records += records.len();
    }
    let lanes = lanes_of_grants(&found.lanes, own);
    let records: Vec<_> = wallet.state().records.keys().copied().collect();
    for record in records {
        for lane in &lanes {
            found.grants += scan_grants(client, wallet, record, *lane).await?;
        }
    }
    wallet.save().await?;
    Ok(found)
}

/// A device may grant records of another's lane: each lane in use, and our own.
fn lanes_of_grants(used: &[Lane], own: Lane) -> Vec<Lane> {
    let mut lanes = used.to_vec();
    if !lanes.contains(&own) {
        lanes.push(own);
    }
    lanes
}

/// Whether a lane shows any record within the first gap.
pub(super) async fn has_records<H: Host>(
    client: &Client<H>,
    keys: &Keys,
    lane: Lane,
) -> Result<bool, ClientError> {
    for counter in 0..RECORD_GAP {
        if entry_of(client, &keys.aid(RecordIndex::new(lane, counter)).name()).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn scan_lane<H: Host, S: Store>(
    client: &Client<H>,
    wallet: &mut Wallet<S>,
    lane: Lane,
    progress: &mut impl Progress,
) -> Result<Vec<RecordIndex>, ClientError> {
    let (mut found, mut gap, mut counter) = (Vec::new(), 0, 0u32);
    while gap < RECORD_GAP {
        let index = RecordIndex::new(lane, counter);
        match entry_of(client, &wallet.keys().aid(index).name()).await? {
            Some(Entry::Record(entry)) => {
                gap = 0;
                found.push(index);
                let record = Record {
                    aid: wallet.keys().aid(index),
                    time: entry.time,
                    summary: None,
                    next_grant: 0,
                    note: Note::default(),
                };
                wallet.keep_record(index, record).await?;
            }
            _ => gap += 1,
        }
        let Some(next) = counter.checked_add(1) else { break };
        counter = next;
        progress.advance(u64::from(counter), u64::from(counter + RECORD_GAP - gap));
    }
    if lane == wallet.state().lane
        && let Some(last) = found.last()
    {
        // What lay behind the last entry may have been shown: leave as much unused as a scan still crosses.
        let past = last.counter().saturating_add(RECORD_GAP);
        let state = wallet.state_mut();
        if !state.offers.contains_key(last) {
            state.next_record = state.next_record.max(past);
        }
    }
    Ok(found)
}

async fn scan_grants<H: Host, S: Store>(
    client: &Client<H>,
    wallet: &mut Wallet<S>,
    record: RecordIndex,
    lane: Lane,
) -> Result<usize, ClientError> {
    let (mut found, mut gap, mut counter) = (0, 0, 0u32);
    while gap < GRANT_GAP {
        let index = GrantIndex::new(lane, counter);
        let bid = wallet.keys().bid(record, index);
        let (status, time, expiry) = match entry_of(client, &bid.name()).await? {
            Some(Entry::Grant(entry)) => (GrantStatus::Active, entry.time, entry.expiry),
            Some(Entry::Tombstone { ended, .. }) => (GrantStatus::Withdrawn, ended, ended),
            _ => {
                gap += 1;
                counter += 1;
                continue;
            }
        };
        gap = 0;
        found += 1;
        counter += 1;
        let grant = Grant {
            bid,
            status,
            reader: None,
            granted: time,
            expiry,
            outgoing: None,
            posted: None,
            opened: None,
            note: Note::default(),
        };
        let own = lane == wallet.state().lane;
        let state = wallet.state_mut();
        state.grants.entry((record, index)).and_modify(|known| known.status = status).or_insert(grant);
        if own && let Some(entry) = state.records.get_mut(&record) {
            entry.next_grant = entry.next_grant.max(counter + GRANT_GAP);
        }
    }
    Ok(found)
}

async fn entry_of<H: Host>(client: &Client<H>, name: &Name) -> Result<Option<Entry>, ClientError> {
    Ok(client.scan(name).await?.entry(name).cloned())
}
