//! What was verified and is still fresh. Bounded; never answers with anything older than asked for.

use std::collections::BTreeMap;

use yilian_api::signing::Audience;
use yilian_finality::{Prefix, VerifiedHeader};
use yilian_ledger::{Name, Time};

use super::View;
use crate::host::NodeUrl;

/// Most buckets kept.
const MAX_BUCKETS: usize = 512;

#[derive(Debug, Default)]
pub struct Cache {
    floor: Time,
    header: Option<VerifiedHeader>,
    buckets: BTreeMap<Prefix, View>,
    audiences: BTreeMap<NodeUrl, Audience>,
}

impl Cache {
    /// Nothing from before is believed.
    pub(super) fn raise_floor(&mut self, time: Time) {
        self.floor = self.floor.max(time);
        let floor = self.floor;
        self.buckets.retain(|_, view| view.time() >= floor);
        self.header.take_if(|header| header.header().time < floor);
    }

    pub(crate) fn floor(&self) -> Time {
        self.floor
    }

    pub(super) fn clear(&mut self) {
        self.buckets.clear();
        self.header = None;
    }

    pub(super) fn header(&self, oldest: Time) -> Option<VerifiedHeader> {
        self.header.clone().filter(|header| header.header().time >= oldest)
    }

    pub(super) fn keep_header(&mut self, header: VerifiedHeader) {
        let newer = |old: &VerifiedHeader| old.header().time < header.header().time;
        if self.header.as_ref().is_none_or(newer) {
            self.header = Some(header);
        }
    }

    /// A bucket that holds `name`, whatever its width.
    pub(super) fn view(&self, name: &Name, oldest: Time) -> Option<View> {
        let holds = |(prefix, view): &(&Prefix, &View)| prefix.contains(name) && view.time() >= oldest;
        self.buckets.iter().find(holds).map(|(_, view)| view.clone())
    }

    pub(super) fn exactly(&self, prefix: &Prefix, oldest: Time) -> Option<View> {
        self.buckets.get(prefix).filter(|view| view.time() >= oldest).cloned()
    }

    pub(super) fn keep(&mut self, prefix: Prefix, view: View) {
        if self.buckets.len() >= MAX_BUCKETS {
            let oldest = self.buckets.iter().min_by_key(|(_, view)| view.time()).map(|(prefix, _)| *prefix);
            oldest.map(|prefix| self.buckets.remove(&prefix));
        }
        self.buckets.insert(prefix, view);
    }

    pub(super) fn audience(&self, node: &NodeUrl) -> Option<Audience> {
        self.audiences.get(node).copied()
    }

    pub(super) fn keep_audience(&mut self, node: &NodeUrl, audience: Audience) {
        self.audiences.insert(node.clone(), audience);
    }
}
