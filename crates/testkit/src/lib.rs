//! Weakened variants, adversaries and fixtures for tests
