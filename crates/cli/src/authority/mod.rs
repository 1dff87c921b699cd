//! An authority's folder and service, around the library `yilian-authority`.

pub mod folder;
pub mod operator;
pub mod service;
pub mod ticket_keys;
pub mod transport;
