//! `[copies]` in `node.toml`: on how many nodes content lies, and what keeping it there may take of this one.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CopySettings {
    /// Nodes that are to hold an object, besides those that took its payment. The same at all nodes of a network.
    pub count: usize,
    /// Between two looks at what other nodes were told to keep.
    pub poll_seconds: u32,
    /// Fetched from other nodes in a second, bytes.
    pub bytes_per_second: u64,
    /// What one other node's pins may make this one keep, bytes.
    pub peer_bytes: u64,
    /// Read in a second to find damage, bytes.
    pub scrub_bytes_per_second: u64,
}

impl Default for CopySettings {
    fn default() -> Self {
        Self {
            count: 3,
            poll_seconds: 5,
            bytes_per_second: 32 << 20,
            peer_bytes: 256 << 30,
            scrub_bytes_per_second: 8 << 20,
        }
    }
}
