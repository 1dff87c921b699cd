//! How copies stand (spec CC-10), for the operator alone: it names content and who holds it.

use serde::{Deserialize, Serialize};
use yilian_api::encoding;
use yilian_content::{Stats, StoreError};
use yilian_dag::Cid;

use super::{
    Copies, lock,
    peers::{Record, Remark},
};
use crate::app::now_ms;

/// What `yilian content status` shows. Times are Unix ms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentStatus {
    /// Raw validator key, hex.
    pub node: String,
    pub time: u64,
    /// Objects here, damaged ones included.
    pub objects: u64,
    pub bytes: u64,
    pub uploads: u64,
    /// Free on the disk, and how much of it is kept free.
    pub free_bytes: u64,
    pub reserve_bytes: u64,
    /// Nodes that are to hold an object, of so many.
    pub copies: u64,
    pub committee: u64,
    /// Objects that are to be here and are not, or not whole.
    pub wanted: u64,
    /// Pins known, this node's and others'.
    pub holds: u64,
    /// What is kept for pins that were paid for at other nodes.
    pub held_for: Vec<HeldFor>,
    /// Objects under way.
    pub healing: Vec<Healing>,
    /// Since the start.
    pub healed_objects: u64,
    pub healed_bytes: u64,
    pub scrubbed_objects: u64,
    pub found_damaged: u64,
    /// When all of the store was read through for the last time since the start.
    pub scrub_complete: Option<u64>,
    pub peers: Vec<PeerStatus>,
    /// The latest last.
    pub errors: Vec<Remark>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldFor {
    /// Raw validator key, hex.
    pub origin: String,
    pub holds: u64,
    /// Each hold with 4096 more.
    pub bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Healing {
    pub cid: String,
    pub leaves_here: u64,
    pub leaves: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerStatus {
    /// Raw validator key, hex.
    pub node: String,
    /// `None`: in the committee, but without an `api` in `node.toml`.
    pub url: Option<String>,
    #[serde(flatten)]
    pub record: Record,
}

impl Copies {
    pub async fn status(&self) -> Result<ContentStatus, StoreError> {
        let (stats, charges) = self.ask(|store| Ok((store.stats()?, store.charges()?))).await?;
        let Stats { objects, bytes, uploads, wanted, holds, free, .. } = stats;
        let held_for = charges.into_iter().map(|(origin, charge)| HeldFor {
            origin: encoding::to_hex(&origin),
            holds: charge.holds,
            bytes: charge.bytes,
        });
        let healing = lock(&self.healing).clone();
        let healing = healing.iter().filter_map(|(root, (here, leaves))| {
            let cid = Cid::from_compact(root).ok()?.to_string();
            Some(Healing { cid, leaves_here: *here, leaves: *leaves })
        });
        let (healed, seen) = (*lock(&self.healed), self.scrub.seen());
        let committee = (self.committee)();
        Ok(ContentStatus {
            node: encoding::to_hex(&self.audience.node),
            time: now_ms(),
            objects,
            bytes,
            uploads,
            free_bytes: free,
            reserve_bytes: self.store.limits().reserve,
            copies: self.settings.count as u64,
            committee: committee.len() as u64,
            wanted,
            holds,
            held_for: held_for.collect(),
            healing: healing.collect(),
            healed_objects: healed.objects,
            healed_bytes: healed.bytes,
            scrubbed_objects: seen.objects,
            found_damaged: seen.damaged,
            scrub_complete: seen.complete,
            peers: self.peer_statuses(&committee),
            errors: lock(&self.remarks).iter().cloned().collect(),
        })
    }

    fn peer_statuses(&self, committee: &[[u8; 32]]) -> Vec<PeerStatus> {
        let known = self.peers.iter().map(|peer| PeerStatus {
            node: encoding::to_hex(&peer.key),
            url: Some(peer.url.clone()),
            record: peer.record(),
        });
        let silent = committee.iter().filter(|key| **key != self.audience.node && self.peer(key).is_none());
        let silent = silent.map(|key| PeerStatus {
            node: encoding::to_hex(key),
            url: None,
            record: Record::default(),
        });
        known.chain(silent).collect()
    }
}
