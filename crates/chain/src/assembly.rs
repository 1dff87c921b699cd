//! A validator in parts, for whoever brings the runtime, the network, the clock and the disk: the simulation of whole
//! networks in one thread does. [`Chain::start`](crate::Chain::start) puts the same parts together for a process of its own;
//! there is no second wiring and no switch inside.
//!
//! This is the one module of the crate that shows types of the engine.

pub use crate::{
    block::{Block, engine_digest, ledger_digest},
    network::{CHANNELS, Channels, Members, Network, largest_message, quota},
    platform::{Job, Native, Platform},
    runtime::Runtime,
    store::Store,
    validator::{Ended, Identity, Validator, private_key},
};
