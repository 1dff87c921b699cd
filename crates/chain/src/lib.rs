//! Consensus, network, state database and transaction pool (spec B-*).
//!
//! `Chain::start` runs a validator in a runtime of its own and returns a `Handle`, the only way in: nothing of the
//! engine shows through it. Only [`assembly`] does, for whoever runs validators on another runtime.

mod application;
pub mod assembly;
mod block;
mod claims;
mod committees;
pub mod config;
mod engine;
mod evaluate;
#[cfg(feature = "fuzz")]
pub mod fuzz;
mod gossip;
pub mod handle;
mod network;
mod pacing;
mod pending;
mod platform;
mod pool;
mod query;
mod refusals;
mod runtime;
mod shared;
mod start;
mod state;
mod store;
pub mod summary;
mod trial;
mod validator;
mod waiters;
mod watched;
mod work;

pub use config::{ChainConfig, Peer, PeerError, PoolLimits, StartError};
pub use handle::{Answered, Bucketed, ChainError, Handle, SubmitError};
pub use start::Chain;
pub use store::StoreError;
pub use summary::{BlockSummary, BlockView, Included, Status, TransactionStatus, TransactionSummary};
