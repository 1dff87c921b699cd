//! Bounds of a store (spec CS-6).

/// A day in ms.
pub(crate) const DAY: u64 = 24 * 60 * 60 * 1000;

/// What a store accepts at most; announced sizes count from the moment an upload opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one object.
    pub object: u64,
    /// Bytes of all objects and open uploads.
    pub total: u64,
    /// Bytes of the disk that stay free for whatever else lies on it.
    pub reserve: u64,
    /// Uploads open at once.
    pub uploads: usize,
    /// Announced bytes of all open uploads.
    pub upload_bytes: u64,
    /// An upload without a leaf for this long is dropped at the next collection, ms.
    pub upload_idle: u64,
    /// A pin that a member's signature paid for ends after this long, ms.
    pub member_pin: u64,
    /// Bytes that one member's signature may pay for in a day (UTC), each object with [`MEMBER_OBJECT`] more.
    pub member_bytes: u64,
}

/// What an object costs of a member's allowance beyond its bytes: its file and its rows.
pub const MEMBER_OBJECT: u64 = 4096;

impl Default for Limits {
    fn default() -> Self {
        Self {
            object: 16 << 30,
            total: 1 << 40,
            reserve: 2 << 30,
            uploads: 256,
            upload_bytes: 256 << 30,
            upload_idle: DAY,
            member_pin: 30 * DAY,
            member_bytes: 4 << 30,
        }
    }
}
