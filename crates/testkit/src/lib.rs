//! Weakened variants, adversaries and fixtures for tests

pub mod ledger;
