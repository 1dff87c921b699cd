//! What ends of grants tell an observer of the state, who sees no link from a grant to its record (spec L-75).

use yilian_ledger::Time;

/// **Weakened**: a grant that ends exactly when its maker wishes, in no class and rounded to nothing.
pub const fn free_expiry(made: Time, wished_ms: u64) -> Time {
    made.after(wished_ms)
}

/// Grants that share their end with exactly one other: the observer takes the two for one patient's.
pub fn pairs_by_expiry(ends: &[Time]) -> Vec<(usize, usize)> {
    let like = |end: Time| (0..ends.len()).filter(move |i| ends[*i] == end);
    let pair = |i: usize| match like(ends[i]).collect::<Vec<_>>()[..] {
        [first, second] if first == i => Some((first, second)),
        _ => None,
    };
    (0..ends.len()).filter_map(pair).collect()
}
