//! Keys, signatures, sealed messages, encrypted streams, tickets and certificates.
//!
//! No I/O, no async, no clock; randomness is an argument. Compiles to wasm.

pub mod aead;
pub mod certificate;
pub mod hash;
pub mod kdf;
pub mod label;
pub mod password;
pub mod seal;
pub mod secret;
pub mod seed;
pub mod sign;
pub mod stream;
pub mod suite;
pub mod ticket;

pub use hash::Digest;
pub use label::Label;
pub use secret::Secret;

#[cfg(test)]
mod test;
