//! An authority's folder and service, around the library `yilian-authority`.

pub mod folder;
pub mod ticket_keys;
