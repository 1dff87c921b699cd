//! Why transactions that were pooled can never be in a block (spec B-22): for those who ask later. Bounded in number and
//! age; never a fact about the chain: what is in a block takes precedence.

use std::collections::{HashMap, VecDeque};

use yilian_crypto::Digest;
use yilian_ledger::Refusal;

/// Most refusals remembered.
const CAPACITY: usize = 4096;
/// How long one is remembered, ms.
const MAX_AGE_MS: u64 = 600_000;

#[derive(Debug, Default)]
pub struct Refusals {
    /// With the time, in ms, and the number of the refusal.
    by_digest: HashMap<Digest, (Refusal, u64, u64)>,
    /// By number; those forgotten meanwhile still stand here.
    order: VecDeque<(u64, Digest)>,
    count: u64,
}

impl Refusals {
    pub fn remember(&mut self, digest: Digest, refusal: Refusal, now: u64) {
        self.count += 1;
        self.by_digest.insert(digest, (refusal, now, self.count));
        self.order.push_back((self.count, digest));
        while self.order.len() > CAPACITY {
            let Some((number, oldest)) = self.order.pop_front() else { break };
            if self.by_digest.get(&oldest).is_some_and(|(_, _, of)| *of == number) {
                self.by_digest.remove(&oldest);
            }
        }
    }

    /// It is pooled once more.
    pub fn forget(&mut self, digest: &Digest) {
        self.by_digest.remove(digest);
    }

    pub fn get(&self, digest: &Digest, now: u64) -> Option<Refusal> {
        let (refusal, since, _) = self.by_digest.get(digest)?;
        (now.saturating_sub(*since) <= MAX_AGE_MS).then_some(*refusal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(i: usize) -> Digest {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&i.to_be_bytes());
        Digest(bytes)
    }

    #[test]
    fn remembers_until_it_is_old_or_pooled_again() {
        let mut refusals = Refusals::default();
        refusals.remember(digest(1), Refusal::TicketSpent, 5);
        assert_eq!(refusals.get(&digest(1), 5 + MAX_AGE_MS), Some(Refusal::TicketSpent));
        assert_eq!(refusals.get(&digest(1), 6 + MAX_AGE_MS), None);
        assert_eq!(refusals.get(&digest(2), 5), None);
        refusals.forget(&digest(1));
        assert_eq!(refusals.get(&digest(1), 5), None);
    }

    #[test]
    fn forgets_the_oldest_and_keeps_what_was_refused_again() {
        let mut refusals = Refusals::default();
        refusals.remember(digest(0), Refusal::GrantUnknown, 0);
        refusals.remember(digest(1), Refusal::GrantUnknown, 0);
        refusals.forget(&digest(0));
        refusals.remember(digest(0), Refusal::TicketSpent, 1);
        for i in 2..CAPACITY {
            refusals.remember(digest(i), Refusal::MemberUnknown, 2);
        }
        assert_eq!(refusals.get(&digest(0), 2), Some(Refusal::TicketSpent));
        assert_eq!(refusals.get(&digest(1), 2), Some(Refusal::GrantUnknown));
        refusals.remember(digest(CAPACITY), Refusal::MemberUnknown, 2);
        assert_eq!(refusals.get(&digest(1), 2), None);
        assert_eq!(refusals.get(&digest(0), 2), Some(Refusal::TicketSpent));
        assert!(refusals.by_digest.len() <= CAPACITY && refusals.order.len() <= CAPACITY);
    }
}
