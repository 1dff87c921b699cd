//! Weakened variants, adversaries and fixtures for tests

#[cfg(feature = "network")]
pub mod client;
pub mod crypto;
pub mod delegation;
#[cfg(feature = "finality")]
pub mod finality;
pub mod ledger;
#[cfg(feature = "network")]
pub mod network;
#[cfg(feature = "network")]
pub mod observer;
pub mod ports;
pub mod ticket;
