//! Open connections by address: each address has a share of the places (spec N-20).

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::prefix::Prefix;

/// Cheap to clone; clones share the table, which holds addresses with open connections only.
#[derive(Clone, Debug)]
pub struct Slots {
    most: usize,
    open: Arc<Mutex<HashMap<Prefix, usize>>>,
}

/// One open connection; its place is free when this is dropped.
#[derive(Debug)]
pub struct Slot {
    slots: Slots,
    prefix: Prefix,
}

impl Slots {
    /// `most` connections of one address.
    pub fn new(most: usize) -> Self {
        Self { most, open: Arc::default() }
    }

    /// `None`: the address has its share.
    pub fn take(&self, prefix: Prefix) -> Option<Slot> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(prefix).or_insert(0);
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Slot { slots: self.clone(), prefix })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.slots.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.prefix) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.prefix);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_address_has_its_share_and_no_more() {
        let (slots, [one, other]) =
            (Slots::new(2), ["192.0.2.1", "192.0.2.2"].map(|a| Prefix::of(a.parse().unwrap())));
        let first = slots.take(one).unwrap();
        let _second = slots.take(one).unwrap();
        assert!(slots.take(one).is_none());
        let third = slots.take(other).unwrap();
        drop(first);
        assert!(slots.take(one).is_some());
        drop(third);
        // Nothing is kept of an address that is gone.
        assert_eq!(slots.open.lock().unwrap().len(), 1);
    }
}
