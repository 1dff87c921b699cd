//! Weakened variants, adversaries and fixtures for tests

#[cfg(feature = "network")]
pub mod client;
pub mod crypto;
pub mod delegation;
pub mod ledger;
#[cfg(feature = "network")]
pub mod network;
