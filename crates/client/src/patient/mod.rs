//! The patient's side: every flow that begins in a wallet (protocol section 4).

pub mod access;
pub mod adopt;
pub mod backup;
pub mod dossier;
pub mod enrol;
pub mod grant;
pub mod inbox;
pub mod offer;
pub mod own;
pub mod read;
pub mod recover;
pub mod tickets;
