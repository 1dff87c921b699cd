//! What must never happen, and what a run found.

use std::collections::BTreeMap;

use yilian_chain::Included;
use yilian_crypto::Digest;

/// A promise that the chain broke.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    #[error("validators {nodes:?} have different blocks at height {height}")]
    Disagreement { height: u64, nodes: [usize; 2] },
    #[error("validator {node} acknowledged transaction {transaction} as final and does not know it any more")]
    Lost { node: usize, transaction: Digest },
    #[error("transaction {transaction} is final in two places or with two outcomes: {places:?}")]
    Moved { transaction: Digest, places: Box<[Included; 2]> },
    #[error("a block that breaks a rule is final at height {height}")]
    Spoiled { height: u64 },
    #[error("validator {node} took a transaction that is none")]
    Accepted { node: usize },
    #[error(
        "well again, the chain does not go on: heights {heights:?}, {waiting} clients wait, {goal} was due"
    )]
    Stalled { heights: BTreeMap<usize, u64>, waiting: usize, goal: u64 },
    #[error("validator {node} cannot prove {what}: {why}")]
    Unprovable { node: usize, what: &'static str, why: String },
    #[error("honest validator {by} shut out honest validator {whom}")]
    ShutOut { by: usize, whom: usize },
    #[error("validator {node} stopped by itself")]
    Ended { node: usize },
    #[error("validator {node} does not start again: {why}")]
    NotStarted { node: usize, why: String },
    #[error("panic: {0}")]
    Panicked(String),
}

/// What a run without violation did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Digest of everything that happened, in order: equal for equal seeds.
    pub trace: Digest,
    /// Lowest height of an honest validator at the end.
    pub height: u64,
    /// Transactions acknowledged as final to those who sent them.
    pub acknowledged: usize,
    /// Orders that were refused, rightly or because their time had passed.
    pub refused: usize,
    /// Times that a validator lost its power.
    pub crashes: usize,
    /// Entries proved, over all honest validators.
    pub proved: usize,
    /// Blocks that traitors proposed against a rule.
    pub spoiled: usize,
    /// Simulated time, ms.
    pub lasted: u64,
}
