//! Transactions, entries, names and the pure state transition (spec L-*).
//!
//! No I/O, no async, no clock, no randomness: time, order and state are arguments.

pub mod entry;
pub mod error;
pub mod genesis;
pub mod name;
pub mod time;
pub mod transaction;
pub mod transition;

pub use entry::Entry;
pub use error::{Code, Refusal};
pub use genesis::{ChainId, Genesis, Parameters};
pub use name::{Kind, Name};
pub use time::{Epoch, Height, Time};
pub use transaction::Transaction;
pub use transition::{BlockContext, Checked, Missing, Outcome, Transition, execute};
