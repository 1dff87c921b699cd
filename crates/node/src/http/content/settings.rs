//! `[content]` in `node.toml`: what the store may hold, how much of it members may fill without tickets, and how long it
//! keeps what nobody pins.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use yilian_content::Limits;

const HOUR_MS: u64 = 60 * 60 * 1000;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ContentSettings {
    /// Bytes of one object.
    pub object_bytes: u64,
    /// Bytes of all objects and open uploads.
    pub total_bytes: u64,
    /// Bytes of the disk that content leaves free: for the chain, and for whatever else lies there.
    pub reserve_bytes: u64,
    /// Open uploads.
    pub uploads: usize,
    /// Announced bytes of all open uploads.
    pub upload_bytes: u64,
    /// After so many hours without a leaf an upload is dropped.
    pub upload_idle_hours: u32,
    /// So many hours without a pin an object is kept.
    pub grace_hours: u32,
    /// Days after which a pin ends that a member's signature paid for; tickets' pins have no end.
    pub member_pin_days: u32,
    /// Bytes that one member's signature may pay for in a day.
    pub member_bytes_per_day: u64,
}

impl Default for ContentSettings {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            object_bytes: limits.object,
            total_bytes: limits.total,
            reserve_bytes: limits.reserve,
            uploads: limits.uploads,
            upload_bytes: limits.upload_bytes,
            upload_idle_hours: u32::try_from(limits.upload_idle / HOUR_MS).unwrap_or(24),
            grace_hours: 24,
            member_pin_days: u32::try_from(limits.member_pin / (24 * HOUR_MS)).unwrap_or(30),
            member_bytes_per_day: limits.member_bytes,
        }
    }
}

impl ContentSettings {
    /// As the store takes them.
    pub fn limits(&self) -> Limits {
        Limits {
            object: self.object_bytes,
            total: self.total_bytes,
            reserve: self.reserve_bytes,
            uploads: self.uploads,
            upload_bytes: self.upload_bytes,
            upload_idle: u64::from(self.upload_idle_hours) * HOUR_MS,
            member_pin: u64::from(self.member_pin_days) * 24 * HOUR_MS,
            member_bytes: self.member_bytes_per_day,
        }
    }

    pub fn grace(&self) -> Duration {
        Duration::from_millis(u64::from(self.grace_hours) * HOUR_MS)
    }
}
