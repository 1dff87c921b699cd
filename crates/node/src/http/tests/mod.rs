//! What every route shares, over real sockets.
#![allow(clippy::unwrap_used)]

mod connections;
mod document;
mod rejections;
mod server;
