//! What the flows of `yilian-client` need from a native host: HTTP, a clock, files that survive a crash.

mod files;
mod host;
mod store;

pub use files::{FileSink, FileSource};
pub use host::NativeHost;
pub use store::FileStore;

use getrandom::{SysRng, rand_core::UnwrapErr};

/// The operating system's randomness. It panics where the system has none: nothing secret can be made then.
pub fn rng() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}
