//! Which nodes are to hold an object (spec CC-1): rendezvous hashing of its root over the committee's keys.
//!
//! Every node computes the same order from the same committee. When a node comes or goes, only the objects whose first
//! places it takes or leaves move.

use yilian_crypto::{Label, hash::tagged};
use yilian_dag::Cid;

/// Raw validator key.
pub type NodeKey = [u8; 32];

/// A committee and the number of its nodes that hold an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    committee: Vec<NodeKey>,
    count: usize,
}

impl Placement {
    pub fn new(committee: Vec<NodeKey>, count: usize) -> Self {
        Self { committee, count }
    }

    pub fn contains(&self, node: &NodeKey) -> bool {
        self.committee.contains(node)
    }

    /// All nodes, the heaviest first: the first ones hold the object.
    pub fn order(&self, root: &Cid) -> Vec<NodeKey> {
        let mut order: Vec<_> = self.committee.iter().map(|node| (weight(node, root), *node)).collect();
        order.sort_unstable_by(|a, b| b.cmp(a));
        order.into_iter().map(|(_, node)| node).collect()
    }

    /// Whether a node is among those that hold an object.
    pub fn assigns(&self, node: &NodeKey, root: &Cid) -> bool {
        let own = (weight(node, root), *node);
        let heavier = self.committee.iter().filter(|other| (weight(other, root), **other) > own).count();
        self.contains(node) && heavier < self.count
    }

    /// Two nodes of one id agree on who holds what.
    pub fn id(&self) -> [u8; 16] {
        let mut keys = self.committee.clone();
        keys.sort_unstable();
        let digest =
            tagged(Label::ContentPlacement, &[b"set", &(self.count as u64).to_be_bytes(), &keys.concat()]);
        let mut id = [0; 16];
        id.copy_from_slice(&digest.0[..16]);
        id
    }
}

fn weight(node: &NodeKey, root: &Cid) -> [u8; 32] {
    tagged(Label::ContentPlacement, &[node, &root.to_compact()]).0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;

    use yilian_crypto::hash::sha256;
    use yilian_dag::Codec;

    use super::*;

    fn committee(nodes: u8) -> Vec<NodeKey> {
        (0..nodes).map(|node| sha256(&[node]).0).collect()
    }

    fn root(number: u32) -> Cid {
        Cid::of(Codec::Raw, &number.to_be_bytes())
    }

    fn holders(placement: &Placement, root: &Cid) -> Vec<NodeKey> {
        placement.order(root)[..placement.count.min(placement.committee.len())].to_vec()
    }

    /// Frozen: nodes of other versions must agree.
    #[test]
    fn weights_are_those_of_the_rule() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../../../../spec/vectors/placement.json")).unwrap();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let placement = Placement::new(committee(5), 3);
        assert_eq!(hex::encode(placement.id()), text(&vectors["assignment"]));
        for case in vectors["orders"].as_array().unwrap() {
            let order = placement.order(&text(&case["root"]).parse().unwrap());
            let keys: Vec<String> = order.iter().map(hex::encode).collect();
            let expected: Vec<String> = case["order"].as_array().unwrap().iter().map(text).collect();
            assert_eq!(keys, expected);
        }
    }

    #[test]
    fn the_order_of_the_committee_does_not_matter() {
        let (straight, mut reversed) = (committee(7), committee(7));
        reversed.reverse();
        let (a, b) = (Placement::new(straight, 3), Placement::new(reversed, 3));
        assert_eq!(a.id(), b.id());
        assert!((0..100).all(|number| a.order(&root(number)) == b.order(&root(number))));
        assert_ne!(a.id(), Placement::new(committee(7), 2).id());
        assert_ne!(a.id(), Placement::new(committee(6), 3).id());
    }

    #[test]
    fn every_object_has_as_many_holders_as_there_are_to_be() {
        for (nodes, count) in [(1, 3), (3, 3), (4, 3), (21, 3), (7, 1)] {
            let placement = Placement::new(committee(nodes), count);
            for number in 0..50 {
                let root = root(number);
                let assigned = placement.committee.iter().filter(|node| placement.assigns(node, &root));
                let mut assigned: Vec<_> = assigned.copied().collect();
                let mut holders = holders(&placement, &root);
                assigned.sort_unstable();
                holders.sort_unstable();
                assert_eq!(assigned, holders);
                assert_eq!(holders.len(), count.min(usize::from(nodes)));
            }
        }
    }

    #[test]
    fn nobody_outside_the_committee_is_assigned_anything() {
        let placement = Placement::new(committee(2), 3);
        assert!((0..50).all(|number| !placement.assigns(&[9; 32], &root(number))));
    }

    #[test]
    fn nodes_hold_about_equally_much() {
        const OBJECTS: u32 = 4_000;
        let placement = Placement::new(committee(8), 3);
        let mut held = BTreeMap::new();
        for number in 0..OBJECTS {
            for node in holders(&placement, &root(number)) {
                *held.entry(node).or_insert(0u32) += 1;
            }
        }
        let mean = OBJECTS * 3 / 8;
        // Within six deviations of the binomial distribution.
        assert!(held.len() == 8 && held.values().all(|count| count.abs_diff(mean) < 200), "{held:?}");
    }

    #[test]
    fn a_node_that_leaves_moves_only_what_it_held() {
        let (all, left) = (Placement::new(committee(8), 3), Placement::new(committee(7), 3));
        let gone = committee(8)[7];
        for number in 0..500 {
            let root = root(number);
            let (before, after) = (holders(&all, &root), holders(&left, &root));
            let stayed: Vec<_> = before.iter().filter(|node| **node != gone).copied().collect();
            assert_eq!(after[..stayed.len()], stayed, "who held goes on holding");
        }
    }
}
