//! The authority: certificates, enrolment, ticket keys and tickets (spec M-10 to M-15, T-10 to T-16).
//!
//! A library with an HTTP service on top. `Authority` decides, with synchronous methods whose clock is an argument; `Nodes` asks
//! the chain by HTTP and believes nothing unproved; `schedule` keeps ticket keys one period ahead; `http::router` serves.
//!
//! The authority knows who is behind a wallet's authority key and nothing else: not which tickets, records or grants are
//! a wallet's. Whatever it must not forget is on disk before an answer leaves.

mod admission;
mod application;
mod authority;
pub mod chain;
mod enrolment;
mod error;
pub mod http;
mod issuer;
pub mod keyfile;
mod nodes;
pub mod schedule;
mod standing;
mod store;
mod tickets;
pub mod transport;

pub use authority::{Authority, Settings};
pub use chain::{Chain, ChainError};
pub use error::AuthorityError;
pub use http::router;
pub use issuer::{Issuer, Validity};
pub use nodes::Nodes;
pub use standing::Standing;
pub use store::Store;

/// The operating system's randomness.
fn rng() -> impl rand_core::CryptoRng {
    getrandom::rand_core::UnwrapErr(getrandom::SysRng)
}
