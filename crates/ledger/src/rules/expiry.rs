//! Ended grants (spec L-76 to L-78). Before its transactions, every block tombstones grants whose period has come, in the
//! order in which they were made, at most so many: a deterministic sweep with a cursor.
//!
//! A grant made at any time ends in a later period than that time's, so that a period the cursor has left gets no more.

use yilian_crypto::ticket::Period;

use crate::{
    Entry, Name, Parameters, Time,
    entry::Ended,
    name::Bid,
    state::{GrantSlot, Lack, State},
};

/// Most items of ended periods that one block looks at.
pub const MAX_ENDED_PER_BLOCK: u32 = 256;
/// Most periods that one block goes through: bounds what a chain that stood still reads in one go.
pub const MAX_PERIODS_PER_BLOCK: u32 = 256;

pub(crate) fn tombstone_ended(
    state: &mut State<'_>,
    parameters: &Parameters,
    time: Time,
) -> Result<(), Lack> {
    let start = state.expiry_cursor()?;
    let (due, cursor) = due(state, start, parameters.period(time))?;
    let items = due.iter().map(|(period, index)| Name::expiry_item(*period, *index));
    state.require(items)?;
    let bids: Vec<(Period, Bid)> = due
        .iter()
        .map(|(period, index)| Ok((*period, state.expiry_item(*period, *index)?)))
        .collect::<Result<_, Lack>>()?;
    state.require(bids.iter().map(|(_, bid)| bid.name()))?;
    for (period, bid) in bids {
        // Withdrawn ones stay withdrawn.
        if matches!(state.grant(&bid.name())?, GrantSlot::Live) {
            state.end_grant(bid.name(), parameters.begin(period), Ended::Expired);
        }
    }
    if cursor != start {
        let (period, index) = cursor;
        state.write(Name::expiry_cursor(), Entry::ExpiryCursor { period, index });
    }
    Ok(())
}

type Cursor = (Period, u32);

/// The items to look at in this block, and where the next one goes on.
fn due(state: &State<'_>, start: Cursor, current: Period) -> Result<(Vec<Cursor>, Cursor), Lack> {
    let (Period(first), mut index) = start;
    let last = current.0.min(first.saturating_add(MAX_PERIODS_PER_BLOCK - 1));
    state.require((first..=last).map(|period| Name::expiry_count(Period(period))))?;
    let mut items = Vec::new();
    let mut left = MAX_ENDED_PER_BLOCK;
    for period in (first..=last).map(Period) {
        let count = state.count(period)?;
        let end = count.min(index.saturating_add(left));
        items.extend((index..end).map(|i| (period, i)));
        left -= end - index;
        if end < count {
            return Ok((items, (period, end)));
        }
        index = 0;
    }
    let next = if first <= last { (Period(last.saturating_add(1)), 0) } else { start };
    Ok((items, next))
}
