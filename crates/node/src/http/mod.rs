//! The HTTP interface.
pub mod envelope;
pub mod error;
pub mod extract;
pub mod serve;
