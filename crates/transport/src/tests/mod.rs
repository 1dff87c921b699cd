#![allow(clippy::unwrap_used)]

mod limits;
mod server;
mod tls;
