//! Bounds of a store (spec CS-6).

/// What a store accepts at most; announced sizes count from the moment an upload opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one object.
    pub object: u64,
    /// Bytes of all objects and open uploads.
    pub total: u64,
    /// Uploads open at once.
    pub uploads: usize,
    /// Announced bytes of all open uploads.
    pub upload_bytes: u64,
    /// An upload without a leaf for this long is dropped at the next collection, ms.
    pub upload_idle: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            object: 16 << 30,
            total: 1 << 40,
            uploads: 256,
            upload_bytes: 256 << 30,
            upload_idle: 24 * 60 * 60 * 1000,
        }
    }
}
