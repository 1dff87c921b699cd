//! Files that are there whole or not at all, and say which format they have (spec ST-1 to ST-5).

pub mod database;
pub mod durable;
pub mod format;

pub use database::OpenError;
pub use format::{Format, FormatError};
