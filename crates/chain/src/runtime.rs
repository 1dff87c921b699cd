//! What the chain asks of the engine's runtime.

use commonware_runtime::{Clock, Metrics, Spawner, Storage};
use rand_core::CryptoRng;

/// Tasks, time, storage, metrics and randomness.
pub trait Runtime: Spawner + Clock + Storage + Metrics + CryptoRng {}

impl<E: Spawner + Clock + Storage + Metrics + CryptoRng> Runtime for E {}
