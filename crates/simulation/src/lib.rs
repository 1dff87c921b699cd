//! Whole networks of validators in one thread and in simulated time, by seed: the chain as it is shipped, on a network that
//! loses, a disk that tears and beside validators that lie (see `docs/simulation.md`).
//!
//! A [`Scenario`] follows from its seed; [`run`] plays it and looks at every promise.

mod board;
mod client;
mod context;
mod disk;
mod links;
mod network;
mod run;
mod scenario;
mod site;
mod storage;
mod traitor;
mod violation;
mod wire;
mod world;

pub use run::{Weakness, run, run_weakened};
pub use scenario::{Fault, Scenario, Treason};
pub use violation::{Report, Violation};
