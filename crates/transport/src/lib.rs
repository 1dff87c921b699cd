//! What stands between a service's routes and the network (spec N-*): listeners with bounds, TLS with the consortium's certificates,
//! limits by address, request ids, one log line a request, metrics.
//!
//! Used by nodes and authorities alike; knows nothing of what they serve. Whatever it logs or counts names routes by their
//! template, never what was asked, by whom, or from where.

pub mod admission;
pub mod envelope;
pub mod listener;
pub mod metrics;
pub mod prefix;
pub mod problem;
pub mod rates;
pub mod settings;
mod slots;
mod stall;
pub mod tls;

#[cfg(test)]
mod tests;

pub use envelope::Surroundings;
pub use listener::{Bounds, Listener};
pub use settings::{OutOfBounds, ServeSettings};
