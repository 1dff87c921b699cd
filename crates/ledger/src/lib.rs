//! Transactions, entries, names and the pure state transition (spec L-*).
//!
//! No I/O, no async, no clock, no randomness: time, order and state are arguments.

mod check;
mod codec;
pub mod committee;
pub mod entry;
pub mod error;
pub mod genesis;
pub mod member;
pub mod name;
pub mod parameters;
mod rules;
mod run;
mod state;
pub mod time;
pub mod transaction;
pub mod transition;

pub use check::{Checked, TicketKeys, tickets_due};
pub use committee::{CommitteeEntry, ValidatorKey};
pub use entry::Entry;
pub use error::{Code, Refusal};
pub use genesis::{ChainId, Genesis, GenesisError};
pub use member::{MemberEntry, NotCertified, certified};
pub use name::{Kind, Name};
pub use parameters::Parameters;
pub use rules::{expiry::MAX_ENDED_PER_BLOCK, governance::TICKET_KEYS_AHEAD};
pub use time::{Epoch, Epochs, Height, Time};
pub use transaction::Transaction;
pub use transition::{
    BlockContext, Counts, ExecuteError, Known, Missing, Outcome, Selection, Transition, block_names, execute,
    select,
};
