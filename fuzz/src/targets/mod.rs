//! Every target. One file an area.

mod api;
mod chain;
mod client;
mod content;
mod control;
mod crypto;
mod delegation;
mod finality;
mod fixtures;
mod ledger;
mod node;
mod transition;

use crate::target::Target;

/// In the order of what strangers reach first.
pub const ALL: &[Target] = &[
    ledger::TRANSACTION,
    ledger::CHECK,
    crypto::CERTIFICATE,
    chain::BLOCK,
    chain::GOSSIP,
    finality::HEADER,
    finality::SNAPSHOT,
    finality::CERTIFICATE,
    finality::ANSWER,
    finality::BUCKET,
    delegation::POINTS,
    delegation::TORUS,
    delegation::OPEN,
    ledger::ENTRY,
    ledger::GENESIS,
    crypto::TICKETS,
    crypto::KEYS,
    crypto::SEALED,
    crypto::STREAM,
    crypto::LOCKED,
    crypto::WORDS,
    content::CID,
    content::NODE,
    content::CAR,
    content::READER,
    client::MESSAGE,
    client::OFFER,
    client::STATE,
    client::VAULT,
    client::DOCUMENT,
    client::BUNDLE,
    api::JSON,
    api::TEXT,
    node::SETTINGS,
    node::STORED,
    node::ACCEPT,
    chain::STORED,
    transition::TRANSITION,
];

/// Decoders with a planted defect, which must be found.
pub const CONTROLS: &[Target] = &[control::TRAILING, control::LENGTH, control::PANIC];

pub fn find(name: &str) -> Option<&'static Target> {
    ALL.iter().chain(CONTROLS).find(|target| target.name == name)
}
