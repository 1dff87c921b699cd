//! Consensus, network, state database and transaction pool (spec B-*).
//!
//! `Chain::start` runs a validator in a runtime of its own and returns a `Handle`, the only way in: nothing of the
//! engine shows through it.

pub mod config;
pub mod handle;
pub mod summary;

pub use config::{ChainConfig, PoolLimits, StartError};
pub use handle::{Answered, Bucketed, Chain, ChainError, Handle, SubmitError};
pub use summary::{BlockSummary, BlockView, Included, Status, TransactionStatus, TransactionSummary};
