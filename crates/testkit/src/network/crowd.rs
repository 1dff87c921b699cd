//! What makes a network crowded and its content bad: names of other people, objects that nobody's client would make.

use yilian_dag::{Builder, Cid};
use yilian_ledger::{Entry, Kind, Name, Time, entry::Ended};

use super::TestNetwork;

/// Kinds that come by bucket.
const KINDS: [Kind; 3] = [Kind::Record, Kind::Grant, Kind::Practitioner];

impl TestNetwork {
    /// So many further names of each kind that comes by bucket, spread evenly; their entries are of no use.
    pub async fn crowd(&self, each: u64) {
        self.with_world(|world| {
            for (kind, i) in KINDS.into_iter().flat_map(|kind| (0..each).map(move |i| (kind, i))) {
                let mut name = [0; 32];
                name[0] = kind as u8;
                name[1..9].copy_from_slice(&i.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
                world.state.insert(Name(name), Entry::Tombstone { ended: Time(i), reason: Ended::Expired });
            }
            world.counts.records += each;
            world.counts.grants += each;
            world.counts.practitioners += each;
        });
        self.sync().await;
    }

    /// An object of these very leaves at every node, past any check of theirs; its address fits.
    ///
    /// # Panics
    /// If leaves are out of shape.
    pub fn plant(&self, leaves: &[Vec<u8>]) -> Cid {
        let (mut builder, mut blocks) = (Builder::new(), Vec::new());
        for leaf in leaves {
            let pushed = builder.push(leaf).expect("full leaves and a last one");
            blocks.extend(pushed.nodes.into_iter().map(|block| (block.cid, block.bytes)));
            blocks.push((pushed.cid, leaf.clone()));
        }
        let built = builder.finish();
        blocks.extend(built.nodes.into_iter().map(|block| (block.cid, block.bytes)));
        for node in self.0.nodes.borrow_mut().iter_mut() {
            blocks.iter().for_each(|(cid, bytes)| node.plant(cid, bytes));
        }
        built.root
    }
}
