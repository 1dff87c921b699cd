//! Governance: roots, ticket keys, parameters, committee, by more than two thirds of the present committee (spec L-60,
//! L-90 to L-94, L-100 to L-104).
//! Playing an action again changes nothing: each is written once, or carries the next sequence number.

use yilian_crypto::{
    certificate::Certificate,
    ticket::{Class, Period, TicketKey},
};

use super::membership;
use crate::{
    Entry, Name, Parameters, Refusal,
    committee::SetCommittee,
    name::{Kind, MemberId},
    run::{Block, Effects, Stop},
    state::State,
    transaction::{Action, Governance},
};

/// How many periods ahead of the block's a ticket key may be set.
pub const TICKET_KEYS_AHEAD: u32 = 16;

pub(crate) fn apply(
    block: &Block<'_>,
    state: &State<'_>,
    governance: &Governance,
    certificate: Option<&Certificate>,
) -> Result<Effects, Stop> {
    let time = block.context.time;
    if governance.valid_until < time {
        return Err(Refusal::GovernanceLate.into());
    }
    if governance.valid_until > time.after(block.parameters.max_validity_ms) {
        return Err(Refusal::GovernanceTooFarAhead.into());
    }
    governance.verify(block.context.chain, &block.committee)?;
    match &governance.action {
        Action::AddRoot { .. } => {
            membership::admit(block, state, None, certificate.ok_or(Refusal::CertificateMalformed)?)
        }
        Action::RevokeRoot { member } => revoke_root(block, state, *member),
        Action::SetTicketKey { class, period, key } => set_ticket_key(block, state, *class, *period, key),
        Action::SetParameters(parameters) => set_parameters(state, parameters),
        Action::SetCommittee(set) => set_committee(block, state, set),
    }
}

fn revoke_root(block: &Block<'_>, state: &State<'_>, id: MemberId) -> Result<Effects, Stop> {
    let name = id.name(Kind::Root);
    let root = state.member(&name)?.ok_or(Refusal::MemberUnknown)?;
    let ended = membership::end(root, None, block.context.time)?;
    Ok(vec![(name, Entry::Member(ended))])
}

/// Rule L-92: one key per class and period, set once, for the present or a coming period.
fn set_ticket_key(
    block: &Block<'_>,
    state: &State<'_>,
    class: Class,
    period: Period,
    key: &TicketKey,
) -> Result<Effects, Stop> {
    let current = block.parameters.period(block.context.time);
    if period < current {
        return Err(Refusal::TicketKeyPast.into());
    }
    if period.0 > current.0.saturating_add(TICKET_KEYS_AHEAD) {
        return Err(Refusal::TicketKeyAhead.into());
    }
    let name = Name::ticket_key(class, period);
    if state.ticket_key(&name)?.is_some() {
        return Err(Refusal::TicketKeySet.into());
    }
    Ok(vec![(name, Entry::TicketKey(key.clone()))])
}

/// Rule L-93: in sequence, and never another length of periods.
fn set_parameters(state: &State<'_>, new: &Parameters) -> Result<Effects, Stop> {
    let present = state.parameters()?;
    if present.sequence.checked_add(1) != Some(new.sequence) {
        return Err(Refusal::ParametersSequence.into());
    }
    if new.period_ms != present.period_ms {
        return Err(Refusal::ParametersPeriod.into());
    }
    Ok(vec![(Name::parameters(), Entry::Parameters(new.clone()))])
}

/// Rules L-102 and L-103: in sequence, from an epoch on that has not begun.
fn set_committee(block: &Block<'_>, state: &State<'_>, set: &SetCommittee) -> Result<Effects, Stop> {
    let changed = state.committee()?.set(block.context.epoch, set)?;
    Ok(vec![(Name::committee(), Entry::Committee(changed))])
}
