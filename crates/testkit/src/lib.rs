//! Weakened variants, adversaries and fixtures for tests

pub mod crypto;
pub mod delegation;
pub mod ledger;
