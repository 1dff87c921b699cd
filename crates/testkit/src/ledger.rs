//! The ledger: a world to run transactions in, and weakened variants on which attacks succeed.

mod expiry;
mod rng;
mod weakened;
mod world;

pub use expiry::{free_expiry, pairs_by_expiry};
pub use rng::Seeded;
pub use weakened::{Rules, Weakened, certified_by_signers_time};
pub use world::{Chain, Member, START, World, contents, parameters, repay, self_signed, ticket_secret};
