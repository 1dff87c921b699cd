//! Records and grants: create, grant, withdraw (spec L-70 to L-75). Records are never changed or deleted; a grant ends in
//! a tombstone, and its BID is never used again.

use crate::{
    Checked, Entry, Name, Refusal,
    entry::{Ended, GrantEntry, RecordEntry},
    name::{Aid, Bid},
    run::{Block, Effects, Stop},
    state::{GrantSlot, State},
    transaction::{Create, Grant, Withdraw},
};

/// Rule L-70: an AID is written once.
pub(crate) fn create(block: &Block<'_>, state: &State<'_>, create: &Create) -> Result<Effects, Stop> {
    let name = Aid::of(&create.owner).name();
    if state.record(&name)?.is_some() {
        return Err(Refusal::RecordExists.into());
    }
    let record = RecordEntry {
        owner: create.owner,
        capsule: create.capsule,
        wrapped: create.wrapped,
        com: create.com,
        time: block.context.time,
    };
    Ok(vec![(name, Entry::Record(record))])
}

/// Rules L-71 to L-73: in time, of a known class, of an existing record of this owner, under a BID never used.
pub(crate) fn grant(
    block: &Block<'_>,
    state: &State<'_>,
    grant: &Grant,
    evidence: &Checked,
) -> Result<Effects, Stop> {
    let (time, parameters) = (block.context.time, &block.parameters);
    if grant.valid_until < time {
        return Err(Refusal::GrantLate.into());
    }
    if grant.valid_until > time.after(parameters.max_validity_ms) {
        return Err(Refusal::GrantTooFarAhead.into());
    }
    let period = parameters.expiry(time, grant.expiry_class)?;
    let record = state.record(&Aid::of(&grant.owner).name())?.ok_or(Refusal::RecordUnknown)?;
    let bid = Bid::of(&grant.withdrawal);
    match state.grant(&bid.name())? {
        GrantSlot::Free => {}
        GrantSlot::Live => return Err(Refusal::BidTaken.into()),
        GrantSlot::Ended(_) => return Err(Refusal::BidEnded.into()),
    }
    let count = state.count(period)?;
    let next = count.checked_add(1).ok_or(Refusal::PeriodFull)?;
    let entry = GrantEntry {
        reencrypted: evidence.reencrypted(grant, &record.capsule),
        time,
        expiry: parameters.begin(period),
    };
    Ok(vec![
        (bid.name(), Entry::Grant(entry)),
        (Name::expiry_item(period, count), Entry::ExpiryItem(bid)),
        (Name::expiry_count(period), Entry::Count(next)),
    ])
}

/// Rule L-74: only what is granted can be withdrawn, once.
pub(crate) fn withdraw(block: &Block<'_>, state: &State<'_>, withdraw: &Withdraw) -> Result<Effects, Stop> {
    let name = Bid::of(&withdraw.withdrawal).name();
    match state.grant(&name)? {
        GrantSlot::Free => Err(Refusal::GrantUnknown.into()),
        GrantSlot::Ended(Ended::Withdrawn) => Err(Refusal::AlreadyWithdrawn.into()),
        GrantSlot::Ended(Ended::Expired) => Err(Refusal::AlreadyExpired.into()),
        GrantSlot::Live => {
            let tombstone = Entry::Tombstone { ended: block.context.time, reason: Ended::Withdrawn };
            Ok(vec![(name, tombstone)])
        }
    }
}
